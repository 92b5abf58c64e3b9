"""The checks of ``tavus-mcp doctor``: what works, what does not, and how to correct it.

- ``check``        a check, its status, and what makes its texts safe to publish
- ``environment``  Python, packages, settings, secrets
- ``network``      whether Tavus can be reached and accepts the key
- ``storage``      the data folder, the journal, the state of the sandbox
- ``host_entries`` our entries in the files of hosts
- ``collect``      all checks, within a time limit

No check changes anything: no file is created, and requests to Tavus only read.
"""
