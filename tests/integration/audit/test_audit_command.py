"""`doko audit` works on the database directly, and says what is wrong with an exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.database import Database
from tests.integration.audit.conftest import Trail
from tests.integration.database.streams import QUEUE
from tests.integration.gateway.conftest import environment, gateway

__all__ = ["environment", "gateway"]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")


def doko(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments], catch_exceptions=False)


def test_a_whole_audit_is_told_with_exit_code_0(trail: Trail) -> None:
    trail.archive(2)
    trail.act(3)

    result = doko("verify")

    assert result.exit_code == 0
    assert QUEUE.value in result.output
    assert json.loads(doko("verify", "--json").output)["isIntact"] is True


def test_the_first_wrong_row_is_named_with_exit_code_1(trail: Trail) -> None:
    trail.archive(2)
    place = trail.place(4)
    trail.tamper("update job_events set event = 'failed' where chain_seq = 4")

    result = doko("verify")

    assert result.exit_code == 1
    assert f"changed: {place}" in result.output
    assert doko("verify", "--rows", "1").exit_code == 0


def test_a_kept_head_finds_a_chain_that_was_cut_off(trail: Trail) -> None:
    trail.act(4)
    printed = doko("head").output.splitlines()
    kept = [part for line in printed for part in ("--head", line)]
    assert doko("verify", *kept).exit_code == 0
    trail.tamper(
        "delete from operator_log where chain_seq = 4",
        "update audit_chains set seq = 3 where name = 'operator-log'",
        "update audit_chains set hash = (select chain_hash from operator_log where chain_seq = 3) where seq = 3",
    )

    assert doko("verify").exit_code == 0
    result = doko("verify", *kept)
    assert result.exit_code == 1
    assert "cut off" in result.output


@pytest.mark.parametrize("head", ["whatsapp", "nobody:1:" + "0" * 64, "operator-log:x:" + "0" * 64])
def test_a_head_that_nobody_printed_is_a_wrong_use(trail: Trail, head: str) -> None:
    result = doko("verify", "--head", head)

    assert result.exit_code == 2
    assert "--head" in result.output


@pytest.mark.slow
def test_entries_are_listed_over_the_api(
    environment: dict[str, str],
    gateway: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = Database(environment["DATABASE_URL"])
    with database.session() as tx:
        token = create_token(tx, user="olga", role=Role.OPERATOR, actor=Actor("test"))
    database.dispose()
    monkeypatch.setenv("DOKO_URL", f"http://127.0.0.1:{environment['PORT']}")
    monkeypatch.setenv("DOKO_TOKEN", token.secret)

    found = json.loads(doko("list", "--action", "token.created", "--json").output)["entries"]

    assert [(entry["actor"], entry["details"]["user"]) for entry in found] == [("test", "olga")]
    assert "token.created" in doko("list", "--actor", "test", "--since", "2020-01-01").output
    assert "There is no such entry" in doko("list", "--target", "nothing").output


def test_a_database_without_tables_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")

    result = doko("verify")

    assert result.exit_code == 1
    assert "is it migrated?" in result.output
