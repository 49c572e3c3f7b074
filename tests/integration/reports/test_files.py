"""A report's file is written once, with its checksum, owner and expiry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.reports import making, records
from shared.business import ReportState
from shared.messages.reports import GenerateReport, ReportFormat, ReportType
from shared.storage import Draft, FolderStorage
from tests.integration.reports.office import NO_FILTERS, NOW, Office

SUMMARY = ReportType.CREDIT_SUMMARY


@pytest.mark.parametrize("report_format", list(ReportFormat))
def test_a_report_has_file_checksum_owner_and_expiry(office: Office, report_format: ReportFormat) -> None:
    office.order(office.shop())
    result = office.make(SUMMARY, report_format=report_format)
    record = office.record()
    assert record.state is ReportState.READY
    assert (record.owner, record.row_count) == ("sita", 1)
    assert record.expires_at == NOW + timedelta(days=7)
    assert record.location is not None
    assert record.location.endswith(f".{report_format}")
    assert office.checksum(record.location) == record.checksum == result["checksum"]
    assert office.files()[0].stat().st_size == record.size_bytes == result["sizeBytes"]
    assert result["success"] is True


def test_a_job_that_comes_again_gets_the_stored_result_and_leaves_the_file_alone(office: Office) -> None:
    office.shop()
    first = office.make(SUMMARY)
    (file,) = office.files()
    before = file.stat().st_mtime_ns
    office.shop("RET002")
    assert office.make(SUMMARY) == first
    assert [file] == office.files()
    assert file.stat().st_mtime_ns == before


def test_a_run_that_dies_before_its_commit_leaves_no_claim_and_its_retry_replaces_the_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.shop()
    with monkeypatch.context() as patched:
        patched.setattr(making, "as_result", _die)
        with pytest.raises(RuntimeError, match="died"):
            office.make(SUMMARY)
    assert office.record().state is ReportState.PENDING
    office.make(SUMMARY)
    record = office.record()
    assert record.state is ReportState.READY
    assert len(office.files()) == 1
    assert office.checksum(record.location or "") == record.checksum


def test_two_runs_of_one_job_leave_the_file_of_the_one_that_committed(office: Office) -> None:
    office.shop()
    storage = _Overtaken(office)
    office.maker._storage = storage
    result = office.make(SUMMARY)
    record = office.record()
    assert result["checksum"] == record.checksum == office.checksum(record.location or "")
    assert record.row_count == 2
    assert len(office.files()) == 1


def test_a_failed_report_says_so_and_an_operators_retry_makes_it(office: Office) -> None:
    office.shop()
    with office.database.session() as tx:
        records.begin(tx, "reports-1", _job(), {}, now=NOW)
    office.maker.fail("reports-1")
    assert office.record().state is ReportState.FAILED
    office.make(SUMMARY)
    assert office.record().state is ReportState.READY


def test_a_ready_report_never_becomes_failed(office: Office) -> None:
    office.make(SUMMARY)
    office.maker.fail("reports-1")
    assert office.record().state is ReportState.READY


def test_a_jobs_id_never_names_a_path(office: Office) -> None:
    office.make(SUMMARY, job_id="../../etc/passwd")
    (file,) = office.files()
    assert file.parent == office.data_dir / "reports"


def test_only_the_owner_of_the_process_looks_into_the_folder(office: Office) -> None:
    office.make(SUMMARY)
    assert (office.data_dir / "reports").stat().st_mode & 0o077 == 0


def test_a_removed_file_is_gone_and_removing_it_again_is_no_error(office: Office) -> None:
    office.make(SUMMARY)
    location = office.record().location or ""
    office.storage.remove(location)
    office.storage.remove(location)
    with pytest.raises(FileNotFoundError):
        office.storage.open(location)


class _Overtaken(FolderStorage):
    """Lets another run of the job, which sees one more shop, finish before this one's file is in place."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.data_dir / "reports")
        self._office = office
        self._overtaken = False

    def save_draft(self, file: object) -> Draft:
        draft = super().save_draft(file)  # type: ignore[arg-type]
        if not self._overtaken:
            self._overtaken = True
            self._office.shop("RET002")
            self._office.make(SUMMARY)
        return draft


def _die(_value: object) -> dict[str, object]:
    raise RuntimeError("the worker died")


def _job() -> GenerateReport:
    return GenerateReport(
        type=SUMMARY, format=ReportFormat.JSON, filters=NO_FILTERS[SUMMARY], user_id="sita", email=None
    )
