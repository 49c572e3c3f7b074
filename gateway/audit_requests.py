"""What clients ask of the audit, and what they get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marshmallow import Schema, fields

from gateway.answers import Json
from gateway.operator_requests import MAX_PAGE, QueryWhole
from shared.audit import OperatorAction
from shared.database.chain_check import ChainReport
from shared.database.models import OperatorLogEntry
from shared.messages import ContractSchema
from shared.messages.contact_fields import Instant
from shared.messages.fields import Choice, Text

HIGHEST_ID = 2**63 - 1
MOST_ROWS = 10_000
ROWS = 1_000


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries: of whom, of what, since (included) and until (not included) when, and older than ``cursor``."""

    actor: str | None
    action: OperatorAction | None
    target: str | None
    since: datetime | None
    until: datetime | None
    cursor: int | None
    limit: int


class AuditQuerySchema(ContractSchema):
    """``?cursor&actor&action&target&since&until&limit``."""

    TARGET = AuditQuery
    actor = Text(64, required=False)
    action = Choice(OperatorAction, required=False)
    target = Text(256, required=False)
    since = Instant(required=False)
    until = Instant(required=False)
    cursor = QueryWhole(1, HIGHEST_ID, required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=50)


@dataclass(frozen=True, slots=True)
class VerifyQuery:
    """How many rows of each chain."""

    rows: int


class VerifyQuerySchema(ContractSchema):
    """``?rows``: the newest so many of each chain."""

    TARGET = VerifyQuery
    rows = QueryWhole(1, MOST_ROWS, required=False, default=ROWS)


class EntrySchema(Schema):
    """One action or refusal."""

    id = fields.Integer(required=True)
    at = fields.String(required=True)
    actor = fields.String(required=True)
    token_id = fields.String(required=True, allow_none=True, data_key="tokenId")
    role = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    target = fields.String(required=True)
    reason = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True, data_key="requestId")
    remote_address = fields.String(required=True, allow_none=True, data_key="remoteAddress")
    details = fields.Dict(required=True)


class AuditPageSchema(Schema):
    """Entries, newest first; ``cursor`` leads to the older ones, null at the end."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
    count = fields.Integer(required=True)
    cursor = fields.Integer(required=True, allow_none=True)


class FindingSchema(Schema):
    """The first row that doesn't fit its chain."""

    what = fields.String(required=True)
    place = fields.String(required=True)
    seq = fields.Integer(required=True)
    detail = fields.String(required=True)


class ChainSchema(Schema):
    """What was found of one chain."""

    name = fields.String(required=True)
    checked = fields.Integer(required=True)
    after = fields.Integer(required=True)
    head_seq = fields.Integer(required=True, data_key="headSeq")
    head_hash = fields.String(required=True, data_key="headHash")
    rows_before = fields.Integer(required=True, data_key="rowsBefore")
    finding = fields.Nested(FindingSchema, required=True, allow_none=True)


class VerifiedSchema(Schema):
    """Whether the newest rows of the audit are as they were written."""

    is_intact = fields.Boolean(required=True, data_key="isIntact")
    chains = fields.List(fields.Nested(ChainSchema), required=True)


def entry_view(entry: OperatorLogEntry) -> Json:
    """An entry of the operator log."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "tokenId": entry.token_id,
        "role": entry.role,
        "action": entry.action,
        "target": entry.target,
        "reason": entry.why,
        "requestId": entry.request_id,
        "remoteAddress": entry.remote_address,
        "details": entry.details,
    }


def chain_view(report: ChainReport) -> Json:
    """What the check found of one chain."""
    finding = report.finding
    found = None
    if finding is not None:
        found = {"what": finding.what, "place": finding.place, "seq": finding.seq, "detail": finding.detail}
    return {
        "name": report.name,
        "checked": report.checked,
        "after": report.after,
        "headSeq": report.head.seq,
        "headHash": report.head.hash.hex(),
        "rowsBefore": report.rows_before,
        "finding": found,
    }
