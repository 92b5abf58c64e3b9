"""The picture of the view in the README, and the script that renders it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from chromium import find_chromium
from render_image import IMAGE, MAX_BYTES, SCALE, WIDTH, render

PNG_START = b"\x89PNG\r\n\x1a\n"


def read_width(image: Path) -> int:
    content = image.read_bytes()
    assert content.startswith(PNG_START)
    return int(struct.unpack(">I", content[16:20])[0])


def test_the_picture_is_small_and_of_the_width_that_the_script_renders() -> None:
    assert IMAGE.stat().st_size <= MAX_BYTES
    assert read_width(IMAGE) == round(WIDTH * SCALE)


@pytest.mark.extended
@pytest.mark.anyio
async def test_the_script_renders_a_picture(tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip("Chromium is missing: install it, or name it in the variable CHROMIUM")
    image = tmp_path / "view.png"
    assert await render(image) == 0
    assert read_width(image) == round(WIDTH * SCALE)
