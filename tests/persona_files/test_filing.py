"""A file and its persona: what is sent, what stays, and what is said of keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp_client import SECRET, Recorder, sent, world
from starlette.types import ASGIApp
from yaml_edge_cases import JSON, KEYS, WORDS

from tavus_mcp.app import App
from tavus_mcp.checker.check import UNKNOWN_FIELDS
from tavus_mcp.errors import Conflict, InvalidArgument, NotFound, Refused, ToolFailure
from tavus_mcp.persona_files.persona_file import parse_persona_file
from tavus_mcp.persona_files.sync import ApplyFileRequest, ApplyFileResult, apply, export
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


class Bench:
    """One world with one persona in it, and the wire to it."""

    def __init__(self, store: Store, sandbox: ASGIApp) -> None:
        self.store = store
        self.app: App
        self.wire: Recorder
        self.app, self.wire = world(sandbox)

    def put(self, **fields: Any) -> None:
        self.store.put("persona", "p1", {**ROW, **fields})

    async def text(self, reference: str = "p1") -> str:
        """Return the persona as a file, without its opening comment."""
        text = (await export(self.app, reference)).text
        return "".join(line for line in text.splitlines(True) if not line.startswith("#"))

    async def apply(self, text: str, **more: Any) -> ApplyFileResult:
        self.wire.requests.clear()
        return await apply(self.app, ApplyFileRequest(text, **more))

    async def refusal(self, text: str, kind: type[ToolFailure] = Refused, **more: Any) -> str:
        with pytest.raises(kind) as caught:
            await self.apply(text, **more)
        assert self.wire.writes == []
        return str(caught.value)

    def operations(self) -> dict[str, Any]:
        """Return what was sent, by path; removals are None."""
        (request,) = self.wire.writes
        return {item["path"]: item.get("value") for item in sent(request)}

    def stored(self) -> dict[str, Any]:
        return dict(self.store.get("persona", "p1") or {})


@pytest.fixture
async def bench(store: Store, sandbox: ASGIApp) -> AsyncIterator[Bench]:
    opened = Bench(store, sandbox)
    yield opened
    await opened.app.aclose()


def rules(done: ApplyFileResult) -> list[tuple[str, str]]:
    return [(getattr(item, "rule", ""), item.path) for item in done.receipt.findings]


def without(text: str, *words: str) -> str:
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


@given(unknown=RARE, layers=SECRET_PLACES, prompt=st.sampled_from([f"Say {SECRET}\n.", *WORDS]))
@example(unknown={word: [word, {word: word}] for word in WORDS}, layers={}, prompt="\ufeff")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_file_just_exported_is_applied_without_a_write(
    tmp_path: Path, unknown: dict[str, Any], layers: dict[str, Any], prompt: str
) -> None:
    """Ours: whatever Tavus stores, and whatever of it is secret."""

    async def there_and_back() -> None:
        store = Store.open(None)
        bench = Bench(store, build_sandbox(store))
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


async def test_what_is_not_in_the_file_is_removed_and_what_is_in_it_is_set(bench: Bench) -> None:
    bench.put(greeting="Hi", context="c", layers={"llm": {"model": "m1"}, "stt": {"hotwords": "a"}})
    text = without(await bench.text(), "greeting", "stt", "hotwords").replace("m1", "tavus-gpt-oss")
    done = await bench.apply(text)
    assert bench.operations() == {
        "/greeting": None,
        "/layers/stt": None,
        "/layers/llm/model": "tavus-gpt-oss",
    }
    assert [item.path for item in done.receipt.changes] == list(bench.operations())
    assert bench.stored()["owner_id"] == 7


async def test_a_file_without_layers_removes_each_layer(bench: Bench) -> None:
    bench.put(layers={"llm": {"model": "m1"}, "stt": {"hotwords": "a"}})
    await bench.apply(without(await bench.text(), "layers", "  "))
    assert bench.operations() == {"/layers/llm": None, "/layers/stt": None}


async def test_absent_defaults_and_what_tavus_fills_in_are_no_change(bench: Bench) -> None:
    flow = "layers:\n  conversational_flow: {turn_taking_patience: high}\n"
    text = "persona_name: Ada\nsystem_prompt: You help.\n" + flow
    made = await bench.apply(text)
    again = await bench.apply(made.text)
    assert again.receipt.status == "unchanged"
    assert bench.wire.writes == []
    assert again.text == made.text


async def test_stored_secrets_are_not_removed_by_absence_but_by_null(bench: Bench) -> None:
    bench.put(layers={"llm": {**LLM, "headers": {"Authorization": STORED, "accept": "x"}}})
    text = await bench.text()
    done = await bench.apply(without(text, "api_key", "headers", "Authorization", "accept"))
    assert bench.operations() == {"/layers/llm/headers/accept": None}
    assert ("secret-stays", "/layers/llm/api_key") in rules(done)
    assert bench.stored()["layers"]["llm"]["headers"] == {"Authorization": STORED}
    await bench.apply(done.text.replace("    base_url", "    headers: null\n    base_url"))
    assert bench.stored()["layers"]["llm"] == LLM
    await bench.apply(without(await bench.text(), "  ", "layers") + "layers: {llm: null}\n")
    assert "llm" not in bench.stored()["layers"]


async def test_fields_that_tavus_never_shows_are_not_removed_by_absence(bench: Bench) -> None:
    bench.put(memories=["Ada likes tea"], greeting="Hi")
    await bench.apply((await bench.text()).replace("Hi", "Hello"))
    assert bench.stored()["memories"] == ["Ada likes tea"]
    text = await bench.text() + "memories: [none]\n"
    done = await bench.apply(text)
    assert bench.stored()["memories"] == ["none"]
    assert ("sent-again", "/memories") in rules(done)


async def test_a_reference_sets_a_key_each_time_and_its_value_stays_inside(bench: Bench) -> None:
    bench.put(layers={"llm": LLM})
    text = (await bench.text()).replace('api_key: "********"', "api_key_ref: openai")
    for _ in range(2):
        done = await bench.apply(text)
        assert bench.operations() == {"/layers/llm/api_key": SECRET}
        assert ("sent-again", "/layers/llm/api_key_ref") in rules(done)
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
async def test_a_literal_key_is_taken_and_answered_with_a_finding(
    bench: Bench, before: str, after: str, path: str
) -> None:
    bench.put(layers={"llm": {**LLM, "headers": {"accept": "a"}}})
    done = await bench.apply((await bench.text()).replace(before, after))
    assert bench.operations() == {path: "sk-literal-123456"}
    assert ("literal-key", path) in rules(done)
    assert "sk-literal" not in done.receipt.model_dump_json()


async def test_a_reference_to_nothing_is_refused_with_its_place(bench: Bench) -> None:
    bench.put(layers={"llm": {**LLM, "headers": {"accept": "a"}}})
    text = await bench.text()
    said = await bench.refusal(
        text.replace('api_key: "********"', "api_key_ref: opena"), InvalidArgument
    )
    assert "/layers/llm/api_key_ref" in said
    assert "openai" in said
    said = await bench.refusal(text.replace("accept: a", 'X: "{secret:nowhere}"'), InvalidArgument)
    assert "/layers/llm/headers/X" in said
    both = text.replace('api_key: "', 'api_key_ref: openai\n    api_key: "')
    assert "not both" in await bench.refusal(both, InvalidArgument)


async def test_a_mask_where_no_key_is_stored_is_refused(bench: Bench) -> None:
    bench.put(layers={"tts": {"tts_engine": "elevenlabs", "external_voice_id": "v"}})
    text = await bench.text() + '    api_key: "********"\n'
    assert "/layers/tts/api_key" in await bench.refusal(text)


async def test_a_new_persona_needs_its_keys_by_reference(bench: Bench) -> None:
    bench.put(layers={"llm": {**LLM, "headers": {"Authorization": STORED}}})
    text = without(await bench.text(), "persona_id", "revision")
    said = await bench.refusal(text)
    for words in ("/layers/llm/api_key", "/layers/llm/headers/Authorization", "api_key_ref: NAME"):
        assert words in said
    named = text.replace('api_key: "********"', "api_key_ref: openai").replace(
        '"********"', "Bearer {secret:openai}"
    )
    done = await bench.apply(named)
    made = parse_persona_file(done.text)
    assert made.persona_id == done.receipt.persona_id
    assert made.revision == done.receipt.revision
    llm = (bench.store.get("persona", str(made.persona_id)) or {})["layers"]["llm"]
    assert (llm["api_key"], llm["headers"]) == (SECRET, {"Authorization": f"Bearer {SECRET}"})
    shown = (await export(bench.app, str(made.persona_id))).text
    assert "Authorization: Bearer {secret:openai}" in shown


async def test_a_mask_from_elsewhere_leaves_what_a_reference_would_show(bench: Bench) -> None:
    """Ours: a file exported where the key is not known is applied where it is."""
    bench.put(layers={"llm": {**LLM, "headers": {"Authorization": f"Bearer {SECRET}"}}})
    text = (await bench.text()).replace("Bearer {secret:openai}", '"********"')
    assert (await bench.apply(text)).receipt.status == "unchanged"


async def test_a_text_with_a_secret_in_it_is_masked_and_cannot_lose_it(bench: Bench) -> None:
    bench.put(system_prompt=f"The key is {SECRET}. Be kind.")
    exported = await export(bench.app, "p1")
    assert [item.path for item in exported.findings] == ["/system_prompt"]
    assert "The key is ********. Be kind." in exported.text
    said = await bench.refusal(exported.text.replace("kind", "brief"))
    assert "/system_prompt" in said


async def test_a_gone_persona_is_not_made_anew_unasked(bench: Bench) -> None:
    said = await bench.refusal("persona_id: p404\npersona_name: Ada\n", NotFound)
    assert "remove the lines persona_id and revision" in said


async def test_a_field_nobody_knows_is_refused_unless_it_is_allowed(bench: Bench) -> None:
    bench.put(zebra={"stripes": 3})
    text = await bench.text()
    kept = await bench.apply(text.replace("Ada", "Eva"), dry_run=True)
    assert [item.path for item in kept.receipt.changes] == ["/persona_name"]
    said = await bench.refusal(await bench.text() + "greetng: Hi\n")
    assert "did you mean 'greeting'" in said
    inside = (await bench.text()).replace("stripes: 3", "stripes: 4")
    done = await bench.apply(inside, dry_run=True)
    assert [item.path for item in done.receipt.changes] == ["/zebra/stripes"]
    fresh = await bench.text() + "lion: 1\n"
    assert "/lion" in await bench.refusal(fresh)
    done = await bench.apply(fresh, dry_run=True, allow=UNKNOWN_FIELDS)
    assert [item.path for item in done.receipt.changes] == ["/lion"]


async def test_what_tavus_sets_itself_is_not_written_from_a_file(bench: Bench) -> None:
    bench.put()
    done = await bench.apply(await bench.text() + "owner_id: 9\ngreeting: Hi\n")
    assert bench.operations() == {"/greeting": "Hi"}
    assert ("set-by-tavus", "/owner_id") in rules(done)


async def test_the_newer_vocabulary_is_read_too(bench: Bench) -> None:
    """Tavus: PAL and face since June 2026."""
    bench.put()
    text = (
        (await bench.text())
        .replace("persona_id", "pal_id")
        .replace("persona_name: Ada", "pal_name: Eva")
    )
    done = await bench.apply(text)
    assert bench.operations() == {"/persona_name": "Eva"}
    assert done.text.startswith("pal_id: p1\nrevision: ")


async def test_a_list_may_be_reordered_around_what_is_masked(bench: Bench) -> None:
    body = {"extra_body": {"hooks": [{"at": 1, "token": STORED}, {"at": 2}]}}
    bench.put(layers={"llm": {**LLM, **body}})
    text = await bench.text()
    items = '        - at: 1\n          token: "********"\n', "        - at: 2\n"
    assert "".join(items) in text
    await bench.apply(text.replace("".join(items), "".join(reversed(items))))
    hooks = bench.stored()["layers"]["llm"]["extra_body"]["hooks"]
    assert hooks == [{"at": 2}, {"at": 1, "token": STORED}]


async def test_a_change_between_reading_and_writing_is_a_conflict(bench: Bench) -> None:
    bench.put(greeting="Hi")
    text = await bench.text()
    bench.put(greeting="Ho")
    said = await bench.refusal(text.replace("Ada", "Eva"), Conflict)
    assert "export p1 --into FILE" in said


CHECKED: dict[str, Callable[[str], str]] = {
    "from nothing": lambda text: without(text, "persona_id", "revision"),
    "a change": lambda text: text,
}


@pytest.mark.parametrize("name", CHECKED)
async def test_what_would_not_work_is_refused_before_anything_is_sent(
    bench: Bench, name: str
) -> None:
    bench.put()
    text = CHECKED[name](await bench.text()).replace("pipeline_mode: full", "pipeline_mode: ful")
    assert "/pipeline_mode" in await bench.refusal(text)
