"""The kinds of import files, and the columns of each: snake case in files, camelCase in the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from shared.master import schemas
from shared.messages.base import ContractSchema
from shared.messages.fields import Flag, Text, Whole

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Kind(StrEnum):
    """What a file holds; later kinds refer to earlier ones, so they are imported in this order."""

    RETAILERS = "retailers"
    VENDORS = "vendors"
    PRODUCTS = "products"
    STOCK = "stock"
    ORDERS = "orders"
    ITEMS = "items"
    PAYMENTS = "payments"


SCHEMAS: dict[Kind, type[ContractSchema]] = {
    Kind.RETAILERS: schemas.RetailerSchema,
    Kind.VENDORS: schemas.VendorSchema,
    Kind.PRODUCTS: schemas.ProductSchema,
    Kind.STOCK: schemas.StockSchema,
    Kind.ORDERS: schemas.OrderSchema,
    Kind.ITEMS: schemas.ItemSchema,
    Kind.PAYMENTS: schemas.PaymentSchema,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in files and in the row's class, its key in JSON, and what a CSV cell's text stands for."""

    name: str
    key: str
    required: bool
    value_of: Callable[[str], Any]


@cache
def schema_of(kind: Kind) -> ContractSchema:
    """The schema of a kind's rows."""
    return SCHEMAS[kind]()


@cache
def columns_of(kind: Kind) -> tuple[Column, ...]:
    """The columns of a kind, in their order."""
    return tuple(
        Column(name, field.data_key or name, field.required, _reader(field))
        for name, field in schema_of(kind).fields.items()
    )


def _reader(field: Any) -> Callable[[str], Any]:
    if isinstance(field, Whole):
        return _whole
    if isinstance(field, Flag):
        return _flag
    return _as_it_is if isinstance(field, Text) else str.strip


def _as_it_is(cell: str) -> str:
    return cell


def _whole(cell: str) -> int | str:
    text = cell.strip()
    return int(text) if _WHOLE.fullmatch(text) else text


def _flag(cell: str) -> bool | str:
    text = cell.strip()
    return _FLAGS.get(text.lower(), text)
