"""A client that is nobody's works against ``tavus-mcp sandbox``: base URL, key, plain HTTP.

It is written from the API's documentation alone, on the standard library, and knows nothing of us.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
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
class Tavus:
    """A small client with a configurable base URL."""

    base_url: str
    key: str = "any key"

    def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """Send one request; return the status and the body."""
        url = self.base_url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        asked = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(asked, timeout=60) as reply:  # noqa: S310 - loopback
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def get(self, path: str, **query: str) -> Any:
        """Read something that is there."""
        status, body = self.ask("GET", path, **query)
        assert status == 200, body
        return body

    def post(self, path: str, body: object) -> Any:
        """Create something."""
        status, created = self.ask("POST", path, body)
        assert status in {200, 201}, created
        return created


@pytest.fixture(scope="module")
def tavus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tavus]:
    """The client, told the URL that the sandbox says at its start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    folder = str(tmp_path_factory.mktemp("foreign"))
    command = [sys.executable, "-m", "tavus_mcp", "sandbox", "--memory", "--port", "0"]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT), "TAVUS_MCP_DATA_DIR": folder},
    ) as process:
        assert process.stderr is not None
        try:
            yield Tavus(process.stderr.readline().split()[3])
        finally:
            process.terminate()


@pytest.mark.parametrize("resource", NAMES)
def test_a_persona_lives_from_create_to_delete(tavus: Tavus, resource: str) -> None:
    """Required by Tavus, under the old names and the new ones."""
    key, name, replica = NAMES[resource]
    body = {
        name: "Ada",
        "system_prompt": "You are Ada.",
        replica: REPLICA,
        "layers": {"llm": {"model": "tavus-gpt-oss"}, "tts": {"tts_engine": "cartesia"}},
    }
    persona_id = tavus.post(f"/{resource}", body)[key]
    here = f"/{resource}/{persona_id}"
    read = tavus.get(here)
    assert (read[name], read[replica], read[key]) == ("Ada", REPLICA, persona_id)
    patch = [
        {"op": "replace", "path": "/system_prompt", "value": "You are Ada Lovelace."},
        {"op": "add", "path": "/layers/stt", "value": {"hotwords": "engine"}},
        {"op": "remove", "path": "/layers/tts"},
        {"op": "replace", "path": f"/{name}", "value": "Ada L."},
    ]
    assert tavus.ask("PATCH", here, patch)[0] == 200
    read = tavus.get(here)
    assert (read[name], read["system_prompt"]) == ("Ada L.", "You are Ada Lovelace.")
    assert read["layers"]["stt"]["hotwords"] == "engine"
    assert tavus.ask("PATCH", here, patch[:1])[0] == 304
    assert tavus.ask("DELETE", here) == (204, None)
    assert tavus.ask("GET", here) == (400, {"error": "Invalid persona_id"})


def test_both_vocabularies_show_the_same_personas(tavus: Tavus) -> None:
    persona_id = tavus.post("/personas", {"persona_name": "Bo", "system_prompt": "x"})["persona_id"]
    assert tavus.get(f"/pals/{persona_id}")["pal_name"] == "Bo"
    as_personas = {row["persona_id"] for row in tavus.get("/personas", limit="100")["data"]}
    as_pals = {row["pal_id"] for row in tavus.get("/pals", limit="100")["data"]}
    assert persona_id in as_personas
    assert as_personas == as_pals


def test_personas_come_in_pages_with_a_total(tavus: Tavus) -> None:
    made = [
        tavus.post("/personas", {"persona_name": f"P{number}", "system_prompt": "x"})["persona_id"]
        for number in range(7)
    ]
    query = {"persona_type": "user", "limit": "3"}
    seen: list[str] = []
    for page in range(1, 100):
        reply = tavus.get("/personas", **query, page=str(page))
        if not reply["data"]:
            break
        seen += [row["persona_id"] for row in reply["data"]]
    assert reply["total_count"] == len(seen) == len(set(seen))
    assert seen[-7:] == made


@pytest.mark.parametrize(
    ("path", "key"), [("/replicas", "replica_id"), ("/faces", "face_id"), ("/voices", "voice_id")]
)
def test_stock_is_listed(tavus: Tavus, path: str, key: str) -> None:
    listed = tavus.get(path, limit="100")
    assert listed["total_count"] == len(listed["data"]) > 0
    assert all(row[key] for row in listed["data"])


@pytest.mark.parametrize(("path", "key"), [("/replicas", "replica_id"), ("/faces", "face_id")])
def test_a_stock_replica_is_read(tavus: Tavus, path: str, key: str) -> None:
    read = tavus.get(f"{path}/{REPLICA}", verbose="true")
    assert (read[key], read["status"]) == (REPLICA, "completed")


def test_a_document_lives_from_create_to_delete(tavus: Tavus) -> None:
    body = {"document_url": "https://example.org/a.pdf", "document_name": "A", "tags": ["faq"]}
    here = "/documents/" + tavus.post("/documents", body)["document_id"]
    assert tavus.get(here)["status"] == "ready"
    assert tavus.get("/documents", tags="faq")["total_count"] == 1
    assert tavus.ask("PATCH", here, {"document_name": "B"})[0] == 200
    assert tavus.get(here)["document_name"] == "B"
    assert tavus.ask("DELETE", here)[0] == 204
    assert tavus.ask("GET", here)[0] == 404


def test_a_tool_lives_from_create_to_delete(tavus: Tavus) -> None:
    """Required by Tavus: tools change by a plain object, and are attached to personas."""
    body = {"name": "get_weather", "description": "Weather", "parameters": {"type": "object"}}
    tool_id = tavus.post("/tools", body)["tool_id"]
    persona_id = tavus.post("/personas", {"persona_name": "T", "system_prompt": "x"})["persona_id"]
    assert tavus.ask("POST", f"/pals/{persona_id}/tools/", {"tool_ids": [tool_id]})[0] == 200
    assert tavus.get(f"/pals/{persona_id}/tools/")["data"][0]["name"] == "get_weather"
    assert tavus.ask("PATCH", f"/tools/{tool_id}", {"description": "The weather"})[0] == 200
    assert tavus.get(f"/tools/{tool_id}")["description"] == "The weather"
    assert tavus.ask("DELETE", f"/tools/{tool_id}")[0] == 204
    assert tavus.get(f"/pals/{persona_id}/tools/")["data"] == []


def test_a_guardrail_lives_from_create_to_delete(tavus: Tavus) -> None:
    body = {"guardrail_name": "No_Medicine", "guardrail_prompt": "Give no medical advice."}
    here = "/guardrails/" + tavus.post("/guardrails/", body)["uuid"]
    patch = [{"op": "add", "path": "/tags", "value": ["health"]}]
    assert tavus.ask("PATCH", here, patch)[0] == 200
    assert tavus.get(here)["tags"] == ["health"]
    assert tavus.get("/guardrails/", legacy="false", tags="health")["total_count"] == 1
    assert tavus.ask("DELETE", here)[0] == 204
    assert tavus.ask("GET", here)[0] == 404


def test_objectives_live_from_create_to_delete(tavus: Tavus) -> None:
    first = {
        "objective_name": "ask_name",
        "objective_prompt": "Ask for the name.",
        "next_required_objective": "say_goodbye",
    }
    last = {"objective_name": "say_goodbye", "objective_prompt": "Say goodbye."}
    created = tavus.post("/objectives/", {"name": "intake", "data": [first, last]})
    here = "/objectives/" + created["objectives_id"]
    patch = [{"op": "replace", "path": "/data/1/objective_prompt", "value": "Say farewell."}]
    assert tavus.ask("PATCH", here, patch)[0] == 200
    assert tavus.get(here)["data"][1]["objective_prompt"] == "Say farewell."
    assert any(row["name"] == "intake" for row in tavus.get("/objectives/")["data"])
    assert tavus.ask("DELETE", here)[0] == 204
    assert tavus.ask("GET", here)[0] in {400, 404}


def test_a_request_without_a_key_is_refused(tavus: Tavus) -> None:
    said = Tavus(tavus.base_url, key="").ask("GET", "/personas")
    assert said == (401, {"message": "Invalid access token"})


def test_a_stock_persona_cannot_be_changed(tavus: Tavus) -> None:
    stock = tavus.get("/personas", persona_type="system")["data"][0]["persona_id"]
    patch = [{"op": "replace", "path": "/persona_name", "value": "Mine"}]
    assert tavus.ask("PATCH", f"/personas/{stock}", patch)[0] == 400
    assert tavus.ask("DELETE", f"/personas/{stock}")[0] == 400
