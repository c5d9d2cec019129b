"""deploy/ as tests see it: what each process is started with, and which pods may talk to which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meshkit.topology import load
from tools.check_deploy import DEPLOY, Document, documents, manifests, of_kind

__all__ = ["BASE", "SERVICES", "Recorder", "edges", "file_variables", "in_cluster", "in_compose", "migration_jobs"]

SERVICES = load().names
BASE = manifests(DEPLOY / "k8s/base")
_SECRET_VALUE = "postgresql://rampart_role@host/database"


class Recorder(Mapping[str, str]):
    """An environment that remembers which of its variables were asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def in_cluster(container: Document) -> dict[str, str]:
    """Returns the variables of a container on Kubernetes; those of Secrets have a value of the right form."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= _config_map(source["configMapRef"]["name"])
    for variable in container["env"]:
        found[variable["name"]] = variable.get("value", _SECRET_VALUE)
    return found


def _config_map(name: str) -> dict[str, str]:
    generators = documents(DEPLOY / "k8s/base/kustomization.yaml")[0]["configMapGenerator"]
    (literals,) = (each["literals"] for each in generators if each["name"] == name)
    return dict(literal.split("=", 1) for literal in literals)


_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")
"""A variable of who starts compose, with what it is if nobody sets it."""


def in_compose(service: Document, secrets: Path) -> dict[str, str]:
    """Returns the variables of a container of compose.yaml, with the files that init.py has put into `secrets`."""
    found: dict[str, str] = {}
    for name in service.get("env_file", []):
        lines = (secrets / Path(name).name).read_text().splitlines()
        found |= dict(line.split("=", 1) for line in lines)
    found |= service.get("environment", {})
    return {name: _DEFAULT.sub(r"\1", str(value)) for name, value in found.items()}


def file_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that name a file."""
    return {name: value for name, value in environment.items() if name.endswith("_FILE")}


def migration_jobs() -> dict[str, Document]:
    """Returns the container of each service's migration job."""
    jobs = of_kind(manifests(DEPLOY / "k8s/migrate"), "Job")
    pods = {name.removeprefix("migrate-"): job["spec"]["template"]["spec"] for name, job in jobs.items()}
    return {service: pod["containers"][0] for service, pod in pods.items()}


def edges(direction: str) -> set[tuple[str, str]]:
    """Returns the (caller, callee) pairs of processes that the policies allow by their "ingress" or "egress" rules."""
    found = set()
    for policy in of_kind(BASE, "NetworkPolicy").values():
        own = policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        for rule in policy["spec"].get(direction, []):
            for peer in rule["from" if direction == "ingress" else "to"]:
                if own is not None and "podSelector" in peer and "namespaceSelector" not in peer:
                    other = _process(peer)
                    found.add((other, own) if direction == "ingress" else (own, other))
    return found


def _process(peer: dict[str, Any]) -> str:
    labels = peer["podSelector"]["matchLabels"]
    assert labels["app.kubernetes.io/component"] == "process"
    return str(labels["app.kubernetes.io/name"])
