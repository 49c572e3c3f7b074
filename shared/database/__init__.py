"""The database: ``Database`` for sessions, ``models`` for tables, ``migrate`` for the schema."""

from shared.database.session import Database

__all__ = ["Database"]
