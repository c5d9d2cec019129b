"""Knows addresses from files that the operator supplies, and replaces while the service runs. It asks no network.

Several files of a kind add up: an address is in a data centre if one of them says so, its country is that of the first
that knows it. A file that cannot be used leaves what was read before in force.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from prometheus_client import Counter, Gauge

from services.fraud.adapters.ip.files import Stamp, UnusableFileError, load, stamp_of
from services.fraud.adapters.ip.ranges import IpRanges
from services.fraud.domain.ip_signals import FROM_FILES, AddressScope, IpSignals, number_of, scope_of
from services.fraud.domain.travel import GeoPoint

__all__ = ["FileIpIntelligence"]

_log = logging.getLogger(__name__)
_loads = Counter("ip_file_loads", "Files about addresses that were read, by kind and result.", ["kind", "result"])
_modified = Gauge("ip_file_modified_seconds", "When the oldest file in use was modified (Unix time).", ["kind"])

KINDS = ("country", "asn", "datacenter", "tor")
CHECK_SECONDS = 5.0
STAT_SECONDS = 10.0
CACHED_ADDRESSES = 16_384
_PRIVATE, _RESERVED = AddressScope.PRIVATE, AddressScope.RESERVED


class _Source:
    """A file, and what is known from it."""

    def __init__(self, kind: str, path: Path) -> None:
        self.kind = kind
        self.path = path
        self.ranges: IpRanges | None = None
        self.modified = 0.0
        self.seen: Stamp | None = None
        """Of the last look."""
        self.tried: Stamp | None = None
        """Of the last content that was read or refused."""
        self.fault = "it has not been read yet"


class _Known:
    """What all files say at one time. Searched without waiting, replaced as a whole."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self._countries, self._systems, self._datacenters, self._tor = (
            [source.ranges for source in sources if source.kind == kind and source.ranges] for kind in KINDS
        )
        there = {source.kind for source in sources} - {source.kind for source in sources if not source.ranges}
        if any(ranges.has_place for ranges in self._countries):
            there.add("place")
        self.missing = frozenset(FROM_FILES) - there
        # An address that is in no list is in none only if all lists were read.
        self._no_datacenter = None if "datacenter" in self.missing else False
        self._no_tor = None if "tor" in self.missing else False

    def look_up(self, address: str) -> IpSignals | None:
        found = number_of(address)
        if found is None:
            return None
        family, number = found
        scope = scope_of(family, number)
        country: str | None = None
        place: GeoPoint | None = None
        for ranges in self._countries:
            if known := ranges.find(family, number):
                record = ranges.record(known)
                country, place = country or record.country, place or record.place
        asn: int | None = None
        for ranges in self._systems:
            if known := ranges.find(family, number):
                asn = asn or ranges.record(known).asn
        datacenter, tor = self._no_datacenter, self._no_tor
        for ranges in self._datacenters:
            if ranges.find(family, number):
                datacenter = True
        for ranges in self._tor:
            if ranges.find(family, number):
                tor = True
        return IpSignals(scope is _PRIVATE, scope is _RESERVED, country, datacenter, tor, place, asn)


class FileIpIntelligence:
    """Implements `IpIntelligence`. `files` has the paths for `country`, `asn`, `datacenter` and `tor`.

    A change is read once two looks in a row have found the same file: one that is written in place is not read half.
    """

    def __init__(self, files: Mapping[str, Sequence[Path]], *, check_seconds: float = CHECK_SECONDS) -> None:
        self._sources = [_Source(kind, path) for kind, paths in files.items() for path in paths]
        self._check_seconds = check_seconds
        self._replace()

    @property
    def missing(self) -> Collection[str]:
        return self._missing

    def look_up(self, address: str) -> IpSignals | None:
        return self._look_up(address)

    async def check(self) -> None:
        """Raises for a file that is not in use as it lies there, with the reason: a warning, decisions go on."""
        faults = [f"{source.path}: {source.fault}" for source in self._sources if source.fault]
        if faults:
            raise UnusableFileError("; ".join(faults))

    async def load(self) -> None:
        """Reads all files, each of which takes seconds if it is large; for the start of a process."""
        await self._look(settled=False)

    async def run(self) -> None:
        """Reads files that have changed until it is cancelled."""
        while self._sources:
            await asyncio.sleep(self._check_seconds)
            await self._look(settled=True)
        await asyncio.Event().wait()

    async def _look(self, *, settled: bool) -> None:
        for source in self._sources:
            stamp = await _stamp(source.path)
            still, source.seen = stamp == source.seen, stamp
            if stamp is None:
                self._refuse(source, None, "it is not there, or its folder does not answer")
            elif stamp != source.tried and (still or not settled):
                await self._read(source, stamp)

    async def _read(self, source: _Source, stamp: Stamp) -> None:
        began = time.monotonic()
        try:
            ranges = await load(source.kind, source.path)
        except UnusableFileError as error:
            self._refuse(source, stamp, str(error))
            return
        if await _stamp(source.path) != stamp:
            return  # It changed meanwhile, and the next look sees that.
        source.ranges, source.tried, source.fault, source.modified = ranges, stamp, "", stamp.modified_ns / 1e9
        self._replace()
        _loads.labels(source.kind, "read").inc()
        _modified.labels(source.kind).set(min(each.modified for each in self._sources if each.kind == source.kind))
        _log.info("read %s for %s in %.1f s", source.path, source.kind, time.monotonic() - began)

    def _replace(self) -> None:
        known = _Known(self._sources)
        self._missing = known.missing
        self._look_up = lru_cache(CACHED_ADDRESSES)(known.look_up)

    def _refuse(self, source: _Source, stamp: Stamp | None, fault: str) -> None:
        if (source.tried, source.fault) == (stamp, fault):
            return
        source.tried, source.fault = stamp, fault
        _loads.labels(source.kind, "refused").inc()
        kept = "what was read before stays in force" if source.ranges else "nothing is known from it"
        _log.error("%s cannot be used for %s, %s: %s", source.path, source.kind, kept, fault)


async def _stamp(path: Path) -> Stamp | None:
    try:
        async with asyncio.timeout(STAT_SECONDS):
            return await asyncio.to_thread(stamp_of, path)
    except TimeoutError:
        return None
