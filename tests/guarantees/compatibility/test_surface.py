"""What a server offers is what was recorded: instructions, tools, resources, prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping

import anyio
import pytest
from surface import CONFIGURATIONS, Entries, collect, recorded_entry, recorded_names

NODES = [(each, name) for each in CONFIGURATIONS for name in recorded_names(each)]


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Entries]:
    """The entries of a server of each configuration, as JSON files hold them."""
    data = tmp_path_factory.mktemp("surface")
    return {
        name: json.loads(json.dumps(anyio.run(collect, data / name, name)))
        for name in CONFIGURATIONS
    }


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_nothing_is_missing_and_nothing_is_new(
    offered: Mapping[str, Entries], configuration: str
) -> None:
    assert list(offered[configuration]) == recorded_names(configuration)


@pytest.mark.parametrize(
    ("configuration", "name"), NODES, ids=[f"{each}: {name}" for each, name in NODES]
)
def test_an_entry_is_as_recorded(
    offered: Mapping[str, Entries], configuration: str, name: str
) -> None:
    assert offered[configuration].get(name) == recorded_entry(configuration, name)
