"""What tests of answers about rows share."""

from __future__ import annotations

from typing import Any

from jsonschema_rs import Draft202012Validator
from sqlalchemy import select

from gateway.context import Gateway
from shared.audit import OperatorAction
from shared.database import Database
from shared.database.base import Base
from shared.database.models import OperatorLogEntry, Retailer
from tests.integration.database import business_rows as rows


def a_business(database: Database) -> None:
    """The small business, with all that is to be known of its first retailer."""
    with database.session() as tx:
        rows.add_a_small_business(tx)
        retailer = tx.get_one(Retailer, 1)
        retailer.owner_name, retailer.phone, retailer.email = "Sita", "+9779800000001", "sita@example.com"
        retailer.city, retailer.state, retailer.created_at = "Kathmandu", "Bagmati", rows.NOW
        retailer.credit_limit_paisa, retailer.debt_paisa, retailer.credit_score = 50_000_00, 113_50, 540


def revelations(parts: Gateway) -> list[tuple[str, str, Any]]:
    """Of whom personal data was shown: target, actor and details of the operator log."""
    shown = select(OperatorLogEntry).where(OperatorLogEntry.action == OperatorAction.PII_REVEALED.value)
    with parts.database.reader() as tx:
        return [(entry.target, entry.actor, entry.details) for entry in tx.scalars(shown.order_by(OperatorLogEntry.id))]


def add(parts: Gateway, *made: Base) -> None:
    """Store rows, one after the other."""
    with parts.database.session() as tx:
        for row in made:
            tx.add(row)
            tx.flush()


def check_shape(document: dict[str, Any], name: str, body: Any) -> None:
    """Hold an answer against its schema, and find no key in it that the schema doesn't know."""
    schemas = document["components"]["schemas"]
    strict = {key: _closed(schema) for key, schema in schemas.items()}
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": strict}}
    Draft202012Validator(schema).validate(body)


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"additionalProperties": False} if "properties" in schema else schema
