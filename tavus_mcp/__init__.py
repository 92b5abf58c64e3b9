"""An MCP server for Tavus personas: inspect, create and tune them, safely.

The rooms of the house, outermost first; each may import only what stands below it:

- ``cli``        the only place that wires a world together; ``__main__`` just calls it
- ``manifest``   renders README tables and manifests from the running server; ``demo`` plays it;
  ``files`` exports personas as files and applies them
- ``server``     our MCP server: strict tools, short errors; ``stdio`` carries its bytes
- ``tools``      the front, one decorated function per tool; ``resources``, ``completions`` beside
- ``usecases``   what happens, in order; its ``rules`` are what the checker knows
- ``app``        the wired things one call may use
- ``client``     the only way out over HTTP
- ``journal``    the only way to disk: what was done, append-only
- ``catalog``    what Tavus offers, as data with source and date
- ``models``     what things are: pydantic, no I/O, no clock; ``errors`` every failure we raise
- ``sandbox``    a local Tavus; speaks the wire and knows nothing of our client

``settings`` reads the environment, ``logs`` hides secrets in what is logged.
"""

__version__ = "0.1.0"
