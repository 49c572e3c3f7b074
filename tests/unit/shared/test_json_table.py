"""The column type that says the keys of many objects once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects.sqlite import dialect

from shared.database.base import JsonTable

TYPE = JsonTable()
OBJECTS = [{"vendor": "VEN001", "total": 9_000}, {"total": 8_000, "vendor": "VEN002"}]


def test_the_keys_are_stored_once_and_the_objects_come_back() -> None:
    stored = TYPE.process_bind_param(OBJECTS, dialect())

    assert stored == {"columns": ["vendor", "total"], "rows": [["VEN001", 9_000], ["VEN002", 8_000]]}
    assert TYPE.process_result_value(stored, dialect()) == OBJECTS


@pytest.mark.parametrize("objects", [[], None])
def test_no_objects_come_back_as_none_of_them(objects: list[dict[str, Any]] | None) -> None:
    assert TYPE.process_result_value(TYPE.process_bind_param(objects, dialect()), dialect()) == objects


def test_an_object_with_other_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="need the same keys"):
        TYPE.process_bind_param([{"vendor": "VEN001"}, {"shop": "RET001"}], dialect())
