"""Exporting and applying files: what is sent, what stays, and the remarks on keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp_client import SECRET, RecordingTransport, build_test_app, patch_operations
from property_examples import examples
from starlette.types import ASGIApp
from yaml_edge_cases import JSON, KEYS, TRICKY_STRINGS

from tavus_mcp.app import App
from tavus_mcp.checker.check import UNKNOWN_FIELDS
from tavus_mcp.errors import Conflict, InvalidArgument, NotFound, Refused, ToolFailure
from tavus_mcp.persona_files.apply import ApplyFileRequest, ApplyFileResult, apply, parse
from tavus_mcp.persona_files.export import export
from tavus_mcp.persona_files.persona_file import parse_persona_file
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

STORED = "stored-5fd10c77aa"
URL = "https://llm.example.com/v1"
LLM = {"model": "gpt-4o", "base_url": URL, "api_key": STORED}
ROW: dict[str, Any] = {
    "persona_id": "p1",
    "persona_type": "user",
    "persona_name": "Ada",
    "pipeline_mode": "full",
    "system_prompt": "You help.",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "owner_id": 7,
    "layers": {},
}


class PersonaFileHarness:
    """An app, a simulated API with one persona, and the requests that were sent to it."""

    def __init__(self, store: Store, sandbox: ASGIApp) -> None:
        self.store = store
        self.app: App
        self.wire: RecordingTransport
        self.app, self.wire = build_test_app(sandbox)

    def put(self, **fields: Any) -> None:
        self.store.put("persona", "p1", {**ROW, **fields})

    async def text(self, reference: str = "p1") -> str:
        """Return the persona as a file, without its opening comment."""
        text = (await export(self.app, reference)).text
        return "".join(line for line in text.splitlines(True) if not line.startswith("#"))

    async def apply(self, text: str, **more: Any) -> ApplyFileResult:
        self.wire.requests.clear()
        return await apply(self.app, await parse(self.app, ApplyFileRequest(text, **more)))

    async def refusal(self, text: str, kind: type[ToolFailure] = Refused, **more: Any) -> str:
        with pytest.raises(kind) as caught:
            await self.apply(text, **more)
        assert self.wire.writes == []
        return str(caught.value)

    def operations(self) -> dict[str, Any]:
        """Return what was sent, by path; removals are None."""
        (request,) = self.wire.writes
        return {item["path"]: item.get("value") for item in patch_operations(request)}

    def stored(self) -> dict[str, Any]:
        return dict(self.store.get("persona", "p1") or {})


@pytest.fixture
async def harness(store: Store, sandbox: ASGIApp) -> AsyncIterator[PersonaFileHarness]:
    opened = PersonaFileHarness(store, sandbox)
    yield opened
    await opened.app.aclose()


def list_findings(done: ApplyFileResult) -> list[tuple[str, str]]:
    return [(getattr(item, "rule", ""), item.path) for item in done.receipt.findings]


def remove_lines(text: str, *words: str) -> str:
    return "".join(line for line in text.splitlines(True) if not any(it in line for it in words))


SECRET_PLACES = st.fixed_dictionaries(
    {},
    optional={
        "llm": st.fixed_dictionaries(
            {},
            optional={
                "api_key": st.sampled_from(["********", SECRET, STORED, "{secret:openai}"]),
                "headers": st.dictionaries(
                    st.sampled_from(["Authorization", "X-Any", "x-api-key"]),
                    st.sampled_from(
                        [SECRET, f"Bearer {SECRET}", STORED, f"{SECRET};{STORED}", "ok"]
                    ),
                ),
                "extra_body": st.dictionaries(KEYS, JSON | st.just(f"a {SECRET} b"), max_size=3),
                "default_query": st.fixed_dictionaries(
                    {"code": st.sampled_from([SECRET, 1])}, optional={"token": st.just(STORED)}
                ),
            },
        ),
        "conversational_flow": st.just({"turn_taking_patience": "high"}),
    },
)
RARE = st.dictionaries(KEYS.filter(lambda key: "revision" not in key), JSON, max_size=4)


@given(
    unknown=RARE,
    layers=SECRET_PLACES,
    prompt=st.sampled_from([f"Say {SECRET}\n.", *TRICKY_STRINGS]),
)
@example(
    unknown={word: [word, {word: word}] for word in TRICKY_STRINGS}, layers={}, prompt="\ufeff"
)
@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_applying_an_unchanged_export_sends_no_write(
    tmp_path: Path, unknown: dict[str, Any], layers: dict[str, Any], prompt: str
) -> None:
    """For every stored persona, with secrets anywhere in it."""

    async def there_and_back() -> None:
        store = Store.open(None)
        bench = PersonaFileHarness(store, build_sandbox(store))
        bench.put(**{**unknown, "system_prompt": prompt, "layers": layers})
        before = bench.stored()
        text = (await export(bench.app, "p1")).text
        assert SECRET not in text
        assert STORED not in text
        done = await bench.apply(text)
        assert done.receipt.status == "unchanged"
        assert done.text == text
        assert [request.method for request in bench.wire.requests] == ["GET", "GET"]
        assert bench.stored() == before
        await bench.app.aclose()
        store.close()

    anyio.run(there_and_back)


async def test_fields_in_the_file_are_set_and_absent_fields_are_removed(
    harness: PersonaFileHarness,
) -> None:
    harness.put(
        greeting="Hi", context="c", layers={"llm": {"model": "m1"}, "stt": {"hotwords": "a"}}
    )
    text = remove_lines(await harness.text(), "greeting", "stt", "hotwords")
    done = await harness.apply(text.replace("m1", "tavus-gpt-oss"))
    assert harness.operations() == {
        "/greeting": None,
        "/layers/stt": None,
        "/layers/llm/model": "tavus-gpt-oss",
    }
    listed = ["/greeting", "/layers/stt/hotwords", "/layers/llm/model"]
    assert [item.path for item in done.receipt.changes] == listed
    assert harness.stored()["owner_id"] == 7


async def test_a_file_without_layers_removes_each_layer(harness: PersonaFileHarness) -> None:
    harness.put(layers={"llm": {"model": "m1"}, "stt": {"hotwords": "a"}})
    await harness.apply(remove_lines(await harness.text(), "layers", "  "))
    assert harness.operations() == {"/layers/llm": None, "/layers/stt": None}


async def test_absent_defaults_and_fields_filled_in_by_tavus_are_not_changes(
    harness: PersonaFileHarness,
) -> None:
    flow = "layers:\n  conversational_flow: {turn_taking_patience: high}\n"
    text = "persona_name: Ada\nsystem_prompt: You help.\n" + flow
    made = await harness.apply(text)
    again = await harness.apply(made.text)
    assert again.receipt.status == "unchanged"
    assert harness.wire.writes == []
    assert again.text == made.text


async def test_stored_secrets_are_removed_by_null_and_not_by_absence(
    harness: PersonaFileHarness,
) -> None:
    harness.put(layers={"llm": {**LLM, "headers": {"Authorization": STORED, "accept": "x"}}})
    text = await harness.text()
    done = await harness.apply(remove_lines(text, "api_key", "headers", "Authorization", "accept"))
    assert harness.operations() == {"/layers/llm/headers/accept": None}
    assert ("secret-stays", "/layers/llm/api_key") in list_findings(done)
    assert harness.stored()["layers"]["llm"]["headers"] == {"Authorization": STORED}
    await harness.apply(done.text.replace("    base_url", "    headers: null\n    base_url"))
    assert harness.stored()["layers"]["llm"] == LLM
    await harness.apply(
        remove_lines(await harness.text(), "  ", "layers") + "layers: {llm: null}\n"
    )
    assert "llm" not in harness.stored()["layers"]


async def test_write_only_fields_are_not_removed_by_absence(harness: PersonaFileHarness) -> None:
    harness.put(memories=["Ada likes tea"], greeting="Hi")
    await harness.apply((await harness.text()).replace("Hi", "Hello"))
    assert harness.stored()["memories"] == ["Ada likes tea"]
    text = await harness.text() + "memories: [none]\n"
    done = await harness.apply(text)
    assert harness.stored()["memories"] == ["none"]
    assert ("sent-again", "/memories") in list_findings(done)


async def test_a_secret_reference_sets_the_key_on_every_apply_without_revealing_it(
    harness: PersonaFileHarness,
) -> None:
    harness.put(layers={"llm": LLM})
    text = (await harness.text()).replace('api_key: "********"', "api_key_ref: openai")
    for _ in range(2):
        done = await harness.apply(text)
        assert harness.operations() == {"/layers/llm/api_key": SECRET}
        assert ("sent-again", "/layers/llm/api_key_ref") in list_findings(done)
        assert SECRET not in done.receipt.model_dump_json()
        assert "api_key_ref: openai" in done.text
        text = done.text


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('"********"', "sk-literal-123456", "/layers/llm/api_key"),
        (
            "headers:",
            "headers:\n      X-Api-Key: sk-literal-123456",
            "/layers/llm/headers/X-Api-Key",
        ),
    ],
)
async def test_a_literal_key_is_refused_unless_it_is_allowed(
    harness: PersonaFileHarness, before: str, after: str, path: str
) -> None:
    harness.put(layers={"llm": {**LLM, "headers": {"accept": "a"}}})
    text = (await harness.text()).replace(before, after)
    message = await harness.refusal(text, InvalidArgument)
    assert path in message
    assert "api_key_ref" in message
    assert "sk-literal" not in message
    done = await harness.apply(text, allow_literal_key=True)
    assert harness.operations() == {path: "sk-literal-123456"}
    assert ("literal-key", path) in list_findings(done)
    assert "sk-literal" not in done.receipt.model_dump_json()


async def test_an_unknown_secret_reference_is_refused_with_its_path(
    harness: PersonaFileHarness,
) -> None:
    harness.put(layers={"llm": {**LLM, "headers": {"accept": "a"}}})
    text = await harness.text()
    message = await harness.refusal(
        text.replace('api_key: "********"', "api_key_ref: opena"), InvalidArgument
    )
    assert "/layers/llm/api_key_ref" in message
    assert "openai" in message
    message = await harness.refusal(
        text.replace("accept: a", 'X: "{secret:nowhere}"'), InvalidArgument
    )
    assert "/layers/llm/headers/X" in message
    both = text.replace('api_key: "', 'api_key_ref: openai\n    api_key: "')
    assert "not both" in await harness.refusal(both, InvalidArgument)


async def test_a_mask_where_no_key_is_stored_is_refused(harness: PersonaFileHarness) -> None:
    harness.put(layers={"tts": {"tts_engine": "elevenlabs", "external_voice_id": "v"}})
    text = await harness.text() + '    api_key: "********"\n'
    assert "/layers/tts/api_key" in await harness.refusal(text)


async def test_a_new_persona_needs_its_keys_by_reference(harness: PersonaFileHarness) -> None:
    harness.put(layers={"llm": {**LLM, "headers": {"Authorization": STORED}}})
    text = remove_lines(await harness.text(), "persona_id", "revision")
    message = await harness.refusal(text)
    for words in ("/layers/llm/api_key", "/layers/llm/headers/Authorization", "api_key_ref: NAME"):
        assert words in message
    named = text.replace('api_key: "********"', "api_key_ref: openai").replace(
        '"********"', "Bearer {secret:openai}"
    )
    done = await harness.apply(named)
    made = parse_persona_file(done.text)
    assert made.persona_id == done.receipt.persona_id
    assert made.revision == done.receipt.revision
    llm = (harness.store.get("persona", str(made.persona_id)) or {})["layers"]["llm"]
    assert (llm["api_key"], llm["headers"]) == (SECRET, {"Authorization": f"Bearer {SECRET}"})
    exported_text = (await export(harness.app, str(made.persona_id))).text
    assert "Authorization: Bearer {secret:openai}" in exported_text


async def test_a_mask_exported_without_the_key_leaves_the_stored_value(
    harness: PersonaFileHarness,
) -> None:
    """A file exported where the key is not known is applied where it is."""
    harness.put(layers={"llm": {**LLM, "headers": {"Authorization": f"Bearer {SECRET}"}}})
    text = (await harness.text()).replace("Bearer {secret:openai}", '"********"')
    assert (await harness.apply(text)).receipt.status == "unchanged"


async def test_a_text_that_contains_a_secret_is_masked_and_preserved(
    harness: PersonaFileHarness,
) -> None:
    harness.put(system_prompt=f"The key is {SECRET}. Be kind.")
    exported = await export(harness.app, "p1")
    assert [item.path for item in exported.findings] == ["/system_prompt"]
    assert "The key is ********. Be kind." in exported.text
    message = await harness.refusal(exported.text.replace("kind", "brief"))
    assert "/system_prompt" in message


async def test_a_deleted_persona_is_not_recreated_implicitly(harness: PersonaFileHarness) -> None:
    message = await harness.refusal("persona_id: p404\npersona_name: Ada\n", NotFound)
    assert "remove the lines persona_id and revision" in message


async def test_an_unknown_field_is_refused_unless_it_is_allowed(
    harness: PersonaFileHarness,
) -> None:
    harness.put(zebra={"stripes": 3})
    text = await harness.text()
    planned = await harness.apply(text.replace("Ada", "Eva"), dry_run=True)
    assert [item.path for item in planned.receipt.changes] == ["/persona_name"]
    message = await harness.refusal(await harness.text() + "greetng: Hi\n")
    assert "did you mean 'greeting'" in message
    inside = (await harness.text()).replace("stripes: 3", "stripes: 4")
    done = await harness.apply(inside, dry_run=True)
    assert [item.path for item in done.receipt.changes] == ["/zebra/stripes"]
    fresh = await harness.text() + "lion: 1\n"
    assert "/lion" in await harness.refusal(fresh)
    done = await harness.apply(fresh, dry_run=True, allow=UNKNOWN_FIELDS)
    assert [item.path for item in done.receipt.changes] == ["/lion"]


async def test_fields_set_by_tavus_are_not_written_from_a_file(harness: PersonaFileHarness) -> None:
    harness.put()
    done = await harness.apply(await harness.text() + "owner_id: 9\ngreeting: Hi\n")
    assert harness.operations() == {"/greeting": "Hi"}
    assert ("set-by-tavus", "/owner_id") in list_findings(done)


async def test_the_newer_vocabulary_is_read_too(harness: PersonaFileHarness) -> None:
    """Tavus: PAL and face since June 2026."""
    harness.put()
    text = (
        (await harness.text())
        .replace("persona_id", "pal_id")
        .replace("persona_name: Ada", "pal_name: Eva")
    )
    done = await harness.apply(text)
    assert harness.operations() == {"/persona_name": "Eva"}
    assert done.text.startswith("pal_id: p1\nrevision: ")


async def test_a_list_may_be_reordered_around_what_is_masked(harness: PersonaFileHarness) -> None:
    body = {"extra_body": {"hooks": [{"at": 1, "token": STORED}, {"at": 2}]}}
    harness.put(layers={"llm": {**LLM, **body}})
    text = await harness.text()
    items = '        - at: 1\n          token: "********"\n', "        - at: 2\n"
    assert "".join(items) in text
    await harness.apply(text.replace("".join(items), "".join(reversed(items))))
    hooks = harness.stored()["layers"]["llm"]["extra_body"]["hooks"]
    assert hooks == [{"at": 2}, {"at": 1, "token": STORED}]


async def test_a_change_between_reading_and_writing_is_a_conflict(
    harness: PersonaFileHarness,
) -> None:
    harness.put(greeting="Hi")
    text = await harness.text()
    harness.put(greeting="Ho")
    message = await harness.refusal(text.replace("Ada", "Eva"), Conflict)
    assert "export p1 --into FILE" in message


CHECKED: dict[str, Callable[[str], str]] = {
    "from nothing": lambda text: remove_lines(text, "persona_id", "revision"),
    "a change": lambda text: text,
}


@pytest.mark.parametrize("name", CHECKED)
async def test_an_invalid_file_is_refused_before_any_request(
    harness: PersonaFileHarness, name: str
) -> None:
    harness.put()
    text = CHECKED[name](await harness.text()).replace("mode: full", "mode: [ful]")
    assert "/pipeline_mode" in await harness.refusal(text)
