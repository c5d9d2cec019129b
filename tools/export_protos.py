"""Exports everything that generators of other languages need: all protos with their licences, and their descriptors.

The folder is complete: `buf build`, `protoc -I FOLDER`, grpcurl and proto-loader need nothing else and fetch nothing.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
BUF = Path(sys.executable).parent / "buf"
DESCRIPTORS = "descriptors.binpb"
CONFIGURATION = "# Exported from Rampart; `make protos` replaces this folder.\nversion: v2\n"
"""One module, the folder itself. The comment tells an export from any other folder."""


def export(out: Path) -> None:
    """Replaces the folder by a new export. Raises SystemExit if it is no export, or the protos do not build."""
    if out.exists() and not _is_export(out):
        sys.exit(f"{out} is there already and no export; name another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".protos-") as scratch:
        made = Path(scratch) / "protos"
        shutil.copytree(PROTOS, made)
        shutil.copy(ROOT / "LICENSE", made)
        (made / "buf.yaml").write_text(CONFIGURATION)
        _build(made)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)


def _is_export(folder: Path) -> bool:
    configuration = folder / "buf.yaml"
    return configuration.is_file() and configuration.read_text() == CONFIGURATION


def _build(folder: Path) -> None:
    command = [str(BUF), "build", str(folder), "--as-file-descriptor-set", "-o", str(folder / DESCRIPTORS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        sys.exit(done.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build/protos", help="(default %(default)s)")
    out = parser.parse_args().folder.absolute()
    export(out)
    count = len(list(out.rglob("*.proto")))
    print(f"{count} protos and {DESCRIPTORS} are in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
