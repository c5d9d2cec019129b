"""Reads cases, and has analysts work on them: who works on which, what they find, what they attach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from meshkit.ids import uuid7_text
from meshkit.preconditions import check_etag
from services.cases import errors
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import Evidence
from services.cases.domain.cases import CaseStepError, StoredCase, assigned_to, reopened_for
from services.cases.domain.levels import UrgencyLevel
from services.cases.ports import CaseChanges, CaseFilter, CaseReads, QueuePlace
from services.cases.service.telling import case_told

__all__ = ["CaseDesk", "case_in_state", "refused_step"]

MOST_ADDED = 1_000
"""Notes and attachments of one case."""
MOST_ADDED_BYTES = 4 << 20
"""Of their texts together: a case is read in one message, which may have 8 MiB."""


class CaseDesk:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(self, reads: CaseReads, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._clock = clock

    async def get(self, tenant_id: str, case_id: UUID) -> StoredCase:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._reads.case(tenant_id, case_id)
        if found is None:
            raise errors.found_none("case")
        return found

    async def whole(
        self, tenant_id: str, case_id: UUID
    ) -> tuple[StoredCase, Sequence[CaseNote], Sequence[AttachedFile]]:
        """Returns a case with its notes and attachments. Raises RESOURCE_NOT_FOUND."""
        found = await self.get(tenant_id, case_id)
        notes = await self._reads.notes(tenant_id, case_id)
        return found, notes, await self._reads.attachments(tenant_id, case_id)

    async def page(
        self, tenant_id: str, only: CaseFilter, after: QueuePlace | None, limit: int
    ) -> tuple[Sequence[StoredCase], bool]:
        """Returns a page of at most `limit` cases in the order of the queue, and whether there are more."""
        found = await self._reads.cases(tenant_id, only, after, limit + 1)
        return found[:limit], len(found) > limit

    async def transactions(
        self, tenant_id: str, case_id: UUID, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[Sequence[Evidence], bool]:
        """Raises RESOURCE_NOT_FOUND."""
        await self.get(tenant_id, case_id)
        found = await self._reads.transactions(tenant_id, case_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def history(
        self, tenant_id: str, case_id: UUID, after: int, limit: int
    ) -> tuple[Sequence[DoneWithCase], bool]:
        """Raises RESOURCE_NOT_FOUND."""
        await self.get(tenant_id, case_id)
        found = await self._reads.history(tenant_id, case_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def claim(self, changes: CaseChanges, actor: str, priority: UrgencyLevel) -> StoredCase:
        """Assigns the first open case of the queue. Raises RESOURCE_NOT_FOUND if there is none."""
        found = await changes.next_case(priority)
        if found is None:
            raise errors.queue_empty()
        return await self._assigned(changes, found, actor, actor, seen=True)

    async def assign(self, changes: CaseChanges, case_id: UUID, actor: str, assignee: str, etag: str) -> StoredCase:
        """Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED and ETAG_MISMATCH."""
        found = await case_in_state(changes, case_id, etag)
        return await self._assigned(changes, found, actor, assignee, seen=bool(etag) or found.assignee == actor)

    async def assign_any(self, changes: CaseChanges, case_id: UUID, actor: str, assignee: str) -> StoredCase:
        """Assigns a case whoever has it. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        return await self._assigned(changes, await case_in_state(changes, case_id), actor, assignee, seen=True)

    async def reopen(self, changes: CaseChanges, case_id: UUID, actor: str, reason: str, etag: str) -> StoredCase:
        """Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED and ETAG_MISMATCH."""
        found, now = await case_in_state(changes, case_id, etag), self._clock()
        try:
            reopened = reopened_for(found, actor, await changes.settings(), now)
        except CaseStepError as error:
            raise refused_step(error) from None
        if found.split_from is None and await changes.open_case(found.entity) is not None:
            raise errors.step_refused("its entity has another open case: merge this one into it", found.state.value)
        return await _kept(changes, reopened, "reopened", actor, now, reason=reason)

    async def note(self, changes: CaseChanges, case_id: UUID, actor: str, words: str) -> CaseNote:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        note = CaseNote(uuid7_text(), words, actor, self._clock())
        case = await _taking_more(changes, case_id, note.bytes)
        await changes.add_note(case.case_id, note)
        await changes.record(case.case_id, "noted", actor, note.created_at, {"note_id": note.note_id})
        return note

    async def attach(
        self, changes: CaseChanges, case_id: UUID, actor: str, uri: str, name: str, media_type: str, size: int
    ) -> AttachedFile:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        file = AttachedFile(uuid7_text(), uri, name, media_type, size, actor, self._clock())
        case = await _taking_more(changes, case_id, file.bytes)
        await changes.add_attachment(case.case_id, file)
        details = {"attachment_id": file.attachment_id}
        await changes.record(case.case_id, "attached", actor, file.created_at, details)
        return file

    async def _assigned(
        self, changes: CaseChanges, found: StoredCase, actor: str, assignee: str, *, seen: bool
    ) -> StoredCase:
        now = self._clock()
        try:
            moved = assigned_to(found, assignee, now, seen=seen)
        except CaseStepError as error:
            raise refused_step(error) from None
        if moved == found:
            return found
        done = "assigned" if assignee else "unassigned"
        return await _kept(changes, moved, done, actor, now, assignee=assignee)


async def case_in_state(changes: CaseChanges, case_id: UUID, etag: str = "") -> StoredCase:
    """Returns a case, which nobody else changes then. Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH."""
    found = await changes.case(case_id)
    if found is None:
        raise errors.found_none("case")
    check_etag(etag, found.revision)
    return found


async def _taking_more(changes: CaseChanges, case_id: UUID, size: int) -> StoredCase:
    """Returns a case that takes so many bytes more. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
    case = await case_in_state(changes, case_id)
    count, known = await changes.added(case.case_id)
    if count >= MOST_ADDED:
        words = f"the case has {MOST_ADDED} notes and attachments, which is the most"
        raise errors.step_refused(words, case.state.value)
    if known + size > MOST_ADDED_BYTES:
        left = max(0, MOST_ADDED_BYTES - known)
        words = f"this has {size} bytes, and the notes and attachments of the case may have {left} more"
        raise errors.step_refused(words, case.state.value)
    return case


def refused_step(error: CaseStepError) -> Exception:
    return errors.step_refused(error.words, error.state.value)


async def _kept(
    changes: CaseChanges, case: StoredCase, done: str, actor: str, now: datetime, **details: str
) -> StoredCase:
    await changes.save_case(case)
    await changes.record(case.case_id, done, actor, now, {name: each for name, each in details.items() if each})
    await changes.tell(case_told(done, case, now))
    return case
