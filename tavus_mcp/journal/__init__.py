"""The journal: an append-only audit log of personas in SQLite.

``entry`` defines its entries and how they are chained by hashes, ``journal`` appends, reads and
verifies them, and ``migrations`` create the tables and bring older files up to date.
"""
