"""Personas as YAML files: export, apply and merge."""
