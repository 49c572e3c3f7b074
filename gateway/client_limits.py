"""The requests a minute of API clients: CLIENT_RATE_LIMIT for each token, or what an administrator set for its user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marshmallow import Schema, fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.answers import Json
from gateway.errors import Problem
from gateway.operator_requests import REASON_LENGTH
from shared.clock import to_iso
from shared.database.base import utc_now, without_nul
from shared.database.models import ApiToken, ClientLimitRow
from shared.messages import ContractSchema
from shared.messages.fields import Text, Whole

HIGHEST = 10_000_000
LONGEST_USER = 64


@dataclass(frozen=True, slots=True)
class SetClientLimit:
    """Requests a minute for each token of a user (0: no limit), and why."""

    requests_per_minute: int
    reason: str | None


class SetClientLimitSchema(ContractSchema):
    """``{requestsPerMinute, reason?}``."""

    TARGET = SetClientLimit
    requests_per_minute = Whole(0, HIGHEST)
    reason = Text(REASON_LENGTH, required=False)


class ClientLimitSchema(Schema):
    """The limit of each token of one user; 0 is none."""

    user = fields.String(required=True)
    requests_per_minute = fields.Integer(required=True, data_key="requestsPerMinute")
    is_default = fields.Boolean(required=True, data_key="isDefault")
    set_by = fields.String(required=True, allow_none=True, data_key="setBy")
    set_at = fields.DateTime(required=True, allow_none=True, data_key="setAt")
    reason = fields.String(required=True, allow_none=True)


class ClientLimitsSchema(Schema):
    """The users with a limit of their own, and what holds for all others."""

    requests_per_minute = fields.Integer(required=True, data_key="requestsPerMinute")
    clients = fields.List(fields.Nested(ClientLimitSchema), required=True)
    count = fields.Integer(required=True)


def limits_of_clients(tx: Session, default: int) -> Json:
    """All limits that were set, by user."""
    rows: Sequence[ClientLimitRow] = tx.scalars(select(ClientLimitRow).order_by(ClientLimitRow.user_name)).all()
    clients = [client_view(row.user_name, row, default) for row in rows]
    return {"requestsPerMinute": default, "clients": clients, "count": len(clients)}


def limit_of_client(tx: Session, user: str, default: int) -> Json:
    """The limit of one user's tokens. Raises Problem 404 for a user with neither a limit nor a token."""
    row = tx.get(ClientLimitRow, user)
    if row is None and tx.scalar(select(ApiToken.id).where(ApiToken.user_name == user).limit(1)) is None:
        raise _nobody(user)
    return client_view(user, row, default)


def set_limit(tx: Session, user: str, wanted: SetClientLimit, by: str) -> None:
    """Set the limit of a user's tokens. Raises Problem 422 for a name that no token can have."""
    if not 1 <= len(user) <= LONGEST_USER or not user.isprintable():
        rule = f"must be 1 to {LONGEST_USER} printable characters"
        raise Problem(422, f"user {rule}", {"user": [rule]})
    row = tx.get(ClientLimitRow, user) or ClientLimitRow(user_name=user)
    row.requests_per_minute = wanted.requests_per_minute
    row.set_by, row.set_at, row.reason = by, utc_now(), without_nul(wanted.reason or "")
    tx.add(row)


def remove_limit(tx: Session, user: str) -> None:
    """Let the default hold again. Raises Problem 404 for a user without a limit of their own."""
    row = tx.get(ClientLimitRow, user)
    if row is None:
        raise _nobody(user)
    tx.delete(row)


def client_view(user: str, row: ClientLimitRow | None, default: int) -> Json:
    """One user's limit as JSON."""
    if row is None:
        nothing = {"setBy": None, "setAt": None, "reason": None}
        return {"user": user, "requestsPerMinute": default, "isDefault": True, **nothing}
    return {
        "user": user,
        "requestsPerMinute": row.requests_per_minute,
        "isDefault": False,
        "setBy": row.set_by,
        "setAt": to_iso(int(row.set_at.timestamp() * 1000)),
        "reason": row.reason or None,
    }


def _nobody(user: str) -> Problem:
    return Problem(404, f"No limit is set for the user {user[:LONGEST_USER]!r}", code="unknown_client")
