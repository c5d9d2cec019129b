"""Files of labels are read in turns with everything else, and have so many rows."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.errors import MeshError
from services.fraud.domain.labels.imports import MOST_ROWS
from services.fraud.service.labels.file_rows import counted_rows, file_rows

COLUMNS = ("transaction_id", "label", "reason")
HEAD = b"transaction_id,label\n"


async def test_others_have_their_turn_while_a_file_is_read() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    assert await counted_rows(HEAD + b"t,fraud\n" * MOST_ROWS, COLUMNS) == MOST_ROWS
    task.cancel()
    assert turns > 10


@pytest.mark.parametrize("more", [b"t,fraud\n" * (MOST_ROWS + 1), b"\n" * MOST_ROWS + b"t,fraud\n"])
async def test_a_file_of_too_many_rows_is_refused(more: bytes) -> None:
    with pytest.raises(MeshError) as caught:
        await counted_rows(HEAD + more, COLUMNS)
    (violation,) = caught.value.violations
    assert (violation.field, violation.reason) == ("body.data", "rows.max")
    assert "100,000" in violation.message


async def test_rows_are_numbered_with_the_names_of_columns_and_empty_lines_counted() -> None:
    data = b'transaction_id, Label\n\na,fraud\nb,"fra\nud"\n'
    rows = [row async for row in file_rows(data, COLUMNS)]
    assert [(row.number, row.values) for row in rows] == [
        (3, {"transaction_id": "a", "label": "fraud"}),
        (4, {"transaction_id": "b", "label": "fra\nud"}),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD, "rows.min"),
        (b"", "rows.min"),
        (b"id,label\na,fraud\n", "rows.columns"),
        (HEAD + b'a,"fraud\n', "rows.csv"),
        (HEAD + b"t,fraud\n" * 5_000 + b"\xff,fraud\n", "rows.text"),
    ],
)
async def test_what_is_no_file_of_labels_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    with pytest.raises(MeshError) as caught:
        await counted_rows(data, COLUMNS)
    assert [each.reason for each in caught.value.violations] == [reason]
