"""Business days inside the database, which spare Python an instant for each row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from shared.clock import BUSINESS_ZONE

SQLITE_SHIFT = "+345 minutes"
"""SQLite knows no zones; Kathmandu has been at +05:45 since 1986."""


class business_day_of(FunctionElement[Any]):  # noqa: N801 - it reads as SQL's functions do
    """The date in Kathmandu at an instant; NULL stays NULL."""

    type = Date()
    inherit_cache = True


@compiles(business_day_of, "postgresql")
def _on_postgres(element: business_day_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(timezone('{BUSINESS_ZONE.key}', {compiler.process(element.clauses, **kw)}) AS DATE)"


@compiles(business_day_of, "sqlite")
def _on_sqlite(element: business_day_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)}, '{SQLITE_SHIFT}')"
