"""What every table shares: naming, UTC instants, JSON documents.

Constraint names follow one convention, so that a migration can name what it
changes on SQLite and PostgreSQL alike. Instants are stored in UTC and always
come back zone-aware. Times that the engine took from Redis stay what they are:
epoch milliseconds, in columns that end in ``_ms``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Dialect, Enum, Integer, MetaData, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

JsonObject = dict[str, Any]
"""A JSON object as Python sees it."""

NUL = "\x00"
NUL_REPLACEMENT = "\ufffd"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: refused without a zone, stored in UTC, read back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy passes it
        """Convert to UTC; ValueError for a naive datetime, whose instant nobody knows."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: an instant needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the same
        """Attach the zone that SQLite drops."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; None is SQL NULL."""


class JsonTable(TypeDecorator[list[JsonObject]]):
    """Many objects with the same keys, in one JSON document that says the keys once: a third of the size.

    It is stored as ``{"columns": [key, ...], "rows": [[value, ...], ...]}``.
    """

    impl = Json
    cache_ok = True

    def process_bind_param(self, value: list[JsonObject] | None, dialect: Dialect) -> JsonObject | None:  # noqa: ARG002 - SQLAlchemy passes it
        """Take the keys of the first object for those of all; ValueError where one has others."""
        if value is None:
            return None
        columns = list(value[0]) if value else []
        if any(each.keys() != value[0].keys() for each in value):
            raise ValueError("the objects of a JSON table need the same keys")
        return {"columns": columns, "rows": [[each[column] for column in columns] for each in value]}

    def process_result_value(self, value: Any, dialect: Dialect) -> list[JsonObject] | None:  # noqa: ARG002 - the same
        """The objects again."""
        return None if value is None else [dict(zip(value["columns"], row, strict=True)) for row in value["rows"]]


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A generated key: SQLite only numbers columns declared INTEGER."""


def name_of(enum: type[StrEnum], length: int = 64) -> Enum:
    """A text column holding the enum's values; ``one_of`` adds the check where the set is closed."""
    return Enum(enum, native_enum=False, length=length, values_callable=lambda e: [member.value for member in e])


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A check that ``column`` holds one of ``values`` (or is null)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    """Root of all models."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        datetime: UtcDateTime(),
        JsonObject: Json,
        list[JsonObject]: Json,
    }


def utc_now() -> datetime:
    """The wall clock, for columns that say when a row was written."""
    return datetime.now(UTC)


def dump_json(value: object) -> str:
    """JSON text that both databases store.

    PostgreSQL can't hold U+0000 in text or JSONB, and a job that carries one must
    not stop the archive or its own claim: it becomes U+FFFD, on SQLite too, so
    that both answer alike. TypeError for what JSON can't say.
    """
    text = orjson.dumps(value).decode()
    return orjson.dumps(without_nul(value)).decode() if "\\u0000" in text else text


def load_json(text: str | bytes) -> Any:
    """The document in ``text``."""
    return orjson.loads(text)


def without_nul(value: Any) -> Any:
    """``value`` with U+0000 replaced in all its texts and keys."""
    if isinstance(value, str):
        return value.replace(NUL, NUL_REPLACEMENT)
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(item) for item in value]
    return value
