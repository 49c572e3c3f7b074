"""The OpenAPI document, made of what the routes' decorators say."""

from __future__ import annotations

import re
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from gateway.api import Operation
from gateway.roles import SCOPES
from gateway.schemas import JobData, ProblemSchema
from shared.messages.base import OneByKind
from shared.messages.fields import Id, camel_case
from shared.queues import Queue

_PATH_ARGUMENT = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
_JSON = "application/json"
_KINDS = "x-kinds"
_IDS = {
    "order_id": "ORD2611000001",
    "number": "PAY001",
    "retailer_id": "RET001",
    "vendor_id": "VEN001",
    "product_id": "RICE-1KG",
}
"""Ids of the platform in paths, each with an example."""
_DESCRIPTIONS = {
    400: "The body is missing or not JSON",
    401: "No valid token",
    403: "The token lacks a scope",
    404: "No such queue, job, flow, worker, schedule, order, payment, retailer or path",
    409: "The job or order is in another state, or the job's deduplication key is held",
    410: "The report's file has expired",
    413: "The body is too large",
    415: "The body is not JSON by its content type",
    422: "Fields are wrong; errors names each by its path",
    429: "Too many requests within a minute; Retry-After says when",
    503: "Redis or the database is away; try again",
}


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route of ``app`` that was declared through ``Routes``."""
    plugin = MarshmallowPlugin()
    spec = APISpec(
        title="Doko",
        version="1",
        openapi_version="3.1.0",
        info={"description": "Background jobs of the ordering platform. JSON in camelCase; times ISO 8601 UTC."},
        plugins=[plugin],
    )
    converter: Any = plugin.converter
    converter.add_attribute_function(_kinds(converter))
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", schema=ProblemSchema)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        operation: Operation | None = getattr(view, "operation", None)
        if operation is None:
            continue
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        described = _describe(operation, view.__doc__ or "", rule.endpoint, rule.rule)
        spec.path(path=_PATH_ARGUMENT.sub(r"{\1}", rule.rule), operations={each.lower(): described for each in methods})
    made: dict[str, Any] = _without_fractions(spec.to_dict())
    _split_by_kind(made["components"]["schemas"])
    return made


def _without_fractions(part: Any) -> Any:
    """The document without ``multipleOf`` below one, which validators compute in floats and refuse 0.3 by."""
    if isinstance(part, dict):
        kept = {key: value for key, value in part.items() if key != "multipleOf" or isinstance(value, int)}
        return {key: _without_fractions(value) for key, value in kept.items()}
    return [_without_fractions(each) for each in part] if isinstance(part, list) else part


def _describe(operation: Operation, text: str, endpoint: str, rule: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": camel_case(endpoint.replace(".", "_")),
        "tags": [endpoint.partition(".")[0]],
        "summary": text.strip().partition("\n")[0],
        "parameters": [_path_parameter(name) for name in _PATH_ARGUMENT.findall(rule)],
        "responses": _responses(operation, has_argument=_PATH_ARGUMENT.search(rule) is not None),
    }
    if operation.scopes is not None:
        roles = [role for role, scopes in SCOPES.items() if set(operation.scopes) <= scopes]
        described["security"] = [{"bearer": []}]
        described["description"] = f"Scope {', '.join(operation.scopes)}: roles {', '.join(roles)}."
    if operation.query is not None:
        described["parameters"].append({"in": "query", "schema": operation.query.schema})
    if operation.enqueues:
        described["parameters"].append(_IDEMPOTENCY)
    if operation.body is not None:
        content: dict[str, Any] = {"schema": operation.body.schema}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": operation.is_body_required, "content": {_JSON: content}}
    return described


_IDEMPOTENCY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Repeating the request with the same key returns the same job for 24 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

_LOCATION = {
    "Location": {"description": "The path of what was created", "required": True, "schema": {"type": "string"}}
}


def _path_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name == "key":
        schema["enum"] = list(Queue.__members__)
    elif name in _IDS:
        schema |= Id().describe() | {"example": _IDS[name]}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _responses(operation: Operation, *, has_argument: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.response or "Done"}
    if operation.schema is not None:
        answer["content"] = {_JSON: {"schema": operation.schema}}
    for kind in operation.files:
        # A JSON file is any JSON to a reader of this document, every other one bytes.
        is_json = kind == _JSON
        answer.setdefault("content", {})[kind] = {"schema": {} if is_json else {"type": "string", "format": "binary"}}
    problems = set(operation.problems)
    if has_argument:
        problems |= {404}
    if operation.scopes is not None:
        problems |= {401, 403, 429, 503}
    if operation.query is not None:
        problems |= {422}
    if operation.body is not None:
        problems |= {400, 413, 415, 422}
    responses: dict[str, Any] = {str(operation.status): answer}
    if operation.created:
        responses["201"] = answer | {"description": operation.created, "headers": _LOCATION}
    for status in sorted(problems):
        schema: Schema | str = operation.schema if operation.is_public and operation.schema else "Problem"
        responses[str(status)] = {
            "description": _DESCRIPTIONS[status],
            "content": {_JSON: {"schema": schema}},
        }
    return responses


def _kinds(converter: Any) -> Any:
    def describe(_converter: Any, field: Any, **_: Any) -> dict[str, Any]:
        if not isinstance(field, OneByKind | JobData):
            return {}
        schemas = {str(kind): converter.resolve_nested_schema(type(schema)()) for kind, schema in field.schemas.items()}
        return {_KINDS: {"key": field.kind_key, "schemas": schemas}}

    return describe


def _split_by_kind(schemas: dict[str, Any]) -> None:
    """Say of an object whose data depends on its kind exactly that: one schema for each kind, told apart by it."""
    for name, schema in list(schemas.items()):
        for place, described in schema.get("properties", {}).items():
            if _KINDS in described:
                schemas.update(_variants(name, schema, place, described[_KINDS]))


def _variants(name: str, schema: dict[str, Any], place: str, kinds: dict[str, Any]) -> dict[str, Any]:
    made = {}
    mapping = {}
    for kind, data in kinds["schemas"].items():
        variant = name + re.sub("[^A-Za-z]", "", kind.title())
        properties = schema["properties"] | {kinds["key"]: {"type": "string", "enum": [kind]}, place: data}
        made[variant] = schema | {"properties": properties}
        mapping[kind] = f"#/components/schemas/{variant}"
    choice = {"propertyName": kinds["key"], "mapping": mapping}
    return made | {name: {"oneOf": [{"$ref": each} for each in mapping.values()], "discriminator": choice}}
