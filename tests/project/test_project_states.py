"""Files and states that people, git and other systems leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from project_harness import (
    ADA,
    ADA_NAME,
    ADA_PROMPT_FILE,
    ADA_WITH_FILE,
    ProjectFolder,
    build_folder,
    ignore,
)

from tavus_mcp.checker.check import UNKNOWN_FIELDS
from tavus_mcp.errors import Conflict, InvalidArgument, Refused
from tavus_mcp.project.file_update import choose_name
from tavus_mcp.project.folder import read_project
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.problems import InvalidProject
from tavus_mcp.project.pull import PullOptions, pull
from tavus_mcp.project.session import ProjectSession
from tavus_mcp.sandbox.switches import Switches


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", ADA_WITH_FILE)
    folder.write(ADA_PROMPT_FILE, "You help people.\n")
    return folder


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("personas/Ada.yaml", r"two files; the other one is personas/Ada\.yaml"),
        ("personas/con.yaml", "Windows has no files of this name"),
        ("personas/zoë.yaml", "letters (a to z)"),
        ("personas/bob.YAML", "write the ending as .yaml"),
        ("personas/eu/bob.yaml", "personas/eu: files of objects lie in personas/ itself"),
        (
            "Persona/bob.yaml",
            "Persona: this folder is not read; that of these objects is personas/",
        ),
        ("dictionary/bob.yaml", "that of these objects is dictionaries/"),
    ],
)
def test_a_file_that_would_not_be_read_everywhere_is_a_mistake(
    project: ProjectFolder, path: str, words: str
) -> None:
    project.write(path, ADA)
    with pytest.raises(InvalidProject) as error:
        read_project(project.folder)
    assert words.replace("\\", "") in str(error.value)


def test_files_of_editors_are_ignored(project: ProjectFolder) -> None:
    for name in (".#ada.yaml", "._ada.yaml", "ada.yaml~", ".ada.yaml.swp"):
        project.write(f"personas/{name}", "not: [yaml")
    assert len(read_project(project.folder).sources) == 1


def test_a_link_that_leads_out_is_neither_read_nor_written(
    applied: ProjectFolder, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bob.yaml").write_text(ADA)
    link = applied.folder / "personas/bob.yaml"
    link.symlink_to(outside / "bob.yaml")
    with pytest.raises(InvalidProject, match=r"personas/bob.yaml: this is a link that leads out"):
        read_project(applied.folder)
    link.unlink()
    applied.replace("personas/ada.yaml", "{file: ../prompts/ada.md}", "You help people.")
    (applied.folder / ADA_PROMPT_FILE).unlink()
    (applied.folder / "prompts").rmdir()
    (applied.folder / "prompts").symlink_to(outside)
    applied.apply_successfully()
    (applied.folder / ".tavus/staging.json").unlink()
    (applied.folder / "personas/ada.yaml").unlink()
    with pytest.raises(Refused, match=r"prompts/ada.md: a link leads out"):
        applied.pull(takes_new=True)
    assert sorted(path.name for path in outside.iterdir()) == ["bob.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n<<<<<<< HEAD\n", "line 2 is a mark of a conflict of git"),
        ('{"version": 1, "version": 1}', "'version' stands there twice"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "cannot be read"),
        ('{"version": 1, "environment": "staging", "state": "a", "objects": []}', "cannot be"),
        ({"tools/../x": {}}, "not FOLDER/NAME"),
        ({"personas/a": {"id": "../p", "base": {}, "digest": ""}}, "is not an id"),
        ({"personas/a": {"id": "p1", "base": [], "digest": ""}}, "the base of p1 is no object"),
        ({"personas/a": {"id": "p1", "base": {}}}, "'digest'"),
        (
            {
                "personas/a": {"id": "p1", "base": {}, "digest": ""},
                "personas/b": {"id": "p1", "base": {}, "digest": ""},
            },
            "personas/a and personas/b have the same id, p1",
        ),
        (
            {"personas/a": {"id": "p1", "base": {}, "digest": "", "account": [{"op": "x"}]}},
            "cannot be read",
        ),
    ],
)
def test_a_state_that_was_edited_is_refused_with_the_reason(
    project: ProjectFolder, text: str | dict[str, Any], words: str
) -> None:
    if not isinstance(text, str):
        state = {"version": 1, "environment": "staging", "state": "a", "objects": text}
        text = json.dumps(state)
    project.write(".tavus/staging.json", text)
    with pytest.raises(InvalidArgument) as error:
        project.plan()
    assert words in str(error.value)
    assert "tavus-mcp pull" in str(error.value)
    assert project.requests == []


def test_a_state_of_another_address_is_refused(applied: ProjectFolder) -> None:
    """Also with one object, whose file a pull would remove as that of a deleted one."""
    for line in (
        'api_key_env = "STAGING_KEY"\nbase_url = "http://127.0.0.1:1/v2"',
        "sandbox = true",
    ):
        text = applied.read("tavus.toml")
        applied.replace("tavus.toml", 'api_key_env = "STAGING_KEY"', line)
        with pytest.raises(Refused, match=r"is the state of https://tavusapi.com/v2"):
            applied.pull()
        assert applied.requests == []
        applied.write("tavus.toml", text)
    assert applied.statuses() == {ADA_NAME: "in sync"}


def test_a_state_of_another_account_is_refused_if_the_journal_knows_it(
    applied: ProjectFolder,
) -> None:
    applied.accounts["production"].journal_path = applied.accounts["staging"].journal_path
    state = (applied.state_text() or "").replace("staging", "production")
    applied.write(".tavus/production.json", state)
    with pytest.raises(Refused, match="right account"):
        applied.pull("production")
    assert ADA_NAME in applied.state_ids("production")


def test_names_of_objects_become_names_of_files_on_every_system() -> None:
    taken: list[ObjectName] = []
    for text in ("Zoë", "con", "CON", "面接官", "a/b", "", "yes", "1.0", "é" * 200, "🙂"):
        taken.append(choose_name("personas", text, taken))
    names = [name.name for name in taken]
    assert names[:8] == ["zoe", "con_", "con__2", "unnamed", "a_b", "unnamed_2", "yes", "1_0"]
    assert all(ObjectName.parse(str(name)) == name for name in taken)
    assert len({name.lower() for name in names}) == len(names)


def test_two_files_of_one_name_are_not_linked_to_one_object(applied: ProjectFolder) -> None:
    (applied.folder / ".tavus/staging.json").unlink()
    applied.write("personas/bob.yaml", ADA.replace("help people", "listen"))
    pulled = applied.pull()
    assert [item.outcome for item in pulled] == ["left", "left"]
    persona_id = applied.accounts["staging"].ids()[0]
    assert "pull personas/ada=ID" in pulled[0].unsettled[0]
    assert persona_id in pulled[0].unsettled[0]
    applied.pull(names=[ObjectName("personas", "ada")])
    assert applied.state_ids() == {ADA_NAME: persona_id}


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ({"bob": "p0000000009"}, "the account has no persona of this id"),
        ({"bob": "own"}, "this is personas/ada already"),
        ({"bob": "other", "cy": "other"}, "an object can have one file only"),
    ],
)
def test_a_link_by_hand_must_be_possible(
    applied: ProjectFolder, links: dict[str, str], words: str
) -> None:
    (persona,) = applied.accounts["staging"].user_objects()
    other = {**persona, "persona_id": "p0000000002"}
    applied.accounts["staging"].store.put("persona", "p0000000002", other)
    ids = {"own": persona["persona_id"], "other": "p0000000002"}
    for name in links:
        applied.write(f"personas/{name}.yaml", ADA.replace("Ada", name))
    wanted = {ObjectName("personas", name): ids.get(text, text) for name, text in links.items()}
    with pytest.raises(InvalidArgument, match=words):
        applied.pull(names=list(wanted), links=wanted)


class TestRenamedFiles:
    def test_a_renamed_file_is_the_same_object(self, applied: ProjectFolder) -> None:
        ids = [*applied.state_ids().values()]
        (applied.folder / "personas/ada.yaml").rename(applied.folder / "personas/eva.yaml")
        assert applied.statuses() == {"personas/eva": "in sync"}
        applied.apply_successfully(prune=True)
        assert applied.writes == []
        assert applied.state_ids() == {"personas/eva": ids[0]}

    def test_a_renamed_part_is_the_same_for_its_personas(self, tmp_path: Path) -> None:
        folder = build_folder(tmp_path)
        folder.write("tools/book.yaml", "name: book\ndescription: Books a table.\n")
        folder.write("personas/ada.yaml", ADA + "tools: [book]\n")
        folder.apply_successfully()
        (folder.folder / "tools/book.yaml").rename(folder.folder / "tools/table.yaml")
        folder.replace("personas/ada.yaml", "[book]", "[table]")
        folder.apply_successfully(prune=True)
        assert folder.writes == []
        assert set(folder.statuses().values()) == {"in sync"}

    def test_a_file_that_was_renamed_and_changed_is_linked_by_hand(
        self, applied: ProjectFolder
    ) -> None:
        persona_id = applied.state_ids()[ADA_NAME]
        (applied.folder / "personas/ada.yaml").rename(applied.folder / "personas/eva.yaml")
        applied.replace("personas/eva.yaml", "persona_name: Ada", "persona_name: Eva")
        applied.edit_remotely(greeting="Hi.")
        name = ObjectName("personas", "eva")
        applied.pull(names=[name], links={name: persona_id})
        assert applied.statuses() == {"personas/eva": "changed locally"}
        assert "greeting: Hi." in applied.read("personas/eva.yaml")
        applied.apply_successfully(prune=True)
        (persona,) = applied.accounts["staging"].user_objects()
        assert (persona["persona_id"], persona["persona_name"]) == (persona_id, "Eva")

    def test_of_equal_files_it_is_not_guessed_which_was_renamed(
        self, applied: ProjectFolder
    ) -> None:
        text = applied.read("personas/ada.yaml")
        (applied.folder / "personas/ada.yaml").unlink()
        for name in ("eva", "ida"):
            applied.write(f"personas/{name}.yaml", text)
        assert applied.statuses()[ADA_NAME] == "changed locally"


class TestPulledFiles:
    def test_line_ends_and_comments_stay(self, applied: ProjectFolder) -> None:
        applied.write(ADA_PROMPT_FILE, "You help people.\r\nBe kind.\r\n")
        text = "# Ada\n" + ADA_WITH_FILE + "greeting: Hello.  # short\ncontext: Hello.\n"
        applied.write("personas/ada.yaml", text.replace("\n", "\r\n"))
        applied.apply_successfully()
        applied.edit_remotely(system_prompt="You listen.\nBe kind.", greeting="Good day.")
        applied.pull()
        assert (applied.folder / ADA_PROMPT_FILE).read_bytes() == b"You listen.\r\nBe kind.\r\n"
        raw = (applied.folder / "personas/ada.yaml").read_bytes()
        assert raw.startswith(b"# Ada\r\n")
        assert b"greeting: Good day.  # short\r\n" in raw
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert set(applied.statuses().values()) == {"in sync"}
        applied.apply_successfully()
        assert applied.writes == []

    def test_a_file_that_is_changed_meanwhile_is_left(self, applied: ProjectFolder) -> None:
        """Required by us: an editor saves while a pull waits for Tavus."""
        applied.edit_remotely(system_prompt="You listen.", greeting="Good day.")
        state = applied.state_text()
        with pytest.raises(Conflict, match=r"prompts/ada.md: the file was changed while"):
            applied.run(lambda session: _change_at_read(session, applied))
        assert applied.read(ADA_PROMPT_FILE) == "Written meanwhile.\n"
        assert "greeting" not in applied.read("personas/ada.yaml")
        assert applied.state_text() == state

    def test_a_text_that_is_still_there_is_named_again(self, applied: ProjectFolder) -> None:
        (applied.folder / "personas/ada.yaml").unlink()
        applied.pull(resolve="live")
        assert 'system_prompt:\n  file: "../prompts/ada.md"' in applied.read("personas/ada.yaml")
        assert applied.statuses() == {ADA_NAME: "in sync"}

    def test_a_field_that_only_tavus_knows_is_no_mistake(self, applied: ProjectFolder) -> None:
        applied.accounts["staging"].switches = Switches(unknown_fields="accepted")
        applied.edit_remotely(brand_new={"a": 1}, another=5)
        applied.pull()
        assert "brand_new:\n  a: 1" in applied.read("personas/ada.yaml")
        applied.apply_successfully()
        assert applied.writes == []
        applied.write(ADA_PROMPT_FILE, "You listen.\n")
        applied.apply_successfully()
        (persona,) = applied.accounts["staging"].user_objects()
        assert (persona["brand_new"], persona["system_prompt"]) == ({"a": 1}, "You listen.")
        applied.replace("personas/ada.yaml", "another: 5", "another: 6")
        with pytest.raises(InvalidProject, match="another: Unknown field"):
            applied.plan()
        (item,) = applied.plan(allow=UNKNOWN_FIELDS).items
        assert [change.path for change in item.changes] == ["/another"]

    def test_a_byte_order_mark_is_no_part_of_a_text(self, project: ProjectFolder) -> None:
        project.write(ADA_PROMPT_FILE, "\ufeffYou help people.\n")
        project.apply_successfully()
        (persona,) = project.accounts["staging"].user_objects()
        assert persona["system_prompt"] == "You help people."


async def _change_at_read(session: ProjectSession, project: ProjectFolder) -> None:
    """Pull while another program changes a file after it was read."""
    comparison = await session.compare(ignore)
    project.write(ADA_PROMPT_FILE, "Written meanwhile.\n")
    await pull(session.app, session.project, comparison, PullOptions(), ignore)
