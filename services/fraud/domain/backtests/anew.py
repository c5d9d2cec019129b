"""Computes features anew: folds events in the order in which they arrived, and tells what each saw.

Only what is asked for is folded. Logs that were not read, or not for long, are kept packed, as the store of logs has
them, and those that no window reaches any more are let go of.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.fraud.domain.backtests.arrived import ArrivedEvent, ArrivedLabel
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields, transaction_hash
from services.fraud.domain.logs.fold import Fold

__all__ = ["FeaturesAnew", "TooManyLogsError", "asked_features"]

MOST_BYTES = 192 << 20
"""Of logs together."""
FOLDED_BYTES = 64 << 20
"""Of those that are folded and not packed."""
PACKED_OVERHEAD = 200
SWEEP_EVERY = 200_000
"""Events from one look for logs that nothing reaches any more to the next."""
FORGET_EVERY = 1_024
"""Records of a log from one forgetting to the next."""
OWN_SUM, CONVERTED = "user_sum_24h", "spent_usd_24h"


MEASURE_EVERY = 16
"""Records of a log from one measuring to the next."""


class TooManyLogsError(Exception):
    """What windows reach back to is more than may be kept at once."""


class _Key(NamedTuple):
    kind: str
    value: str


@dataclass(slots=True)
class _Packed:
    records: bytearray
    latest: int
    """When the last record arrived, in ms since 1970."""


@dataclass(slots=True)
class _Folded:
    fold: Fold
    size: int = 0
    measured: int = -MEASURE_EVERY
    """How many records had been taken."""
    latest: int = 0


class FeaturesAnew:
    """The features of one tenant, computed event by event."""

    def __init__(
        self,
        tenant_id: str,
        features: FeatureSet,
        late_ms: int,
        asked_from: int = 0,
        *,
        most_bytes: int = MOST_BYTES,
        folded_bytes: int = FOLDED_BYTES,
    ) -> None:
        """No event for which values are asked comes later than `late_ms` after it happened, or before `asked_from`."""
        self.features = features
        # Sums of several currencies are stored with each decision, converted by the rates of then; of windows over 30
        # days logs have a part.
        self._not_anew = [place for place, each in enumerate(features.features) if each.converted or each.by_day]
        self._tenant_id = tenant_id
        self._late_ms = late_ms
        self._asked_from = asked_from
        self._most_bytes = most_bytes
        self._most_folded = folded_bytes
        self._folded: OrderedDict[_Key, _Folded] = OrderedDict()
        self._folded_bytes = 0
        self._packed: dict[_Key, _Packed] = {}
        self._packed_bytes = 0
        self._taken = 0

    @property
    def reach_ms(self) -> int:
        """How long before an event that is asked for an earlier one may have arrived that it sees."""
        return max((self._keep_ms(plan) for plan in self.features.plans.values()), default=0)

    @property
    def has_places(self) -> bool:
        """Tells whether it matters where events were."""
        return bool(self.features.of_places)

    @property
    def is_labelled(self) -> bool:
        """Tells whether it matters what labels say of events."""
        return any(plan.labelled for plan in self.features.plans.values())

    def take(self, event: ArrivedEvent) -> Sequence[FeatureValue]:
        """Returns the values that an event sees, in the order of the set. Raises TooManyLogsError."""
        values = self.read(event)
        for at in self._not_anew:
            values[at] = None
        derive = self.features.derivation(event.event_type)
        if derive is not None:
            derive(values, event.fields)
        return values

    def read(self, event: ArrivedEvent) -> list[Any]:
        """Takes an event as `take` does. Returns what is read of logs, for a converted sum one by currency.

        Raises TooManyLogsError.
        """
        values: list[Any] = [None] * len(self.features.names)
        for key, recorder, record in self._records(event):
            folded = self._fold(key, recorder, event.arrival)
            read = folded.fold.admit(record, recorder.layout.pack(record))
            folded.latest = event.arrival
            self._keep(folded, event.arrival)
            if read is not None:
                start = self.features.starts[recorder.plan]
                values[start : start + len(read)] = read
        self._count(event.arrival)
        return values

    def enter(self, event: ArrivedEvent) -> None:
        """Takes an event as `take` does, whose own values nobody asks for. Raises TooManyLogsError."""
        for key, recorder, record in self._records(event):
            if event.time >= self._asked_from - self._keep_ms(recorder.plan):
                self._append(key, recorder.layout.pack(record), event.arrival)
        self._bound(event.arrival)
        self._count(event.arrival)

    def label(self, label: ArrivedLabel) -> None:
        """Takes a label, which those events see that are taken after it. Raises TooManyLogsError."""
        transaction = transaction_hash(self._tenant_id, label.transaction_id)
        for recorder, value in self.features.labelled(label.event_type, label.fields):
            # No event is labelled before it happens.
            if label.known_ms >= self._asked_from - self._keep_ms(recorder.plan):
                packed = recorder.layout.label(label.known_ms, transaction, label.number, fraud=label.fraud)
                self._append(_Key(recorder.plan.name, value), packed, label.known_ms)
        self._bound(label.known_ms)

    def _append(self, key: _Key, packed: bytes, arrival: int) -> None:
        """Adds a record to a log as that is kept."""
        folded = self._folded.get(key)
        if folded is not None:
            folded.fold.extend(packed)
            folded.latest = max(folded.latest, arrival)
            self._keep(folded, arrival)
            return
        found = self._packed.get(key)
        if found is None:
            found = self._packed[key] = _Packed(bytearray(), 0)
            self._packed_bytes += PACKED_OVERHEAD
        found.records += packed
        found.latest = max(found.latest, arrival)
        self._packed_bytes += len(packed)

    def _records(self, event: ArrivedEvent) -> Iterator[tuple[_Key, KindRecorder, LogRecord]]:
        """Yields what is recorded of an event, and where."""
        fields, currency = event.fields, currency_of(event.fields)
        transaction = transaction_hash(self._tenant_id, event.transaction_id)
        for recorder in self.features.recorders(event.event_type):
            value = recorder.key(fields)
            if value is not None:
                record = recorder.record(fields, currency, event.time, transaction, 0, event.place)
                yield _Key(recorder.plan.name, value), recorder, record

    def _count(self, arrival: int) -> None:
        self._taken += 1
        if self._taken % SWEEP_EVERY == 0:
            self._sweep(arrival)

    def read_without(self, event_type: str, fields: Fields, without: Collection[str]) -> list[Any]:
        """Returns what the event that was taken last would have read if some transactions had not come before it."""
        values: list[Any] = [None] * len(self.features.names)
        gone = {transaction_hash(self._tenant_id, each) for each in without}
        for recorder in self.features.recorders(event_type):
            value = recorder.key(fields)
            folded = self._folded.get(_Key(recorder.plan.name, value)) if value is not None else None
            if folded is None:
                continue
            *before, own = recorder.layout.unpack_all(folded.fold.rows.packed)
            anew = Fold(recorder.plan)
            anew.extend(recorder.layout.pack_all([each for each in before if each.transaction not in gone]))
            read, start = anew.read(own), self.features.starts[recorder.plan]
            values[start : start + len(read)] = read
        return values

    def _fold(self, key: _Key, recorder: KindRecorder, arrival: int) -> _Folded:
        found = self._folded.get(key)
        if found is not None:
            self._folded.move_to_end(key)
            if found.fold.taken % FORGET_EVERY == 0:
                found.fold.forget_before(arrival - self._keep_ms(recorder.plan))
            return found
        made = self._folded[key] = _Folded(Fold(recorder.plan))
        packed = self._packed.pop(key, None)
        if packed is not None:
            self._packed_bytes -= len(packed.records) + PACKED_OVERHEAD
            made.fold.extend(bytes(packed.records))
        return made

    def _keep(self, folded: _Folded, arrival: int) -> None:
        if folded.fold.taken - folded.measured >= MEASURE_EVERY:
            before, folded.size, folded.measured = folded.size, folded.fold.size_bytes(), folded.fold.taken
            self._folded_bytes += folded.size - before
        while self._folded_bytes > self._most_folded and len(self._folded) > 1:
            self._pack(arrival)
        self._bound(arrival)

    def _bound(self, arrival: int) -> None:
        if self._folded_bytes + self._packed_bytes > self._most_bytes:
            self._sweep(arrival)
            if self._folded_bytes + self._packed_bytes > self._most_bytes:
                raise TooManyLogsError

    def _pack(self, arrival: int) -> None:
        """Packs the log that was not used for the longest time."""
        key, folded = self._folded.popitem(last=False)
        fold, self._folded_bytes = folded.fold, self._folded_bytes - folded.size
        while fold.forget_before(arrival - self._keep_ms(self.features.plans[key.kind])):
            pass
        if fold.rows.packed:
            self._packed[key] = _Packed(bytearray(fold.rows.packed), folded.latest)
            self._packed_bytes += len(fold.rows.packed) + PACKED_OVERHEAD

    def _sweep(self, arrival: int) -> None:
        """Lets go of packed logs that no window reaches: no record happened later than the last one arrived."""
        keep = {kind: self._keep_ms(plan) for kind, plan in self.features.plans.items()}
        gone = [key for key, packed in self._packed.items() if packed.latest < arrival - keep[key.kind]]
        for key in gone:
            self._packed_bytes -= len(self._packed.pop(key).records) + PACKED_OVERHEAD

    def _keep_ms(self, plan: KindPlan) -> int:
        return plan.retention_ms + self._late_ms


def asked_features(features: FeatureSet, asked: Iterable[str]) -> FeatureSet:
    """Returns the set of those features that are asked for."""
    names = set(asked)
    return features.part(names | {OWN_SUM} if CONVERTED in names else names)
