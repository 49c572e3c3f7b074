"""The screens, in the order in which they stand beside every page, and the keys that open them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.dashboard.formatting import QUEUE_TITLES
from gateway.roles import Scope


@dataclass(frozen=True, slots=True)
class Entry:
    """One screen: its name, title, path, the key after ``g``, and the scope that one needs to see it."""

    screen: str
    title: str
    path: str
    key: str
    scope: Scope = Scope.JOBS_READ


NAVIGATION: tuple[tuple[Entry, ...], ...] = (
    (
        Entry("queues", "Queues", "/dashboard", "q"),
        Entry("jobs", "Jobs", "/dashboard/jobs", "j"),
        Entry("failures", "Failures", "/dashboard/failures", "f"),
        Entry("subjects", "Order or phone", "/dashboard/subjects", "o"),
    ),
    (
        Entry("workers", "Workers", "/dashboard/workers", "w"),
        Entry("schedules", "Schedules", "/dashboard/schedules", "s"),
        Entry("flows", "Flows", "/dashboard/flows", "l"),
        Entry("limits", "Limits", "/dashboard/limits", "m"),
    ),
    (
        Entry("bulk", "Bulk operations", "/dashboard/bulk", "b"),
        Entry("audit", "Audit", "/dashboard/audit", "a", Scope.QUEUES_OPERATE),
    ),
)


def navigation(scopes: Collection[Scope]) -> list[list[Entry]]:
    """The screens that a role may see, in their groups."""
    groups = [[each for each in group if each.scope in scopes] for group in NAVIGATION]
    return [group for group in groups if group]


def commands(scopes: Collection[Scope]) -> list[dict[str, str]]:
    """What the command palette offers before anything is typed."""
    screens = [{"title": each.title, "path": each.path} for group in navigation(scopes) for each in group]
    queues = [
        {"title": f"{title}: jobs", "path": f"/dashboard/jobs?filter=queue:{key}"}
        for key, title in QUEUE_TITLES.items()
    ]
    return [*screens, *queues]
