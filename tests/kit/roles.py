"""Working with the rights of one of Doko's roles."""

from __future__ import annotations


def url_as(role: str, url: str) -> str:
    """The URL of a PostgreSQL database whose connections take on ``role`` at their start."""
    return f"{url}?options=-c%20role%3D{role}"
