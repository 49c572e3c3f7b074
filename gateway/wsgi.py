"""What gunicorn loads in each worker: ``gunicorn -c gateway/gunicorn_config.py gateway.wsgi:app``."""

from __future__ import annotations

from sentry_sdk.integrations.flask import FlaskIntegration

from gateway.app import create_app
from shared import logs
from shared.sentry import configure_sentry
from shared.settings import Settings

_settings = Settings.from_environment()
logs.configure(_settings, "gateway")
configure_sentry(_settings, FlaskIntegration())
app = create_app(_settings)
