"""Reading the bodies of master data and drafts: the codes stand in the path, the rest is as in the import's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from typing_extensions import override

from gateway.answers import Json
from gateway.errors import errors_of, invalid
from shared.master.fields import Code
from shared.master.schemas import StockSchema
from shared.messages.base import ContractSchema


@dataclass(frozen=True, slots=True)
class Said:
    """A row, and the names of its fields that the request speaks of, null included."""

    row: Any
    given: frozenset[str]


class MasterRequest:
    """Reads a row whose codes stand in the path; a body may repeat them, but not say otherwise.

    ``codes`` are the row's fields by the path's arguments.
    """

    def __init__(self, name: str, row: type[ContractSchema], codes: Mapping[str, str]) -> None:
        self._name = name
        self._row = row
        self._arguments = codes

    @cached_property
    def schema(self) -> Schema:
        """The row with the codes as far as a body says them, for the OpenAPI document."""
        codes = {field: Code(required=False) for field in self._arguments.values()}
        made: type[Schema] = type(f"{self._name}Schema", (self._row,), codes)
        return made()

    @cached_property
    def _reader(self) -> ContractSchema:
        return self._row()

    @cached_property
    def _fields(self) -> dict[str, str]:
        return dict(zip(self._reader.keys(), self._reader.fields, strict=True))

    def read(self, data: Any) -> Said:
        """The row. Raises Problem 422 with everything that is wrong, the codes in the path included."""
        if not isinstance(data, dict):
            raise ValidationError({"body": ["must be a JSON object"]})
        codes = self._codes(data)
        whole = data | codes
        wrong = {
            key: [f"must be {code}, as in the path, or be left out"]
            for key, code in codes.items()
            if not _repeats(data.get(key), code)
        }
        try:
            row = self._reader.read(whole)
        except ValidationError as error:
            raise invalid(errors_of(error) | wrong) from error
        if wrong:
            raise invalid(wrong)
        return Said(row, frozenset(self._fields[key] for key in whole))

    def _codes(self, _data: Json) -> dict[str, str]:
        """The codes in the path, by their keys in the body."""
        keys = {field: key for key, field in self._fields.items()}
        arguments = request.view_args or {}
        return {keys[field]: arguments[name] for name, field in self._arguments.items()}


class StockRequest(MasterRequest):
    """Reads what a vendor has of a product: the path names both, or the vendor alone and the body the product.

    Codes may hold slashes: a body that repeats one of them says where the vendor's ends.
    """

    def __init__(self, name: str, *, of_vendor: bool = False) -> None:
        vendor = {"vendor_id": "vendor_code"}
        super().__init__(name, StockSchema, vendor if of_vendor else vendor | {"product_id": "product_code"})

    @override
    def _codes(self, data: Json) -> dict[str, str]:
        codes = super()._codes(data)
        whole = "/".join(codes.values())
        vendor, product = (data.get(key) if isinstance(data.get(key), str) else None for key in _STOCK_KEYS)
        if vendor == whole:
            return {"vendorCode": whole}
        if vendor and whole.startswith(f"{vendor}/"):
            return {"vendorCode": vendor, "productCode": whole.removeprefix(f"{vendor}/")}
        if product and whole.endswith(f"/{product}"):
            return {"vendorCode": whole.removesuffix(f"/{product}"), "productCode": product}
        return codes


_STOCK_KEYS = ("vendorCode", "productCode")


def _repeats(said: Any, code: str) -> bool:
    """Whether the body says of a code what the path says, or nothing; spaces around codes don't count."""
    return said is None or (isinstance(said, str) and said.strip() == code.strip())
