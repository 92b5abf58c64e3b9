"""The checker of personas: a document in, findings out. It is pure: no input, output or clock."""
