"""Every store keeps a report's file whole or not at all: a folder, and a bucket over real HTTP."""

from __future__ import annotations

import hashlib
import io
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.reports import making
from services.reports.making import ReportMaker
from shared.business import ReportState
from shared.messages.reports import ReportFormat, ReportType
from shared.settings import Settings
from shared.settings_storage import StorageSettings
from shared.storage import FolderStorage, ReportStorage, StorageUnavailable, location_of, make_storage
from shared.storage.bucket import BucketStorage
from tests.fixtures.bucket import client
from tests.integration.reports.office import Office, StandingClock

SUMMARY = ReportType.CREDIT_SUMMARY
NAME = location_of("reports-1", ReportFormat.CSV)
MORE_THAN_ONE_PART = 9 << 20


class Store:
    """A storage, and what really is in it."""

    def __init__(self, storage: ReportStorage, place: Path | StorageSettings) -> None:
        self.storage = storage
        self._place = place

    def names(self) -> list[str]:
        if isinstance(self._place, Path):
            return sorted(str(file.relative_to(self._place)) for file in self._place.iterdir())
        found: dict[str, Any] = client(self._place).list_objects_v2(Bucket=self._place.bucket)
        return sorted(each["Key"].removeprefix("some/where/") for each in found.get("Contents", ()))

    def content(self, location: str) -> bytes:
        with closing(self.storage.open(location)) as file:
            return file.read()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(FolderStorage(tmp_path / "files"), tmp_path / "files")
    bucket: StorageSettings = request.getfixturevalue("bucket")
    return Store(BucketStorage(bucket), bucket)


def test_a_draft_becomes_the_file_and_nothing_else_stays(store: Store) -> None:
    draft = store.storage.save_draft(io.BytesIO(b"rows"))
    with pytest.raises(FileNotFoundError):
        store.storage.open(NAME)

    store.storage.put_in_place(draft, NAME)
    store.storage.discard(draft)

    assert (draft.checksum, draft.size_bytes) == (hashlib.sha256(b"rows").hexdigest(), 4)
    assert store.names() == [NAME]
    assert store.content(NAME) == b"rows"


def test_a_later_draft_replaces_the_file_of_an_attempt_without_success(store: Store) -> None:
    for content in (b"first", b"second"):
        draft = store.storage.save_draft(io.BytesIO(content))
        store.storage.put_in_place(draft, NAME)
        store.storage.discard(draft)

    assert store.names() == [NAME]
    assert store.content(NAME) == b"second"


def test_a_large_file_goes_up_in_parts_and_comes_down_whole(store: Store) -> None:
    content = bytes(range(256)) * (MORE_THAN_ONE_PART // 256)
    draft = store.storage.save_draft(io.BytesIO(content))
    store.storage.put_in_place(draft, NAME)

    assert draft.size_bytes == MORE_THAN_ONE_PART
    assert store.content(NAME) == content


def test_removing_twice_is_no_error(store: Store) -> None:
    store.storage.put_in_place(store.storage.save_draft(io.BytesIO(b"rows")), NAME)
    store.storage.remove(NAME)
    store.storage.remove(NAME)
    with pytest.raises(FileNotFoundError):
        store.storage.open(NAME)


def test_drafts_of_dead_processes_are_removed_and_others_stay(store: Store) -> None:
    store.storage.put_in_place(store.storage.save_draft(io.BytesIO(b"rows")), NAME)
    store.storage.save_draft(io.BytesIO(b"left behind"))
    now = datetime.now(UTC)

    store.storage.remove_drafts(now - timedelta(hours=1))
    assert len(store.names()) > 1

    store.storage.remove_drafts(now + timedelta(hours=1))
    assert store.names() == [NAME]


def test_a_location_never_leads_elsewhere(store: Store) -> None:
    store.storage.put_in_place(store.storage.save_draft(io.BytesIO(b"rows")), f"../../{NAME}")
    assert NAME in store.names()


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_worker_killed_around_the_move_leaves_one_whole_file_to_its_retry(
    store: Store, office: Office, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.shop()
    maker = ReportMaker(office.database, store.storage, StandingClock())
    office.maker = maker
    with monkeypatch.context() as patched:
        if place == "before":
            patched.setattr(store.storage, "put_in_place", _die)
        else:
            patched.setattr(making, "as_result", _die)
        patched.setattr(store.storage, "discard", lambda _draft: None)
        with pytest.raises(KeyboardInterrupt):
            office.make(SUMMARY, report_format=ReportFormat.CSV)
    assert office.record().state is ReportState.PENDING

    office.shop("RET002")
    result = office.make(SUMMARY, report_format=ReportFormat.CSV)
    store.storage.remove_drafts(datetime.now(UTC) + timedelta(hours=1))

    assert store.names() == [NAME]
    assert hashlib.sha256(store.content(NAME)).hexdigest() == result["checksum"] == office.record().checksum
    assert office.record().row_count == 2


def test_a_service_that_is_away_is_an_error_that_is_tried_again(bucket: StorageSettings) -> None:
    away = BucketStorage(replace(bucket, endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(StorageUnavailable, match="can't be reached"):
        away.save_draft(io.BytesIO(b"rows"))


def test_a_bucket_that_is_not_there_is_named_as_what_the_service_says(bucket: StorageSettings) -> None:
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        BucketStorage(replace(bucket, bucket="doko-nowhere")).save_draft(io.BytesIO(b"rows"))


def test_the_settings_choose_the_store(bucket: StorageSettings, tmp_path: Path) -> None:
    url = f"s3://{bucket.bucket}/{bucket.prefix}"
    account = {"AWS_ACCESS_KEY_ID": "doko", "AWS_SECRET_ACCESS_KEY": "secret"}
    made = make_storage(
        Settings.from_environment(
            {"REPORT_STORAGE_URL": url, "REPORT_S3_ENDPOINT_URL": bucket.endpoint_url or "", **account}
        )
    )
    assert isinstance(made, BucketStorage)
    made.put_in_place(made.save_draft(io.BytesIO(b"rows")), NAME)
    assert Store(made, bucket).content(NAME) == b"rows"

    folder = make_storage(Settings.from_environment({"REPORT_STORAGE_URL": f"file://{tmp_path}/files"}))
    folder.put_in_place(folder.save_draft(io.BytesIO(b"rows")), NAME)
    assert (tmp_path / "files" / NAME).read_bytes() == b"rows"


def _die(*_: object) -> Any:
    raise KeyboardInterrupt
