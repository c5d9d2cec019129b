"""A decider and all that it stands on, in memory, with a store and a reader that tell what they did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import MeshError, internal, unavailable
from meshkit.rpc.batches import handle_valid
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles, MemoryStore
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.domain.check import Basis, Check, Decided, Key
from services.fraud.ports import CommitResult, Stored
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.features.beside import BesideLogs
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.features.readings import Reading
from services.fraud.service.graph.reading import GraphReader
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import FoldCache
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.unlogged import UnloggedDecisions
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.rates import ExchangeRates
from tests.support.fraud import IP, configured, named, new_tenant, request, to_call

__all__ = ["NOW", "OTHER", "TENANT", "DeciderPlatform", "at", "call", "decision_of", "error_of", "features_of"]

NOW = datetime(2026, 11, 21, 4, 10, 37, 123000, tzinfo=UTC)

TENANT, OTHER = new_tenant(), new_tenant()


class Reader(FeatureReader):
    """Remembers what it was told to settle."""

    def __init__(self, logs: MemoryLogs, store: MemoryStore, clock: Callable[[], datetime]) -> None:
        sets = StarterFeatures()
        super().__init__(
            logs,
            LogFolds(logs, Completer(logs, store), FoldCache(1 << 20), UnloggedDecisions(store)),
            sets,
            IP,
            BesideLogs(DailyReader(MemoryDailyTotals()), GraphReader(MemoryGraph())),
            clock,
        )
        self.committed: list[Key] = []
        self.withdrawn: list[Key] = []

    def settle(self, reading: Reading, checks: Sequence[Check], withdrawn: Collection[Key]) -> None:
        keys = [check.key for check in checks]
        self.committed += [key for key in keys if key not in withdrawn]
        self.withdrawn += [key for key in keys if key in withdrawn]
        super().settle(reading, checks, withdrawn)


class Store(MemoryStore):
    """Refuses the transactions named, those of tenants with a gap, or everything if it is down."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused: set[str] = set()
        self.lookups: list[list[Key]] = []
        self.lookups_fail = False
        self.commits: list[list[Key]] = []
        self.gapped: set[str] = set()
        """Tenants of which nothing is stored that was decided from the logs."""

    async def stored(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        self.lookups.append(list(keys))
        if self.lookups_fail:
            raise unavailable("postgres")
        return await super().stored(keys)

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        if self.away:
            raise unavailable("postgres")
        self.commits.append([made.check.key for made in decided])
        refused: dict[Key, Stored | MeshError] = {
            made.check.key: internal() for made in decided if made.check.transaction_id in self.refused
        }
        unsure = [made for made in decided if made.check.tenant_id in self.gapped and made.features.basis is Basis.LOGS]
        kept = [made for made in decided if made.check.key not in refused and made not in unsure]
        result = await super().commit(kept)
        tenants = frozenset(made.check.tenant_id for made in unsure)
        return CommitResult(result.answers, {**result.earlier, **refused}, tenants)


class DeciderPlatform:
    """A decider and all that it stands on. The clock is `now`."""

    def __init__(self, policy: DecisionPolicy = DecisionPolicy()) -> None:
        self.now = NOW
        self.logs = MemoryLogs(lambda: self.now.timestamp())
        self.profiles = MemoryRiskProfiles()
        self.rates = MemoryRates()
        self.store = Store()
        self.reader = Reader(self.logs, self.store, lambda: self.now)
        self.decider = Decider(
            reader=self.reader,
            profiles=self.profiles,
            rates=ExchangeRates(self.rates),
            store=self.store,
            policy=policy,
            states=configured,
            ip=IP,
            clock=lambda: self.now,
        )

    async def decide(self, *calls: CheckCall | MeshError) -> Sequence[Outcome | MeshError]:
        return await handle_valid(calls, self.decider.decide)

    async def one(self, call: CheckCall | MeshError) -> decision_pb2.Decision:
        (answer,) = await self.decide(call)
        return decision_of(answer)


def decision_of(answer: Outcome | MeshError) -> decision_pb2.Decision:
    assert not isinstance(answer, MeshError), answer
    return decision_pb2.Decision.FromString(answer[0])


def error_of(answer: Outcome | MeshError) -> MeshError:
    assert isinstance(answer, MeshError)
    return answer


def call(
    transaction_id: str = "", *scopes: str, tenant: str = TENANT, currency: str = "USD", **fields: Any
) -> CheckCall | MeshError:
    return to_call(tenant, request(transaction_id, **fields), *scopes, currency=currency)


def at(when: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp


async def features_of(platform: DeciderPlatform, asked: CheckCall | MeshError) -> dict[str, object]:
    """Returns what a check sees of its user."""
    (answer,) = await platform.decide(asked)
    assert not isinstance(answer, MeshError) and answer.decided is not None
    features = named(answer.decided.features)
    return {name: features[name] for name in ("user_count_1m", "user_sum_1m")}
