"""The Dockerfiles: clean to the linter, and what the manifests and the compose file expect."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from shared.queues import POLICIES, Queue
from shared.settings import known_variables
from tests.kit.manifests import OVERLAYS, ROOT, containers, of_kind, overlay, tool

DOCKER = ROOT / "deploy/docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
FOLDERS = [POLICIES[queue].folder for queue in Queue]

every_dockerfile = pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)


def instructions(file: Path) -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE))
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def value(file: Path, instruction: str) -> str:
    return [rest for name, rest in instructions(file) if name == instruction][-1]


@every_dockerfile
def test_the_linter_finds_nothing(file: Path) -> None:
    done = subprocess.run([tool("hadolint"), str(file)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@every_dockerfile
def test_an_image_runs_as_a_numbered_user_without_a_shell_in_between(file: Path) -> None:
    assert value(file, "USER") == "10001:10001"
    assert value(file, "CMD").startswith("[")
    assert value(file, "STOPSIGNAL") == "SIGTERM"


@every_dockerfile
def test_an_image_gets_shared_and_its_own_folder_only(file: Path) -> None:
    copied = {rest.split()[0] for name, rest in instructions(file) if name == "COPY" and not rest.startswith("--from")}
    sources = {each for each in copied if not each.startswith(("requirements/", "deploy/docker/"))}

    own = {"gateway"} if file.stem == "gateway" else {"services/__init__.py", "services/${SERVICE}"}
    assert sources == {"shared", *own}


@every_dockerfile
def test_an_images_variables_are_settings(file: Path) -> None:
    variables = set(re.findall(r"(\w+)=", value(file, "ENV"))) - {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}

    assert variables <= set(known_variables())


@every_dockerfile
def test_an_image_asks_itself_how_it_is_where_it_listens(file: Path) -> None:
    port = value(file, "EXPOSE")

    assert f"127.0.0.1:{port}/healthz" in value(file, "HEALTHCHECK")
    assert re.search(rf"\b(PORT|METRICS_PORT)={port}\b", value(file, "ENV"))


@every_dockerfile
def test_packages_come_with_hashes_and_as_wheels(file: Path) -> None:
    script = (DOCKER / "install-packages.sh").read_text()

    assert "--require-hashes --only-binary :all:" in script
    assert any("install-packages.sh" in rest for name, rest in instructions(file) if name == "RUN")
    for folder in (*FOLDERS, "gateway"):
        assert "--hash=sha256:" in (ROOT / f"requirements/{folder}.txt").read_text()


def test_the_context_holds_only_what_images_copy() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}

    assert "*" in lines
    assert kept == {"requirements/*.txt", "shared", "services", "gateway", "deploy/docker"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_manifests_use_images_that_are_built(name: str) -> None:
    built = {"gateway", *(f"worker-{folder}" for folder in FOLDERS)}
    used = {
        re.sub(r"^.*/(doko-)?", "", container["image"].rpartition(":")[0])
        for workload in of_kind(overlay(name), "Deployment", "Job").values()
        for container in containers(workload)
    }

    assert used == built


def test_compose_builds_the_same_images_with_the_same_ports() -> None:
    services = COMPOSE["services"]

    assert set(services) == {
        *("redis", "postgres", "migrate", "gateway", "scheduler"),
        *(f"worker-{folder}" for folder in FOLDERS),
    }
    for folder in FOLDERS:
        assert services[f"worker-{folder}"]["build"]["args"] == {"SERVICE": folder}
    for service in services.values():
        if "build" in service:
            assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert services["gateway"]["ports"][0].endswith(f":{value(DOCKER / 'gateway.Dockerfile', 'EXPOSE')}")


def test_compose_hardens_every_process_and_leaves_it_its_grace() -> None:
    for name, service in COMPOSE["services"].items():
        if "build" not in service:
            continue
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["stop_grace_period"].removesuffix("s")) >= 25 + 5 + 5, name


def test_compose_sets_only_settings_and_waits_for_no_health_check() -> None:
    ours = {name: each for name, each in COMPOSE["services"].items() if "build" in each}
    for name, service in ours.items():
        assert set(service["environment"]) <= set(known_variables()), name
    for name, service in COMPOSE["services"].items():
        assert "depends_on" not in service, name


def test_compose_has_no_default_password() -> None:
    text = (ROOT / "deploy/compose.yaml").read_text()

    assert set(re.findall(r"\$\{(\w*PASSWORD)", text)) == {"REDIS_PASSWORD", "POSTGRES_PASSWORD"}
    assert not re.search(r"\$\{\w*PASSWORD(?!:\?)", text)


def test_a_redis_that_compose_starts_keeps_everything() -> None:
    command = COMPOSE["services"]["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
