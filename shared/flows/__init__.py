"""Flows: jobs of any queues that wait for each other, written as one and followed as one."""

from __future__ import annotations

from shared.broker.flow import OnFailure
from shared.flows.plan import MAX_JOBS, FlowStep, InvalidFlow, chained, check
from shared.flows.reading import FlowPage, FlowStore, FlowView, JobView
from shared.flows.writing import Asked, create_flow

__all__ = [
    "MAX_JOBS",
    "Asked",
    "FlowPage",
    "FlowStep",
    "FlowStore",
    "FlowView",
    "InvalidFlow",
    "JobView",
    "OnFailure",
    "chained",
    "check",
    "create_flow",
]
