"""Resolves pyproject.toml into `requirements.lock` and `requirements-dev.lock`: every platform, every hash, no index.

The second holds everything of the first in the same versions, so one environment serves both. Versions already locked
stay; delete a lock first to move its transitive dependencies.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = [
    "--universal",
    "--generate-hashes",
    "--python-version=3.11",
    "--custom-compile-command=make lock",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
]


def compile_lock(lock: str, *options: str) -> None:
    """Writes one lock; a failure of the resolver is shown as it is and ends the program."""
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), "pip", "compile", "pyproject.toml", *OPTIONS, *options, "-o", lock]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    compile_lock("requirements.lock")
    compile_lock("requirements-dev.lock", "--group=dev", "--constraints=requirements.lock")
