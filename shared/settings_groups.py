"""The settings of the group keys: which value of a job's data names its group, a queue at a time."""

from __future__ import annotations

from shared.queues import POLICIES, Queue, is_group_key
from shared.settings_reader import EnvironmentReader, wrong_value

NONE = "none"


def read_group_keys(reader: EnvironmentReader) -> dict[Queue, str | None]:
    """Read <QUEUE>_GROUP_KEY: what differs from the policies. Raises ConfigurationError."""
    keys: dict[Queue, str | None] = {}
    for queue, policy in POLICIES.items():
        name = f"{queue.name}_GROUP_KEY"
        value = reader.text(name)
        if value is None:
            continue
        if not is_group_key(value):
            rule = "a key of the data, a dotted path such as orderData.retailerId, or none"
            raise wrong_value(name, value, rule, policy.group_key or NONE)
        key = None if value == NONE else value
        if key != policy.group_key:
            keys[queue] = key
    return keys
