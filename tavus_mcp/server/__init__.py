"""The MCP surface: tools, resources, prompts, completions and stdio."""
