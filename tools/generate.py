"""Generates everything that derives from `protos/`: `gen/` (messages, stubs, descriptors) and the client's messages.

Everything is compiled from `protos/` alone, third-party files included, as any other generator would.
With `--check` the tree is generated into a scratch folder and compared; a difference is exit status 1.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.client_messages import client_files
from tools.client_methods import Contract, methods_module

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
VALIDATE = "buf/validate/validate.proto"
DESCRIPTORS = Path("rampart/descriptors.binpb")
CLIENT = Path("clients/python/rampart_client/_gen")


def protoc(*arguments: str, folder: Path = ROOT) -> None:
    """Runs the protocol compiler in a folder; what it says is shown if it fails, which ends the program."""
    environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


def own_protos() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "rampart").rglob("*.proto"))


def generate_gen(out: Path) -> None:
    """Writes messages, type stubs and gRPC stubs, and the descriptors with comments that the gateway compiles."""
    out.mkdir(parents=True, exist_ok=True)
    names, include = own_protos(), f"-I{PROTOS}"
    protoc(include, f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", *names)
    protoc(include, f"--python_out={out}", f"--pyi_out={out}", VALIDATE)
    descriptors = out / DESCRIPTORS
    protoc(include, "--include_imports", "--include_source_info", f"--descriptor_set_out={descriptors}", *names)
    descriptors.write_bytes(without_foreign_comments(descriptors.read_bytes()))
    drop_empty_stubs(out)
    make_packages(out)


def without_foreign_comments(descriptors: bytes) -> bytes:
    """Keeps the comments of our own files alone: those of third parties are longer, and nobody shows them."""
    files = FileDescriptorSet.FromString(descriptors)
    for file in files.file:
        if not file.name.startswith("rampart/"):
            file.ClearField("source_code_info")
    return files.SerializeToString(deterministic=True)


def generate_client(out: Path, descriptors: Path, scratch: Path) -> None:
    """Writes the messages and methods of the typed client: only what callers may use, nothing of third parties."""
    contract = Contract.load(FileDescriptorSet.FromString(descriptors.read_bytes()))
    files, wanted = client_files(contract.files, contract.message_types())
    reduced = scratch / "client.binpb"
    reduced.write_bytes(files.SerializeToString(deterministic=True))
    out.mkdir(parents=True, exist_ok=True)
    options = "--python_betterproto2_opt=client_generation=none"
    # The plugin formats by the settings of the folder that it runs in, so it runs where there are none.
    protoc(f"--descriptor_set_in={reduced}", options, f"--python_betterproto2_out={out}", *wanted, folder=scratch)
    (out / "methods.py").write_text(methods_module(contract))
    for task in (["check", "--select=I,F401", "--fix"], ["format", "--line-length=120"]):
        ruff = [sys.executable, "-m", "ruff", *task, "--quiet", "--isolated", "--no-cache"]
        subprocess.run([*ruff, out / "methods.py"], check=True)


def drop_empty_stubs(out: Path) -> None:
    """Removes the `_pb2_grpc` modules of files that define no service."""
    for path in out.rglob("*_pb2_grpc.py"):
        if "Stub" not in path.read_text():
            path.unlink()


def make_packages(out: Path) -> None:
    for folder in {path.parent for path in out.rglob("*.py")}:
        while folder != out:
            (folder / "__init__.py").touch()
            folder = folder.parent


def differences(fresh: Path, committed: Path) -> Iterable[str]:
    """Names the files that differ or exist on one side only."""
    ours = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    theirs = {
        path.relative_to(committed)
        for path in committed.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in sorted(ours | theirs):
        if name not in ours or name not in theirs or not filecmp.cmp(fresh / name, committed / name, shallow=False):
            yield str(committed / name)


def generate(root: Path) -> list[Path]:
    """Generates below `root` and returns the folders written."""
    with tempfile.TemporaryDirectory() as scratch:
        generate_gen(root / "gen")
        generate_client(root / CLIENT, root / "gen" / DESCRIPTORS, Path(scratch))
    return [root / "gen", root / CLIENT]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of write")
    if not parser.parse_args().check:
        for folder in (ROOT / "gen", ROOT / CLIENT):
            shutil.rmtree(folder, ignore_errors=True)
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        stale = [
            name
            for folder in generate(Path(scratch))
            for name in differences(folder, ROOT / folder.relative_to(scratch))
        ]
    for name in stale:
        print(f"out of date: {name} (run `make generate`)")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
