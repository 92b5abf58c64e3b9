"""What takes more than one request to see, and the controls that are no part of Tavus."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
ADA = {"persona_name": "Ada", "system_prompt": "You are Ada."}


async def made(tavus: httpx2.AsyncClient, path: str, body: dict[str, Any], key: str) -> str:
    answer = await tavus.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()[key])


async def fail(tavus: httpx2.AsyncClient, **fault: Any) -> None:
    assert (await tavus.post("/_sandbox/faults", json=fault)).status_code == 204


async def test_a_sandbox_with_a_key_takes_no_other(store: Store) -> None:
    transport = httpx2.ASGITransport(app=build_sandbox(store, key="right"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        for key, status in ((b"right", 200), (b"wrong", 401), ("wr\u00f6ng".encode(), 401)):
            headers = {b"x-api-key": key}
            assert (await client.get("/v2/personas", headers=headers)).status_code == status
            answer = await client.get("/_sandbox/requests", headers=headers)
            assert answer.status_code == status


async def test_a_patch_moves_updated_at_and_nothing_else(tavus: httpx2.AsyncClient) -> None:
    path = f"/v2/personas/{await made(tavus, '/v2/personas', ADA, 'persona_id')}"
    before = (await tavus.get(path)).json()
    patch = [{"op": "replace", "path": "/persona_name", "value": "Eve"}]
    assert (await tavus.patch(path, json=patch)).status_code == 200
    after = (await tavus.get(path)).json()
    assert after["updated_at"] > before["updated_at"]
    after["updated_at"] = before["updated_at"]
    assert after == before | {"persona_name": "Eve"}


async def test_a_refused_patch_changes_nothing(tavus: httpx2.AsyncClient) -> None:
    path = f"/v2/personas/{await made(tavus, '/v2/personas', ADA, 'persona_id')}"
    before = (await tavus.get(path)).json()
    patch = [
        {"op": "replace", "path": "/persona_name", "value": "Eve"},
        {"op": "add", "path": "/layers/llm", "value": {"model": "x", "base_url": "https://x.org"}},
    ]
    assert (await tavus.patch(path, json=patch)).status_code == 400
    assert (await tavus.get(path)).json() == before


async def test_no_key_is_ever_shown_in_clear(tavus: httpx2.AsyncClient) -> None:
    llm = {"model": "m", "base_url": "https://x.org/v1", "api_key": "sk-clear"}
    tts = {"tts_engine": "elevenlabs", "api_key": "sk-clear"}
    body = ADA | {"layers": {"llm": llm, "tts": tts}}
    path = f"/v2/personas/{await made(tavus, '/v2/personas', body, 'persona_id')}"
    auth = {"type": "api_key", "name": "x-key", "value": "sk-clear"}
    api = {"url": "https://x.org", "auth": auth}
    tool = {"name": "t", "description": "d", "delivery": {"api": api}}
    tool_id = await made(tavus, "/v2/tools", tool, "tool_id")
    patch = [
        {"op": "copy", "from": "/layers/llm", "path": "/layers/mcp"},
        {"op": "add", "path": "/tool_ids", "value": [tool_id]},
    ]
    answers = [
        await tavus.patch(path, json=patch),
        await tavus.get(path),
        await tavus.get("/v2/pals?pal_type=user"),
        await tavus.get("/v2/tools"),
        await tavus.get(f"{path}/tools"),
        await tavus.patch(f"/v2/tools/{tool_id}", json={"description": "new"}),
        await tavus.patch(path, json=[{"op": "test", "path": "/layers/llm/api_key", "value": 1}]),
    ]
    assert [answer.status_code for answer in answers] == [200] * 6 + [400]
    assert not [answer.text for answer in answers if "sk-clear" in answer.text]


async def test_a_deleted_guardrail_leaves_its_personas(tavus: httpx2.AsyncClient) -> None:
    rule = {"guardrail_name": "no_law", "guardrail_prompt": "No legal advice."}
    uuid = await made(tavus, "/v2/guardrails", rule, "uuid")
    body = ADA | {"guardrail_ids": [uuid]}
    path = f"/v2/personas/{await made(tavus, '/v2/personas', body, 'persona_id')}"
    await tavus.delete(f"/v2/guardrails/{uuid}")
    assert (await tavus.get(path)).json()["guardrail_ids"] == []


async def test_a_deleted_tool_leaves_its_personas(tavus: httpx2.AsyncClient) -> None:
    tool_id = await made(tavus, "/v2/tools", {"name": "t", "description": "d"}, "tool_id")
    body = ADA | {"tool_ids": [tool_id]}
    path = f"/v2/personas/{await made(tavus, '/v2/personas', body, 'persona_id')}"
    assert (await tavus.get(f"{path}/tools")).json()["total_count"] == 1
    await tavus.delete(f"/v2/tools/{tool_id}")
    assert (await tavus.get(f"{path}/tools")).json()["total_count"] == 0


async def test_a_forced_patch_settles_the_conflict_for_good(tavus: httpx2.AsyncClient) -> None:
    persona_id = await made(tavus, "/v2/personas", ADA, "persona_id")
    path = f"/v2/personas/{persona_id}"
    await tavus.post(f"/_sandbox/maker_changes/{persona_id}")
    patches = [[{"op": "add", "path": "/greeting", "value": word}] for word in "abc"]
    answers = [
        await tavus.patch(path, json=patches[0]),
        await tavus.patch(f"{path}?force=true", json=patches[1]),
        await tavus.patch(path, json=patches[2]),
    ]
    assert [answer.status_code for answer in answers] == [409, 200, 200]


async def test_every_page_together_is_the_whole_list(tavus: httpx2.AsyncClient) -> None:
    for number in range(23):
        await made(tavus, "/v2/personas", ADA | {"persona_name": f"P{number}"}, "persona_id")
    names: list[str] = []
    for page in (1, 2, 3):
        answer = (await tavus.get(f"/v2/personas?persona_type=user&page={page}")).json()
        assert answer["total_count"] == 23
        names += [row["persona_name"] for row in answer["data"]]
    assert names == [f"P{number}" for number in range(23)]


async def test_a_planned_failure_strikes_as_often_as_told(tavus: httpx2.AsyncClient) -> None:
    await fail(
        tavus,
        kind="status",
        method="GET",
        path="/v2/personas*",
        status=429,
        headers={"Retry-After": "1"},
        times=2,
        skip=1,
    )
    answers = [await tavus.get("/v2/personas/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "1"
    log = (await tavus.get("/_sandbox/requests")).json()["requests"]
    assert [entry["status"] for entry in log] == [200, 429, 429, 200]


async def test_a_failure_without_end_lasts_until_it_is_cleared(tavus: httpx2.AsyncClient) -> None:
    await fail(tavus, kind="status", times=0, body={"error": "down"})
    for _ in range(3):
        answer = await tavus.get("/v2/replicas")
        assert (answer.status_code, answer.json()) == (503, {"error": "down"})
    await tavus.delete("/_sandbox/faults")
    assert (await tavus.get("/v2/replicas")).status_code == 200


async def test_a_failed_write_did_not_happen_but_an_emptied_one_did(
    tavus: httpx2.AsyncClient,
) -> None:
    await fail(tavus, kind="html", method="POST")
    answer = await tavus.post("/v2/personas", json=ADA)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    await fail(tavus, kind="empty", method="POST")
    answer = await tavus.post("/v2/personas", json=ADA)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await tavus.get("/v2/personas?persona_type=user")).json()["total_count"] == 1


async def test_a_slow_answer_is_a_right_answer(tavus: httpx2.AsyncClient) -> None:
    await fail(tavus, kind="slow", delay=0.001)
    assert (await tavus.get("/v2/personas")).json()["total_count"] == 4


async def test_in_process_a_reset_is_an_exception(tavus: httpx2.AsyncClient) -> None:
    await fail(tavus, kind="reset_before")
    with pytest.raises(ConnectionResetError):
        await tavus.get("/v2/personas")


async def test_a_failure_must_be_of_a_known_kind(tavus: httpx2.AsyncClient) -> None:
    answer = await tavus.post("/_sandbox/faults", json={"kind": "explode"})
    assert answer.status_code == 400


async def test_the_log_can_be_emptied(tavus: httpx2.AsyncClient) -> None:
    await tavus.get("/v2/personas")
    await tavus.delete("/_sandbox/requests")
    assert (await tavus.get("/_sandbox/requests")).json() == {"requests": [], "connections": 0}


async def test_latency_is_added_to_each_reply(store: Store) -> None:
    transport = httpx2.ASGITransport(app=build_sandbox(store, latency=0.001))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://sandbox", headers={"x-api-key": "any"}
    ) as client:
        assert (await client.get("/v2/personas")).elapsed.total_seconds() >= 0.001
