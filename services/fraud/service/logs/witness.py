"""Asks the logs, as they are now, what an event read there when it came."""

from __future__ import annotations

from services.fraud.domain.declared.recording import KindRecorder
from services.fraud.domain.declared.records import EVENT, WITHDRAWAL
from services.fraud.domain.event import transaction_hash
from services.fraud.domain.logs.fold import Fold
from services.fraud.domain.verification.recorded import RecordedCheck
from services.fraud.ports import EntityLogs, LogKey, LogStream, LogsUnavailableError
from services.fraud.ports.verification import LogTestimony
from services.fraud.service.logs.groups import SLACK_SECONDS
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["LoggedWitness"]


class LoggedWitness:
    """Implements `LogWitness`, for one tenant."""

    def __init__(self, logs: EntityLogs, tenant_id: str, features: TenantFeatures) -> None:
        self._logs = logs
        self._tenant_id = tenant_id
        self._features = features

    async def testify(self, check: RecordedCheck) -> LogTestimony | None:
        attempts: dict[int, dict[str, object]] = {}
        withdrawn = False
        try:
            await self._logs.whole(list(self._features.streams(self._tenant_id)))
            for recording in self._features.recordings(self._tenant_id, check.event_type):
                recorder, stream = recording.recorder, recording.stream
                value = recorder.key(check.fields)
                if value is not None and recording.is_read:
                    fold = await self._fold(stream, value, recorder)
                    withdrawn = _testify(fold, recorder, self._hash(check), check.event_type, attempts) or withdrawn
        except LogsUnavailableError:
            return None
        return LogTestimony(list(attempts.values()), withdrawn)

    def _hash(self, check: RecordedCheck) -> int:
        return transaction_hash(self._tenant_id, check.transaction_id)

    async def _fold(self, stream: LogStream, value: str, recorder: KindRecorder) -> Fold:
        """Returns the fold of a log, an empty one if the log is not whole."""
        fold, retain = Fold(recorder.plan), recorder.plan.retention_ms // 1000 + SLACK_SECONDS
        async for each in self._logs.load(LogKey(stream, value), recorder.layout.size, retain):
            fold.extend(each.records)
        return fold


def _testify(
    fold: Fold, recorder: KindRecorder, transaction: int, event_type: str, attempts: dict[int, dict[str, object]]
) -> bool:
    """Adds what each attempt at a transaction reads of a log.

    Returns whether one of them saw what was withdrawn after it.
    """
    plan, base = recorder.plan, fold.rows.base
    records = recorder.layout.unpack_all(fold.rows.packed)
    withdrawn = {(each.transaction, each.attempt): at for at, each in enumerate(records) if each.kind == WITHDRAWAL}
    found = False
    for place, record in enumerate(records):
        if record.transaction == transaction and record.kind == EVENT and not record.restored:
            asked = record._replace(type=plan.type_index(event_type))
            read = fold.read_as_of(asked, base + place)
            attempts.setdefault(record.attempt, {}).update(
                zip((each.name for each in plan.features), read, strict=True)
            )
            before = [each for each in records[:place] if each.kind == EVENT and each.transaction != transaction]
            found = found or any(withdrawn.get((each.transaction, each.attempt), -1) > place for each in before)
    return found
