"""Every environment is what Kubernetes takes, field by field, and what the operators beside it take."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.kit.manifests import KUBERNETES, OVERLAYS, Manifest, overlay, rendered

VERSIONS = ("1.35", "1.36", "1.37")
FOREIGN = ("keda.sh", "external-secrets.io", "monitoring.coreos.com")
SCHEMAS = Path(__file__).parent / "operators"
INSTALL_S = 120

every_overlay = pytest.mark.parametrize("name", OVERLAYS)


def is_foreign(manifest: Manifest) -> bool:
    return str(manifest["apiVersion"]).startswith(FOREIGN)


@every_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_to_the_last_field(name: str, version: str) -> None:
    for manifest in overlay(name):
        if not is_foreign(manifest):
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_autoscalers_that_stand_in_for_keda_are_valid_too(version: str) -> None:
    for manifest in yaml.safe_load_all((KUBERNETES / "components/hpa/workers.yaml").read_text()):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_an_unknown_field_would_be_noticed() -> None:
    manifest = json.loads(json.dumps(overlay("production")[0]))
    manifest["metadata"]["lables"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)


@every_overlay
def test_nothing_is_there_twice(name: str) -> None:
    manifests = overlay(name)

    assert len({(each["kind"], each["metadata"]["name"]) for each in manifests}) == len(manifests)


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the operators' own schemas, which npm packages carry."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm, which bring the operators' schemas, are not there")
    folder = tmp_path_factory.mktemp("operators")
    for file in SCHEMAS.iterdir():
        shutil.copy(file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not fetch the operators' schemas in time")
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch the operators' schemas: {done.stderr[-300:]}")
    return folder


def complaints(folder: Path, manifests: list[Manifest]) -> list[str]:
    done = subprocess.run(
        ["node", "check.mjs"], cwd=folder, input=json.dumps(manifests), capture_output=True, text=True, check=True
    )
    return [str(each) for each in json.loads(done.stdout)]


@pytest.mark.slow
def test_what_other_operators_read_fits_their_own_schemas(operators: Path) -> None:
    manifests = [each for name in OVERLAYS for each in overlay(name)] + list(rendered("monitoring"))
    foreign = [each for each in manifests if is_foreign(each)]

    assert {each["kind"] for each in foreign} == {
        *("ScaledObject", "ExternalSecret", "ServiceMonitor", "PodMonitor", "PrometheusRule"),
    }
    assert complaints(operators, foreign) == []


@pytest.mark.slow
@pytest.mark.parametrize(("field", "value"), [("maxReplicaCount", "many"), ("maxReplicas", 3)], ids=["type", "name"])
def test_a_wrong_field_of_theirs_would_be_noticed(operators: Path, field: str, value: object) -> None:
    (scaled, *_) = (each for each in overlay("production") if each["kind"] == "ScaledObject")
    wrong = json.loads(json.dumps(scaled))
    wrong["spec"][field] = value

    assert complaints(operators, [wrong]) != []


def test_the_checkers_lock_names_no_host() -> None:
    assert "http" not in (SCHEMAS / "package-lock.json").read_text()
