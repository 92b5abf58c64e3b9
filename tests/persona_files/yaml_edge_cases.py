"""JSON values that are hard to write as YAML, for exact round trips."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TRICKY_STRINGS = (
    *("yes", "NO", "On", "off", "y", "N", "~", "null", "Null", "true", "FALSE", ".inf", "-.INF"),
    *(".nan", "1", "-1", "+1", "010", "1_000", "0x10", "0o7", "0b1", "1.0", "1e3", "1e-7", ".5"),
    *("2026-11-22", "12:30:00", "2026-11-22T10:00:00Z", "<<", "=", "!!python/object:os.system"),
    *("&a", "*a", "%a", "@a", "`a", "[a]", "{a}", "a, b", "|", "> a", "'a'", '"a"', "a\\b", "\\"),
    *(
        "-",
        "?",
        ":",
        "a: b",
        "a:b",
        "a #b",
        "#a",
        "a:",
        "---",
        "...",
        "- a",
        "? a",
        "https://a/b?c#d",
    ),
    *(" ", " a", "a ", "\t", "\ta", "a\t", "a\tb", "", "x" * 90, "x " * 60, "{secret:openai}"),
    *(
        "\n",
        "\n\n",
        "a\n",
        "a\n\n",
        "a\n\n\n",
        "\na",
        "\n\na",
        "  a\n b\n",
        " \n a",
        "a \nb",
        "a\n \nb",
    ),
    *(
        "a\n---\nb",
        "a\n...\nb",
        "# a\n# b\n",
        "a\n\tb",
        "\ta\nb",
        "  \n  ",
        "a\n  ",
        "a\n#",
        "k: v\nl: w",
    ),
    *(
        "a\r\nb",
        "a\rb",
        "a\r",
        "\r\n",
        "a\u2028b",
        "a\u2029b\nc",
        "a\x85b",
        "\u2028\n",
        "a\r\n\r\n b",
    ),
    *(
        "\ufeff",
        "a\ufeffb\nc",
        "\u202eabc\u202c",
        "a\u200eb\nc",
        "a\u200bb",
        "a\xadb",
        "\u2066x\u2069",
    ),
    *(
        "\U0001f469\u200d\U0001f4bb",
        "\U0001f469\u200d\U0001f4bb\nb",
        "Привет",
        "日本語 テキスト",
        "مرحبا",
    ),
    *("a\xa0b", "a\xa0b\nc", "a\u3000\nb", "\xa0", "a\n\xa0", "e\u0301", "\u0301e", "ﬀ", "ª", "Ⅷ"),
    *(
        "\x00",
        "a\x00\nb",
        "\x7f",
        "\x1b[31m",
        "\x9f",
        "\ue000",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "\U000e0041",
    ),
)
TEXTS = (
    st.sampled_from(TRICKY_STRINGS)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.lists(st.sampled_from((*TRICKY_STRINGS, "word ", "\n", "  ")), max_size=6).map("".join)
    | st.text(" \n\tab#:-|\"'\\,{}[]\r\u2028\xa0é", max_size=14)
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1.0, 0.0, -0.0, 1e-7, 1e300, 5e-324, 10**40, 0.1, 1e16, 123456789.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | TEXTS
)
KEYS = TEXTS | st.sampled_from(["k" * 500, "é" * 150, "a" * 120])
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, JSON, min_size=1, max_size=5)


def build_exact_form(value: Any) -> Any:
    """Return a form in which ``==`` distinguishes 1, 1.0 and true, and 0.0 and -0.0."""
    if isinstance(value, dict):
        return {key: build_exact_form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [build_exact_form(item) for item in value]
    return type(value).__name__, repr(value)


def build_nested_value(depth: int) -> Any:
    """Return alternating lists and objects, nested ``depth`` levels."""
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value
