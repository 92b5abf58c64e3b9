"""The routes of the local Tavus, one module per resource."""
