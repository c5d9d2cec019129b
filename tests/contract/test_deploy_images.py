"""The image of a process holds every file that it needs, and runs the right module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from meshkit.topology import load
from tools.check_deploy import DEPLOY, ROOT

STAGES = re.compile(r"^FROM (\S+) AS (\S+)$(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)
COPY = re.compile(r"^COPY --from=code /app/(\S+) (\S+)$", re.MULTILINE)
ENTRYPOINT = re.compile(r'^ENTRYPOINT \["python", "-m", "(.+)"\]$', re.MULTILINE)
MODULES = {
    **{name: f"services.{name}" for name in load().names},
    "gateway": "gateway",
    "console": "console",
}


def build(name: str, folder: Path) -> str:
    """Puts the files of a stage and of those below it into `folder` and returns the module that the image runs."""
    stages = {stage: (base, text) for base, stage, text in STAGES.findall((DEPLOY / "docker/Dockerfile").read_text())}
    module, stage = "", name
    while stage in stages:
        stage, text = stages[stage]
        for source, target in COPY.findall(text):
            place = folder / target / Path(source).name if target.endswith("/") else folder / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
        module = module or "".join(ENTRYPOINT.findall(text))
    return module


@pytest.mark.parametrize("name", MODULES)
def test_the_image_of_a_process_starts_with_nothing_but_its_own_files(name: str, tmp_path: Path) -> None:
    module = build(name, tmp_path)
    assert module == MODULES[name]
    path = {"PYTHONPATH": f"{tmp_path}:{tmp_path / 'gen'}", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = ["--help"] if name == "console" else []
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": os.environ["PATH"], **path}, capture_output=True, text=True, timeout=60
    )
    if name == "console":
        assert done.returncode == 0, done.stderr
    else:
        # It reads its settings, which come after every import, and says what it lacks.
        assert done.returncode == 1
        assert f"{name}: RAMPART_TLS_CA_FILE is not set" in done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_the_image_of_a_process_has_the_table_of_services(name: str, tmp_path: Path) -> None:
    build(name, tmp_path)
    program = "from meshkit.topology import load; print(*load().names)"
    path = {"PYTHONPATH": f"{tmp_path}:{tmp_path / 'gen'}", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd="/",
        env={"PATH": os.environ["PATH"], **path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == list(load().names), done.stderr


def test_every_process_has_an_image() -> None:
    text = (DEPLOY / "docker/Dockerfile").read_text()
    assert {stage for _, stage, body in STAGES.findall(text) if ENTRYPOINT.search(body)} == MODULES.keys()
