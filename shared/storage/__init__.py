"""Where report files live: a folder, or a bucket of an S3-compatible service.

A file's name follows from its job's id, so that a retried job writes the same file. It is stored as a draft first
and moved into place when the report's row says so: nobody ever reads half a report.
"""

from __future__ import annotations

from shared.settings import Settings
from shared.storage.files import CONTENT_TYPES, Draft, ReportStorage, StorageUnavailable, location_of, new_file
from shared.storage.folder import FolderStorage
from shared.storage.names import download_name

__all__ = [
    "CONTENT_TYPES",
    "Draft",
    "FolderStorage",
    "ReportStorage",
    "StorageUnavailable",
    "download_name",
    "location_of",
    "make_storage",
    "new_file",
]


def make_storage(settings: Settings) -> ReportStorage:
    """The configured store; it connects when it is first used."""
    if settings.storage.bucket is not None:
        from shared.storage.bucket import BucketStorage  # noqa: PLC0415 - boto3 costs half a second

        return BucketStorage(settings.storage)
    return FolderStorage(settings.report_folder)
