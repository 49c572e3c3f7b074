"""Roles of tokens and what each may do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A right that endpoints ask for."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    QUEUES_OPERATE = "queues:operate"
    QUEUES_ADMIN = "queues:admin"
    PII_READ = "pii:read"


class Role(StrEnum):
    """What a token is for; each role has the rights of the one before it and more."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.JOBS_READ}),
    Role.OPERATOR: frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.QUEUES_OPERATE}),
    Role.ADMIN: frozenset(Scope),
}
"""Viewers look; operators enqueue, cancel, retry, promote, pause and resume; admins do it all."""
