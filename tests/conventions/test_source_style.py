"""Rules for the source files, without a list of exceptions."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator

from source_files import (
    CODE,
    PACKAGE,
    ROOT,
    Function,
    iterate_functions,
    iterate_public_definitions,
    parse_source_files,
)

import tavus_mcp

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 400, 50, 7
TOOLS = PACKAGE / "server" / "tools"
BROAD_EXCEPTIONS = frozenset({"Exception", "BaseException"})
ENVIRONMENT_READERS = frozenset({"settings.py", "cli/main.py", "cli/demo.py", "__main__.py"})
"""The settings, the command line that passes the environment to them, and what starts processes."""


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in parse_source_files(*CODE)}
    assert {str(path): length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    too_long = [
        f"{source.location_of(function)} {function.name}: {count_lines(function)} lines"
        for source in parse_source_files(*CODE)
        for function in iterate_functions(source.tree)
        if count_lines(function) > MAX_FUNCTION_LINES
    ]
    assert too_long == []


def test_no_function_has_more_than_seven_parameters() -> None:
    """Those of a tool are its arguments, as a client sees them."""
    parameters = {
        f"{source.location_of(function)} {function.name}": count_parameters(function)
        for source in parse_source_files("tavus_mcp")
        for function in iterate_functions(source.tree)
        if TOOLS not in source.path.parents
    }
    assert {place: n for place, n in parameters.items() if n > MAX_PARAMETERS} == {}


def count_parameters(function: Function) -> int:
    given = function.args
    names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_no_handler_catches_every_exception() -> None:
    broad = [
        source.location_of(node)
        for source in parse_source_files(*CODE)
        for node in ast.walk(source.tree)
        if list_caught_exceptions(node) & BROAD_EXCEPTIONS
    ]
    assert broad == []


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        source.path.relative_to(PACKAGE).as_posix()
        for source in parse_source_files("tavus_mcp")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute | ast.alias | ast.Name)
        and getattr(node, "attr", getattr(node, "name", getattr(node, "id", "")))
        in {"environ", "environb", "getenv", "getenvb"}
        and not is_parameter(source.tree, node)
    }
    assert readers <= ENVIRONMENT_READERS


def test_every_public_definition_has_a_docstring() -> None:
    assert [
        source.location_of(node)
        for source in parse_source_files("tavus_mcp", "examples")
        for node in iterate_public_definitions(source.tree)
        if not ast.get_docstring(node)
    ] == []


def test_every_module_has_a_docstring() -> None:
    undocumented = [
        source.path.name
        for source in parse_source_files("tavus_mcp", "examples")
        if not ast.get_docstring(source.tree)
    ]
    assert undocumented == []


def test_every_return_is_annotated() -> None:
    assert [
        source.location_of(function)
        for source in parse_source_files("tavus_mcp", "examples")
        for function in iterate_functions(source.tree)
        if function.returns is None
    ] == []


def test_the_version_is_defined_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "tavus_mcp/__init__.py"
    mentions = [
        source.path.relative_to(PACKAGE).as_posix()
        for source in parse_source_files("tavus_mcp")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value == tavus_mcp.__version__
    ]
    assert mentions == ["__init__.py"]


def count_lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def list_caught_exceptions(node: ast.AST) -> set[str]:
    """Return the names of the exceptions that a node catches; ``except:`` is ``BaseException``."""
    if isinstance(node, ast.ExceptHandler):
        return set(iterate_names(node.type)) if node.type else {"BaseException"}
    if isinstance(node, ast.Call) and "suppress" in iterate_names(node.func):
        return {name for argument in node.args for name in iterate_names(argument)}
    return set()


def iterate_names(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def is_parameter(tree: ast.Module, node: ast.AST) -> bool:
    """Tell whether a name is the parameter of a function that contains it."""
    return isinstance(node, ast.Name) and any(
        node.id in {argument.arg for argument in function.args.args}
        for function in iterate_functions(tree)
        if node in ast.walk(function)
    )
