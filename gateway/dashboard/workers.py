"""Workers: which live, what they run, and letting one rest or end."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gateway.dashboard.calling import View, call
from gateway.dashboard.pages import back_with, page
from gateway.routes import workers as api
from shared.queues import Queue

PATH = "/dashboard/workers"


def install(routes: Blueprint) -> None:
    """Add the screen and its actions."""
    routes.add_url_rule("/workers", "workers", show, methods=["GET"])
    for action in (quiet, resume, stop):
        path = f"/workers/<worker_id>/{action.__name__}"
        routes.add_url_rule(path, f"worker_{action.__name__}", action, methods=["POST"])


def show() -> Response:
    """All living workers, by queue; a queue without any says so."""
    workers = call(api.list_workers)["workers"]
    by_queue = {queue.name: [each for each in workers if each["queue"] == queue.name] for queue in Queue}
    return page("workers.html", by_queue=by_queue, count=len(workers), API=api)


def quiet(worker_id: str) -> Response:
    """Let a worker take no more jobs."""
    return _direct(api.quiet, worker_id)


def resume(worker_id: str) -> Response:
    """Let a quiet worker take jobs again."""
    return _direct(api.resume, worker_id)


def stop(worker_id: str) -> Response:
    """End a worker as SIGTERM does."""
    return _direct(api.stop, worker_id)


def _direct(view: View, worker_id: str) -> Response:
    reason = request.form.get("reason", "").strip()
    done = call(view, body={"reason": reason} if reason else {}, worker_id=worker_id)
    return back_with(done["message"], PATH)
