"""The OpenAPI document and a page to read it with; every asset comes from here, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Blueprint, Response, current_app
from werkzeug.exceptions import NotFound

from gateway.answers import json_response
from gateway.openapi import document

routes = Blueprint("docs", __name__, url_prefix="/api/v1")

ASSETS = Path(flask_swagger_ui.__file__).with_name("dist")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Doko API</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/api/v1/docs/assets/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/api/v1/docs/assets/swagger-ui-bundle.js"></script>
  <script src="/api/v1/docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "/api/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'


@routes.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document, made once per process."""
    made: dict[str, Any] | None = current_app.extensions.get("doko-openapi")
    if made is None:
        made = current_app.extensions["doko-openapi"] = document(current_app)
    return json_response(made)


@routes.get("/docs")
def page() -> Response:
    """The page."""
    return Response(_PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY})


@routes.get("/docs/start.js")
def start() -> Response:
    """What starts the page, apart from it so that no inline script need be allowed."""
    return Response(_START, content_type="text/javascript; charset=utf-8")


@routes.get("/docs/assets/<name>")
def asset(name: str) -> Response:
    """A file of Swagger UI."""
    content_type = _TYPES.get(Path(name).suffix)
    path = ASSETS / name
    if content_type is None or not path.is_file():
        raise NotFound
    return Response(path.read_bytes(), content_type=content_type)
