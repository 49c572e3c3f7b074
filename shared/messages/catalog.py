"""All messages in one table, and the three calls that everything else uses: ``load``, ``dump``, ``validate_data``."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from marshmallow import ValidationError

from shared.errors import UnsupportedVersion
from shared.messages.base import ContractSchema, Message
from shared.messages.credit import ScoreRetailerSchema
from shared.messages.orders import ProcessOrderSchema
from shared.messages.reminders import RemindRetailerSchema
from shared.messages.reports import GenerateReportSchema, SendReportSchema
from shared.messages.routing import AlertOperatorSchema, AnswerOfferSchema, ExpireOffersSchema, RouteOrderSchema
from shared.messages.whatsapp import SendMessageSchema
from shared.queues import Queue

# Built once: making a schema costs more than fifty loads.
_SCHEMAS: dict[type[Message], ContractSchema] = {
    schema.TARGET: schema
    for schema in (
        SendMessageSchema(),
        ScoreRetailerSchema(),
        RouteOrderSchema(),
        AnswerOfferSchema(),
        ExpireOffersSchema(),
        AlertOperatorSchema(),
        RemindRetailerSchema(),
        GenerateReportSchema(),
        SendReportSchema(),
        ProcessOrderSchema(),
    )
}

MESSAGES: tuple[type[Message], ...] = tuple(_SCHEMAS)
"""Every message class of every queue."""

_CLASSES: dict[tuple[Queue, str], type[Message]] = {(message.QUEUE, message.JOB_NAME): message for message in MESSAGES}


def message_class(queue: Queue, name: object) -> type[Message]:
    """The message class of a job name. Raises ``ValidationError`` on ``name``, listing the queue's job names."""
    found = _CLASSES.get((queue, name)) if isinstance(name, str) else None
    if found is None:
        known = [job_name for of_queue, job_name in _CLASSES if of_queue is queue]
        rule = f"must be one of {', '.join(known)}, the jobs of the queue {queue.name}{_hint(name, known)}"
        raise ValidationError({"name": [rule]})
    return found


def schema_of(message: type[Message]) -> ContractSchema:
    """The schema instance of a message class (shared: don't change it)."""
    return _SCHEMAS[message]


def load(queue: Queue, name: str, data: object, version: int) -> Message:
    """The message in a job's payload, upgraded to the newest version first.

    Raises ``ValidationError`` with a message per wrong field, and ``UnsupportedVersion`` for a version that is newer
    than this code knows.
    """
    target = message_class(queue, name)
    return _load(target, data, version)


def dump(message: Message) -> dict[str, Any]:
    """The JSON payload of a message, of the version ``message.VERSION``: camelCase, absent values left out."""
    return _SCHEMAS[type(message)].encode(message)


def validate_data(queue: Queue, name: str, data: object) -> dict[str, Any]:
    """The normalised payload of the newest version for data that a caller sent.

    Raises ``ValidationError`` with a message per wrong field.
    """
    target = message_class(queue, name)
    schema = _SCHEMAS[target]
    return schema.encode(schema.read(data))


def queue_of_key(key: object) -> Queue:
    """The queue of a key such as ``WHATSAPP``. Raises ``ValidationError`` on ``queue``, listing the keys."""
    if isinstance(key, Queue):
        return key
    if isinstance(key, str) and key in Queue.__members__:
        return Queue[key]
    keys = list(Queue.__members__)
    raise ValidationError({"queue": [f"must be one of {', '.join(keys)}{_hint(key, keys)}"]})


def _load(target: type[Message], data: object, version: object) -> Message:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValidationError({"version": ["must be a whole number from 1"]})
    if version > target.VERSION:
        raise UnsupportedVersion(
            f"{target.QUEUE.value}/{target.JOB_NAME} version {version} is newer than {target.VERSION}, "
            "the newest that this worker knows: update the worker"
        )
    if version < target.VERSION and isinstance(data, Mapping):
        payload = dict(data)
        for step in range(version, target.VERSION):
            payload = target.UPGRADES[step](payload)
        data = payload
    loaded: Message = _SCHEMAS[target].read(data)
    return loaded


def _hint(value: object, known: list[str]) -> str:
    nearest = get_close_matches(str(value)[:40], known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
