"""An MCP server for Tavus personas: inspect, create and tune them, safely.

Package map, top layer first. A package imports only packages listed below it (enforced by
tests/conventions/importlinter.ini).

- ``cli``             the command line, and the only place that builds an ``App``
- ``server``          the MCP surface: tools, resources, prompts, completions, stdio
- ``fleet``           audits and bulk changes of a whole account: plan, apply, undo
- ``tuning``          goals to recommended changes, with reasons
- ``persona_files``   personas as YAML files: export, apply, merge
- ``conversations``   transcripts and turn-taking metrics: read, measure, compare
- ``personas``        create, read, update, delete and restore one persona; plans and receipts
- ``history``         what happened to a persona: writes, revisions, redactions
- ``listings``        paged lists of the account, with cursors
- ``app``             ``App``: the collaborators of one call
- ``checker``         the linter: a document in, findings out
- ``diagnostics``     the checks of ``doctor``; nothing is changed
- ``deprecations``    legacy settings and their equivalents today
- ``tavus_api``       the HTTP client
- ``journal``         the append-only audit log
- ``catalog``         what Tavus offers, as data with source and date
- ``sandbox``         a local Tavus; imported by ``cli`` only
- ``hosts``           the files of host applications, and our entry in them
- ``logs``            logging with secrets masked
- ``models``          schema and values: persona, JSON Patch, findings; no I/O, no clock
- ``keys``            keys as people copy them into variables: cleaned or refused
- ``settings``        the only reader of the environment
- ``text``, ``errors``, ``concurrency``, ``addresses``  helpers without dependencies
"""

__version__ = "0.1.0"
