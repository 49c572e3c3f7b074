"""What probes ask and what rules and panels read is there, on the real processes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.local.ports import free_port
from tests.kit.manifests import ROOT, containers, labels_of, of_kind, overlay, rendered
from tests.kit.scraping import Scrape
from tests.kit.system import EXAMPLE, System, wait_until

pytestmark = pytest.mark.slow

METRIC = re.compile(r"\b(?:doko|process)_\w+")


@dataclass(frozen=True)
class Live:
    """The three kinds of processes, and where each answers by the name of its container's port."""

    system: System
    urls: dict[str, str]

    def get(self, component: str, path: str) -> httpx.Response:
        return httpx.get(f"{self.urls[component]}{path}", timeout=30)

    def metrics(self) -> set[str]:
        """The names of everything that a scrape of all processes brings."""
        scrapes = [Scrape(self.get(component, "/metrics").text) for component in self.urls]
        return {name for scrape in scrapes for name in _names(scrape)}


def _names(scrape: Scrape) -> Iterator[str]:
    for family in scrape.families.values():
        yield from (sample.name for sample in family.samples)


@pytest.fixture
def live(redis_url: str, sqlite_url: str, tmp_path: Path) -> Iterator[Live]:
    """A gateway, a worker and a scheduler that have done one job."""
    system = System(tmp_path, redis_url, sqlite_url, {})
    # As in a container: the gateway makes a folder of its own, the others need none.
    del system.environment["PROMETHEUS_MULTIPROC_DIR"]
    ports = {name: free_port() for name in ("worker", "scheduler")}
    try:
        system.start("gateway")
        for name, command in (("worker", "worker whatsapp"), ("scheduler", "scheduler")):
            system.environment["METRICS_PORT"] = str(ports[name])
            system.start(command)
        job = system.enqueue("/whatsapp/messages", EXAMPLE)
        system.wait_for(job, "completed")
        yield Live(system, {"gateway": system.url, **{n: f"http://127.0.0.1:{port}" for n, port in ports.items()}})
    finally:
        system.close()


def test_every_probes_path_answers_and_every_metric_that_is_asked_for_exists(live: Live) -> None:
    for component, path in sorted(probed()):
        wait_until(partial(_is_well, live, component, path), partial(_told, live, component, path))
    for component in live.urls:
        answer = live.get(component, "/metrics")
        assert answer.status_code == 200, f"{component}: {answer.text}"

    assert asked_for() - live.metrics() == set()


def probed() -> set[tuple[str, str]]:
    """Component and path of every probe and every scrape."""
    found = set()
    for deployment in of_kind(overlay("production"), "Deployment").values():
        component = labels_of(deployment)["app.kubernetes.io/component"]
        for container in containers(deployment):
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                found.add((component, container[probe]["httpGet"]["path"]))
    for monitor in of_kind(rendered("monitoring"), "ServiceMonitor", "PodMonitor").values():
        endpoints = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        assert {endpoint["path"] for endpoint in endpoints} == {"/metrics"}
    return found


def _is_well(live: Live, component: str, path: str) -> bool:
    try:
        return live.get(component, path).status_code == 200
    except httpx.TransportError:
        return False


def _told(live: Live, component: str, path: str) -> str:
    return f"{component} answers {path} with {live.get(component, path).text}"


def asked_for() -> set[str]:
    """Every metric that an alert, a panel or an autoscaler names."""
    rules = of_kind(rendered("monitoring"), "PrometheusRule")["doko"]["spec"]
    dashboard = json.loads((ROOT / "deploy/monitoring/doko.json").read_text())
    texts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    texts += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    texts += [variable["query"] for variable in dashboard["templating"]["list"]]
    texts += [
        trigger["metadata"]["query"]
        for scaled in of_kind(overlay("production"), "ScaledObject").values()
        for trigger in scaled["spec"]["triggers"]
    ]
    adapter = yaml.safe_load((ROOT / "deploy/kubernetes/components/hpa/prometheus-adapter.yaml").read_text())
    texts += [rule["metricsQuery"] for rule in adapter["rules"]["external"]]
    return {name for text in texts for name in METRIC.findall(text)}


def test_every_panel_asks_for_something_and_no_panel_covers_another() -> None:
    dashboard = json.loads((ROOT / "deploy/monitoring/doko.json").read_text())
    panels = dashboard["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert all(panel["type"] == "row" or panel["targets"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) <= 23
