"""The documents say only what exists: links, tests, variables, commands, keys, events and tables."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from functools import cache
from pathlib import Path

import click
import pytest

from gateway.cli import main as doko
from shared.broker.states import Event, State
from shared.database.base import Base
from shared.database.models import ApiToken
from shared.jobs.requests import job_options
from shared.messages import validate_data
from shared.queues import Queue

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "deploy").glob("*.md")),
    *sorted((ROOT / "services").glob("*/README.md")),
]

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(\w+)`")
TEST_LIKE = re.compile(r"`([^`\s]*::[^`\s]*)`")
PATH = re.compile(r"`((?:shared|services|gateway|deploy|tests|docs|requirements)/[\w/.-]+)`")
VARIABLE = re.compile(r"\b(?<!:)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
MAKE = re.compile(r"\bmake ((?:[A-Z_]+=\S+ )*)([a-z][a-z-]*)")
DOKO = re.compile(r"(?<![\w-])doko ([a-z]+)(?: ([a-z]+))?")
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
ANCHOR = re.compile(r"^#+ (.*)$", re.MULTILINE)

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_documents_are_there() -> None:
    names = {str(path.relative_to(ROOT)) for path in DOCUMENTS}

    assert names >= {
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/requirements.md",
        "docs/troubleshooting.md",
        "docs/migration.md",
    }


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    dead = [link for link in LINK.findall(_prose(document)) if not _leads_somewhere(document, link)]

    assert dead == []


@every_document
def test_every_named_test_exists(document: Path) -> None:
    text = document.read_text()
    missing = [f"{path}::{name}" for path, name in TEST.findall(text) if name not in _tests_of(path)]
    malformed = [named for named in TEST_LIKE.findall(text) if not TEST.fullmatch(f"`{named}`")]

    assert missing == []
    assert malformed == []


@every_document
def test_every_named_file_exists(document: Path) -> None:
    missing = [path for path in PATH.findall(document.read_text()) if not (ROOT / path).exists()]

    assert missing == []


@every_document
def test_every_environment_variable_is_in_the_example(document: Path) -> None:
    named = {name for code in CODE.findall(document.read_text()) for name in VARIABLE.findall(code)}
    unknown = {name for name in named - _variables() - _other_words() if not name.startswith("YOUR_")}

    assert unknown == set()


@every_document
def test_every_make_target_exists(document: Path) -> None:
    code = " \n".join(CODE.findall(document.read_text()))
    unknown = {target for _, target in MAKE.findall(code)} - _targets()

    assert unknown == set()


@every_document
def test_every_doko_command_exists(document: Path) -> None:
    code = "\n".join(CODE.findall(document.read_text()))
    unknown = [f"{group} {command}".strip() for group, command in DOKO.findall(code) if not _is_command(group, command)]

    assert unknown == []


@every_document
def test_every_python_block_is_python(document: Path) -> None:
    for block in re.findall(r"^ *```python\n(.*?)^ *```", document.read_text(), re.DOTALL | re.MULTILINE):
        ast.parse(textwrap.dedent(block))


def test_the_readmes_example_is_a_message_that_the_gateway_takes() -> None:
    (body,) = re.findall(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(), re.DOTALL)
    example = json.loads(body)
    options = example.pop("options")

    assert validate_data(Queue.WHATSAPP, "message", example)["recipient"] == "+9779800000000"
    assert job_options(options).deduplication_key == "order-confirmation-ORD-2026-001"


@every_document
def test_no_document_names_a_path_of_a_machine(document: Path) -> None:
    assert re.findall(r"(?:/home/|/Users/|/work/|/opt/|/root/|/tmp/)\S*", document.read_text()) == []


def test_every_environment_variable_of_a_queue_is_recognised() -> None:
    assert {f"{queue.name}_CONCURRENCY" for queue in Queue} <= _variables()


def test_the_architecture_names_every_redis_key_of_the_scripts() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    missing = [key for key in _keys_of_the_scripts() if f"`{key}`" not in text]

    assert missing == []


def test_the_architecture_names_every_field_of_the_scripts_that_is_written() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    missing = [field for field in _meta_fields() if f"`{field}`" not in text]

    assert missing == []


def test_the_architecture_names_every_state_event_and_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert ApiToken.__tablename__ in Base.metadata.tables
    words = [*State, *Event, *Base.metadata.tables]
    missing = [word for word in words if f"`{word}`" not in text]

    assert missing == []


def test_the_architecture_names_every_script() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    scripts = sorted((ROOT / "shared/broker/scripts").glob("*.lua"))

    assert [script.name for script in scripts if f"`{script.name}`" not in text] == []


def test_the_readme_has_a_row_for_every_queue() -> None:
    text = (ROOT / "README.md").read_text()

    assert [queue.name for queue in Queue if f"`{queue.name}`" not in text] == []


def _leads_somewhere(document: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    target, _, anchor = link.partition("#")
    path = (document.parent / target).resolve() if target else document
    if not path.exists() or not path.is_relative_to(ROOT):
        return False
    return not anchor or anchor in {_slug(title) for title in ANCHOR.findall(_without_blocks(path.read_text()))}


def _slug(title: str) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _prose(document: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", _without_blocks(document.read_text()))


def _without_blocks(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@cache
def _tests_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@cache
def _variables() -> frozenset[str]:
    return frozenset(re.findall(r"^([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@cache
def _other_words() -> frozenset[str]:
    """Upper-case words of the code that are no variables: kinds of messages, queues, states, constants."""
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("gateway/**/*.py"), *ROOT.glob("services/**/*.py")]
    words = {word for source in sources for word in re.findall(r"[A-Z][A-Z0-9_]+", source.read_text())}
    # A setting's name stands in the code too; that doesn't make a misspelt or forgotten one right.
    return frozenset(
        words - _read_as_settings(sources) | {"DEFAULT_JOB_OPTIONS"} | _makefile_variables() | _image_variables()
    )


def _read_as_settings(sources: list[Path]) -> set[str]:
    settings = [source for source in sources if source.name.startswith("settings")]
    return {name for source in settings for name in re.findall(r"\"([A-Z][A-Z0-9_]+)\"", source.read_text())}


def _makefile_variables() -> set[str]:
    return set(re.findall(r"^([A-Z_]+) [:?]?=", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _image_variables() -> set[str]:
    """What the Dockerfiles take as build arguments, and the compose file from its environment."""
    dockerfiles = "".join(file.read_text() for file in (ROOT / "deploy/docker").glob("*.Dockerfile"))
    compose = (ROOT / "deploy/compose.yaml").read_text()
    return {*re.findall(r"^ARG (\w+)", dockerfiles, re.MULTILINE), *re.findall(r"\$\{(\w+)", compose)}


@cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _is_command(group: str, command: str) -> bool:
    found = doko.commands.get(group)
    if found is None:
        return False
    return not isinstance(found, click.Group) or not command or command in found.commands


def _keys_of_the_scripts() -> list[str]:
    """The names in the header of lib.lua, and those that single scripts add to the prefix."""
    scripts = ROOT / "shared/broker/scripts"
    text = "".join(path.read_text() for path in sorted(scripts.glob("*.lua")))
    written = set(re.findall(r"PREFIX \.\. '([a-z]+:?)'", text))
    return sorted(f"{name}<…>" if name.endswith(":") else name for name in written)


def _meta_fields() -> list[str]:
    scripts = ROOT / "shared/broker/scripts"
    text = "".join(path.read_text() for path in sorted(scripts.glob("*.lua")))
    fields: set[str] = set()
    for call in re.findall(r"call\('H(?:SET|MGET|GET|DEL|INCRBY|EXISTS)', META,([^\n]*)", text):
        fields |= set(re.findall(r"'([a-z_]{3,})'", call.partition(")")[0]))
    totals = {"total_completed", "total_failed", "total_cancelled"} if "total_" in fields else set()
    return sorted(fields - {"total_"} | totals)
