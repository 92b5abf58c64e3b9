"""The journal: an append-only audit log of personas, in SQLite or PostgreSQL.

``entry`` defines its entries and how they are chained by hashes; ``journal`` appends, reads and
verifies them; ``database`` is what it needs of SQLite (``sqlite_database``) and of PostgreSQL
(``postgres_database``); ``migrations`` create the tables and bring older files up to date.
"""
