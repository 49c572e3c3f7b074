"""Jobs that were enqueued by an older release still load, and no message changes without a new version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import UnsupportedVersion
from shared.messages import MESSAGES, Message, dump, load, schema_of
from tests.contract.golden_files import FOLDER, path_of, read, shape_of, versions

WAY_OUT = (
    "raise its VERSION, add the upgrade from the old one to UPGRADES, run `python -m tests.contract.golden_files`"
    " and keep the old golden files as they are"
)

ALL_VERSIONS = [pytest.param(message, version, id=f"{message.__name__}-v{version}") for message, version in versions()]
ALL_MESSAGES = [pytest.param(message, id=message.__name__) for message in MESSAGES]


@pytest.mark.parametrize(("message", "version"), ALL_VERSIONS)
def test_every_version_of_every_message_has_its_golden_file(message: type[Message], version: int) -> None:
    assert path_of(message, version).is_file(), f"{message.__name__} version {version} has no golden file"
    golden = read(message, version)
    assert (golden["queue"], golden["name"], golden["version"]) == (message.QUEUE.value, message.JOB_NAME, version)
    assert golden["examples"]


def test_every_golden_file_belongs_to_a_version() -> None:
    assert {path_of(message, version) for message, version in versions()} == set(FOLDER.rglob("*.json"))


@pytest.mark.parametrize(("message", "version"), ALL_VERSIONS)
def test_payloads_of_every_version_load_and_mean_what_they_meant(message: type[Message], version: int) -> None:
    for example in read(message, version)["examples"]:
        given = json.dumps(example["payload"])
        loaded = load(message.QUEUE, message.JOB_NAME, example["payload"], version)

        assert isinstance(loaded, message)
        assert dump(loaded) == example.get("loads_as", example["payload"])
        assert json.dumps(example["payload"]) == given, "loading must not change what it is given"


@pytest.mark.parametrize("message", ALL_MESSAGES)
def test_a_message_changes_its_shape_only_with_a_new_version(message: type[Message]) -> None:
    golden = read(message, message.VERSION)

    assert json.loads(json.dumps(shape_of(schema_of(message)))) == golden["shape"], (
        f"{message.__name__} reads or writes something else than version {message.VERSION} did: {WAY_OUT}"
    )


@pytest.mark.parametrize("message", ALL_MESSAGES)
def test_payloads_of_the_newest_version_are_written_as_they_stand(message: type[Message]) -> None:
    for example in read(message, message.VERSION)["examples"]:
        assert "loads_as" not in example
        written = dump(load(message.QUEUE, message.JOB_NAME, example["payload"], message.VERSION))
        # As text, so that 1500 and 1500.0 differ: what lies in Redis is compared, not its Python value.
        assert json.dumps(written, sort_keys=True) == json.dumps(example["payload"], sort_keys=True)


@pytest.mark.parametrize("message", ALL_MESSAGES)
def test_the_examples_of_the_newest_version_show_every_key(message: type[Message]) -> None:
    golden = read(message, message.VERSION)
    shown: set[str] = set()
    for example in golden["examples"]:
        shown |= _shown(golden["shape"], example["payload"])

    assert _known(golden["shape"]) - shown == set()


@pytest.mark.parametrize("message", ALL_MESSAGES)
def test_every_older_version_has_its_upgrade(message: type[Message]) -> None:
    assert set(message.UPGRADES) == set(range(1, message.VERSION))


@pytest.mark.parametrize("message", ALL_MESSAGES)
def test_a_version_newer_than_this_code_is_not_guessed_at(message: type[Message]) -> None:
    payload = read(message, message.VERSION)["examples"][0]["payload"]

    with pytest.raises(UnsupportedVersion, match=f"version {message.VERSION + 1} is newer than {message.VERSION}"):
        load(message.QUEUE, message.JOB_NAME, payload, message.VERSION + 1)


def _known(shape: dict[str, Any], path: str = "") -> set[str]:
    """The paths of all keys of a shape; a key whose object has kinds counts once a kind."""
    paths: set[str] = set()
    for key, field in shape.items():
        here = f"{path}/{key}"
        paths.add(here)
        for inner in ("object", "objects"):
            paths |= _known(field.get(inner, {}), here)
        for kind, inner_shape in field.get("kinds", {}).items():
            paths |= {f"{here}:{kind}"} | _known(inner_shape, f"{here}:{kind}")
    return paths


def _shown(shape: dict[str, Any], payload: dict[str, Any], path: str = "") -> set[str]:
    paths: set[str] = set()
    for key in shape.keys() & payload.keys():
        field, value, here = shape[key], payload[key], f"{path}/{key}"
        paths.add(here)
        if "object" in field:
            paths |= _shown(field["object"], value, here)
        for item in value if "objects" in field else []:
            paths |= _shown(field["objects"], item, here)
        if "kinds" in field:
            kind = payload[field["by"]]
            paths |= {f"{here}:{kind}"} | _shown(field["kinds"][kind], value, f"{here}:{kind}")
    return paths
