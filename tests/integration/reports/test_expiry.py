"""Expired reports lose their files, whatever dies and whatever the store says."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.housekeeping import FUNCTIONS, Parts, reports
from gateway.housekeeping.reports import remove_expired_reports
from shared.business import ReportState
from shared.clock import Clock
from shared.database import Database
from shared.database.roles import grant_roles
from shared.errors import TransientError
from shared.messages.reports import ReportType
from shared.settings import Settings
from shared.settings_storage import StorageSettings
from tests.integration.reports.office import NOW, Office
from tests.kit.roles import url_as

SUMMARY = ReportType.CREDIT_SUMMARY
AFTER = timedelta(days=7)


def parts(office: Office, *, at: timedelta = AFTER, **changes: Any) -> Parts:
    """A scheduler's parts, ``at`` after the reports were made."""
    offset = NOW + at - Clock().now()
    settings = replace(Settings(data_dir=office.data_dir, clock_offset=offset + timedelta(seconds=5)), **changes)
    return Parts(settings, office.database, cast("Any", None), cast("Any", None))


def test_a_report_past_its_time_loses_its_file_and_is_expired(office: Office) -> None:
    office.make(SUMMARY)
    assert remove_expired_reports(parts(office)) == "removed 1 expired report files and 0 drafts"
    record = office.record()
    assert (record.state, record.location) == (ReportState.EXPIRED, None)
    assert record.checksum is not None
    assert office.files() == []
    assert remove_expired_reports(parts(office)) == "removed 0 expired report files and 0 drafts"


def test_a_report_whose_time_is_not_over_stays(office: Office) -> None:
    office.make(SUMMARY)
    remove_expired_reports(parts(office, at=AFTER - timedelta(minutes=1)))
    assert office.record().state is ReportState.READY
    assert len(office.files()) == 1


def test_a_scheduler_killed_between_file_and_row_is_repeated(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.make(SUMMARY)
    with monkeypatch.context() as patched:
        patched.setattr(reports, "_mark", _die)
        with pytest.raises(KeyboardInterrupt):
            remove_expired_reports(parts(office))
    assert (office.files(), office.record().state) == ([], ReportState.READY)

    assert remove_expired_reports(parts(office)).startswith("removed 1 ")
    assert office.record().state is ReportState.EXPIRED


def test_more_reports_than_one_batch_go_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "AT_ONCE", 2)
    for number in range(5):
        office.make(SUMMARY, job_id=f"reports-{number}")
    assert remove_expired_reports(parts(office)).startswith("removed 5 ")


def test_a_file_that_can_not_be_removed_does_not_keep_the_others(office: Office) -> None:
    office.make(SUMMARY, job_id="reports-1")
    office.make(SUMMARY, job_id="reports-2")
    stuck = office.data_dir / "reports" / (office.record("reports-1").location or "")
    stuck.unlink()
    (stuck / "in the way").mkdir(parents=True)

    with pytest.raises(TransientError, match="1 expired report files could not be removed, 1 were"):
        remove_expired_reports(parts(office))

    assert office.record("reports-1").state is ReportState.READY
    assert office.record("reports-2").state is ReportState.EXPIRED


def test_a_store_that_is_away_is_asked_a_few_times_and_no_report_is_expired(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        office.make(SUMMARY, job_id=f"reports-{number}")
    tries: list[str] = []

    def refuse(_storage: object, location: str) -> None:
        tries.append(location)
        raise OSError("read-only file system")

    monkeypatch.setattr("shared.storage.folder.FolderStorage.remove", refuse)
    with pytest.raises(TransientError):
        remove_expired_reports(parts(office))
    assert len(tries) == 3
    assert {office.record(f"reports-{number}").state for number in range(5)} == {ReportState.READY}


def test_old_drafts_go_and_new_ones_stay(office: Office) -> None:
    office.make(SUMMARY)
    old, new = (office.storage.save_draft(io.BytesIO(b"rows")) for _ in range(2))
    folder = office.data_dir / "reports"
    two_days_ago = (Clock().now() - timedelta(days=2)).timestamp()
    os.utime(folder / old.name, (two_days_ago, two_days_ago))

    assert remove_expired_reports(parts(office, at=timedelta())) == "removed 0 expired report files and 1 drafts"
    assert new.name in {file.name for file in folder.iterdir()}


def test_a_bucket_is_cleaned_too(office: Office, bucket: StorageSettings) -> None:
    office.make(SUMMARY)
    assert remove_expired_reports(parts(office, storage=bucket)).startswith("removed 1 ")


def test_nothing_was_ever_made(office: Office, tmp_path: Path) -> None:
    empty = replace(Settings(), data_dir=tmp_path / "nothing")
    assert remove_expired_reports(Parts(empty, office.database, cast("Any", None), cast("Any", None))).endswith(
        "0 drafts"
    )


def test_the_schedule_finds_it() -> None:
    assert FUNCTIONS["remove-expired-reports"] is remove_expired_reports


@pytest.fixture
def scheduler(postgres_url: str) -> Iterator[Database]:
    grant_roles(postgres_url)
    database = Database(url_as("doko_scheduler", postgres_url))
    yield database
    database.dispose()


def test_the_schedulers_role_may_do_it(scheduler: Database, postgres_url: str, tmp_path: Path) -> None:
    owner = Database(postgres_url)
    office = Office(owner, tmp_path / "data")
    office.make(SUMMARY)
    own = parts(office)
    made = remove_expired_reports(Parts(own.settings, scheduler, own.store, own.jobs))
    assert made.startswith("removed 1 ")
    owner.dispose()


def _die(*_: object) -> int:
    raise KeyboardInterrupt
