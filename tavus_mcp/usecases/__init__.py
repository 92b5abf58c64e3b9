"""What happens, in order: reading, editing, creating and checking personas.

A use case takes the ``App`` and values of ``models``; it knows neither MCP nor HTTP.
"""
