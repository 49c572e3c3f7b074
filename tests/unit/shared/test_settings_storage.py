"""Where report files go: wrong and half-finished settings stop the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings


def refused(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(environment)
    return str(error.value)


def test_report_files_stand_in_the_data_folder_unless_a_place_is_named() -> None:
    assert Settings.from_environment({"DATA_DIR": "/srv/doko"}).report_folder == Path("/srv/doko/reports")
    assert Settings.from_environment({"REPORT_STORAGE_URL": "file:///srv/files"}).report_folder == Path("/srv/files")


def test_a_bucket_may_have_a_prefix_and_another_service() -> None:
    storage = Settings.from_environment(
        {"REPORT_STORAGE_URL": "s3://doko-reports/a/b/", "REPORT_S3_ENDPOINT_URL": "https://minio:9000"}
    ).storage
    assert (storage.bucket, storage.prefix, storage.endpoint_url) == ("doko-reports", "a/b", "https://minio:9000")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket", "must be a URL that starts with s3:// or file://"),
        ("s3:///prefix", "with a bucket of 3 to 63"),
        ("s3://Bucket", "with a bucket of 3 to 63"),
        ("s3://user:pass@bucket", "with a bucket of 3 to 63"),
        ("s3://bucket?region=x", "without query"),
        ("file://host/folder", "with three slashes"),
    ],
)
def test_a_wrong_place_stops_the_start(url: str, said: str) -> None:
    assert said in refused(REPORT_STORAGE_URL=url)


def test_settings_that_do_not_fit_together_stop_the_start() -> None:
    assert "names no bucket" in refused(REPORT_S3_ENDPOINT_URL="https://minio:9000")
    assert "go together" in refused(AWS_ACCESS_KEY_ID="doko")
    assert "REPORT_S3_ENDPOINT_URL" in refused(REPORT_S3_ENDPOINT="https://minio:9000")


def test_the_accounts_secret_is_never_shown() -> None:
    made = Settings.from_environment({"AWS_ACCESS_KEY_ID": "doko", "AWS_SECRET_ACCESS_KEY": "very-secret"})
    assert "very-secret" not in repr(made)


def test_a_password_in_a_wrong_url_is_not_repeated() -> None:
    assert "hunter2" not in refused(REPORT_STORAGE_URL="s3://doko:hunter2@bucket")
