"""The alerts: each fires and stays silent when it should, has a way out in the runbook, and no queue is left out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.queues import Queue
from tests.kit.manifests import ROOT, of_kind, rendered

TESTS = Path(__file__).parent / "alerts"
RUNBOOK = (ROOT / "deploy/RUNBOOK.md").read_text()
GROUPS: list[dict[str, Any]] = of_kind(rendered("monitoring"), "PrometheusRule")["doko"]["spec"]["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}

every_alert = pytest.mark.parametrize("alert", sorted(ALERTS))


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not there; Debian has it in the package prometheus")
    return found


def rules_file(folder: Path) -> Path:
    """The rules as Prometheus itself reads them; of the annotations only the one that tests compare."""
    groups = json.loads(json.dumps(GROUPS))
    for rule in (rule for group in groups for rule in group["rules"] if "annotations" in rule):
        rule["annotations"] = {"description": rule["annotations"]["description"]}
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    return file


def test_prometheus_understands_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": GROUPS}))

    done = subprocess.run([promtool(), "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


@pytest.mark.parametrize("tests", sorted(TESTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_alerts_fire_and_stay_silent_as_they_should(tests: Path, tmp_path: Path) -> None:
    rules_file(tmp_path)
    shutil.copy(tests, tmp_path)

    command = [promtool(), "test", "rules", tests.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@every_alert
def test_every_alert_is_seen_to_fire_and_to_stay_silent(alert: str) -> None:
    cases = [
        bool(case["exp_alerts"])
        for file in TESTS.glob("*.yaml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]

    assert set(cases) == {True, False}


@every_alert
def test_every_alert_says_what_it_means_and_leads_to_its_section(alert: str) -> None:
    rule = ALERTS[alert]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"].endswith(f"/deploy/RUNBOOK.md#{alert.lower()}")
    (section,) = re.findall(rf"^## {alert}\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    for part in ("**Means.**", "**Look.**", "**Do.**"):
        assert part in section, f"{alert}: {part}"


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^## (Doko\w+)$", RUNBOOK, re.MULTILINE)) == set(ALERTS)


def test_every_queue_has_a_target_for_its_wait_and_a_line_in_the_runbook() -> None:
    targets = {
        rule["labels"]["queue"]: rule["expr"]
        for rule in RULES
        if rule.get("record") == "doko:queue_wait_target_seconds"
    }

    assert set(targets) == {queue.name for queue in Queue}
    for queue, expression in targets.items():
        (seconds,) = re.findall(r"vector\((\d+)\)", expression)
        assert re.search(rf"^\| `{queue}` \| {seconds} s \|", RUNBOOK, re.MULTILINE), queue
