"""Logging before it is configured, as in unit tests of what logs."""

from __future__ import annotations

import logging

import pytest

from shared import logs


def test_before_configuration_a_job_event_goes_to_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="doko.jobs"):
        logs.job_event("info", "Job 1 completed in queue q", "completed", jobId="1")

    (record,) = caplog.records
    assert record.message == "Job 1 completed in queue q"
    assert record.__dict__["doko_fields"] == {"event": "completed", "jobId": "1"}


def test_before_configuration_lines_and_flushes_do_nothing() -> None:
    logs.write_line({"level": "info"})
    logs.flush()
