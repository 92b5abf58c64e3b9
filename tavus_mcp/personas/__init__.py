"""Create, read, update, delete and restore one persona."""
