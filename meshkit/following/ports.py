"""What following the decisions needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from meshkit.following.batches import Batch, Cursor, DecidedPage, FollowedEvent, Position, Proof

__all__ = ["BatchStream", "DecidedLog", "EventOutbox", "FollowingWriter", "Recovery"]

Item = TypeVar("Item", bound=FollowedEvent)
Item_co = TypeVar("Item_co", bound=FollowedEvent, covariant=True)
Item_contra = TypeVar("Item_contra", bound=FollowedEvent, contravariant=True)
Writer_contra = TypeVar("Writer_contra", contravariant=True)


class BatchStream(Protocol[Item_co]):
    """The event stream of the fraud service: fast, and it may lose anything. Raises MeshError while it is away."""

    def rewind(self) -> None:
        """Makes the next read begin with the oldest entry."""
        ...

    async def rewind_if_emptied(self) -> None:
        """Rewinds a stream that was emptied: its new entries may come before those read so far."""
        ...

    async def read(self, known: Position, *, wait: float) -> Sequence[Batch[Item_co]] | None:
        """Returns what follows the last read, after up to `wait` seconds; None if nothing does.

        Entries that go no further than `known` are left out; one that cannot be read is an empty batch.
        """
        ...


class EventOutbox(Protocol[Item_co]):
    """The fraud service's outbox, which has every event that the stream may have lost."""

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch[Item_co]:
        """Returns up to `limit` events after a position and acknowledges those up to it.

        Raises MeshError, STREAM_POSITION_LOST if not all that followed the position can be had.
        """
        ...


class DecidedLog(Protocol[Item_co]):
    """The stored decisions of the fraud service, for who has lost his place in the outbox."""

    async def read(self, after: Cursor, limit: int) -> DecidedPage[Item_co]:
        """Returns up to `limit` events of decisions after a cursor. Raises MeshError."""
        ...


class FollowingWriter(Protocol[Item_contra]):
    """Makes the events take effect, each exactly once."""

    async def position(self) -> Position:
        """Returns how far was followed."""
        ...

    async def proof(self) -> Proof:
        """Returns what is kept with the position."""
        ...

    async def note(self, lost: str) -> None:
        """Keeps why the position is lost, empty if it is not."""
        ...

    async def apply(self, batch: Batch[Item_contra]) -> Position:
        """Lets a batch take effect and moves the position to its end in one transaction.

        A batch that does not continue the stored position changes nothing. Returns the position that is stored then.
        An event that the store refuses goes to the dead letters; the others take effect.
        """
        ...


class Recovery(Protocol[Writer_contra]):
    """Finds a place to go on from after one was lost."""

    async def run(self, writer: Writer_contra) -> bool:
        """Does what there is to do; False if that is nothing."""
        ...
