"""``check_persona`` on saved personas and drafts; ``patch_persona`` with every operation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import ToolClient, patch_operations

pytestmark = pytest.mark.anyio

BAD: dict[str, Any] = {
    "persona_name": "Draft",
    "pipeline_mode": "full",
    "context": "Old.",
    "layers": {
        "llm": {"model": "tavus-llama", "modle": "x"},
        "tts": {"tts_engine": "playht", "voice_settings": {"speed": "fast"}},
        "stt": {"smart_turn_detection": True},
        "perception": {"perception_model": "raven-0"},
    },
}
QUERIES = ["Who?", "Where?", "When?"]


async def patch_new_persona(
    tool_client: ToolClient, patch: Any, **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Patch a persona that has a bit of everything; return the receipt and the persona."""
    persona_id = await tool_client.create_persona(
        greeting="Hi!",
        layers={"perception": {"visual_awareness_queries": QUERIES}, "stt": {"hotwords": "a"}},
    )
    receipt = await tool_client.expect_result(
        "patch_persona", persona_id=persona_id, patch=patch, **more
    )
    return receipt, await tool_client.read_persona(persona_id)


def read_last_patch(tool_client: ToolClient) -> Any:
    return patch_operations(tool_client.transport.writes[-1])


async def test_a_draft_is_checked_completely_without_a_request(tool_client: ToolClient) -> None:
    report = await tool_client.expect_result("check_persona", document=BAD)
    paths = {item["path"] for item in report["findings"]}
    assert {
        "/system_prompt",
        "/context",
        "/layers/llm/model",
        "/layers/llm/modle",
        "/layers/tts/tts_engine",
        "/layers/tts/voice_settings/speed",
        "/layers/stt/smart_turn_detection",
        "/layers/perception/perception_model",
    } <= paths
    assert tool_client.transport.requests == []
    assert report["persona_name"] == "Draft"
    assert "revision" not in report


async def test_findings_are_ordered_by_severity_and_counted(tool_client: ToolClient) -> None:
    report = await tool_client.expect_result("check_persona", document=BAD)
    severities = [item["severity"] for item in report["findings"]]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert report["counts"] == {kind: severities.count(kind) for kind in set(severities)}


async def test_a_saved_persona_is_checked_with_its_revision(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-4o"}})
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    report = await tool_client.expect_result("check_persona", persona_id=persona_id)
    assert report["persona_id"] == persona_id
    assert report["revision"] == read["revision"]
    assert "/layers/llm/model" in {item["path"] for item in report["findings"]}


async def test_a_good_persona_has_no_errors_or_warnings(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    report = await tool_client.expect_result("check_persona", persona_id=persona_id)
    assert not {"error", "warning"} & report["counts"].keys()


async def test_a_draft_in_todays_names_or_wrapped_in_data_is_read_as_well(
    tool_client: ToolClient,
) -> None:
    draft = {"pal_name": "Draft", "system_prompt": "x", "layers": {"llm": {"model": "tavus-llama"}}}
    flat = await tool_client.expect_result("check_persona", document=draft)
    wrapped = await tool_client.expect_result("check_persona", document={"data": [draft]})
    assert flat == wrapped
    assert flat["persona_name"] == "Draft"


@pytest.mark.parametrize("wrapping", ["persona", "pal", "body", "data", "arguments"])
async def test_a_draft_is_found_inside_its_envelope(tool_client: ToolClient, wrapping: str) -> None:
    draft = {"persona_name": "Draft", "system_prompt": "x", "layers": {"llm": {"modle": "x"}}}
    for inner in (draft, json.dumps(draft), {"persona": draft}):
        report = await tool_client.expect_result("check_persona", document={wrapping: inner})
        assert report["persona_name"] == "Draft"
        assert "/layers/llm/modle" in {item["path"] for item in report["findings"]}


async def test_a_draft_copied_from_a_read_is_not_treated_as_the_saved_persona(
    tool_client: ToolClient,
) -> None:
    read = await tool_client.read_persona(
        await tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-4o"}})
    )
    report = await tool_client.expect_result("check_persona", document=read)
    assert "persona_id" not in report
    assert not [item for item in report["findings"] if "fix" in item]


NO_PERSONAS: list[tuple[Any, str]] = [
    ({"persona_id": "p0123456789a"}, "give persona_id instead"),
    ({"op": "add", "path": "/greeting", "value": "x"}, "patch_persona"),
    ({"data": []}, "0 personas"),
    ({"data": ["x"]}, "no persona in it"),
    ([{"persona_name": "A"}], "one persona"),
    ("hello", "must be an object"),
]


@pytest.mark.parametrize(("document", "says"), NO_PERSONAS)
async def test_an_invalid_draft_is_refused_with_advice(
    tool_client: ToolClient, document: Any, says: str
) -> None:
    message = await tool_client.expect_error("check_persona", document=document)
    assert "/document: " in message
    assert says in message


@pytest.mark.parametrize("arguments", [{}, {"persona_id": "p1", "document": {"greeting": "Hi"}}])
async def test_exactly_one_of_persona_and_draft_is_required(
    tool_client: ToolClient, arguments: dict[str, Any]
) -> None:
    message = await tool_client.expect_error("check_persona", **arguments)
    assert "Give persona_id or document, not both" in message


NONSENSE: list[dict[str, Any]] = [
    {},
    {"layers": []},
    {"layers": {"llm": 5}},
    {"layers": {"llm": {"tools": "x", "headers": [1]}}},
    {"layers": {"perception": {"visual_awareness_queries": {"a": 1}}}},
    {"system_prompt": 5, "document_ids": "d8", "languages": 7},
    {"layers": {"tts": {"voice_settings": [1], "voice_id": {}}}},
    {"layers": {"llm": {"tools": [None, {"function": []}, {"function": {"name": 3}}]}}},
    {"layers": {"transport": {"input_settings": "x"}, "conferencing": "y"}},
]


@pytest.mark.parametrize("document", NONSENSE)
async def test_a_nonsensical_draft_gives_findings_without_a_crash(
    tool_client: ToolClient, document: dict[str, Any]
) -> None:
    report = await tool_client.expect_result("check_persona", document=document)
    assert report["findings"]


async def test_a_finding_never_repeats_the_wrong_value(tool_client: ToolClient) -> None:
    draft = {"system_prompt": "x", "layers": {"tts": {"tts_engine": "canary-1", "voice": "c-2"}}}
    report = await tool_client.expect_result("check_persona", document=draft)
    assert "canary-1" not in json.dumps(report)
    assert "c-2" not in json.dumps(report)


@pytest.mark.parametrize(
    ("patch", "path", "value"),
    [
        ({"op": "add", "path": "/greeting", "value": "Yo"}, ("greeting",), "Yo"),
        ({"op": "replace", "path": "/greeting", "value": "Yo"}, ("greeting",), "Yo"),
        ({"op": "copy", "from": "/greeting", "path": "/context"}, ("context",), "Hi!"),
        ({"op": "move", "from": "/greeting", "path": "/context"}, ("context",), "Hi!"),
        (
            {"op": "add", "path": "/layers/perception/visual_awareness_queries/-", "value": "Now?"},
            ("layers", "perception", "visual_awareness_queries"),
            [*QUERIES, "Now?"],
        ),
        (
            {"op": "add", "path": "/layers/perception/visual_awareness_queries/0", "value": "A?"},
            ("layers", "perception", "visual_awareness_queries"),
            ["A?", *QUERIES],
        ),
        (
            {"op": "remove", "path": "/layers/perception/visual_awareness_queries/1"},
            ("layers", "perception", "visual_awareness_queries"),
            ["Who?", "When?"],
        ),
        ({"op": "remove", "path": "/layers/stt/hotwords"}, ("layers", "stt"), {}),
        ({"op": "add", "path": "/pal_name", "value": "P"}, ("persona_name",), "P"),
    ],
)
async def test_each_operation_of_rfc_6902_is_applied(
    tool_client: ToolClient, patch: dict[str, Any], path: tuple[str, ...], value: Any
) -> None:
    _, persona = await patch_new_persona(tool_client, [patch])
    for key in path:
        persona = persona[key]
    assert persona == value


async def test_a_passing_test_operation_is_evaluated_locally_and_the_rest_is_sent(
    tool_client: ToolClient,
) -> None:
    test = {"op": "test", "path": "/greeting", "value": "Hi!"}
    receipt, persona = await patch_new_persona(
        tool_client, [test, {"op": "replace", "path": "/greeting", "value": "Yo"}]
    )
    assert receipt["status"] == "applied"
    assert persona["greeting"] == "Yo"


async def test_a_test_operation_that_fails_stops_everything(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi!")
    patch = [
        {"op": "add", "path": "/context", "value": "c"},
        {"op": "test", "path": "/greeting", "value": "Hello"},
    ]
    message = await tool_client.expect_error("patch_persona", persona_id=persona_id, patch=patch)
    assert "/patch/1 (test)" in message
    assert len(tool_client.transport.writes) == 1


async def test_one_operation_may_come_without_its_list(tool_client: ToolClient) -> None:
    _, persona = await patch_new_persona(
        tool_client, {"op": "add", "path": "/greeting", "value": "Yo"}
    )
    assert persona["greeting"] == "Yo"


async def test_only_differences_are_sent_for_any_patch(tool_client: ToolClient) -> None:
    value = {"visual_awareness_queries": ["Who?", "Where now?", "When?"]}
    await patch_new_persona(
        tool_client, [{"op": "replace", "path": "/layers/perception", "value": value}]
    )
    (operation,) = read_last_patch(tool_client)
    assert operation["path"] == "/layers/perception/visual_awareness_queries/1"


async def test_a_plain_object_is_accepted_as_in_the_seed_with_a_finding(
    tool_client: ToolClient,
) -> None:
    """The seed shows one as PATCH body; Tavus answers 422 to it."""
    receipt, persona = await patch_new_persona(
        tool_client, {"system_prompt": "Updated prompt...", "context": "New context..."}
    )
    assert persona["context"] == "New context..."
    assert any("JSON Patch" in item["message"] for item in receipt["findings"])
    assert isinstance(read_last_patch(tool_client), list)


async def test_a_plain_object_is_merged_and_may_use_todays_names(tool_client: ToolClient) -> None:
    _, persona = await patch_new_persona(
        tool_client, {"pal_name": "P", "layers": {"stt": {"stt_engine": "tavus-auto"}}}
    )
    assert persona["persona_name"] == "P"
    assert persona["layers"]["stt"] == {"hotwords": "a", "stt_engine": "tavus-auto"}


async def test_audio_only_in_a_plain_object_is_not_sent(tool_client: ToolClient) -> None:
    receipt, _ = await patch_new_persona(tool_client, {"audio_only": True, "greeting": "Yo"})
    assert [item["path"] for item in read_last_patch(tool_client)] == ["/greeting"]
    assert "/audio_only" in {item["path"] for item in receipt["findings"]}


async def test_a_patch_of_a_whole_layer_gives_a_warning(tool_client: ToolClient) -> None:
    """Tavus: it replaces the node, other fields revert to defaults."""
    receipt, persona = await patch_new_persona(
        tool_client, [{"op": "add", "path": "/layers/stt", "value": {"stt_engine": "tavus-auto"}}]
    )
    assert persona["layers"]["stt"] == {"stt_engine": "tavus-auto"}
    (finding,) = [item for item in receipt["findings"] if item["path"] == "/layers/stt"]
    assert finding["severity"] == "warning"


BAD_PATCHES: list[tuple[Any, str]] = [
    ([], "there is no operation"),
    ([{"op": "add", "path": "/greeting"}], "/patch/0/value: is required for add"),
    ([{"op": "set", "path": "/greeting", "value": 1}], "add, remove, replace"),
    ([{"op": "move", "path": "/greeting"}], "/patch/0/from: is required"),
    ([{"op": "add", "path": "greeting", "value": "x"}], "not a JSON Pointer"),
    ([{"op": "add", "path": "", "value": {}}], "whole persona"),
    ([{"op": "add", "path": "/persona_id", "value": "p2"}], "set by Tavus"),
    ([{"op": "remove", "path": "/created_at"}], "set by Tavus"),
    ([{"op": "copy", "from": "/owner_id", "path": "/greeting"}], "set by Tavus"),
    ([{"op": "add", "path": "/greting", "value": "x"}], "did you mean '/greeting'?"),
    ([{"op": "add", "pth": "/greeting", "value": "x"}], "did you mean 'path'?"),
    ([{"op": "remove", "path": "/context"}], "there is nothing at '/context'"),
    ([{"op": "replace", "path": "/context", "value": "x"}], "there is nothing at"),
    ([{"op": "add", "path": "/layers/tts/tts_engine", "value": "azure"}], "/layers/tts"),
    ([{"op": "add", "path": "/layers/stt/hotwrds", "value": "x"}], "/layers/stt/hotwrds"),
    ([{"op": "add", "path": "/layers/stt/hotwords", "value": 5}], "ust be text"),
    ({"persona_id": "p2"}, "set by Tavus"),
    ({"greting": "x"}, "did you mean '/greeting'?"),
    ([{"op": "add", "path": "/greeting/x", "value": 1}], "/greeting"),
]


@pytest.mark.parametrize(("patch", "expected_text"), BAD_PATCHES)
async def test_an_invalid_patch_is_refused_before_any_request(
    tool_client: ToolClient, patch: Any, expected_text: str
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi!", layers={"stt": {"hotwords": "a"}})
    message = await tool_client.expect_error("patch_persona", persona_id=persona_id, patch=patch)
    assert expected_text in message
    assert len(tool_client.transport.writes) == 1


async def test_a_list_index_with_a_leading_zero_is_refused(tool_client: ToolClient) -> None:
    """RFC 6901 section 4: leading zeros are not allowed; Tavus's own applier would refuse."""
    persona_id = await tool_client.create_persona(
        layers={"perception": {"visual_awareness_queries": QUERIES}}
    )
    path = "/layers/perception/visual_awareness_queries/01"
    await tool_client.expect_error(
        "patch_persona", persona_id=persona_id, patch=[{"op": "remove", "path": path}]
    )


@pytest.mark.parametrize("patch", ["hello", 5])
async def test_a_type_error_in_a_patch_is_reported_with_its_json_pointer(
    tool_client: ToolClient, patch: Any
) -> None:
    message = await tool_client.expect_error("patch_persona", persona_id="p1", patch=patch)
    assert "/patch" in message
    assert "[dict" not in message


async def test_a_meeting_identity_is_patched_separately(tool_client: ToolClient) -> None:
    """Vendor: the conferencing layer must be patched on its own."""
    persona_id = await tool_client.create_persona()
    alone = {"op": "add", "path": "/layers/conferencing", "value": {"username": "front"}}
    message = await tool_client.expect_error(
        "patch_persona",
        persona_id=persona_id,
        patch=[alone, {"op": "add", "path": "/greeting", "value": "x"}],
    )
    assert "/layers/conferencing" in message
    receipt = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=[alone])
    assert receipt["status"] == "applied"


async def test_a_raw_patch_respects_if_revision_and_dry_run(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    patch = [{"op": "add", "path": "/greeting", "value": "x"}]
    message = await tool_client.expect_error(
        "patch_persona", persona_id=persona_id, patch=patch, if_revision="000000000000"
    )
    assert "revision" in message
    receipt = await tool_client.expect_result(
        "patch_persona", persona_id=persona_id, patch=patch, dry_run=True
    )
    assert receipt["status"] == "planned"
    assert len(tool_client.transport.writes) == 1
