"""The checker of personas: a document in, findings out; pure, without I/O and clock.

- ``check``           checks a whole persona, or a change of one
- ``rules/``          one module per layer or topic; ``rule`` declares, ``rule_factories`` builds
- ``fixes``           the tool calls that fix a finding; ``function_fixes`` those of functions
- ``schema_check``    violations of the pydantic schema, as findings
- ``draft_input``     parses what callers give as a draft
"""
