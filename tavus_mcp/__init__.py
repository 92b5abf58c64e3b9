"""An MCP server for Tavus personas: inspect, create and tune them, safely.

The rooms of the house, outermost first; each may import only what stands below it:

- ``cli``        the only place that wires a world together; ``__main__`` just calls it
- ``manifest``   renders the README tables and ``server.json`` from the running server
- ``server``     our MCP server: strict tools, short errors; ``stdio`` carries its bytes
- ``tools``      the front, one decorated function per tool; ``resources``, ``completions`` beside
- ``usecases``   what happens, in order
- ``app``        the wired things one call may use
- ``client``     the only way out over HTTP
- ``catalog``    what Tavus offers, as data with source and date
- ``models``     what things are: pydantic, no I/O, no clock; ``errors`` every failure we raise
- ``sandbox``    a local Tavus; speaks the wire and knows nothing of our client
"""

__version__ = "0.1.0"
