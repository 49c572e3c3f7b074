"""The audit: what operators did and were refused, and whether it is as it was written."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.audit_requests import (
    AuditPageSchema,
    AuditQuery,
    AuditQuerySchema,
    VerifiedSchema,
    VerifyQuery,
    VerifyQuerySchema,
    chain_view,
    entry_view,
)
from gateway.context import current_gateway
from gateway.operator_requests import Reader
from gateway.roles import Scope
from shared.audit import actions
from shared.database.chain_check import check_chains

routes = Routes("audit", __name__, url_prefix="/api/v1/audit")


@routes.get("")
@routes.arguments(Reader(AuditQuerySchema), location="query")
@routes.response(200, AuditPageSchema, "Actions and refusals, newest first")
@requires(Scope.QUEUES_OPERATE)
def entries(wanted: AuditQuery) -> Json:
    """List what operators did and what was refused, with who, what, why and from where."""
    with current_gateway().database.reader() as tx:
        found = actions(
            tx,
            action=wanted.action,
            actor=wanted.actor,
            target=wanted.target,
            since=wanted.since,
            until=wanted.until,
            before_id=wanted.cursor,
            limit=wanted.limit,
        )
    cursor = found[-1].id if len(found) == wanted.limit else None
    return {"entries": [entry_view(entry) for entry in found], "count": len(found), "cursor": cursor}


@routes.get("/verify")
@routes.arguments(Reader(VerifyQuerySchema), location="query")
@routes.response(200, VerifiedSchema, "What was found of each chain")
@requires(Scope.QUEUES_ADMIN)
def verify(wanted: VerifyQuery) -> Json:
    """Check the newest rows of each hash chain; `doko audit verify` checks all of them."""
    reports = check_chains(current_gateway().database, last=wanted.rows)
    return {
        "isIntact": all(report.finding is None for report in reports),
        "chains": [chain_view(report) for report in reports],
    }
