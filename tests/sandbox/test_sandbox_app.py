"""Behaviour that takes several requests to observe, and the sandbox's own controls."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp_client import open_api_client

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
ADA = {"persona_name": "Ada", "system_prompt": "You are Ada."}


async def create_object(
    tavus: httpx2.AsyncClient, path: str, body: dict[str, Any], key: str
) -> str:
    answer = await tavus.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()[key])


async def plan_fault(tavus: httpx2.AsyncClient, **fault: Any) -> None:
    assert (await tavus.post("/_sandbox/faults", json=fault)).status_code == 204


@pytest.mark.parametrize(
    ("key", "status"), [(b"right", 200), (b"wrong", 401), ("wr\u00f6ng".encode(), 401)]
)
@pytest.mark.parametrize("path", ["/v2/personas", "/_sandbox/requests"])
async def test_a_sandbox_with_a_key_rejects_other_keys(
    store: Store, path: str, key: bytes, status: int
) -> None:
    async with open_api_client(build_sandbox(store, key="right")) as client:
        answer = await client.get(path, headers={b"x-api-key": key})
        assert answer.status_code == status


async def test_a_patch_changes_updated_at_and_no_other_field(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    path = f"/v2/personas/{await create_object(sandbox_client, '/v2/personas', ADA, 'persona_id')}"
    before = (await sandbox_client.get(path)).json()
    patch = [{"op": "replace", "path": "/persona_name", "value": "Eve"}]
    assert (await sandbox_client.patch(path, json=patch)).status_code == 200
    after = (await sandbox_client.get(path)).json()
    assert after["updated_at"] > before["updated_at"]
    after["updated_at"] = before["updated_at"]
    assert after == before | {"persona_name": "Eve"}


async def test_a_refused_patch_changes_nothing(sandbox_client: httpx2.AsyncClient) -> None:
    path = f"/v2/personas/{await create_object(sandbox_client, '/v2/personas', ADA, 'persona_id')}"
    before = (await sandbox_client.get(path)).json()
    patch = [
        {"op": "replace", "path": "/persona_name", "value": "Eve"},
        {"op": "add", "path": "/layers/llm", "value": {"model": "x", "base_url": "https://x.org"}},
    ]
    assert (await sandbox_client.patch(path, json=patch)).status_code == 400
    assert (await sandbox_client.get(path)).json() == before


async def test_keys_are_never_returned_in_clear(sandbox_client: httpx2.AsyncClient) -> None:
    llm = {"model": "m", "base_url": "https://x.org/v1", "api_key": "sk-clear"}
    tts = {"tts_engine": "elevenlabs", "api_key": "sk-clear"}
    body = ADA | {"layers": {"llm": llm, "tts": tts}}
    path = f"/v2/personas/{await create_object(sandbox_client, '/v2/personas', body, 'persona_id')}"
    auth = {"type": "api_key", "name": "x-key", "value": "sk-clear"}
    api = {"url": "https://x.org", "auth": auth}
    tool = {"name": "t", "description": "d", "delivery": {"api": api}}
    tool_id = await create_object(sandbox_client, "/v2/tools", tool, "tool_id")
    patch = [
        {"op": "copy", "from": "/layers/llm", "path": "/layers/mcp"},
        {"op": "add", "path": "/tool_ids", "value": [tool_id]},
    ]
    answers = [
        await sandbox_client.patch(path, json=patch),
        await sandbox_client.get(path),
        await sandbox_client.get("/v2/pals?pal_type=user"),
        await sandbox_client.get("/v2/tools"),
        await sandbox_client.get(f"{path}/tools"),
        await sandbox_client.patch(f"/v2/tools/{tool_id}", json={"description": "new"}),
        await sandbox_client.patch(
            path, json=[{"op": "test", "path": "/layers/llm/api_key", "value": 1}]
        ),
    ]
    assert [answer.status_code for answer in answers] == [200] * 6 + [400]
    assert not [answer.text for answer in answers if "sk-clear" in answer.text]


async def test_deleting_a_guardrail_detaches_it_from_personas(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    rule = {"guardrail_name": "no_law", "guardrail_prompt": "No legal advice."}
    uuid = await create_object(sandbox_client, "/v2/guardrails", rule, "uuid")
    body = ADA | {"guardrail_ids": [uuid]}
    path = f"/v2/personas/{await create_object(sandbox_client, '/v2/personas', body, 'persona_id')}"
    await sandbox_client.delete(f"/v2/guardrails/{uuid}")
    assert (await sandbox_client.get(path)).json()["guardrail_ids"] == []


async def test_deleting_a_tool_detaches_it_from_personas(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    tool_id = await create_object(
        sandbox_client, "/v2/tools", {"name": "t", "description": "d"}, "tool_id"
    )
    body = ADA | {"tool_ids": [tool_id]}
    path = f"/v2/personas/{await create_object(sandbox_client, '/v2/personas', body, 'persona_id')}"
    assert len((await sandbox_client.get(f"{path}/tools")).json()["data"]) == 1
    await sandbox_client.delete(f"/v2/tools/{tool_id}")
    assert (await sandbox_client.get(f"{path}/tools")).json()["data"] == []


async def test_a_forced_patch_resolves_the_conflict_permanently(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    persona_id = await create_object(sandbox_client, "/v2/personas", ADA, "persona_id")
    path = f"/v2/personas/{persona_id}"
    await sandbox_client.post(f"/_sandbox/maker_changes/{persona_id}")
    patches = [[{"op": "add", "path": "/greeting", "value": word}] for word in "abc"]
    answers = [
        await sandbox_client.patch(path, json=patches[0]),
        await sandbox_client.patch(f"{path}?force=true", json=patches[1]),
        await sandbox_client.patch(path, json=patches[2]),
    ]
    assert [answer.status_code for answer in answers] == [409, 200, 200]


async def test_the_pages_together_are_the_whole_list(sandbox_client: httpx2.AsyncClient) -> None:
    for number in range(23):
        await create_object(
            sandbox_client, "/v2/personas", ADA | {"persona_name": f"P{number}"}, "persona_id"
        )
    names: list[str] = []
    for page in (1, 2, 3):
        answer = (await sandbox_client.get(f"/v2/personas?persona_type=user&page={page}")).json()
        assert answer["total_count"] == 23
        names += [row["persona_name"] for row in answer["data"]]
    assert names == [f"P{number}" for number in range(23)]


async def test_a_planned_fault_occurs_the_given_number_of_times(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    await plan_fault(
        sandbox_client,
        kind="status",
        method="GET",
        path="/v2/personas*",
        status=429,
        headers={"Retry-After": "1"},
        times=2,
        skip=1,
    )
    answers = [await sandbox_client.get("/v2/personas/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "1"
    log = (await sandbox_client.get("/_sandbox/requests")).json()["requests"]
    assert [entry["status"] for entry in log] == [200, 429, 429, 200]


async def test_an_unlimited_fault_lasts_until_it_is_cleared(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    await plan_fault(sandbox_client, kind="status", times=0, body={"error": "down"})
    for _ in range(3):
        answer = await sandbox_client.get("/v2/replicas")
        assert (answer.status_code, answer.json()) == (503, {"error": "down"})
    await sandbox_client.delete("/_sandbox/faults")
    assert (await sandbox_client.get("/v2/replicas")).status_code == 200


async def test_a_failed_write_has_no_effect_and_one_with_an_emptied_answer_has(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    await plan_fault(sandbox_client, kind="html", method="POST")
    answer = await sandbox_client.post("/v2/personas", json=ADA)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    await plan_fault(sandbox_client, kind="empty", method="POST")
    answer = await sandbox_client.post("/v2/personas", json=ADA)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await sandbox_client.get("/v2/personas?persona_type=user")).json()["total_count"] == 1


async def test_a_delayed_answer_is_correct(sandbox_client: httpx2.AsyncClient) -> None:
    await plan_fault(sandbox_client, kind="slow", delay=0.001)
    assert (await sandbox_client.get("/v2/personas")).json()["total_count"] == 7


async def test_an_in_process_reset_raises_an_exception(sandbox_client: httpx2.AsyncClient) -> None:
    await plan_fault(sandbox_client, kind="reset_before")
    with pytest.raises(ConnectionResetError):
        await sandbox_client.get("/v2/personas")


async def test_an_unknown_kind_of_fault_is_refused(sandbox_client: httpx2.AsyncClient) -> None:
    answer = await sandbox_client.post("/_sandbox/faults", json={"kind": "explode"})
    assert answer.status_code == 400


async def test_the_log_can_be_emptied(sandbox_client: httpx2.AsyncClient) -> None:
    await sandbox_client.get("/v2/personas")
    await sandbox_client.delete("/_sandbox/requests")
    assert (await sandbox_client.get("/_sandbox/requests")).json() == {
        "requests": [],
        "connections": 0,
    }


async def test_latency_is_added_to_each_reply(store: Store) -> None:
    async with open_api_client(build_sandbox(store, latency=0.001)) as client:
        assert (await client.get("/v2/personas")).elapsed.total_seconds() >= 0.001
