"""Every import contract refuses an import that it forbids, also one that only type checkers see."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = [
    each["name"] for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]
PLANTED = {
    "Services know of each other only what the protos say": ("services/user/service/users.py", "services.data.errors"),
    "The processes stand on meshkit, and meshkit on nothing of theirs": ("meshkit/ids.py", "gateway.settings"),
    "meshkit knows the mesh protos and no business ones": ("meshkit/ids.py", "rampart.fraud.v1.decision_pb2"),
    "meshkit is built in layers": ("meshkit/errors.py", "meshkit.host"),
    "No circles in meshkit and the services": ("meshkit/rpc/channel.py", "meshkit.rpc.server"),
    "The rooms of the gateway: imports go one way": ("gateway/compile/endpoint.py", "gateway.edge.exchange"),
    "The stand-alone gateway has nothing of Rampart's own": ("gateway/standalone/app.py", "gateway.product.oauth"),
    "The HTTP server of the gateway is sealed": ("gateway/server/cycle.py", "gateway.compile.plan"),
    "No import cycle in the gateway": ("gateway/edge/exchange.py", "gateway.edge.pipeline"),
    "The console reaches services over the wire": ("console/token.py", "services.auth.errors"),
    "A service is built in layers": ("services/data/ports.py", "services.data.servicer"),
    "The rooms of the fraud service's use cases: imports go one way": (
        "services/fraud/service/logs/folds.py", "services.fraud.service.features.reading",
    ),
    "Domains are pure": ("services/fraud/domain/verdict.py", "meshkit.errors"),
    "Use cases know neither the wire nor the stores": (
        "services/fraud/service/retention.py", "rampart.fraud.v1.event_pb2",
    ),
    "Only the composition root knows the adapters": ("services/user/servicer.py", "services.user.adapters.memory"),
    "One room knows the libraries of expressions": ("services/fraud/service/watching/feed.py", "cel_expr_python.cel"),
    "One room knows the libraries of models": ("services/fraud/service/watching/feed.py", "numpy.linalg"),
    "Only adapters of the graph know the driver of Neo4j": ("services/fraud/app/features.py", "neo4j.graph"),
    "Models are pure": ("services/fraud/models/metrics.py", "services.fraud.errors.decisions"),
    "Adapters serve the use cases and do not know them": ("services/user/adapters/rows.py", "services.user.service"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, in which imports can be planted."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("meshkit", "gateway", "services", "console"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copytree(ROOT / "gen" / "rampart", copy / "rampart", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def broken(tree: Path) -> set[str]:
    """Returns the names of the contracts that the tree breaks."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    judged = {name: f"\n{name} BROKEN" in done.stdout for name in CONTRACTS if f"\n{name} " in done.stdout}
    assert set(judged) == set(CONTRACTS), done.stdout + done.stderr
    return {name for name, is_broken in judged.items() if is_broken}


def test_every_contract_has_a_violation_here() -> None:
    assert set(PLANTED) == set(CONTRACTS)


def test_the_tree_as_it_is_keeps_every_contract(tree: Path) -> None:
    assert broken(tree) == set()


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_is_refused(contract: str, tree: Path) -> None:
    path, forbidden = PLANTED[contract]
    module = tree / path
    before = module.read_text()
    package, _, name = forbidden.rpartition(".")
    guarded = f"\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from {package} import {name}  # planted\n"
    module.write_text(before + guarded)
    try:
        assert contract in broken(tree)
    finally:
        module.write_text(before)
