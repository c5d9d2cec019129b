"""What is known about addresses: from real files, read by a process of their own, replaced while they are searched."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.fraud.adapters.ip import files
from services.fraud.adapters.ip.files import UnusableFileError
from services.fraud.adapters.ip_intelligence import FileIpIntelligence
from services.fraud.adapters.memory_ip import MemoryIpIntelligence
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.travel import GeoPoint
from services.fraud.ports import IpIntelligence
from tests.support.mmdb import replace, write_mmdb

CHECK_SECONDS = 0.02
WAIT_SECONDS = 30.0
OXFORD = {"country": {"iso_code": "GB"}, "location": {"latitude": 51.75, "longitude": -1.25, "accuracy_radius": 20}}
FRANCE = {"country": {"iso_code": "FR"}}
ADDRESS = "2.3.4.5"


async def opened(known: Mapping[str, Sequence[Path]]) -> FileIpIntelligence:
    intelligence = FileIpIntelligence(known, check_seconds=CHECK_SECONDS)
    await intelligence.load()
    return intelligence


@asynccontextmanager
async def running(known: Mapping[str, Sequence[Path]]) -> AsyncIterator[FileIpIntelligence]:
    intelligence = await opened(known)
    task = asyncio.create_task(intelligence.run())
    try:
        yield intelligence
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(CHECK_SECONDS)


def loads(kind: str, result: str) -> float:
    return REGISTRY.get_sample_value("ip_file_loads_total", {"kind": kind, "result": result}) or 0.0


def look_up(intelligence: IpIntelligence, address: str = ADDRESS) -> IpSignals:
    found = intelligence.look_up(address)
    assert found is not None
    return found


@pytest.fixture(scope="module", params=["files", "memory"])
async def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> IpIntelligence:
    """Knows Oxford at 2.0.0.0/8 but for a French network in it, a data centre, an exit and an autonomous system."""
    if request.param == "memory":
        oxford = GeoPoint(51.75, -1.25, 20.0)
        return MemoryIpIntelligence({
            "country": {"2.0.0.0/8": "GB", "2.3.0.0/16": "FR", "2a00::/16": "FR"},
            "place": {"2.0.0.0/9": oxford, "2.3.0.0/16": None},
            "datacenter": {"2.3.4.0/24": True, "2a00::/32": True},
            "tor": {"2.3.4.5": True},
            "asn": {"2.0.0.0/8": 64512},
        })  # fmt: skip
    folder = tmp_path_factory.mktemp("files")
    places = write_mmdb(folder / "city.mmdb", {"2.0.0.0/9": OXFORD, "2.3.0.0/16": FRANCE, "2a00::/16": FRANCE})
    rest = replace(folder / "rest.csv", b"2.0.0.0/8,GB\n")
    systems = write_mmdb(folder / "asn.mmdb", {"2.0.0.0/8": {"autonomous_system_number": 64512}})
    datacenters = replace(
        folder / "datacenters.csv", b"2.3.4.0/24,Hoster\n2a00::,2a00:0:ffff:ffff:ffff:ffff:ffff:ffff\n"
    )
    tor = replace(folder / "tor.txt", b"2.3.4.5\n")
    return await opened({"country": [places, rest], "asn": [systems], "datacenter": [datacenters], "tor": [tor]})


@pytest.mark.parametrize(
    ("address", "signals"),
    [
        ("2.3.4.5", IpSignals(False, False, "FR", True, True, None, 64512)),
        ("::ffff:2.3.4.5", IpSignals(False, False, "FR", True, True, None, 64512)),
        ("2.3.4.6", IpSignals(False, False, "FR", True, False, None, 64512)),
        ("2.1.1.1", IpSignals(False, False, "GB", False, False, GeoPoint(51.75, -1.25, 20.0), 64512)),
        ("2.255.0.1", IpSignals(False, False, "GB", False, False, None, 64512)),
        ("2a00::1", IpSignals(False, False, "FR", True, False, None, None)),
        ("2a00:1::1", IpSignals(False, False, "FR", False, False, None, None)),
        ("10.0.0.1", IpSignals(True, False, None, False, False, None, None)),
        ("fe80::1", IpSignals(True, False, None, False, False, None, None)),
        ("203.0.113.7", IpSignals(False, True, None, False, False, None, None)),
        ("2001:db8::7", IpSignals(False, True, None, False, False, None, None)),
        ("", None),
        ("2.3.4", None),
        ("2.3.4.5:80", None),
        ("fe80::1%eth0", None),
    ],
)
async def test_the_signals_of_an_address(everything: IpIntelligence, address: str, signals: IpSignals | None) -> None:
    assert everything.look_up(address) == signals
    assert everything.look_up(address) == signals, "from the cache"
    assert everything.missing == frozenset()


@pytest.mark.parametrize("make", [lambda: opened({}), None])
async def test_without_files_everything_that_needs_them_is_missing(make: Callable[[], object] | None) -> None:
    nothing = await opened({}) if make else MemoryIpIntelligence({})
    assert nothing.missing == {"country", "datacenter", "tor", "place", "asn"}
    assert nothing.look_up("10.0.0.1") == IpSignals(True, False, None, None, None, None, None)


async def test_what_no_list_has_is_not_known_until_all_lists_are_read(tmp_path: Path) -> None:
    there = replace(tmp_path / "a.csv", b"2.3.4.0/24\n")
    async with running({"datacenter": [there, tmp_path / "b.csv"]}) as intelligence:
        assert look_up(intelligence).datacenter is True
        assert look_up(intelligence, "3.0.0.1").datacenter is None
        assert "datacenter" in intelligence.missing
        with pytest.raises(UnusableFileError, match=r"b\.csv: it is not there"):
            await intelligence.check()
        replace(tmp_path / "b.csv", b"3.0.0.0/24\n")
        await until(lambda: "datacenter" not in intelligence.missing)
        assert look_up(intelligence, "3.0.0.1").datacenter is True
        assert look_up(intelligence, "4.0.0.1").datacenter is False
        await intelligence.check()


async def test_of_two_files_that_overlap_the_first_says_the_country(tmp_path: Path) -> None:
    first = replace(tmp_path / "own.csv", b"2.3.4.0/24,CH\n")
    second = write_mmdb(tmp_path / "all.mmdb", {"2.0.0.0/8": OXFORD})
    found = look_up(await opened({"country": [first, second]}))
    assert (found.country, found.place) == ("CH", GeoPoint(51.75, -1.25, 20.0))
    assert look_up(await opened({"country": [second, first]})).country == "GB"


async def test_files_are_replaced_while_addresses_are_looked_up(tmp_path: Path) -> None:
    """Every answer is wholly of the one or of the other, and the last one is that of the newest."""
    path = tmp_path / "country.mmdb"
    write_mmdb(path, {"2.3.4.0/24": FRANCE})
    async with running({"country": [path]}) as intelligence:
        for round_ in range(6):
            expected = "GB" if round_ % 2 == 0 else "FR"
            write_mmdb(path, {"2.3.4.0/24": OXFORD if expected == "GB" else FRANCE})
            async with asyncio.timeout(WAIT_SECONDS):
                while (found := look_up(intelligence)).country != expected:
                    assert (found.country, found.place is None) in {("GB", False), ("FR", True)}
                    await asyncio.sleep(0)
        assert "place" in intelligence.missing


async def test_a_file_of_text_is_replaced_by_a_link_to_another(tmp_path: Path) -> None:
    """As Kubernetes replaces what it mounts."""
    replace(tmp_path / "1.csv", b"2.3.4.5\n")
    replace(tmp_path / "2.csv", b"2.3.4.6\n")
    (tmp_path / "tor.csv").symlink_to("1.csv")
    async with running({"tor": [tmp_path / "tor.csv"]}) as intelligence:
        assert look_up(intelligence).tor is True
        (tmp_path / "new").symlink_to("2.csv")
        (tmp_path / "new").replace(tmp_path / "tor.csv")
        await until(lambda: look_up(intelligence, "2.3.4.6").tor is True)
        assert look_up(intelligence).tor is False


@pytest.mark.parametrize(
    ("name", "good", "bad", "fault"),
    [
        ("x.csv", b"2.3.4.0/24,FR\n", b"2.3.4.0/24,FR\n2.3.5.0/24,FRANCE\n", "line 2: 'FRANCE' is no country"),
        ("x.csv", b"2.3.4.0/24,FR\n", b"", "it holds no range"),
        ("x.csv", b"2.3.4.0/24,FR\n", b"\xff\xfe\x00", "codec can't decode"),
        ("x.mmdb", None, b"<html>503</html>", "no usable database"),
    ],
)
async def test_a_broken_file_leaves_the_one_before_in_force_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, good: bytes | None, bad: bytes, fault: str
) -> None:
    path = tmp_path / name
    replace(path, good) if good else write_mmdb(path, {"2.3.4.0/24": FRANCE})
    refused, read = loads("country", "refused"), loads("country", "read")
    async with running({"country": [path]}) as intelligence:
        assert loads("country", "read") == read + 1
        replace(path, bad)
        await until(lambda: loads("country", "refused") > refused)
        await asyncio.sleep(10 * CHECK_SECONDS)
        assert loads("country", "refused") == refused + 1
        assert look_up(intelligence).country == "FR"
        assert "country" not in intelligence.missing
        with pytest.raises(UnusableFileError, match=fault):
            await intelligence.check()
        (record,) = [each for each in caplog.records if "cannot be used" in each.message]
        assert "what was read before stays in force" in record.message
        replace(path, good.replace(b"FR", b"CH")) if good else write_mmdb(path, {"2.3.4.0/24": OXFORD})
        await until(lambda: look_up(intelligence).country in {"CH", "GB"})
        await intelligence.check()


async def test_a_file_that_is_broken_or_gone_at_the_start_is_read_once_it_is_there(tmp_path: Path) -> None:
    path = replace(tmp_path / "tor.csv", b"<html>\n")
    async with running({"tor": [path]}) as intelligence:
        assert look_up(intelligence).tor is None
        path.unlink()
        with pytest.raises(UnusableFileError):
            await intelligence.check()
        replace(path, b"2.3.4.5\n")
        await until(lambda: look_up(intelligence).tor is True)
        path.unlink()
        refused = loads("tor", "refused")
        await until(lambda: loads("tor", "refused") > refused)
        await asyncio.sleep(10 * CHECK_SECONDS)
        assert loads("tor", "refused") == refused + 1
        assert look_up(intelligence).tor is True
        assert "tor" not in intelligence.missing


async def test_a_file_that_is_overwritten_where_it_lies_takes_nobody_down(tmp_path: Path) -> None:
    """What is mapped and then cut short would end the process with SIGBUS."""
    networks = {f"2.{third}.{fourth}.0/24": FRANCE for third in range(20) for fourth in range(250)}
    path = write_mmdb(tmp_path / "x.mmdb", networks)
    async with running({"country": [path]}) as intelligence:
        refused = loads("country", "refused")
        with path.open("r+b") as file:
            file.truncate(10)
        await until(lambda: loads("country", "refused") > refused)
        assert {look_up(intelligence, f"2.{third}.7.1").country for third in range(20)} == {"FR"}


async def test_a_file_that_is_still_written_is_not_read_half(tmp_path: Path) -> None:
    path = replace(tmp_path / "tor.csv", b"2.3.4.5\n")
    intelligence = await opened({"tor": [path]})
    looks = 0
    with path.open("ab") as file:
        for last in range(10, 30):
            file.write(b"2.3.4.%d\n" % last)
            file.flush()
            await intelligence._look(settled=True)
            looks += look_up(intelligence, "2.3.4.10").tor is True
    assert looks == 0
    await intelligence._look(settled=True)
    assert look_up(intelligence, "2.3.4.29").tor is True


async def test_what_was_replaced_is_given_back_at_once(tmp_path: Path) -> None:
    """Without waiting for the collector, which the services let run rarely."""
    path = replace(tmp_path / "tor.csv", b"2.3.4.5\n")
    gc.collect()
    gc.disable()
    try:
        intelligence = await opened({"tor": [path]})
        for last in range(6, 9):
            replace(path, b"2.3.4.%d\n" % last)
            await intelligence._look(settled=False)
            assert look_up(intelligence, f"2.3.4.{last}").tor is True
        assert Path("/proc/self/maps").read_text().count("memfd:ip tor") == 1
    finally:
        gc.enable()


@contextmanager
def reader(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> Iterator[None]:
    """Has something else read the files."""
    (folder / "other_reader.py").write_text(code)
    with monkeypatch.context() as patched:
        patched.setattr(files, "COMPILER", "other_reader")
        patched.setattr(sys, "path", [str(folder), *sys.path])
        yield


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import os; os.abort()", "its reader ended as -6"),
        ("import time; time.sleep(60)", "it took more than"),
        ("raise SystemError('no')", "SystemError: no"),
        ("print('short')", "the block is cut short"),
    ],
)
async def test_a_reader_that_dies_or_hangs_refuses_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, fault: str
) -> None:
    path = replace(tmp_path / "tor.csv", b"2.3.4.5\n")
    monkeypatch.setattr(files, "COMPILE_SECONDS", 0.5)
    with reader(monkeypatch, tmp_path, code):
        intelligence = await opened({"tor": [path]})
    with pytest.raises(UnusableFileError, match=fault):
        await intelligence.check()


async def test_the_reader_gets_no_setting_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAMPART_FRAUD_DSN", "postgresql://secret")
    path = replace(tmp_path / "tor.csv", b"2.3.4.5\n")
    with reader(monkeypatch, tmp_path, "import os, sys; sys.exit(','.join(sorted(os.environ)))"):
        intelligence = await opened({"tor": [path]})
    with pytest.raises(UnusableFileError) as raised:
        await intelligence.check()
    assert "PYTHONPATH" in str(raised.value)
    assert "RAMPART" not in str(raised.value)


@pytest.mark.parametrize("steps", range(6))
async def test_a_stop_that_comes_while_a_look_ends_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    looked = asyncio.get_running_loop().create_future()

    async def to_thread(*_: object) -> object:
        return await looked

    intelligence = FileIpIntelligence({"tor": [tmp_path / "tor.csv"]}, check_seconds=0)
    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    task = asyncio.create_task(intelligence.run())
    for _ in range(10):
        await asyncio.sleep(0)
    looked.set_result(None)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _running = await asyncio.wait([task], timeout=WAIT_SECONDS)
    task.cancel()
    assert done == {task}


async def test_a_stop_while_a_file_is_read_ends_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = replace(tmp_path / "tor.csv", b"2.3.4.5\n")
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with reader(monkeypatch, tmp_path, code):
        task = asyncio.create_task(opened({"tor": [path]}))
        await until(lambda: note.exists() and note.read_text() != "")
        task.cancel()
        await asyncio.wait([task])
    pid = int(note.read_text())
    await until(lambda: not os.path.exists(f"/proc/{pid}"))
