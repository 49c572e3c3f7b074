"""What belongs to one request: its id, the caller's token, and the parts of the application it uses."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app, g, has_request_context, request

from shared.audit import Actor

if TYPE_CHECKING:
    from gateway.auth import Caller, TokenCache
    from shared.broker.broker import DokoBroker
    from shared.database import Database
    from shared.flows import FlowStore
    from shared.health import Health
    from shared.job_store import JobStore
    from shared.jobs import JobQueueService
    from shared.schedules import ScheduleStore
    from shared.settings import Settings
    from shared.storage import ReportStorage
    from shared.worker_control import WorkerControl

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID = "doko.request_id"
"""Where the request's environment holds its id."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts that routes use; one per application, under ``app.extensions["doko"]``."""

    settings: Settings
    broker: DokoBroker
    jobs: JobQueueService
    store: JobStore
    database: Database
    tokens: TokenCache
    health: Health
    schedules: ScheduleStore
    storage: ReportStorage
    workers: WorkerControl
    flows: FlowStore


def current_gateway() -> Gateway:
    """The parts of the application that answers this request."""
    return cast("Gateway", current_app.extensions["doko"])


def current_caller() -> Caller:
    """Who makes this request; only below ``requires``."""
    return cast("Caller", g.caller)


def current_actor() -> Actor:
    """The caller as the operator log names it."""
    caller = current_caller()
    return Actor(
        name=caller.user,
        token_id=caller.token_id,
        role=caller.role.value,
        request_id=current_request_id(),
        remote_address=request.remote_addr,
    )


def current_request_id() -> str | None:
    """The id that this request's answer and log lines carry; None outside a request."""
    return cast("str | None", request.environ.get(REQUEST_ID)) if has_request_context() else None


def choose_request_id(given: str | None) -> str:
    """The caller's own id if it can stand in a header and a log, else a new one."""
    if given and _REQUEST_ID.fullmatch(given):
        return given
    return os.urandom(8).hex()
