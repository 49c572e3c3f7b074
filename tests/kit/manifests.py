"""The Kubernetes manifests as a cluster would get them, and the Dockerfiles' images as a registry would."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.queues import POLICIES, Queue

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
OVERLAYS = ("development", "staging", "production")

Manifest = dict[str, Any]


def tool(name: str) -> str:
    """A program that a development dependency brought."""
    return str(Path(sysconfig.get_path("scripts")) / name)


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """What ``kubectl kustomize`` makes of a folder of ``deploy/``."""
    done = subprocess.run(
        [tool("kubectl"), "kustomize", str(ROOT / "deploy" / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


def overlay(name: str) -> tuple[Manifest, ...]:
    """What an environment consists of."""
    return rendered(f"kubernetes/overlays/{name}")


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> dict[str, Manifest]:
    """The manifests of these kinds by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def workloads(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """Everything that makes pods, by name."""
    return of_kind(manifests, "Deployment", "StatefulSet", "Job")


def pod_of(workload: Manifest) -> Manifest:
    """The pod's specification."""
    return dict(workload["spec"]["template"]["spec"])


def labels_of(workload: Manifest) -> dict[str, str]:
    """The labels of a workload's pods."""
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def containers(workload: Manifest) -> Iterator[Manifest]:
    """All containers of a workload's pods, those that run before the others included."""
    pod = pod_of(workload)
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes a pod with these labels."""
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions", []))


def worker_name(queue: Queue) -> str:
    """The name of a queue's Deployment."""
    return f"worker-{POLICIES[queue].folder}"


def _expression(expression: Manifest, labels: Mapping[str, str]) -> bool:
    value, operator = labels.get(expression["key"]), expression["operator"]
    assert operator in {"In", "NotIn", "Exists"}, operator
    if operator == "Exists":
        return value is not None
    return bool((value in expression["values"]) == (operator == "In"))
