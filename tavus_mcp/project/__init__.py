"""A folder of files that describes the personas and parts of several accounts."""
