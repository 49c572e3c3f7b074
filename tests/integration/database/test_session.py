"""Sessions: what commits, what doesn't, who waits for whom, on both databases."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, StatementError

from shared.database import Database
from shared.database.models import ApiToken, ConversationWindow, ProcessedJob
from shared.errors import ConfigurationError
from shared.queues import Queue

KATHMANDU = timezone(timedelta(hours=5, minutes=45))


def a_claim(job_id: str = "whatsapp-1") -> ProcessedJob:
    return ProcessedJob(job_id=job_id, queue=Queue.WHATSAPP, result={"success": True})


def claims_in(database: Database) -> int:
    with database.reader() as session:
        return session.scalars(select(func.count()).select_from(ProcessedJob)).one()


def test_a_session_commits_at_its_end(database: Database) -> None:
    with database.session() as session:
        session.add(a_claim())

    assert claims_in(database) == 1


def test_a_session_that_raises_leaves_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.session() as session:
            session.add(a_claim())
            session.flush()
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        write_and_fail()

    assert claims_in(database) == 0


def test_a_reader_refuses_to_write(database: Database) -> None:
    with pytest.raises((OperationalError, InternalError)), database.reader() as session:
        session.execute(insert(ProcessedJob), [{"job_id": "whatsapp-1", "queue": Queue.WHATSAPP, "result": {}}])

    assert claims_in(database) == 0


def test_a_reader_leaves_no_connection_that_refuses_later_writers(database: Database) -> None:
    with database.reader() as session:
        session.execute(select(1))
    with database.session() as session:
        session.add(a_claim())

    assert claims_in(database) == 1


def test_an_instant_comes_back_in_utc_whatever_its_zone_was(database: Database) -> None:
    noon = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=KATHMANDU)
    with database.session() as session:
        session.add(ConversationWindow(phone="+9779800000000", last_inbound_at=noon))
    with database.reader() as session:
        stored = session.scalars(select(ConversationWindow.last_inbound_at)).one()

    assert stored == datetime(2026, 11, 24, 6, 15, 0, 123456, tzinfo=UTC)
    assert stored.tzinfo == UTC


def test_an_instant_without_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 24, 12, 0)  # noqa: DTZ001 - what must be refused

    with pytest.raises(StatementError, match="needs its zone"), database.session() as session:
        session.add(ConversationWindow(phone="+9779800000000", last_inbound_at=naive))


def test_instants_compare_in_the_database(database: Database) -> None:
    with database.session() as session:
        session.add(ConversationWindow(phone="+1", last_inbound_at=datetime(2026, 1, 1, 12, tzinfo=UTC)))
        session.add(ConversationWindow(phone="+2", last_inbound_at=datetime(2026, 1, 1, 12, tzinfo=KATHMANDU)))
    with database.reader() as session:
        query = select(ConversationWindow.phone).where(
            ConversationWindow.last_inbound_at > datetime(2026, 1, 1, 14, tzinfo=KATHMANDU)
        )
        phones = session.scalars(query).all()

    assert phones == ["+1"]


def test_a_document_comes_back_as_it_was_but_for_the_nul_that_no_database_holds(database: Database) -> None:
    document = {"text": "धन्यवाद 🙏", "list": [1, 2.5, None, True], "nul\x00": "a\x00b", "literal": "\\u0000"}
    with database.session() as session:
        session.add(ProcessedJob(job_id="whatsapp-1", queue=Queue.WHATSAPP, result=document))
    with database.reader() as session:
        stored = session.scalars(select(ProcessedJob.result)).one()

    assert stored == {"text": "धन्यवाद 🙏", "list": [1, 2.5, None, True], "nul�": "a�b", "literal": "\\u0000"}


def test_a_writer_waits_for_the_one_before_it_even_if_it_read_first(database: Database) -> None:
    begun = threading.Event()

    def read_then_write(job_id: str) -> None:
        with database.session() as session:
            session.scalars(select(func.count()).select_from(ProcessedJob)).one()
            begun.set()
            session.add(a_claim(job_id))

    with database.session() as first:
        first.scalars(select(func.count()).select_from(ProcessedJob)).one()
        other = threading.Thread(target=read_then_write, args=("whatsapp-2",))
        other.start()
        # PostgreSQL lets both run; SQLite holds the other one back before it reads.
        assert begun.wait(0.2 if database.is_sqlite else 10) is not database.is_sqlite
        first.add(a_claim("whatsapp-1"))
    other.join()

    assert claims_in(database) == 2


def test_a_reader_sees_the_last_commit_while_a_writer_works(database: Database) -> None:
    with database.session() as session:
        session.add(a_claim())
        session.flush()

        assert claims_in(database) == 0


def test_a_lock_that_is_held_too_long_is_an_error_not_a_hang(database_url: str) -> None:
    database = Database(database_url, lock_timeout_ms=100)
    with database.session() as holder:
        holder.add(a_claim())
        holder.flush()
        with pytest.raises(OperationalError), database.session() as waiting:
            waiting.execute(insert(ProcessedJob), [{"job_id": "whatsapp-1", "queue": Queue.WHATSAPP, "result": {}}])
    database.dispose()


def test_a_statement_that_runs_too_long_is_stopped(postgres_url: str) -> None:
    database = Database(postgres_url, statement_timeout_ms=50)

    with pytest.raises(OperationalError, match="statement timeout"), database.reader() as session:
        session.execute(text("select pg_sleep(10)"))
    database.dispose()


def test_a_connection_that_the_server_closed_is_replaced(postgres_url: str) -> None:
    database = Database(postgres_url, application_name="doko-test")
    other = Database(postgres_url)
    database.ping()
    with other.session() as session:
        kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'doko-test'"
        assert session.execute(text(kill)).scalar_one() is True

    database.ping()
    database.dispose()
    other.dispose()


def test_the_sessions_of_sqlite_are_durable_and_check_references(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.session() as session:
        pragmas = [
            session.execute(text(f"pragma {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    database.dispose()

    assert pragmas == ["wal", 2, 1]


def test_the_file_of_sqlite_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "doko.db"
    database = Database(f"sqlite:///{path}")
    database.ping()
    database.dispose()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/doko", "nonsense"])
def test_a_url_that_doko_cant_use_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        Database(url)


def test_a_wrong_url_is_not_repeated_since_it_may_hold_a_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database("postgresql//doko:s3cret@db/doko")

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_scheme_of_postgresql_works(postgres_url: str, scheme: str) -> None:
    database = Database(scheme + "://" + postgres_url.split("://")[1])
    database.ping()
    database.dispose()


def test_an_error_of_the_database_tells_no_personal_data(database: Database) -> None:
    def add_twice() -> None:
        with database.session() as session:
            rows = [ApiToken(user_name="Sita Sharma", role="viewer", token_hash="a" * 64) for _ in range(2)]
            session.add_all(rows)

    with pytest.raises(DBAPIError) as caught:
        add_twice()

    assert "Sita" not in str(caught.value)
