"""What is added to a case: notes, attachments and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["AttachedFile", "CaseNote", "DoneWithCase"]


@dataclass(frozen=True, slots=True)
class CaseNote:
    """What an analyst has written."""

    note_id: str
    words: str
    author: str
    created_at: datetime

    @property
    def bytes(self) -> int:
        """Returns how large its texts are in UTF-8."""
        return len((self.words + self.author).encode())


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """Something that is kept elsewhere, and never fetched."""

    attachment_id: str
    uri: str
    name: str
    media_type: str
    size: int
    author: str
    created_at: datetime

    @property
    def bytes(self) -> int:
        """Returns how large its texts are in UTF-8."""
        return len((self.uri + self.name + self.media_type + self.author).encode())


@dataclass(frozen=True, slots=True)
class DoneWithCase:
    """An entry of the history of a case."""

    number: int
    action: str
    actor: str
    """Empty for the platform."""
    created_at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
