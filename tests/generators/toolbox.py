"""Installs what the OpenAPI document is tried with, at pinned versions, below build/generators; nothing else needs it.

Without RAMPART_GENERATORS=full nothing is installed: what is there is used, and the rest of the tests is skipped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

__all__ = ["DEPENDENCIES", "FULL", "HERE", "HINT", "Tools"]

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "generators"
FULL = os.environ.get("RAMPART_GENERATORS") == "full"
HINT = "`make generators` installs and runs everything"

OPENAPI_GENERATOR = "7.25.0"
OPENAPI_GENERATOR_SHA256 = "41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae"
DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
OAPI_CODEGEN = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
INSTALL_SECONDS = 900
RUN_SECONDS = 600


class Tools:
    """Runs tools in a folder of its own. A tool that cannot be had skips the test, with its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(
        self,
        *command: str | Path,
        folder: Path | None = None,
        seconds: float = RUN_SECONDS,
        environment: Mapping[str, str] = {},
    ) -> str:
        """Returns what a command prints. Fails the test with all of it if the command fails."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder or self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def node(self, *command: str | Path, environment: Mapping[str, str] = {}) -> str:
        """Runs a program of package.json, or a script."""
        _needs("node")
        link = self.folder / "node_modules"
        modules = self._installed("npm", self._npm, HERE / "npm" / "package-lock.json") / "node_modules"
        if not link.exists():
            link.symlink_to(modules)
        program, *arguments = command
        script = program if Path(program).suffix == ".js" else link / ".bin" / program
        return self.run("node", script, *arguments, environment=environment)

    def openapi_generator(self, *arguments: str | Path) -> str:
        _needs("java")
        jar = self._installed(f"openapi-generator-{OPENAPI_GENERATOR}", self._jar) / "openapi-generator-cli.jar"
        assert hashlib.sha256(jar.read_bytes()).hexdigest() == OPENAPI_GENERATOR_SHA256, f"{jar} is not the one pinned"
        return self.run("java", "-jar", jar, *arguments)

    def maven(self, *arguments: str | Path) -> str:
        _needs("mvn")
        return self.run("mvn", "--batch-mode", "--quiet", *arguments)

    def python(self, *arguments: str | Path, environment: Mapping[str, str]) -> str:
        """Runs an interpreter that has what the generated client needs."""
        folder = self._installed("python", self._venv, HERE / "python" / "requirements.txt")
        return self.run(folder / "bin" / "python", *arguments, environment=environment)

    def go(self, *arguments: str | Path, environment: Mapping[str, str]) -> str:
        _needs("go")
        return self.run("go", *arguments, environment=environment)

    def oapi_codegen(self, *arguments: str | Path) -> str:
        _needs("go")
        name = f"oapi-codegen-{OAPI_CODEGEN.rpartition('@v')[2]}"
        return self.run(self._installed(name, self._oapi_codegen) / "oapi-codegen", *arguments)

    def _installed(self, name: str, install: Callable[[Path], None], lock: Path | None = None) -> Path:
        """Returns the folder of what is installed: anew when its lock file changes."""
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12] if lock is not None else "pinned"
        folder = BUILD / f"{name}-{digest}"
        if (folder / "done").exists():
            return folder
        if not FULL:
            pytest.skip(f"{name} is not installed; {HINT}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            install(folder)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{name} cannot be installed here: {error}")
        (folder / "done").touch()
        return folder

    def _npm(self, folder: Path) -> None:
        _needs("npm")
        for file in (HERE / "npm").iterdir():
            shutil.copy(file, folder)
        self.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder, seconds=INSTALL_SECONDS)

    def _jar(self, folder: Path) -> None:
        _needs("mvn")
        self.run(
            "mvn",
            "--batch-mode",
            "--quiet",
            f"{DEPENDENCIES}:copy",
            f"-Dartifact=org.openapitools:openapi-generator-cli:{OPENAPI_GENERATOR}",
            f"-DoutputDirectory={folder}",
            "-Dmdep.stripVersion=true",
            seconds=INSTALL_SECONDS,
        )

    def _venv(self, folder: Path) -> None:
        self.run(sys.executable, "-m", "venv", folder)
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        self.run(*pip, "--require-hashes", "-r", HERE / "python" / "requirements.txt", seconds=INSTALL_SECONDS)

    def _oapi_codegen(self, folder: Path) -> None:
        self.run("go", "install", OAPI_CODEGEN, environment={"GOBIN": str(folder)}, seconds=INSTALL_SECONDS)


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on this machine; {HINT}")
