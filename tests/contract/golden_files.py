"""Golden files: for each version of each message its shape and payloads as they lay in Redis.

``python -m tests.contract.golden_files`` writes the file of a new version (shape from the schema, examples
upgraded from the version before); extend its examples by hand. A file that exists is never changed: payloads of
its version may still be waiting somewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.messages import MESSAGES, ContractSchema, Message, dump, load, schema_of
from shared.messages.base import Many, One, OneByKind
from shared.queues import POLICIES

FOLDER = Path(__file__).with_name("golden")


def path_of(message: type[Message], version: int) -> Path:
    """Where the golden file of a version lies: ``golden/whatsapp/message-v1.json``."""
    return FOLDER / POLICIES[message.QUEUE].folder / f"{message.JOB_NAME}-v{version}.json"


def versions() -> Iterator[tuple[type[Message], int]]:
    """Every version of every message, the newest one last."""
    for message in MESSAGES:
        for version in range(1, message.VERSION + 1):
            yield message, version


def read(message: type[Message], version: int) -> dict[str, Any]:
    """A golden file: ``{queue, name, version, shape, examples: [{payload, loads_as?}]}``."""
    content: dict[str, Any] = json.loads(path_of(message, version).read_text(encoding="utf-8"))
    return content


def shape_of(schema: ContractSchema) -> dict[str, Any]:
    """Everything that decides which payloads a schema writes and takes, by JSON key."""
    return {field.data_key or name: _field_shape(field) for name, field in schema.fields.items()}


def _field_shape(field: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"kind": type(field).__name__, "required": field.required}
    match field:
        case One():
            return shape | {"object": shape_of(field._contract)}
        case Many():
            return shape | {"longest": field.longest, "objects": shape_of(field._contract)}
        case OneByKind():
            kinds = {str(kind): shape_of(schema) for kind, schema in field.schemas.items()}
            return shape | {"by": field.kind_key, "kinds": kinds}
        case _:
            default = getattr(field, "_default", None)
            shape.update(field.describe())
            return shape if default is None else shape | {"default": field.encode(default)}


def write_new(message: type[Message]) -> Path | None:
    """Write the golden file of a message's newest version unless it is there; returns its path if written."""
    path = path_of(message, message.VERSION)
    if path.exists():
        return None
    examples = read(message, message.VERSION - 1)["examples"] if message.VERSION > 1 else []
    payloads = [
        dump(load(message.QUEUE, message.JOB_NAME, example["payload"], message.VERSION - 1)) for example in examples
    ]
    content = {
        "queue": message.QUEUE.value,
        "name": message.JOB_NAME,
        "version": message.VERSION,
        "shape": shape_of(schema_of(message)),
        "examples": [{"payload": payload} for payload in payloads],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    for each in MESSAGES:
        if written := write_new(each):
            sys.stdout.write(f"{written}\n")
