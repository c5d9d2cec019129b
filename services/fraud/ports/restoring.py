"""The port of what puts the history of a tenant back into its logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from services.fraud.ports.features import FeatureHead
from services.fraud.ports.logs import LogProof

__all__ = ["LogRestorer", "RestoreOrder"]


class RestoreOrder(NamedTuple):
    """What is to be put back."""

    tenant_id: str
    head: FeatureHead
    """The features that the logs belong to."""
    since: Mapping[str, datetime]
    """By schema of the streams: each gets what was decided since this time."""
    proof: LogProof
    """Under which a log that is not there cannot have held anything that is being decided."""

    @property
    def earliest(self) -> datetime:
        return min(self.since.values())


class LogRestorer(Protocol):
    """Puts the history of a tenant back into its logs, the oldest first."""

    def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
        """Yields how many more events are back, again and again until all are.

        Raises LogsUnavailableError, also if the proof or the features have changed, and MeshError UNAVAILABLE.
        """
        ...
