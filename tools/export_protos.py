"""Exports everything that generators of other languages need: all protos with their licences, and their descriptors.

The folder is complete: `buf build`, `protoc -I FOLDER`, grpcurl and proto-loader need nothing else and fetch nothing.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
BUF = Path(sys.executable).parent / "buf"
DESCRIPTORS = "descriptors.binpb"
CONFIGURATION = "version: v2\n"
"""One module, the folder itself."""


def export(out: Path) -> None:
    """Writes the folder anew. Raises SystemExit if it holds what was not exported, or the protos do not build."""
    if out.exists() and any(out.iterdir()) and not (out / DESCRIPTORS).is_file():
        sys.exit(f"{out} is not empty and not an export; name another folder.")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PROTOS, out)
    (out / "LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())
    (out / "buf.yaml").write_text(CONFIGURATION)
    done = subprocess.run(
        [BUF, "build", str(out), "--as-file-descriptor-set", "-o", str(out / DESCRIPTORS)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
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
