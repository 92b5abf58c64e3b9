"""Recognise placeholders that people and hosts leave in settings, in place of a value.

Only for values that name something: ids, keys, hosts, addresses and names. A prompt may contain
any of these forms on purpose.
"""

from __future__ import annotations

import re

from tavus_mcp.checker.fixes import find_placeholder

SECRET_REFERENCE = re.compile(r"\{secret:\w+\}")
"""A reference to a secret of the server, which is no placeholder."""
_UNFILLED = re.compile(
    r"\$\{[^}]*\}?"  # ${VAR}
    r"|\{\{[^}]*\}?\}?"  # {{var}}
    r"|<[A-Za-z][^<>]{0,60}>"  # <account>
    r"|\A(?:os\.environ|os\.getenv|process\.env)(?=[.\[(])"  # os.environ["KEY"]
    r"|%[A-Z][A-Z0-9_]*%"  # %VAR% of Windows
    r"|\A\$[A-Za-z_]\w*\Z"  # $VAR
    r"|(?<![A-Za-z0-9])(?:REPLACE|CHANGE|FILL)[-_]?(?:ME|THIS|WITH|IN)(?![a-z])"  # REPLACE_ME_ID
    r"|(?<![A-Za-z0-9])YOUR[-_][A-Z]"  # YOUR_KEY
)
_EXAMPLE = re.compile(
    r"(?<![a-z0-9])(?:replace|change|fill)[-_ ]?(?:me|this|with|in)(?![a-z])"
    r"|(?<![a-z0-9])(?:insert|enter|paste|put|add)[-_ ](?:your|the|real)(?![a-z0-9])"
    r"|(?<![a-z0-9])your[-_ ][a-z0-9_ -]*(?:id|key|token|secret|here|model|name|url)(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:placeholder|todo|tbd|fixme)(?![a-z0-9])"
    r"|\A(?:\{[a-z][\w -]*\}|\[[a-z][\w -]*\])\Z"  # {voice_id}, [voice id]
    r"|\A(?:x{3,}|string|none|null|undefined|example|dummy|lorem ipsum)\Z"
    r"|(?:\.\.\.|\u2026)\Z",  # sk-...
    re.IGNORECASE,
)
_NAMES_ITS_KIND = re.compile(
    r"(?:[a-z]{1,14}[-_])*(?:id|ids|key|token|secret)(?:[-_](?:[0-9]|here))?"
    r"|(?:[A-Z]{1,14}[-_])*(?:ID|IDS|KEY|TOKEN|SECRET)(?:[-_](?:[0-9]|HERE))?"
)
"""A value that is the name of its field: ``DOC_ID_1``, ``sarah-voice-id``, ``OPENAI_API_KEY``."""
_HOST_LABEL = re.compile(
    r"your(?:$|[-_]|account|api|app|company|domain|endpoint|host|llm|name|org|project|proxy"
    r"|resource|server|service|site|subdomain|tenant|url|website)"
    r"|(?:account|host|subdomain|tenant|resource|project)[-_](?:name|id)$"
    r"|(?:replace|change)[-_]?me|placeholder"
)


def is_unfilled(value: str) -> bool:
    """Return True if a text holds a variable or a blank that was to be filled in: ``${VAR}``."""
    return _UNFILLED.search(value.strip()) is not None


def is_placeholder(value: str) -> bool:
    """Return True if a text holds a placeholder in any of the common forms.

    >>> is_placeholder("REPLACE_ME_REPLICA_ID"), is_placeholder("rfe12d8b9597")
    (True, False)
    """
    text = value.strip()
    is_common = is_unfilled(text) or _EXAMPLE.search(text) is not None
    return is_common or find_placeholder(text) is not None


def is_placeholder_id(value: str) -> bool:
    """Return True if an id or a key is a placeholder, or only names what belongs there."""
    text = value.strip()
    return is_placeholder(text) or _NAMES_ITS_KIND.fullmatch(text) is not None


def is_placeholder_host(host: str) -> bool:
    """Return True if a label of a host name is a placeholder, as in ``your-endpoint.example``."""
    return any(_HOST_LABEL.match(label) for label in host.lower().split("."))
