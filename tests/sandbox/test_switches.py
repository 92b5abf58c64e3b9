"""The switches of the sandbox: set by the control route and by the command, one at a time."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tavus_mcp.cli import main
from tavus_mcp.sandbox.switches import Switches

DEFAULTS = Switches().model_dump()


@pytest.mark.anyio
async def test_a_switch_is_set_and_the_others_stay(sandbox_client: httpx2.AsyncClient) -> None:
    await sandbox_client.patch("/_sandbox/switches", json={"patches": "draft"})
    await sandbox_client.patch("/_sandbox/switches", json={"keys": "absent"})
    answer = await sandbox_client.get("/_sandbox/switches")
    assert answer.json() == DEFAULTS | {"patches": "draft", "keys": "absent"}
    await sandbox_client.delete("/_sandbox/switches")
    assert (await sandbox_client.get("/_sandbox/switches")).json() == DEFAULTS


@pytest.mark.parametrize("body", [{"patches": "both"}, {"patch": "draft"}, {"keys": None}])
@pytest.mark.anyio
async def test_an_unknown_switch_or_value_is_refused(
    sandbox_client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    assert (await sandbox_client.patch("/_sandbox/switches", json=body)).status_code == 400
    assert (await sandbox_client.get("/_sandbox/switches")).json() == DEFAULTS


@pytest.mark.parametrize("option", ["patches", "patches=both", "patch=draft"])
def test_a_wrong_option_of_the_command_names_the_choices(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["sandbox", "--memory", "--switch", option]) == 64
    assert "patches=live|draft" in capsys.readouterr().err
