"""The toolset ``project``: the files of a project through a client, planned and carried out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_runner import CommandRunner
from project_harness import ADA, CONFIGURATION

from tavus_mcp.app import ProjectPlace
from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    (path / "personas").mkdir(parents=True)
    (path / "tavus.toml").write_text(CONFIGURATION)
    (path / "personas/ada.yaml").write_text(ADA)
    return path


async def test_a_project_is_compared_planned_and_applied(
    open_tool_client: ToolClientFactory, folder: Path
) -> None:
    toolsets = (*TOOLSETS, "project")
    place = ProjectPlace(folder, "staging")
    async with open_tool_client(toolsets=toolsets, project=place) as client:
        status = await client.expect_result("show_project")
        assert status["objects"] == [{"object": "personas/ada", "status": "only local"}]
        planned = await client.expect_result("plan_project")
        assert planned["items"][0]["action"] == "create"
        receipt = await client.expect_result("apply_plan", plan_id=planned["plan_id"])
        assert (receipt["status"], receipt["totals"]) == ("applied", {"create": 1})
        message = receipt["findings"][0]["message"]
        assert "tavus-mcp undo plan-" in message
        run_id = message.partition("tavus-mcp undo ")[2].split()[0]
        error = await client.expect_error("apply_plan", plan_id=run_id)
        assert f"tavus-mcp undo {run_id} takes it back" in error
        assert (await client.expect_result("show_project"))["in_sync"] == 1
        assert (await client.expect_result("plan_project"))["status"] == "unchanged"
        error = await client.expect_error("apply_plan", plan_id=planned["plan_id"])
        assert "carried out already" in error
        (folder / "personas/ada.yaml").write_text(ADA.replace("{value: replica}", "r000"))
        error = await client.expect_error("plan_project")
        assert "/default_replica_id: This account has no replica 'r000'." in error
        assert "so does list_replicas." in error


async def test_a_plan_is_not_carried_out_after_the_files_changed(
    open_tool_client: ToolClientFactory, folder: Path
) -> None:
    place = ProjectPlace(folder, "staging")
    async with open_tool_client(toolsets=(*TOOLSETS, "project"), project=place) as client:
        planned = await client.expect_result("plan_project")
        (folder / "personas/ada.yaml").write_text(ADA.replace("help", "assist"))
        error = await client.expect_error("apply_plan", plan_id=planned["plan_id"])
        assert "have changed since" in error
        assert client.transport.writes == []


async def test_a_plan_names_the_host_of_a_key_and_a_refusal_the_place(
    open_tool_client: ToolClientFactory, folder: Path
) -> None:
    llm = "layers: {llm: {model: m, base_url: 'https://a.example.com/v1', api_key_ref: openai}}\n"
    (folder / "personas/ada.yaml").write_text(ADA + llm)
    place = ProjectPlace(folder, "staging")
    async with open_tool_client(toolsets=(*TOOLSETS, "project"), project=place) as client:
        (item,) = (await client.expect_result("plan_project"))["items"]
        assert "is sent to Tavus, which sends it to 'a.example.com'." in item["findings"][0]
        (folder / "personas/ada.yaml").write_text(ADA + llm.replace("openai}", "opnai}"))
        error = await client.expect_error("plan_project")
        heading = "The project has mistakes, nothing was sent.\npersonas/ada.yaml:4:64: "
        assert error.startswith(f"{heading}/layers/llm/api_key_ref: ")
        error = await client.expect_error("plan_project", resolve="files")
        assert "/resolve: must be one of file, live; did you mean 'file'?" in error


async def test_the_toolset_is_not_part_of_all(open_tool_client: ToolClientFactory) -> None:
    async with open_tool_client() as client:
        names = {tool.name for tool in (await client.client.list_tools()).tools}
        assert "apply_plan" in names
        assert not names & {"show_project", "plan_project"}


def test_a_server_with_a_wrong_project_ends_with_the_reason(tmp_path: Path) -> None:
    runner = CommandRunner(tmp_path, {})
    result = runner.run_without_sandbox("--project", "nowhere")
    assert result.status == 64
    assert "tavus.toml" in result.stderr
