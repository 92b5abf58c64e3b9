"""The view of results in hosts that support MCP Apps (extension ``io.modelcontextprotocol/ui``)."""
