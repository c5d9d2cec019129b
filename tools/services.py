"""Writes what derives from services/table.toml: deploy/, the client's list of services, tables of the documentation.

With `--check` nothing is written; a file that differs, or that no entry asks for any more, is exit status 1.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from meshkit.topology import Topology, load
from tools.client_methods import Contract
from tools.rendering import client, compose, databases, images, kubernetes, pages
from tools.rendering.text import SOURCE, fill_regions

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTORS = ROOT / "gen/rampart/descriptors.binpb"
CLIENT = Path("clients/python/rampart_client")
KUBERNETES = Path("deploy/k8s")
WHOLE = (KUBERNETES / "base", CLIENT)
"""Folders in which a file is generated for each service."""


def outputs(topology: Topology, contract: Contract, root: Path = ROOT) -> dict[Path, str]:
    """Returns the text of every file, by its path below the root; what is written by hand is read from there."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    return {
        **_manifests(topology),
        **_client(topology, contract),
        Path("deploy/postgres/databases.sql"): databases.script(topology),
        **{path: fill_regions(root / path, parts) for path, parts in _regions(topology, version).items()},
    }


def _manifests(topology: Topology) -> dict[Path, str]:
    return {
        **{KUBERNETES / f"base/{entry.name}.yaml": kubernetes.process(topology, entry) for entry in topology.processes},
        KUBERNETES / "migrate/jobs.yaml": kubernetes.migrations(topology),
        KUBERNETES / "examples/certificates.yaml": kubernetes.certificates(topology),
        KUBERNETES / "examples/caller/orders.yaml": kubernetes.caller_example(),
    }


def _client(topology: Topology, contract: Contract) -> dict[Path, str]:
    return {
        CLIENT / "_services.py": client.services_module(topology, contract),
        **{CLIENT / f"{each.name}.py": client.messages_module(each) for each in client.offered(topology, contract)},
    }


def _regions(topology: Topology, version: str) -> dict[Path, dict[str, str]]:
    return {
        Path("deploy/compose.yaml"): {
            "processes": compose.processes(topology, version),
            "secrets": compose.secrets(topology),
        },
        Path("deploy/docker/Dockerfile"): {"stages": images.stages(topology)},
        KUBERNETES / "base/kustomization.yaml": {
            "resources": kubernetes.resources(topology),
            "images": kubernetes.image_tags(topology.process_names, version),
        },
        KUBERNETES / "migrate/kustomization.yaml": {"images": kubernetes.image_tags(topology.names, version)},
        KUBERNETES / "examples/ingress.yaml": {"services": kubernetes.way_in(topology)},
        KUBERNETES / "README.md": {"secrets": pages.kubernetes_secrets(topology)},
        Path("docs/operations.md"): {"processes": pages.processes(topology), "databases": pages.databases(topology)},
        Path("README.md"): {"services": pages.services(topology)},
    }


def stale(root: Path, texts: Mapping[Path, str]) -> list[Path]:
    """Returns the files that are missing or differ."""
    return [path for path, text in texts.items() if not (root / path).exists() or (root / path).read_text() != text]


def leftovers(root: Path, expected: Iterable[Path]) -> list[Path]:
    """Returns generated files that no entry asks for any more."""
    known = set(expected)
    files = (path for folder in WHOLE for path in sorted((root / folder).glob("*.*")))
    return [
        path.relative_to(root)
        for path in files
        if path.relative_to(root) not in known and SOURCE in path.read_text().lower()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of write")
    check = parser.parse_args().check
    contract = Contract.load(FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()))
    texts = outputs(load(), contract)
    different, left = stale(ROOT, texts), leftovers(ROOT, texts)
    if check:
        for path in (*different, *left):
            print(f"out of date: {path} (run `make generate`)")
        return 1 if different or left else 0
    for path in different:
        (ROOT / path).write_text(texts[path])
    for path in left:
        (ROOT / path).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
