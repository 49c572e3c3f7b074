"""gunicorn's configuration; SIGHUP reloads gracefully, SIGTERM lets running requests finish.

gevent, because a worker must hold idle and slow clients without a thread each: measured beside Express + Bull with the
requirement's example, sync and gevent are on a par, gthread reaches two thirds of them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from gateway.metrics_folder import MULTIPROC_DIR
from shared.settings import Settings

_settings = Settings.from_environment()

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.gateway_processes
worker_class = "gateway.worker.GatewayWorker"
worker_connections = 1000
preload_app = False
backlog = 2048
keepalive = 15
timeout = 30
graceful_timeout = 30
max_requests = 0
limit_request_line = 8190
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "doko-gateway"
control_socket_disable = True

_made_here = MULTIPROC_DIR not in os.environ
if _made_here:
    os.environ[MULTIPROC_DIR] = tempfile.mkdtemp(prefix="doko-metrics-")


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the dead worker's gauges; its counters stay, so that totals never fall."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - only after the folder is set

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove the folder that this master made."""
    if _made_here:
        shutil.rmtree(os.environ[MULTIPROC_DIR], ignore_errors=True)
