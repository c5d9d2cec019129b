"""Files of labels are cut into parts that an import takes."""

from __future__ import annotations

from pathlib import Path

from console.label_files import PART_CHARACTERS, PART_ROWS, label_parts

HEAD = "transaction_id,label\n"


def test_a_file_of_many_short_rows_is_cut_by_rows(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(HEAD + "t,fraud\n" * (PART_ROWS + 2))
    first, second = label_parts(str(file))
    assert [part.data.count(b"fraud") for part in (first, second)] == [PART_ROWS, 2]
    assert second.data.decode().startswith(HEAD)
    assert (first.number(2), second.number(2)) == (2, PART_ROWS + 2)


def test_a_file_of_long_rows_is_cut_by_their_length(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(HEAD + ("t" * 100_000 + ",fraud\n") * 20)
    parts = list(label_parts(str(file)))
    assert sum(part.data.count(b"fraud") for part in parts) == 20
    assert all(len(part.data) < PART_CHARACTERS + 200_000 for part in parts)
