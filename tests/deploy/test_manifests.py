"""The manifests mean what they should: names meet, and every queue has all that a queue needs."""

from __future__ import annotations

import re
from pathlib import Path

import certifi
import pytest
import yaml

from shared.queues import POLICIES, Queue
from shared.settings import Settings, known_variables
from shared.worker_command import WORKER_GRACE_MS
from tests.kit.manifests import (
    OVERLAYS,
    ROOT,
    Manifest,
    containers,
    labels_of,
    of_kind,
    overlay,
    pod_of,
    rendered,
    selects,
    worker_name,
    workloads,
)

OURS = {"doko", "doko-redis", "doko-database", "doko-whatsapp", "doko-webhooks", "doko-mail", "doko-storage"}
PROCESSES = ["gateway", "scheduler", *(worker_name(queue) for queue in Queue)]

every_overlay = pytest.mark.parametrize("name", OVERLAYS)
scaled_overlay = pytest.mark.parametrize("name", ["staging", "production"])


@every_overlay
def test_every_queue_has_a_deployment_of_its_own_image(name: str) -> None:
    deployments = of_kind(overlay(name), "Deployment")

    for queue in Queue:
        (container,) = pod_of(deployments[worker_name(queue)])["containers"]
        assert POLICIES[queue].folder in container["image"].rpartition(":")[0]
    assert set(deployments) == set(PROCESSES)


@scaled_overlay
def test_every_queue_is_scaled_by_its_own_backlog_between_bounds(name: str) -> None:
    scaled = of_kind(overlay(name), "ScaledObject")

    for queue in Queue:
        spec = scaled[worker_name(queue)]["spec"]
        (trigger,) = spec["triggers"]
        query = trigger["metadata"]["query"]
        assert spec["scaleTargetRef"]["name"] == worker_name(queue)
        assert query.count(f'{{namespace="doko-{name}",queue="{queue.name}"') == 2
        assert 0 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
        assert spec["cooldownPeriod"] >= 60
    assert set(scaled) == {worker_name(queue) for queue in Queue}


@scaled_overlay
def test_reports_rest_at_no_worker_and_run_one_at_a_time(name: str) -> None:
    spec = of_kind(overlay(name), "ScaledObject")["worker-reports"]["spec"]

    assert spec["minReplicaCount"] == 0
    (config,) = (each["data"] for each in of_kind(overlay(name), "ConfigMap").values())
    assert Settings.from_environment(config).global_concurrency[Queue.REPORT_GENERATION] == 1


def test_without_keda_the_same_workers_follow_the_same_thresholds() -> None:
    keda = of_kind(overlay("production"), "ScaledObject")
    text = (ROOT / "deploy/kubernetes/components/hpa/workers.yaml").read_text()
    fallback = {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(text)}

    assert set(fallback) == set(keda)
    for queue in Queue:
        external = fallback[worker_name(queue)]["metrics"][0]["external"]
        (trigger,) = keda[worker_name(queue)]["spec"]["triggers"]
        assert external["metric"]["selector"]["matchLabels"] == {"queue": queue.name}
        assert external["target"]["averageValue"] == trigger["metadata"]["threshold"]


@scaled_overlay
def test_production_like_environments_speak_tls_to_redis_and_reach_its_sentinels(name: str) -> None:
    manifests = overlay(name)

    for deployment in of_kind(manifests, "Deployment").values():
        variables = {each["name"]: each.get("value") for each in next(containers(deployment))["env"]}
        assert variables["REDIS_CA_FILE"] == "/etc/doko/redis/ca.crt"
    if name == "production":
        (egress,) = of_kind(manifests, "NetworkPolicy")["to-redis"]["spec"]["egress"]
        assert {each["port"] for each in egress["ports"]} == {6379, 26379}


@every_overlay
def test_the_gateway_and_its_autoscaler_meet(name: str) -> None:
    scalers = of_kind(overlay(name), "HorizontalPodAutoscaler")

    assert set(scalers) == (set() if name == "development" else {"gateway"})
    for scaler in scalers.values():
        assert scaler["spec"]["scaleTargetRef"]["name"] == "gateway"


@every_overlay
def test_every_process_has_a_network_policy_of_its_own_and_everything_else_is_denied(name: str) -> None:
    policies = of_kind(overlay(name), "NetworkPolicy")

    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for process in (*PROCESSES, "migrate"):
        assert policies[process]["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": process}}
        assert set(policies[process]["spec"]["policyTypes"]) == {"Ingress", "Egress"}


@every_overlay
def test_who_needs_redis_or_postgresql_may_reach_it(name: str) -> None:
    policies = of_kind(overlay(name), "NetworkPolicy")

    for workload in of_kind(overlay(name), "Deployment", "Job").values():
        labels = labels_of(workload)
        variables = {each["name"] for container in containers(workload) for each in container.get("env", [])}
        assert selects(policies["to-dns"]["spec"]["podSelector"], labels)
        assert selects(policies["to-redis"]["spec"]["podSelector"], labels) == ("REDIS_URL" in variables)
        assert selects(policies["to-postgres"]["spec"]["podSelector"], labels) == ("DATABASE_URL" in variables)


@every_overlay
def test_every_selector_takes_pods_that_are_there(name: str) -> None:
    manifests = overlay(name)
    pods = [labels_of(each) for each in workloads(manifests).values()]

    for workload in of_kind(manifests, "Deployment", "StatefulSet").values():
        assert selects(workload["spec"]["selector"], labels_of(workload))
    for service in of_kind(manifests, "Service").values():
        assert sum(selects({"matchLabels": service["spec"]["selector"]}, labels) for labels in pods) == 1
    for budget in of_kind(manifests, "PodDisruptionBudget").values():
        assert sum(selects(budget["spec"]["selector"], labels) for labels in pods) == 1
    for policy in of_kind(manifests, "NetworkPolicy").values():
        assert any(selects(policy["spec"]["podSelector"], labels) for labels in pods), policy["metadata"]["name"]


@scaled_overlay
def test_every_process_has_a_budget_a_priority_and_a_spread(name: str) -> None:
    manifests = overlay(name)

    assert set(of_kind(manifests, "PodDisruptionBudget")) == set(PROCESSES)
    for process, deployment in of_kind(manifests, "Deployment").items():
        pod = pod_of(deployment)
        assert pod["priorityClassName"] in of_kind(manifests, "PriorityClass"), process
        for constraint in pod["topologySpreadConstraints"]:
            assert selects(constraint["labelSelector"], labels_of(deployment))


@every_overlay
def test_every_named_port_exists(name: str) -> None:
    manifests = overlay(name)
    deployments = of_kind(manifests, "Deployment", "StatefulSet")

    for workload in deployments.values():
        for container in containers(workload):
            ports = {port["name"] for port in container["ports"]}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if "httpGet" in container.get(probe, {}):
                    assert container[probe]["httpGet"]["port"] in ports
    for service in of_kind(manifests, "Service").values():
        (container,) = pod_of(deployments[service["metadata"]["name"]])["containers"]
        assert {each["targetPort"] for each in service["spec"]["ports"]} <= {
            each["name"] for each in container["ports"]
        }


@every_overlay
def test_every_variable_is_a_setting_and_all_of_them_together_start(name: str) -> None:
    manifests = overlay(name)
    configs = of_kind(manifests, "ConfigMap")

    for process, workload in of_kind(manifests, "Deployment", "Job").items():
        for container in containers(workload):
            variables = {each["name"]: each.get("value", f"redis://{process}") for each in container.get("env", [])}
            if "REDIS_CA_FILE" in variables:
                mounts = {each["mountPath"] for each in container["volumeMounts"]}
                assert str(Path(variables["REDIS_CA_FILE"]).parent) in mounts
                # Any certificate will do; Doko looks into the file when it starts.
                variables |= {"REDIS_CA_FILE": certifi.where(), "REDIS_URL": "rediss+sentinel://sentinel/doko"}
            if "DATABASE_URL" in variables:
                variables["DATABASE_URL"] = "postgresql://doko@postgres/doko"
            # Both the key of make-secrets.sh and one from a vault are long enough.
            variables |= {"DASHBOARD_KEY": "0" * 48} if "DASHBOARD_KEY" in variables else {}
            for source in container.get("envFrom", []):
                variables |= configs[source["configMapRef"]["name"]]["data"] if "configMapRef" in source else {}
            assert set(variables) <= set(known_variables())
            Settings.from_environment(variables)


@every_overlay
def test_every_secret_and_configuration_named_is_made_somewhere(name: str) -> None:
    manifests = overlay(name)
    external = of_kind(manifests, "ExternalSecret")
    script = (ROOT / "deploy/kubernetes/make-secrets.sh").read_text()

    for secret, key in _required_keys(manifests):
        if name == "development":
            assert f"secret generic {secret} " in script
            assert re.search(rf"\b{key}\b", script), f"{secret} needs {key}"
        else:
            assert key in {each["secretKey"] for each in external[secret]["spec"]["data"]}


@every_overlay
def test_values_that_change_roll_the_processes_out(name: str) -> None:
    (config,) = of_kind(overlay(name), "ConfigMap")

    assert re.fullmatch(r"doko-[a-z0-9]{10}", config)
    for deployment in of_kind(overlay(name), "Deployment").values():
        assert {"configMapRef": {"name": config}} in next(containers(deployment))["envFrom"]


@every_overlay
def test_a_worker_has_more_time_to_end_than_its_jobs_have(name: str) -> None:
    (config,) = (each["data"] for each in of_kind(overlay(name), "ConfigMap").values())
    grace_s = (Settings.from_environment(config).shutdown_grace_ms + WORKER_GRACE_MS) / 1000

    for queue in Queue:
        pod = pod_of(of_kind(overlay(name), "Deployment")[worker_name(queue)])
        assert pod["terminationGracePeriodSeconds"] >= grace_s + 5


@every_overlay
def test_the_gateway_leaves_the_service_before_it_stops(name: str) -> None:
    pod = pod_of(of_kind(overlay(name), "Deployment")["gateway"])
    (container,) = pod["containers"]
    sleep_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert sleep_s >= 5
    # gunicorn's graceful_timeout follows.
    assert pod["terminationGracePeriodSeconds"] >= sleep_s + 30 + 5


@every_overlay
def test_no_process_is_taken_away_before_its_successor_is_ready(name: str) -> None:
    for deployment in of_kind(overlay(name), "Deployment").values():
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@scaled_overlay
def test_production_like_environments_run_no_store_themselves(name: str) -> None:
    assert of_kind(overlay(name), "StatefulSet", "PersistentVolumeClaim") == {}


def test_a_workers_manifest_holds_only_its_own() -> None:
    for queue in Queue:
        file = ROOT / f"deploy/kubernetes/base/workers/{POLICIES[queue].folder}.yaml"
        assert len(file.read_text().splitlines()) <= 26


def test_prometheus_scrapes_every_process_once() -> None:
    manifests = overlay("production")
    monitors = of_kind(rendered("monitoring"), "ServiceMonitor", "PodMonitor")
    gateway, processes = (monitors[each]["spec"]["selector"] for each in ("doko-gateway", "doko-processes"))

    (service,) = of_kind(manifests, "Service").values()
    assert selects(gateway, service["metadata"]["labels"])
    scraped = [name for name, each in of_kind(manifests, "Deployment").items() if selects(processes, labels_of(each))]
    assert sorted(scraped) == sorted(set(PROCESSES) - {"gateway"})
    assert not selects(processes, labels_of(of_kind(manifests, "Job")["migrate"]))
    for deployment in of_kind(manifests, "Deployment").values():
        assert {port["name"] for port in next(containers(deployment))["ports"]} <= {"http", "metrics"}


def _required_keys(manifests: tuple[Manifest, ...]) -> set[tuple[str, str]]:
    keys: set[tuple[str, str]] = set()
    for workload in workloads(manifests).values():
        for volume in pod_of(workload).get("volumes", []):
            keys |= {
                (volume["secret"]["secretName"], each["key"]) for each in volume.get("secret", {}).get("items", [])
            }
        for container in containers(workload):
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference is not None:
                    keys.add((reference["name"], reference["key"]))
            for source in container.get("envFrom", []):
                kind = next(iter(source.values()))
                assert kind["name"].partition("-")[0] == "doko"
                assert "configMapRef" in source or (kind["optional"] and kind["name"] in OURS)
    return keys


@every_overlay
def test_every_gateway_signs_sessions_of_the_dashboard_with_the_same_key(name: str) -> None:
    (gateway,) = containers(of_kind(overlay(name), "Deployment")["gateway"])
    keys = {each["name"]: each["valueFrom"] for each in gateway["env"] if "valueFrom" in each}

    assert keys["DASHBOARD_KEY"] == {"secretKeyRef": {"name": "doko-dashboard", "key": "signing"}}
