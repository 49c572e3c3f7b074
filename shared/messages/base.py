"""What every message is made of: a frozen dataclass, its version, and the schema that reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, ValidationError, fields, missing, post_load
from marshmallow.decorators import PRE_LOAD, VALIDATES_SCHEMA
from typing_extensions import override

from shared.messages.fields import Value, camel_case
from shared.queues import Queue

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the payload of one version into the payload of the next; must leave what it doesn't understand as it is."""


class Message:
    """A job's data. Subclasses are frozen dataclasses with slots and say where they belong.

    ``VERSION`` is the version that producers write; ``UPGRADES[n]`` turns a payload of version n into
    one of n + 1, so that jobs enqueued before a release still load after it.
    """

    __slots__ = ()

    QUEUE: ClassVar[Queue]
    JOB_NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    UPGRADES: ClassVar[Mapping[int, Upgrade]] = {}


class ContractSchema(Schema):
    """Schema of one dataclass (``TARGET``): camelCase keys, unknown ones refused.

    ``load`` gives an instance of the target, ``encode`` its JSON object; absent values are left out.
    """

    TARGET: ClassVar[type]

    class Meta:
        """Keys that the schema doesn't know are errors."""

        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages["type"] = "must be a JSON object"
        self.error_messages["unknown"] = f"is not known here (known: {', '.join(self.keys()) or 'nothing'})"
        self._parts = [(name, field.data_key or name, cast("Value[Any]", field)) for name, field in self.fields.items()]
        self._plain = not (self._hooks[PRE_LOAD] or self._hooks[VALIDATES_SCHEMA])

    def keys(self) -> list[str]:
        """The JSON keys, in the order of the schema."""
        return [field.data_key or name for name, field in self.fields.items()]

    def encode(self, value: Any) -> dict[str, Any]:
        """The JSON object of an instance of the target."""
        wire: dict[str, Any] = {}
        for name, key, field in self._parts:
            part = getattr(value, name)
            if part is not None:
                wire[key] = field.encode(part)
        return wire

    def read(self, data: Any) -> Any:
        """As ``load``, at a fifth of its price for data in which nothing is wrong.

        Where something is, ``load`` goes through it again and collects every error.
        """
        if self._plain and isinstance(data, Mapping):
            # An error here comes again from load, with all the others.
            with suppress(ValidationError):
                return self._read_plain(data)
        return self.load(data)

    def _read_plain(self, data: Mapping[str, Any]) -> Any:
        values = {}
        known = 0
        for name, key, field in self._parts:
            raw = data.get(key, missing)
            if raw is missing:
                default = field.load_default
                values[name] = field.deserialize(raw, key, data) if default is missing else default
                continue
            known += 1
            values[name] = field.deserialize(raw, key, data) if raw is None else field.take(raw, data)
        if known != len(data):
            raise ValidationError("has unknown keys")
        return self.TARGET(**values)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> Any:
        """The instance of the target."""
        return self.TARGET(**values)

    @override
    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give each field its camelCase key."""
        if field_obj.data_key is None:
            field_obj.data_key = camel_case(field_name)


class One(fields.Nested):
    """An object of its own schema."""

    default_error_messages = Value.default_error_messages

    def __init__(self, schema: type[ContractSchema], *, required: bool = True) -> None:
        super().__init__(schema, **_presence(required=required))
        self._contract = schema()

    def encode(self, value: Any) -> dict[str, Any]:
        """The JSON object of a value."""
        return self._contract.encode(value)

    def take(self, value: Any, _data: Mapping[str, Any]) -> Any:
        """The instance that a JSON object gives."""
        return self._contract.read(value)

    @override
    def _serialize(  # type: ignore[override]  # Nested itself renames the parameter
        self, nested_obj: Any, attr: Any, obj: Any, **kwargs: Any
    ) -> Any:
        return None if nested_obj is None else self.encode(nested_obj)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        return self._contract.read(value)


class Many(fields.List[Any]):
    """A list of 1 to ``longest`` objects of one schema, read into a tuple."""

    default_error_messages = Value.default_error_messages

    def __init__(self, schema: type[ContractSchema], *, longest: int, required: bool = True) -> None:
        self._contract = schema()
        self.longest = longest
        super().__init__(
            fields.Nested(schema), metadata={"minItems": 1, "maxItems": longest}, **_presence(required=required)
        )

    def encode(self, value: Sequence[Any]) -> list[dict[str, Any]]:
        """The JSON array of the values."""
        return [self._contract.encode(item) for item in value]

    @override
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.encode(value)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return self.take(value, data or {})

    def take(self, value: Any, _data: Mapping[str, Any]) -> tuple[Any, ...]:
        """The instances that a JSON array gives; errors by index."""
        if not isinstance(value, list | tuple):
            raise ValidationError("must be a list")
        if not 1 <= len(value) <= self.longest:
            raise ValidationError(f"must have 1 to {self.longest} entries, got {len(value)}")
        loaded: list[Any] = []
        errors: dict[str | int, Any] = {}
        for index, item in enumerate(value):
            try:
                loaded.append(self._contract.read(item))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(cast("Any", errors))
        return tuple(loaded)


class OneByKind(fields.Field[Any]):
    """An object whose schema is chosen by another key of the same object (``data`` by ``type`` or ``action``).

    With the kind itself wrong nothing is checked here: the kind's own error says what to do.
    """

    default_error_messages = Value.default_error_messages

    def __init__(
        self, kind_key: str, schemas: Mapping[str, type[ContractSchema]], *, empty_if_absent: bool = False
    ) -> None:
        self.kind_key = kind_key
        self.schemas = {kind: schema() for kind, schema in schemas.items()}
        self._by_target = {schema.TARGET: schema for schema in self.schemas.values()}
        self._empty_if_absent = empty_if_absent
        super().__init__(required=not empty_if_absent, metadata={"type": "object"})

    def encode(self, value: Any) -> dict[str, Any]:
        """The JSON object of a value, whichever kind it is."""
        return self._by_target[type(value)].encode(value)

    @override
    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Read the object; where some kinds have no data, absent and null mean an empty object."""
        if self._empty_if_absent and (value is None or value is missing):
            value = {}
        return super().deserialize(value, attr, data, **kwargs)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return self.take(value, data or {})

    def take(self, value: Any, data: Mapping[str, Any]) -> Any:
        """The instance that a JSON object gives, by the kind in ``data``."""
        kind = data.get(self.kind_key)
        schema = self.schemas.get(kind) if isinstance(kind, str) else None
        return value if schema is None else schema.read(value)

    @override
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.encode(value)


def flat_errors(messages: Any, path: str = "") -> Iterator[str]:
    """Each error of ``ValidationError.messages`` as ``data.items.0.quantity: must be …``."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from flat_errors(inner, f"{path}.{key}" if path else str(key))
        return
    for text in messages if isinstance(messages, list | tuple) else [messages]:
        yield f"{path}: {text}"


def _presence(*, required: bool) -> dict[str, Any]:
    return {"required": True} if required else {"required": False, "allow_none": True, "load_default": None}
