"""Reads the records of a CSV text (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from meshkit.errors import Violation, validation_failed

__all__ = ["csv_records"]


def csv_records(data: bytes) -> Iterator[Sequence[str]]:
    """Yields records, an empty line as one without cells. Raises VALIDATION_FAILED for what is no CSV."""
    # Decoded as it is read, so that no caller waits for the whole of it.
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise validation_failed(Violation("body.data", "rows.text", "must be text in UTF-8")) from None
        except csv.Error:
            words = f"line {reader.line_num} is no CSV: see whether its quotes are in pairs"
            raise validation_failed(Violation("body.data", "rows.csv", words)) from None
