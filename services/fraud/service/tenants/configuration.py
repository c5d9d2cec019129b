"""Keeps the configuration of tenants at hand, compiled, so that no decision waits for it twice.

A change is seen by every process within two seconds: a notification of PostgreSQL makes it look at the revisions at
once, and without one it looks every second. While the store is away the last configuration that is known goes on.

A further part of the configuration is a member of `Declarations`, read by their store, and one of `Configuration`,
made in `compiled`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from meshkit.canonical import canonical_address, canonical_email
from meshkit.currencies import DIGITS, LARGEST_MINOR
from meshkit.errors import MeshError
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declaring import all_types
from services.fraud.domain.event_types import FieldType
from services.fraud.domain.event_values import EventReader
from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.facts import ValueReader, value_reader
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports import Declarations, DeclarationStore
from services.fraud.ports.scoring import Scorer
from services.fraud.service.scenarios.breaking import Guarded
from services.fraud.service.tenants.features import TenantFeatures
from services.fraud.service.tenants.scenarios import TenantScenarios

__all__ = ["Configuration", "Configurations", "compiled"]

_log = logging.getLogger(__name__)
_loaded = Counter("configurations_loaded", "Configurations of tenants that were read and compiled.")
_age = Gauge(
    "configuration_age_seconds", "Seconds since this process last knew that its configurations are the newest."
)

POLL_SECONDS = 1.0
PACE_SECONDS = 0.05
"""Least time from one look to the next, however many changes are told."""
TENANTS = 1_000
LOADS_AT_ONCE = 2
PREPARE_SECONDS = 3.0
"""For how long a changed configuration, and those after it, wait for what is got ready for its decisions."""
CANONICAL = {FieldType.IP: canonical_address, FieldType.EMAIL: canonical_email}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the decisions of one tenant go by. It never changes; a change of the tenant's makes another."""

    revision: int
    readers: Mapping[str, EventReader]
    """What reads the events of each type."""
    scenarios: TenantScenarios
    features: TenantFeatures
    value_readers: dict[tuple[type, VersionRef | ModelRef, str, str], ValueReader] = field(
        default_factory=dict, compare=False
    )
    """Filled as versions and models decide. Their names are equal if they read the same, so the type is part of it."""

    def values(self, version: CompiledScenario, event_type: str, features: FeatureSet) -> ValueReader:
        """Returns what reads the values that a version asks for of the events of a type."""
        return self._reader(version.ref, version.names, event_type, features)

    def inputs(self, scorer: Scorer, event_type: str, features: FeatureSet) -> ValueReader:
        """Returns what reads the values that a model is given of the events of a type."""
        return self._reader(scorer.ref, scorer.features, event_type, features)

    def _reader(
        self, of: VersionRef | ModelRef, names: Sequence[str], event_type: str, features: FeatureSet
    ) -> ValueReader:
        key = type(of), of, event_type, features.version
        found = self.value_readers.get(key)
        if found is None:
            found = value_reader(names, self.readers[event_type].event_type, features, DIGITS)
            self.value_readers[key] = found
        return found


def compiled(declarations: Declarations, patterns: Patterns = NO_PATTERNS) -> Configuration:
    """Makes the configuration of what a tenant has declared. `patterns` compiles those of expressions."""
    types = {name: each.event_type for name, each in all_types(declarations.event_types).items()}
    readers = {
        name: EventReader(each, digits=DIGITS, largest_minor=LARGEST_MINOR, canonical=CANONICAL)
        for name, each in types.items()
    }
    return Configuration(
        revision=declarations.revision,
        readers=readers,
        scenarios=TenantScenarios(declarations.scenarios, patterns),
        features=TenantFeatures(declarations.features, types, patterns),
    )


class Configurations:
    """The configurations of the tenants that were asked for last, `most` of them."""

    def __init__(
        self,
        store: DeclarationStore,
        make: Callable[[Declarations], Configuration] = compiled,
        *,
        prepare: Callable[[str, Configuration], Awaitable[object]] | None = None,
        most: int = TENANTS,
        poll: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._make = make
        self._prepare = prepare
        self._most = most
        self._poll = poll
        self._clock = clock
        self._known: OrderedDict[str, Configuration] = OrderedDict()
        # The revisions that were looked at: of one that cannot be compiled the configuration before it is kept.
        self._seen: dict[str, int] = {}
        self._loading: dict[str, asyncio.Task[Configuration]] = {}
        self._turns = asyncio.Semaphore(LOADS_AT_ONCE)
        self._told = asyncio.Event()
        self._assuring = asyncio.Lock()
        self._failing = False
        self._fresh = clock()
        _age.set_function(lambda: self._clock() - self._fresh)

    async def of(self, tenant_id: str) -> Configuration:
        """Returns the configuration of a tenant, read at the first time by one for all who ask.

        Raises MeshError UNAVAILABLE if it is not known and cannot be read.
        """
        known = self._known.get(tenant_id)
        if known is not None:
            self._known.move_to_end(tenant_id)
            return known
        task = self._loading.get(tenant_id)
        if task is None:
            task = self._loading[tenant_id] = asyncio.create_task(self._load(tenant_id))
            task.add_done_callback(lambda done: self._loaded(tenant_id, done))
        # Whoever gives up takes it from nobody else.
        return await asyncio.shield(task)

    def knows(self, tenant_id: str) -> bool:
        """Tells whether `of` need not wait."""
        return tenant_id in self._known

    def at_hand(self, tenant_id: str) -> Configuration:
        """Returns the configuration of a tenant that was asked for a moment ago. Raises KeyError for another."""
        return self._known[tenant_id]

    async def assure(self, seconds: float) -> None:
        """Looks for changes if nobody has for so long. Raises MeshError UNAVAILABLE."""
        if self._clock() - self._fresh > seconds:
            async with self._assuring:
                if self._clock() - self._fresh > seconds:
                    await self.refresh()

    def guarded(self, tenant_id: str, event_type: str) -> Guarded | None:
        """Returns what a tenant has deployed for an event type, None as long as nobody has asked for the tenant."""
        known = self._known.get(tenant_id)
        return known.scenarios.guarded(event_type) if known is not None else None

    def changed(self, tenant_id: str) -> None:
        """Tells that a tenant's configuration has another revision."""
        if tenant_id in self._known:
            self._told.set()

    def everything_changed(self) -> None:
        """Tells that changes may have been missed."""
        self._told.set()

    async def run(self) -> None:
        """Keeps what is known the newest, until cancelled. Outages are waited out."""
        while True:
            await self._pause()
            self._told.clear()
            try:
                await self.refresh()
            except MeshError as error:
                if not self._failing:
                    self._failing = True
                    _log.warning("changes of configurations are not seen: %s", error.message)
            else:
                if self._failing:
                    self._failing = False
                    _log.info("changes of configurations are seen again")

    async def refresh(self) -> None:
        """Reads what has changed of the configurations that are known. Raises MeshError UNAVAILABLE."""
        began, tenants = self._clock(), list(self._known)
        revisions = await self._store.revisions(tenants) if tenants else {}
        for tenant_id in tenants:
            if revisions.get(tenant_id, 0) != self._seen.get(tenant_id):
                await self._again(tenant_id)
        self._fresh = began

    async def _again(self, tenant_id: str) -> None:
        declarations = await self._store.read(tenant_id)
        if tenant_id not in self._known:
            return
        self._seen[tenant_id] = declarations.revision
        try:
            configuration = await asyncio.to_thread(self._make, declarations)
        except Exception:
            # Other tenants' changes are not to wait for this one's.
            fields = {"tenant": tenant_id, "revision": declarations.revision}
            _log.exception("a configuration cannot be compiled; the one before it stays", extra={"fields": fields})
            return
        _loaded.inc()
        await self._prepared(tenant_id, configuration)
        self._keep(tenant_id, configuration)

    async def _prepared(self, tenant_id: str, configuration: Configuration) -> None:
        """Gets ready what decisions by a changed configuration would otherwise wait for."""
        if self._prepare is None:
            return
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                await self._prepare(tenant_id, configuration)
        except TimeoutError:
            _log.warning("a changed configuration decides unprepared", extra={"fields": {"tenant": tenant_id}})

    async def _load(self, tenant_id: str) -> Configuration:
        async with self._turns:
            # Code for a thousand rules is not made between two decisions.
            configuration = await asyncio.to_thread(self._make, await self._store.read(tenant_id))
        _loaded.inc()
        return configuration

    def _loaded(self, tenant_id: str, task: asyncio.Task[Configuration]) -> None:
        del self._loading[tenant_id]
        # The exception is taken here, too: who asked may have gone.
        if not task.cancelled() and task.exception() is None:
            self._seen[tenant_id] = task.result().revision
            self._keep(tenant_id, task.result())

    def _keep(self, tenant_id: str, configuration: Configuration) -> None:
        self._known[tenant_id] = configuration
        while len(self._known) > self._most:
            gone, _ = self._known.popitem(last=False)
            del self._seen[gone]

    async def _pause(self) -> None:
        """Waits for a change to be told, and never less than the pace."""
        await asyncio.sleep(PACE_SECONDS)
        try:
            async with asyncio.timeout(self._poll - PACE_SECONDS):
                await self._told.wait()
        except TimeoutError:
            return
