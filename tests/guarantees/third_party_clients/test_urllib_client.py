"""An independent client works against ``tavus-mcp sandbox``: base URL, key, plain HTTP.

It is written from the API's documentation alone, on the standard library, and knows nothing of us.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
REPLICA = "rfe12d8b9597"
NAMES = {
    "personas": ("persona_id", "persona_name", "default_replica_id"),
    "pals": ("pal_id", "pal_name", "default_face_id"),
}


@dataclass(frozen=True)
class UrllibClient:
    """A small client with a configurable base URL."""

    base_url: str
    key: str = "any key"

    def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """Send one request; return the status and the body."""
        url = self.base_url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - loopback
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def get(self, path: str, **query: str) -> Any:
        """Read an existing resource."""
        status, body = self.ask("GET", path, **query)
        assert status == 200, body
        return body

    def post(self, path: str, body: object) -> Any:
        """Create a resource."""
        status, created = self.ask("POST", path, body)
        assert status in {200, 201}, created
        return created


@pytest.fixture(scope="module")
def urllib_client(sandbox_url: str) -> UrllibClient:
    """The client, configured with the URL that the sandbox prints at its start."""
    return UrllibClient(sandbox_url)


@pytest.mark.parametrize("resource", NAMES)
def test_a_persona_can_be_created_read_updated_and_deleted(
    urllib_client: UrllibClient, resource: str
) -> None:
    """Required by Tavus, under the old names and the new ones."""
    key, name, replica = NAMES[resource]
    body = {
        name: "Ada",
        "system_prompt": "You are Ada.",
        replica: REPLICA,
        "layers": {"llm": {"model": "tavus-gpt-oss"}, "tts": {"tts_engine": "cartesia"}},
    }
    persona_id = urllib_client.post(f"/{resource}", body)[key]
    path = f"/{resource}/{persona_id}"
    read = urllib_client.get(path)
    assert (read[name], read[replica], read[key]) == ("Ada", REPLICA, persona_id)
    patch = [
        {"op": "replace", "path": "/system_prompt", "value": "You are Ada Lovelace."},
        {"op": "add", "path": "/layers/stt", "value": {"hotwords": "engine"}},
        {"op": "remove", "path": "/layers/tts"},
        {"op": "replace", "path": f"/{name}", "value": "Ada L."},
    ]
    assert urllib_client.ask("PATCH", path, patch)[0] == 200
    read = urllib_client.get(path)
    assert (read[name], read["system_prompt"]) == ("Ada L.", "You are Ada Lovelace.")
    assert read["layers"]["stt"]["hotwords"] == "engine"
    assert urllib_client.ask("PATCH", path, patch[:1])[0] == 304
    assert urllib_client.ask("DELETE", path) == (204, None)
    assert urllib_client.ask("GET", path) == (400, {"error": "Invalid persona_id"})


def test_both_vocabularies_show_the_same_personas(urllib_client: UrllibClient) -> None:
    persona_id = urllib_client.post("/personas", {"persona_name": "Bo", "system_prompt": "x"})[
        "persona_id"
    ]
    assert urllib_client.get(f"/pals/{persona_id}")["pal_name"] == "Bo"
    as_personas = {row["persona_id"] for row in urllib_client.get("/personas", limit="100")["data"]}
    as_pals = {row["pal_id"] for row in urllib_client.get("/pals", limit="100")["data"]}
    assert persona_id in as_personas
    assert as_personas == as_pals


def test_personas_come_in_pages_with_a_total(urllib_client: UrllibClient) -> None:
    made = [
        urllib_client.post("/personas", {"persona_name": f"P{number}", "system_prompt": "x"})[
            "persona_id"
        ]
        for number in range(7)
    ]
    query = {"persona_type": "user", "limit": "3"}
    seen: list[str] = []
    for page in range(1, 100):
        reply = urllib_client.get("/personas", **query, page=str(page))
        if not reply["data"]:
            break
        seen += [row["persona_id"] for row in reply["data"]]
    assert reply["total_count"] == len(seen) == len(set(seen))
    assert seen[-7:] == made


@pytest.mark.parametrize(
    ("path", "key"), [("/replicas", "replica_id"), ("/faces", "face_id"), ("/voices", "voice_id")]
)
def test_stock_objects_are_listed(urllib_client: UrllibClient, path: str, key: str) -> None:
    listed = urllib_client.get(path, limit="100")
    assert listed["total_count"] == len(listed["data"]) > 0
    assert all(row[key] for row in listed["data"])


@pytest.mark.parametrize(("path", "key"), [("/replicas", "replica_id"), ("/faces", "face_id")])
def test_a_stock_replica_is_read(urllib_client: UrllibClient, path: str, key: str) -> None:
    read = urllib_client.get(f"{path}/{REPLICA}", verbose="true")
    assert (read[key], read["status"]) == (REPLICA, "completed")


def test_a_document_can_be_created_read_and_deleted(urllib_client: UrllibClient) -> None:
    body = {"document_url": "https://example.org/a.pdf", "document_name": "A", "tags": ["faq"]}
    path = "/documents/" + urllib_client.post("/documents", body)["document_id"]
    assert urllib_client.get(path)["status"] == "ready"
    assert urllib_client.get("/documents", tags="faq")["total_count"] == 1
    assert urllib_client.ask("PATCH", path, {"document_name": "B"})[0] == 200
    assert urllib_client.get(path)["document_name"] == "B"
    assert urllib_client.ask("DELETE", path)[0] == 204
    assert urllib_client.ask("GET", path)[0] == 404


def test_a_tool_can_be_created_read_and_deleted(urllib_client: UrllibClient) -> None:
    """Required by Tavus: a plain object changes a tool; tools are attached to personas."""
    body = {"name": "get_weather", "description": "Weather", "parameters": {"type": "object"}}
    tool_id = urllib_client.post("/tools", body)["tool_id"]
    persona_id = urllib_client.post("/personas", {"persona_name": "T", "system_prompt": "x"})[
        "persona_id"
    ]
    assert (
        urllib_client.ask("POST", f"/pals/{persona_id}/tools/", {"tool_ids": [tool_id]})[0] == 200
    )
    assert urllib_client.get(f"/pals/{persona_id}/tools/")["data"][0]["name"] == "get_weather"
    assert urllib_client.ask("PATCH", f"/tools/{tool_id}", {"description": "The weather"})[0] == 200
    assert urllib_client.get(f"/tools/{tool_id}")["description"] == "The weather"
    assert urllib_client.ask("DELETE", f"/tools/{tool_id}")[0] == 204
    assert urllib_client.get(f"/pals/{persona_id}/tools/")["data"] == []


def test_a_guardrail_can_be_created_read_and_deleted(urllib_client: UrllibClient) -> None:
    body = {"guardrail_name": "No_Medicine", "guardrail_prompt": "Give no medical advice."}
    path = "/guardrails/" + urllib_client.post("/guardrails/", body)["uuid"]
    patch = [{"op": "add", "path": "/tags", "value": ["health"]}]
    assert urllib_client.ask("PATCH", path, patch)[0] == 200
    assert urllib_client.get(path)["tags"] == ["health"]
    assert urllib_client.get("/guardrails/", legacy="false", tags="health")["total_count"] == 1
    assert urllib_client.ask("DELETE", path)[0] == 204
    assert urllib_client.ask("GET", path)[0] == 404


def test_objectives_can_be_created_read_and_deleted(urllib_client: UrllibClient) -> None:
    first = {
        "objective_name": "ask_name",
        "objective_prompt": "Ask for the name.",
        "next_required_objective": "say_goodbye",
    }
    last = {"objective_name": "say_goodbye", "objective_prompt": "Say goodbye."}
    created = urllib_client.post("/objectives/", {"name": "intake", "data": [first, last]})
    path = "/objectives/" + created["objectives_id"]
    patch = [{"op": "replace", "path": "/data/1/objective_prompt", "value": "Say farewell."}]
    assert urllib_client.ask("PATCH", path, patch)[0] == 200
    assert urllib_client.get(path)["data"][1]["objective_prompt"] == "Say farewell."
    assert any(row["name"] == "intake" for row in urllib_client.get("/objectives/")["data"])
    assert urllib_client.ask("DELETE", path)[0] == 204
    assert urllib_client.ask("GET", path)[0] in {400, 404}


def test_a_request_without_a_key_is_refused(urllib_client: UrllibClient) -> None:
    answer = UrllibClient(urllib_client.base_url, key="").ask("GET", "/personas")
    assert answer == (401, {"message": "Invalid access token"})


def test_a_stock_persona_cannot_be_changed(urllib_client: UrllibClient) -> None:
    stock = urllib_client.get("/personas", persona_type="system")["data"][0]["persona_id"]
    patch = [{"op": "replace", "path": "/persona_name", "value": "Mine"}]
    assert urllib_client.ask("PATCH", f"/personas/{stock}", patch)[0] == 400
    assert urllib_client.ask("DELETE", f"/personas/{stock}")[0] == 400
