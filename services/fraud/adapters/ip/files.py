"""Has a file compiled by a process of its own, and maps what comes out of it."""

from __future__ import annotations

import asyncio
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from services.fraud.adapters.ip.ranges import IpRanges

__all__ = ["Stamp", "UnusableFileError", "load", "stamp_of"]

COMPILER = "services.fraud.adapters.ip.compiler"
COMPILE_SECONDS = 180.0
_SAID_CHARACTERS = 500


class UnusableFileError(Exception):
    """A file cannot be used. The message says why."""


class Stamp(NamedTuple):
    """What changes with the content of a file, however it is replaced."""

    device: int
    inode: int
    size: int
    modified_ns: int


def stamp_of(path: Path) -> Stamp | None:
    """Returns the stamp of a file, following links; None if there is none that can be seen."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


async def load(kind: str, path: Path) -> IpRanges:
    """Compiles a file and maps the result. Raises UnusableFileError.

    The result lies in memory of its own, so that nothing that happens to the file later reaches who searches it.
    """
    block = os.memfd_create(f"ip {kind}", os.MFD_CLOEXEC)
    try:
        await _compile(kind, path, block)
        return IpRanges(memoryview(mmap.mmap(block, 0, prot=mmap.PROT_READ)))
    except (OSError, ValueError) as error:
        raise UnusableFileError(str(error)) from error
    finally:
        os.close(block)


async def _compile(kind: str, path: Path, block: int) -> None:
    process = _start(kind, path, block)
    try:
        # A thread waits, which ends with the process at the latest.
        async with asyncio.timeout(COMPILE_SECONDS):
            said = await asyncio.to_thread(process.communicate)
    except TimeoutError:
        raise UnusableFileError(f"it took more than {COMPILE_SECONDS:.0f} seconds to read") from None
    finally:
        process.kill()
    if process.returncode:
        lines = said[1].decode(errors="replace").strip().splitlines()
        raise UnusableFileError(lines[-1][:_SAID_CHARACTERS] if lines else f"its reader ended as {process.returncode}")


def _start(kind: str, path: Path, block: int) -> subprocess.Popen[bytes]:
    # Nothing of this process's environment, which has secrets.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", COMPILER, kind, str(path)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=block,
        stderr=subprocess.PIPE,
    )
