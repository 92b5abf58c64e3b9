"""``tavus.toml`` and the files of a project: what is wrong is named with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_harness import (
    ADA,
    ADA_PROMPT_FILE,
    ADA_WITH_FILE,
    CONFIGURATION,
    ProjectFolder,
    build_folder,
)

from tavus_mcp.catalog import load_catalog
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.project.configuration import parse_configuration
from tavus_mcp.project.folder import read_files, read_project
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.names import with_ids, with_names
from tavus_mcp.project.problems import InvalidProject
from tavus_mcp.project.render import render_project
from tavus_mcp.project.state import (
    EnvironmentState,
    ObjectState,
    load_state,
    render_state,
    save_state,
)
from tavus_mcp.project.validation import find_problems


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", ADA)
    return folder


def test_an_environment_is_read_with_its_defaults() -> None:
    configuration = parse_configuration(CONFIGURATION)
    staging = configuration.environments["staging"]
    assert staging.base_url == "https://tavusapi.com/v2"
    assert staging.values == {"replica": "rfe12d8b9597"}
    assert staging.secrets == {"openai": "STAGING_OPENAI"}
    assert not staging.protected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "tavus.toml:1:1: there is no environment"),
        ("[environments.a\n", "tavus.toml:1:16: not TOML"),
        ("[environment.a]\n", "tavus.toml:1:1: there is no key 'environment'; did you mean"),
        ("[environments.a]\n", "tavus.toml:1:1: needs either api_key_env"),
        ("[environments.a]\nsandbox = 1\n", "tavus.toml:2:1: sandbox must be true or false"),
        (
            "[environments.a]\nsandbox = true\napi_key_env = 'X'\n",
            "tavus.toml:1:1: needs either api_key_env (an account) or sandbox = true",
        ),
        (
            "[environments.a]\nsandbox = true\n  protcted = true\n",
            "tavus.toml:3:3: there is no key 'protcted'; did you mean 'protected'?",
        ),
        (
            "[environments.a]\nsandbox = true\nsecrets = { a = 'sk-abc.def' }\n",
            "tavus.toml:3:13: a: write the name of the variable",
        ),
        (
            "[environments.a]\napi_key_env = 'X'\nbase_url = 'http://example.com/v2'\n",
            "tavus.toml:3:1: base_url: must be an https URL",
        ),
        (
            "[environments.a]\nsandbox = true\n[environments.a.values]\nd = 2026-01-01\n",
            "tavus.toml:4:1: d: a date",
        ),
        ("[environments.a]\nsandbox = [1,\n", "tavus.toml:2:14: not TOML: "),
    ],
)
def test_a_mistake_in_the_configuration_has_a_place(text: str, expected: str) -> None:
    with pytest.raises(InvalidProject) as error:
        parse_configuration(text)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "context: {file: ../prompts/none.md}",
            "4:1: /context: ../prompts/none.md: No such file or directory.",
        ),
        ("context: {file: adda.md}", "did you mean '../prompts/ada.md'?"),
        ("context: {file: ../../secret.md}", "4:1: /context: ../../secret.md: the file must be"),
        ("context: {value: replca}", "has no value 'replca'; did you mean 'replica'?"),
        ("tools: [book]", "4:9: /tools/0: there is no file tools/NAME.yaml of the name 'book'"),
        ("objectives: 'id:-'", "4:1: /objectives: 'id:-' is not id: and an id."),
        ("tool_ids: [t1]", "4:1: /tool_ids: ids belong to one account"),
        ("persona_id: p1", "4:1: persona_id does not belong into a project"),
        ("greting: Hi", "4:1: /greting: "),
        ("layers: {llm: {api_key: sk-abcdefghijkl}}", "/layers/llm/api_key: the file contains a"),
        ("layers: {llm: {api_key_ref: opnai}}", "no secret 'opnai'; did you mean 'openai'?"),
        ("languages: 5", "4:1: /languages: "),
        ("greeting: [", "not YAML"),
    ],
)
def test_a_mistake_in_a_file_has_a_place(project: ProjectFolder, line: str, expected: str) -> None:
    project.write("personas/ada.yaml", ADA + line + "\n")
    project.write(ADA_PROMPT_FILE, "Hi.")
    try:
        read = read_project(project.folder)
        environments = list(read.configuration.environments.values())
        found = find_problems(read, load_catalog(), environments)
    except InvalidProject as error:
        found = list(error.found)
    texts = [str(problem) for problem in found if problem.severity == "error"]
    assert any(expected in text for text in texts), texts
    assert all(text.startswith("personas/ada.yaml:") for text in texts)


def test_a_text_that_no_object_names_is_a_remark(project: ProjectFolder) -> None:
    project.write("personas/ada.yaml", ADA_WITH_FILE)
    for path in (ADA_PROMPT_FILE, "prompts/old.md", "prompts/.draft.md"):
        project.write(path, "You help people.\n")
    read = read_project(project.folder)
    problems = find_problems(read, load_catalog(), list(read.configuration.environments.values()))
    (problem,) = (item for item in problems if item.rule == "unused-text")
    assert problem.severity == "info"
    assert str(problem) == "prompts/old.md: no file names this text, so it is not sent."
    project.write("personas/bob.yaml", "persona_name: [")  # it might name the text
    read = read_files(project.folder)
    assert not any(item.rule for item in find_problems(read, load_catalog(), []))


def test_a_name_that_two_objects_have_is_a_warning(project: ProjectFolder) -> None:
    project.write("personas/bob.yaml", ADA)
    read = read_project(project.folder)
    problems = find_problems(read, load_catalog(), list(read.configuration.environments.values()))
    (problem,) = (item for item in problems if item.rule == "same-name")
    assert problem.severity == "warning"
    assert str(problem).startswith("personas/bob.yaml:1:1: /persona_name: personas/ada has")


def test_a_mistake_of_one_environment_names_it(project: ProjectFolder) -> None:
    project.replace(
        "tavus.toml",
        'replica = "rfe12d8b9597" }\nsecrets = { openai = "P',
        'x = 1 }\nsecrets = { openai = "P',
    )
    read = read_project(project.folder)
    environments = list(read.configuration.environments.values())
    (problem,) = (
        item
        for item in find_problems(read, load_catalog(), environments)
        if item.severity == "error"
    )
    assert problem.environment == "production"


def test_an_object_in_two_files_is_a_mistake(project: ProjectFolder) -> None:
    project.write("personas/ada.yml", ADA)
    with pytest.raises(InvalidProject, match="two files"):
        read_project(project.folder)


def test_texts_and_values_are_inserted(project: ProjectFolder) -> None:
    project.write("prompts/a.md", "One\r\ntwo\n\n")
    project.write("personas/ada.yaml", ADA + "context: {file: ../prompts/a.md}\n")
    read = read_project(project.folder)
    rendered = render_project(read, read.configuration.environments["staging"])
    (item,) = rendered.values()
    assert item.fields["context"] == "One\ntwo\n"
    assert item.fields["default_replica_id"] == "rfe12d8b9597"


def test_ids_become_names_and_back() -> None:
    fields = {
        "tool_ids": ["t1", "t2"],
        "objectives_id": "o1",
        "layers": {"tts": {"pronunciation_dictionary_id": "pd_1", "tts_engine": "cartesia"}},
    }
    ids = {ObjectName("tools", "book"): "t1", ObjectName("dictionaries", "names"): "pd_1"}
    names = {(name.folder, object_id): name for name, object_id in ids.items()}
    named = with_names(fields, lambda folder, object_id: names.get((folder, object_id)))
    assert named == {
        "tools": ["book", "id:t2"],
        "objectives": "id:o1",
        "layers": {"tts": {"pronunciation_dictionary": "names", "tts_engine": "cartesia"}},
    }
    assert with_ids(named, ids.__getitem__) == fields


class TestState:
    def test_a_state_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        base = MergeBase({"a": [1, {"b": None}], "c": "x"}, {"a": [1], "d": "y"})
        objects = {
            ObjectName("personas", "ada"): ObjectState("p1", base, "abc", is_created=True),
            ObjectName("tools", "book"): ObjectState("t1"),
        }
        state = EnvironmentState("staging", objects, "plan-1-abcd")
        save_state(tmp_path, state)
        assert load_state(tmp_path, "staging") == state
        assert render_state(load_state(tmp_path, "staging")) == render_state(state)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "cannot be read"),
            ('{"version": 2, "environment": "staging"}', "it has version 2"),
            ('{"version": 1, "environment": "other"}', "was it copied?"),
        ],
    )
    def test_a_state_that_cannot_be_read_is_refused(
        self, tmp_path: Path, text: str, words: str
    ) -> None:
        (tmp_path / ".tavus").mkdir()
        (tmp_path / ".tavus/staging.json").write_text(text)
        with pytest.raises(InvalidArgument, match=words):
            load_state(tmp_path, "staging")
