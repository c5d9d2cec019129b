"""Rows to learn from: features by name, whether and when fraud was known, time, entity, amount."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from services.fraud.models.failures import TrainingTableError

__all__ = [
    "LARGEST_VALUE",
    "NEVER",
    "Flags",
    "Floats",
    "Integers",
    "Matrix",
    "TrainingTable",
    "matrix_from",
    "tamed",
]

Matrix = NDArray[np.float32]
"""Rows by features; a missing value is NaN."""
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = int(np.iinfo(np.int64).max)
"""When fraud became known that is not known."""
LARGEST_VALUE = float(np.finfo(np.float32).max)


def tamed(values: NDArray[np.floating]) -> Matrix:
    """Returns the values as models read them: what is not finite is missing, what is beyond 32 bits the largest."""
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.clip(finite, -LARGEST_VALUE, LARGEST_VALUE).astype(np.float32)


def matrix_from(rows: Sequence[Sequence[float]]) -> Matrix:
    """Returns rows of values, all of the same length, as a matrix; a missing one is NaN."""
    return tamed(np.array(rows, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """Rows in the order of their times."""

    names: tuple[str, ...]
    values: Matrix
    known_ms: Integers
    """When a row was known to be fraud, NEVER for one that is not."""
    times_ms: Integers
    entities: NDArray[np.uint64]
    """Whose event it was, hashed: a card or a user."""
    amounts: Floats

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        others = (self.known_ms, self.times_ms, self.entities, self.amounts)
        if columns != len(self.names) or any(each.shape != (rows,) for each in others):
            raise TrainingTableError("a table's columns have different lengths")
        if len(set(self.names)) != columns or not columns:
            raise TrainingTableError("a table needs features, each with a name of its own")
        if rows and bool((np.diff(self.times_ms) < 0).any()):
            raise TrainingTableError("the rows of a table must be in the order of their times")

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        values: NDArray[np.floating],
        *,
        known_ms: Integers,
        times_ms: Integers,
        entities: NDArray[np.uint64],
        amounts: Floats,
    ) -> TrainingTable:
        """Returns a table of rows in any order; those of one time stay in the order given."""
        order = np.argsort(times_ms, kind="stable")
        return cls(
            tuple(names), tamed(values[order]), known_ms[order], times_ms[order], entities[order], amounts[order]
        )

    def __len__(self) -> int:
        return len(self.times_ms)

    def labels(self, as_of_ms: int = NEVER - 1) -> Flags:
        """Tells of each row whether it was known to be fraud by then; without a time, whether it is known at all."""
        return self.known_ms <= as_of_ms

    def taken(self, chosen: Flags) -> TrainingTable:
        """Returns the chosen rows."""
        return TrainingTable(
            self.names,
            self.values[chosen],
            self.known_ms[chosen],
            self.times_ms[chosen],
            self.entities[chosen],
            self.amounts[chosen],
        )

    def fingerprint(self) -> str:
        """Returns the SHA-256 of everything in the table, the same on every machine."""
        digest = sha256(json.dumps([self.names, len(self)]).encode())
        # A missing value may be written in many ways.
        values = np.where(np.isnan(self.values), np.float32(np.nan), self.values)
        digest.update(np.ascontiguousarray(values, "<f4").tobytes())
        for column, kind in (
            (self.known_ms, "<i8"),
            (self.times_ms, "<i8"),
            (self.entities, "<u8"),
            (self.amounts, "<f8"),
        ):
            digest.update(np.ascontiguousarray(column, kind).tobytes())
        return digest.hexdigest()
