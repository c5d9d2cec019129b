"""Runs everything of `make check` that is not a test, offline, and reports all failures before it fails."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
DESCRIPTORS = "gen/rampart/descriptors.binpb"

AT_ONCE = 2
"""The longest comes first, and the others beside it."""

CHECKS = {
    "types": "mypy",
    "lint": "ruff check .",
    "format": "ruff format --check .",
    "imports": "lint-imports",
    "generated code": "python tools/generate.py --check",
    "generated from the table": "python tools/services.py --check",
    "generated documents": "python -m tools.docs --check",
    "deployment": "python tools/check_deploy.py",
    "proto lint": f"buf lint {DESCRIPTORS} --config buf.yaml",
    "proto format": "buf format -d --exit-code protos --path protos/rampart",
}


def run(name: str, command: str) -> bool:
    """Runs one check and shows its output only if it fails."""
    program, *arguments = shlex.split(command)
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    took = f"{name} ({time.monotonic() - started:.1f} s)\n"
    # In one piece, since another check may be writing.
    sys.stdout.write(f"FAIL {took}$ {command}\n{done.stdout}\n" if done.returncode else f"ok   {took}")
    sys.stdout.flush()
    return done.returncode == 0


def earlier_descriptors() -> bytes | None:
    """Returns the committed descriptors to compare with: of the main branch, else of this one, None without either."""
    for revision in ("origin/main", "HEAD"):
        command = ["git", "show", f"{revision}:{DESCRIPTORS}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
    return None


def check_breaking() -> bool:
    """Compares the protos with the committed ones."""
    earlier = earlier_descriptors()
    if earlier is None:
        print("skip proto compatibility: there is no earlier commit to compare with", flush=True)
        return True
    with tempfile.NamedTemporaryFile(suffix=".binpb") as file:
        file.write(earlier)
        file.flush()
        return run("proto compatibility", f"buf breaking {DESCRIPTORS} --against {file.name} --config buf.yaml")


def main() -> int:
    with ThreadPoolExecutor(AT_ONCE) as workers:
        checks = [workers.submit(run, *each) for each in CHECKS.items()]
        checks.append(workers.submit(check_breaking))
    return 0 if all(check.result() for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
