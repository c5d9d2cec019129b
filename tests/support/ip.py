"""Files about addresses as tests search them."""

from __future__ import annotations

import io
from pathlib import Path

from services.fraud.adapters.ip.compiler import compile_file
from services.fraud.adapters.ip.ranges import IpRanges, IpRecord, RangeWriter
from services.fraud.domain.ip_signals import number_of

__all__ = ["block_of", "compiled", "said"]


def block_of(writer: RangeWriter) -> IpRanges:
    """Returns what was written, to be searched."""
    file = io.BytesIO()
    writer.write(file)
    return IpRanges(memoryview(file.getvalue()))


def compiled(kind: str, path: Path) -> IpRanges:
    """Compiles a file in this process."""
    return block_of(compile_file(kind, path))


def said(ranges: IpRanges, address: str) -> IpRecord | None:
    """Returns what ranges say about an address."""
    found = number_of(address)
    assert found is not None
    number = ranges.find(*found)
    return ranges.record(number) if number else None
