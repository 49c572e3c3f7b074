"""What gunicorn loads as the next release's gateway."""

from __future__ import annotations

from tests.kit.next_release import become_next

become_next()

from gateway.wsgi import app  # noqa: E402 - made by the next release

__all__ = ["app"]
