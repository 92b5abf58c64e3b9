"""The curl commands of the document that this project started from, against the sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest

CURL = shutil.which("curl")
Curl = Callable[..., tuple[int, str]]
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")

SEED = """{
"persona_name": "Technical Interviewer",
"pipeline_mode": "full",
"system_prompt": "You are a senior technical interviewer...",
"context": "Focus on system design and coding problems.",
"default_replica_id": "rfe12d8b9597",
"layers": {
"llm": {"model": "tavus-gpt-4o"},
"tts": {"tts_engine": "cartesia", "external_voice_id": "your-cartesia-voice-id"},
"perception": {"perception_model": "raven-0"},
"stt": {"participant_pause_sensitivity": "medium", "participant_interrupt_sensitivity": "medium"}
}
}"""


@pytest.fixture(scope="module")
def run_curl(sandbox_url: str) -> Curl:
    """Run curl against a sandbox; returns the status and the body."""

    def ask(path: str, *arguments: str) -> tuple[int, str]:
        url = f"{sandbox_url}{path}"
        command = [str(CURL), "-sS", "--noproxy", "*", "-w", "\n%{http_code}", url]
        headers = ["-H", "Content-Type: application/json", "-H", "x-api-key: YOUR_API_KEY"]
        done = subprocess.run(
            [*command, *headers, *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return ask


def test_the_commands_of_the_seed_create_list_and_delete_a_persona(run_curl: Curl) -> None:
    status, body = run_curl("/personas", "-X", "POST", "-d", SEED)
    assert status == 200, body
    persona_id = json.loads(body)["persona_id"]
    status, body = run_curl("/personas?persona_type=user")
    assert (status, json.loads(body)["total_count"]) == (200, 1)
    prompt = '[{"op": "replace", "path": "/system_prompt", "value": "Updated prompt..."}]'
    assert run_curl(f"/personas/{persona_id}", "-X", "PATCH", "-d", prompt)[0] == 200
    assert run_curl(f"/personas/{persona_id}", "-X", "DELETE") == (204, "")


def test_a_plain_object_as_patch_is_refused_as_tavus_documents(run_curl: Curl) -> None:
    """Required by Tavus: a patch is a list of operations, whatever the seed shows."""
    persona_id = json.loads(run_curl("/personas", "-X", "POST", "-d", SEED)[1])["persona_id"]
    changes = '{"system_prompt": "Updated prompt...", "context": "New context..."}'
    status, body = run_curl(f"/personas/{persona_id}", "-X", "PATCH", "-d", changes)
    assert (status, json.loads(body)) == (422, {"message": "Invalid JSON patch format"})
