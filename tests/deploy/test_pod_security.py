"""PodSecurity's "restricted" rules hold for every pod, and a little more than they ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.manifests import OVERLAYS, Manifest, containers, of_kind, overlay, pod_of, workloads

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
"""The kinds of volumes that the restricted rules allow."""

every_overlay = pytest.mark.parametrize("name", OVERLAYS)


def pods(name: str) -> Iterator[tuple[str, Manifest]]:
    for workload, manifest in workloads(overlay(name)).items():
        yield workload, pod_of(manifest)


@every_overlay
def test_the_namespace_enforces_the_restricted_rules(name: str) -> None:
    (namespace,) = of_kind(overlay(name), "Namespace").values()

    for mode in ("enforce", "audit", "warn"):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"
    assert {each["metadata"].get("namespace") for each in workloads(overlay(name)).values()} == {f"doko-{name}"}


@every_overlay
def test_no_pod_sees_the_node_or_keeps_files_on_it(name: str) -> None:
    for workload, pod in pods(name):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), workload
        for volume in pod.get("volumes", []):
            assert volume.keys() - {"name"} <= VOLUMES, workload


@every_overlay
def test_every_pod_runs_as_a_user_of_its_own_under_the_runtimes_seccomp_profile(name: str) -> None:
    for workload, pod in pods(name):
        assert pod["securityContext"]["runAsNonRoot"] is True, workload
        assert pod["securityContext"]["runAsUser"] > 0, workload
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, workload


@every_overlay
def test_no_container_gains_privileges_or_writes_to_its_image(name: str) -> None:
    for workload, manifest in workloads(overlay(name)).items():
        for container in containers(manifest):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, workload
            assert context["readOnlyRootFilesystem"] is True, workload
            assert context["capabilities"] == {"drop": ["ALL"]}, workload
            assert context.get("privileged", False) is False, workload
            assert not any("hostPort" in port for port in container.get("ports", [])), workload


@every_overlay
def test_no_pod_gets_a_token_for_the_clusters_api(name: str) -> None:
    for workload, pod in pods(name):
        assert pod["automountServiceAccountToken"] is False, workload
    (account,) = of_kind(overlay(name), "ServiceAccount").values()
    assert account["automountServiceAccountToken"] is False
    assert not of_kind(overlay(name), "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@every_overlay
def test_every_container_says_what_it_needs_and_may_take_at_most(name: str) -> None:
    for workload, manifest in workloads(overlay(name)).items():
        for container in containers(manifest):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), workload
            assert "memory" in container["resources"]["limits"], workload


@every_overlay
def test_no_manifest_holds_a_password(name: str) -> None:
    assert of_kind(overlay(name), "Secret") == {}
    for manifest in workloads(overlay(name)).values():
        for container in containers(manifest):
            for variable in container.get("env", []):
                if any(word in variable["name"] for word in ("URL", "PASSWORD", "TOKEN", "KEY")):
                    assert "secretKeyRef" in variable["valueFrom"], variable["name"]
