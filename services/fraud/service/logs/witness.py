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
        values: dict[str, object] = {}
        withdrawn = False
        try:
            await self._logs.whole(list(self._features.streams(self._tenant_id)))
            for recording in self._features.recordings(self._tenant_id, check.event_type):
                recorder, stream = recording.recorder, recording.stream
                value = recorder.key(check.fields)
                if value is not None and recording.is_read:
                    fold = await self._fold(stream, value, recorder)
                    withdrawn = _testify(fold, recorder, self._hash(check), check.event_type, values) or withdrawn
        except LogsUnavailableError:
            return None
        return LogTestimony(values, withdrawn)

    def _hash(self, check: RecordedCheck) -> int:
        return transaction_hash(self._tenant_id, check.transaction_id)

    async def _fold(self, stream: LogStream, value: str, recorder: KindRecorder) -> Fold:
        """Returns the fold of a log, an empty one if the log is not whole."""
        fold, retain = Fold(recorder.plan), recorder.plan.retention_ms // 1000 + SLACK_SECONDS
        async for each in self._logs.load(LogKey(stream, value), recorder.layout.size, retain):
            fold.extend(each.records)
        return fold


def _testify(fold: Fold, recorder: KindRecorder, transaction: int, event_type: str, values: dict[str, object]) -> bool:
    """Adds what a transaction read of a log, and tells whether an attempt that it saw was withdrawn after it."""
    first = fold.first(transaction)
    if first is None or first[0].restored:
        return False
    record, arrival = first
    read = fold.read_as_of(record._replace(type=recorder.plan.type_index(event_type)), arrival)
    values.update(zip((each.name for each in recorder.plan.features), read, strict=True))
    records = recorder.layout.unpack_all(fold.rows.packed)
    place = arrival - fold.rows.base
    seen = {(each.transaction, each.attempt) for each in records[:place] if each.kind == EVENT}
    return any(each.kind == WITHDRAWAL and (each.transaction, each.attempt) in seen for each in records[place:])
