"""`python -m services.fraud.adapters.ip.compiler KIND FILE` writes the ranges of a file to standard output, as a block.

A process of its own: a million lines take seconds in which nobody's decision waits for the interpreter, and what a
malformed file does to a parser it does there. A file that cannot be used is a sentence on standard error, and status 1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from services.fraud.adapters.ip.databases import asn_of, country_of, read_database
from services.fraud.adapters.ip.lines import read_lines
from services.fraud.adapters.ip.ranges import RangeWriter

__all__ = ["DATABASE", "compile_file", "main"]

DATABASE = ".mmdb"
"""How the names of MaxMind DB files end. All others are text."""
NICENESS = 10
MOST_BYTES = 1 << 30


def compile_file(kind: str, path: Path) -> RangeWriter:
    """Reads a file of countries, asn, datacenter or tor. Raises ValueError that says what is wrong with it."""
    writer = RangeWriter()
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    if path.suffix.lower() == DATABASE:
        readers = {"country": country_of, "asn": asn_of}
        if kind not in readers:
            raise ValueError(f"networks of kind {kind} are read from text, not from a database")
        read_database(path, writer, readers[kind])
    elif kind == "asn":
        raise ValueError(f"autonomous systems are read from a database ({DATABASE}), not from text")
    else:
        with path.open(encoding="utf-8-sig") as lines:
            read_lines(lines, writer, countries=kind == "country")
    return writer


def main() -> int:
    _, kind, name = sys.argv
    os.nice(NICENESS)
    try:
        compile_file(kind, Path(name)).write(sys.stdout.buffer)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
