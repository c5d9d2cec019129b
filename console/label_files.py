"""Reads a CSV file of labels in parts of a size that one import takes, each with the names of the columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.csv_rows import csv_rows
from console.failure import WrongArgument

__all__ = ["LabelPart", "label_parts"]

PART_CHARACTERS = 900_000
"""Of at most four bytes each: an import takes 4 MiB."""
PART_ROWS = 100_000


@dataclass(frozen=True)
class LabelPart:
    """Rows as they are sent, with the number of each in the file."""

    data: bytes
    numbers: Sequence[int]

    def number(self, row: int) -> int:
        """Returns the number in the file of a row of the part, from 1."""
        return self.numbers[row - 1]


def label_parts(path: str) -> Iterator[LabelPart]:
    """Yields the rows of a file, `-` for standard input, in their order. Raises WrongArgument."""
    rows = [(number, row) for number, row in csv_rows(path) if row]
    if len(rows) < 2:
        raise WrongArgument(f"{path} has no row beside the names of columns.")
    (head_number, head), *rest = rows
    text, numbers = io.StringIO(), [head_number]
    write = csv.writer(text, lineterminator="\n").writerow
    write(head)
    for number, row in rest:
        if len(numbers) > PART_ROWS or (len(numbers) > 1 and text.tell() > PART_CHARACTERS):
            yield LabelPart(text.getvalue().encode(), numbers)
            text.seek(0)
            text.truncate()
            numbers = [head_number]
            write(head)
        write(row)
        numbers.append(number)
    yield LabelPart(text.getvalue().encode(), numbers)
