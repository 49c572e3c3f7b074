"""The screens, in the order in which they stand beside every page, and the keys that open them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.dashboard.formatting import QUEUE_TITLES


@dataclass(frozen=True, slots=True)
class Entry:
    """One screen: its name, title, path, and the key after ``g``."""

    screen: str
    title: str
    path: str
    key: str


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
        Entry("audit", "Audit", "/dashboard/audit", "a"),
    ),
)


def commands() -> list[dict[str, str]]:
    """What the command palette offers before anything is typed."""
    screens = [{"title": each.title, "path": each.path} for group in NAVIGATION for each in group]
    queues = [
        {"title": f"{title}: jobs", "path": f"/dashboard/jobs?filter=queue:{key}"}
        for key, title in QUEUE_TITLES.items()
    ]
    return [*screens, *queues]
