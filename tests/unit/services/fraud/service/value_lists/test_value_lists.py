"""Lists of values: what their values are, what is refused of a file, and that nothing is half-stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from meshkit.errors import MeshError
from services.fraud.adapters.memory_lists import MemoryLists
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.value_lists import lists
from services.fraud.domain.value_lists.lists import (
    NEVER,
    EntryFilter,
    EntryRequest,
    ListedType,
    ListKind,
    NewList,
)
from services.fraud.ports.features import UsingContent
from services.fraud.service.value_lists import importing
from services.fraud.service.value_lists.csv_rows import MAX_ROWS, ReadRows, read_rows
from services.fraud.service.value_lists.importing import ListImports, in_turns
from services.fraud.service.value_lists.keeping import ListKeeper
from services.fraud.service.value_lists.values import Values, WrongValueError
from tests.support.fraud import new_tenant
from tests.support.value_lists import NOW, create, value_list

IP, EMAIL, TEXT = ListedType.IP, ListedType.EMAIL, ListedType.STRING


@pytest.fixture
def store() -> MemoryLists:
    return MemoryLists()


@pytest.fixture
def keeper(store: MemoryLists) -> ListKeeper:
    return ListKeeper(store, lambda: NOW)


@pytest.fixture
def imports(store: MemoryLists) -> ListImports:
    return ListImports(store, lambda: NOW)


@pytest.mark.parametrize(
    ("listed", "text", "kept"),
    [
        (IP, "203.0.113.7", "203.0.113.7"),
        (IP, "2001:DB8:0::7", "2001:db8::7"),
        (IP, "::ffff:203.0.113.7", "203.0.113.7"),
        (IP, "203.0.113.7/32", "203.0.113.7"),
        (IP, "203.0.113.0/24", "203.0.113.0/24"),
        (IP, "::ffff:203.0.113.0/120", "203.0.113.0/24"),
        (IP, "2001:DB8::/32", "2001:db8::/32"),
        (IP, "2001:db8::1/128", "2001:db8::1"),
        (IP, "0.0.0.0/0", "0.0.0.0/0"),
        (EMAIL, "Ada@Example.COM", "ada@example.com"),
        (TEXT, " Ada ", " Ada "),
        (TEXT, "x" * 256, "x" * 256),
    ],
)
def test_value_is_kept_in_its_canonical_form(listed: ListedType, text: str, kept: str) -> None:
    assert Values(value_list(type=listed)).canonical(text) == kept


@pytest.mark.parametrize(
    ("listed", "text", "rule"),
    [
        (IP, "203.0.113", "ip_address.bare"),
        (IP, "203.0.113.7:80", "ip_address.bare"),
        (IP, "fe80::1%eth0", "ip_address.bare"),
        (IP, " 203.0.113.7", "ip_address.bare"),
        (IP, "203.0.113.7/24", "ip_network"),
        (IP, "203.0.113.0/33", "ip_network"),
        (IP, "203.0.113.0/-1", "ip_network"),
        (IP, "203.0.113.0/255.255.255.0", "ip_network"),
        (IP, "203.0.113.0/٢٤", "ip_network"),
        (IP, "203.0.113.0/", "ip_network"),
        (IP, "::ffff:203.0.113.0/24", "ip_network"),
        (IP, "2001:db8::/129", "ip_network"),
        (EMAIL, "ada", "email.address"),
        (TEXT, "", "string.length"),
        (TEXT, "x" * 257, "string.length"),
        (TEXT, "a\nb", "string.pattern"),
    ],
)
def test_what_is_no_value_of_the_list_is_refused(listed: ListedType, text: str, rule: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        Values(value_list(type=listed)).canonical(text)
    assert caught.value.rule == rule


async def read(text: str | bytes, listed: ListedType = IP, first_row: int = 1) -> ReadRows:
    data = text.encode() if isinstance(text, str) else text
    return await in_turns(read_rows(data, first_row, Values(value_list(type=listed))))


async def faults(text: str | bytes, listed: ListedType = IP, first_row: int = 1) -> Sequence[str]:
    with pytest.raises(MeshError) as caught:
        await read(text, listed, first_row)
    assert caught.value.reason == "VALIDATION_FAILED"
    return [each.message for each in caught.value.violations]


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.7,2027-01-01T00:00:00Z,case 1\n198.51.100.0/24\n",
        "203.0.113.7,2027-01-01T01:00:00+01:00,case 1\r\n198.51.100.0/24,,",
        "\ufeffvalue,expire_time,note\n203.0.113.7,2027-01-01T00:00:00.9Z,case 1\n\n198.51.100.0/24,,\n",
        'note,value,expire_time\n"case 1","203.0.113.7",2027-01-01T00:00:00Z\n,198.51.100.0/24,\n',
        "198.51.100.9\n198.51.100.0/24\n198.51.100.0/24\n203.0.113.7,,\n203.0.113.7,2027-01-01T00:00:00Z,case 1\n",
    ],
)
async def test_rows_are_entries_and_of_a_value_that_comes_twice_the_last_counts(text: str) -> None:
    end = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    found = {(each.value, each.ends, each.note) for each in (await read(text)).entries}
    assert {("203.0.113.7", end, "case 1"), ("198.51.100.0/24", NEVER, "")} <= found
    assert len(found) <= 3


async def test_each_row_at_fault_is_named_by_its_number() -> None:
    text = "value,expire_time\n203.0.113.7\nnobody\n203.0.113.8,tomorrow\n203.0.113.9,2027-01-01\n1.1.1.1,,,\n"
    found = await faults(text)
    assert [each.partition(":")[0] for each in found] == ["row 3", "row 4", "row 5", "row 6"]
    assert await faults("nobody\n203.0.113.7\n", first_row=41) == [f"row 41: {found[0].partition(': ')[2]}"]


async def test_faults_that_are_told_are_bounded() -> None:
    assert len(await faults("nobody\n" * 5_000)) == 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "must have a row"),
        (b"value\n", "must have a row"),
        (b"\xff\xfe1", "must be text in UTF-8"),
        (b'"203.0.113.7\n203.0.113.8\n', "is no CSV"),
        (b"value,colour\n203.0.113.7,red\n", "may name the columns"),
        (b"value,value\n203.0.113.7\n", "may name the columns"),
        (b"note\nnothing\n", "may name the columns"),
        (b"203.0.113.7\n" * (MAX_ROWS + 1), f"at most {MAX_ROWS} rows"),
    ],
)
async def test_file_that_cannot_be_read_is_refused_as_a_whole(text: bytes, words: str) -> None:
    (found,) = await faults(text)
    assert words in found


async def test_name_of_a_column_is_a_value_where_no_header_can_stand() -> None:
    assert [each.value for each in (await read("value\nnote\n", TEXT, first_row=5)).entries] == ["value", "note"]


async def made(keeper: ListKeeper, store: MemoryLists, tenant: str, new: NewList) -> lists.ValueList:
    async with store.begin(tenant) as changes:
        return await keeper.create(changes, new)


@pytest.mark.parametrize(
    ("field", "given", "listed"),
    [("ip_address", None, IP), ("email", None, EMAIL), ("user_id", None, TEXT), ("own", None, TEXT), ("own", IP, IP)],
)
async def test_type_of_values_is_that_of_the_field_unless_it_is_given(
    keeper: ListKeeper, store: MemoryLists, field: str, given: ListedType | None, listed: ListedType
) -> None:
    about = await made(keeper, store, new_tenant(), NewList("l", ListKind.BLOCK, field, given))
    assert about.type is listed


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewList("l", ListKind.BLOCK), "list.field"),
        (NewList("l", ListKind.ALLOW), "list.field"),
        (NewList("in", ListKind.CUSTOM), "list.name"),
        (NewList("L", ListKind.CUSTOM), "list.name"),
    ],
)
async def test_list_that_cannot_be_is_refused(keeper: ListKeeper, store: MemoryLists, new: NewList, field: str) -> None:
    with pytest.raises(MeshError) as caught:
        await made(keeper, store, new_tenant(), new)
    assert [each.field for each in caught.value.violations] == [field]


async def test_tenant_has_no_more_lists_than_it_may(
    keeper: ListKeeper, store: MemoryLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fraud.service.value_lists.keeping.MAX_LISTS", 2)
    tenant = new_tenant()
    for name in ("a", "b"):
        await made(keeper, store, tenant, NewList(name, ListKind.CUSTOM))
    with pytest.raises(MeshError) as caught:
        await made(keeper, store, tenant, NewList("c", ListKind.CUSTOM))
    assert caught.value.violations[0].reason == "lists.most"


async def test_list_that_rules_ask_stays_until_none_does(keeper: ListKeeper, store: MemoryLists) -> None:
    tenant = new_tenant()
    async with store.begin(tenant) as changes:
        for name in ("bad", "bad_cards"):
            await keeper.create(changes, NewList(name, ListKind.CUSTOM, "user_id"))
    rule = ScenarioRule(
        rule_id="r", code="R", words="On {lists.other}", expression="user_id in lists.bad", contribution=0.1
    )
    store.contents = [UsingContent("the draft of scenario cards", ScenarioContent(event_type="payment", rules=(rule,)))]
    with pytest.raises(MeshError, match="the draft of scenario cards") as caught:
        async with store.begin(tenant) as changes:
            await keeper.delete(changes, "bad")
    assert caught.value.reason == "STATE_NOT_ALLOWED"
    async with store.begin(tenant) as changes:
        await keeper.delete(changes, "bad_cards")
    store.contents = []
    async with store.begin(tenant) as changes:
        await keeper.delete(changes, "bad")
        assert await changes.count() == 0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of five entries."""
    for module in ("service.value_lists.importing", "service.value_lists.keeping", "adapters.memory_lists"):
        monkeypatch.setattr(f"services.fraud.{module}.MAX_ENTRIES", 5)


async def values(keeper: ListKeeper, tenant: str) -> list[str]:
    return [each.value for each in (await keeper.entries(tenant, "blocked", EntryFilter(), "", 100))[0]]


@pytest.mark.usefixtures("small")
async def test_list_that_is_full_takes_nothing_of_what_is_too_much(keeper: ListKeeper, store: MemoryLists) -> None:
    tenant = new_tenant()
    await create(store, tenant)
    async with store.begin(tenant) as changes:
        await keeper.add(changes, "blocked", [EntryRequest(each) for each in "abcd"], "c")
    with pytest.raises(MeshError) as caught:
        async with store.begin(tenant) as changes:
            await keeper.add(changes, "blocked", [EntryRequest(each) for each in "cdef"], "c")
    assert caught.value.violations[0].reason == "list.entries"
    assert await values(keeper, tenant) == list("abcd")
    async with store.begin(tenant) as changes:
        await keeper.add(changes, "blocked", [EntryRequest(each) for each in "abce"], "c")
    assert await values(keeper, tenant) == list("abcde")


async def test_every_value_at_fault_is_named_and_none_is_stored(keeper: ListKeeper, store: MemoryLists) -> None:
    tenant = new_tenant()
    await create(store, tenant, type=IP)
    asked = [EntryRequest(each) for each in ("203.0.113.7", "x", "203.0.113.8", "y")]
    with pytest.raises(MeshError) as caught:
        async with store.begin(tenant) as changes:
            await keeper.add(changes, "blocked", asked, "c")
    assert [each.field for each in caught.value.violations] == ["entries[1].value", "entries[3].value"]
    assert await values(keeper, tenant) == []


async def test_import_in_one_request_is_entered_whole_and_again_changes_nothing(
    imports: ListImports, keeper: ListKeeper, store: MemoryLists
) -> None:
    tenant = new_tenant()
    await create(store, tenant)
    first = await imports.at_once(tenant, "blocked", b"a\nb\na\n", "c")
    again = await imports.at_once(tenant, "blocked", b"a\nb\na\n", "c")
    assert [(each.rows, each.new, each.changed) for each in (first, again)] == [(3, 2, 2), (3, 0, 0)]
    with pytest.raises(MeshError):
        await imports.at_once(tenant, "blocked", b"c\n" + b"x" * 300 + b"\n", "c")
    assert await values(keeper, tenant) == ["a", "b"]


async def test_parts_change_nothing_until_they_are_committed(
    imports: ListImports, keeper: ListKeeper, store: MemoryLists
) -> None:
    tenant, import_id = new_tenant(), uuid4()
    await create(store, tenant)
    await imports.stage(tenant, "blocked", import_id, 3, b"c\nd\n", "c")
    await imports.stage(tenant, "blocked", import_id, 1, b"value\na\n", "c")
    repeated = await imports.stage(tenant, "blocked", import_id, 1, b"value\na\n", "c")
    assert (repeated.rows, repeated.entered, await values(keeper, tenant)) == (3, 0, [])
    for rows in (2, 4):
        with pytest.raises(MeshError) as caught:
            await imports.commit(tenant, "blocked", import_id, rows, "c")
        assert caught.value.reason == "STATE_NOT_ALLOWED"
    assert await values(keeper, tenant) == []
    done = await imports.commit(tenant, "blocked", import_id, 3, "c")
    assert (done.rows, done.entered, done.new, await values(keeper, tenant)) == (3, 3, 3, ["a", "c", "d"])
    again = await imports.commit(tenant, "blocked", import_id, 3, "c")
    assert (again.rows, again.entered, again.new) == (3, 3, 0)


async def test_commit_that_takes_long_goes_on_when_it_is_called_again(store: MemoryLists, keeper: ListKeeper) -> None:
    seconds = iter(range(1_000))
    imports = ListImports(store, lambda: NOW, monotonic=lambda: float(next(seconds)))
    tenant, import_id = new_tenant(), uuid4()
    await create(store, tenant)
    for place, value in enumerate("abc", 1):
        await imports.stage(tenant, "blocked", import_id, place, value.encode(), "c")
    entered = [(await imports.commit(tenant, "blocked", import_id, 3, "c")).entered for _ in range(3)]
    assert (entered, await values(keeper, tenant)) == ([1, 2, 3], ["a", "b", "c"])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("there", [b"", b"z\n"])
async def test_import_of_more_than_a_list_takes_stores_nothing(
    imports: ListImports, keeper: ListKeeper, store: MemoryLists, there: bytes
) -> None:
    """Of 6 rows the part that is too much is refused; of 5 beside another entry the commit is."""
    tenant, import_id = new_tenant(), uuid4()
    await create(store, tenant)
    if there:
        await imports.at_once(tenant, "blocked", there, "c")
    await imports.stage(tenant, "blocked", import_id, 1, b"a\nb\nc\n", "c")
    with pytest.raises(MeshError) as caught:
        await imports.stage(tenant, "blocked", import_id, 4, b"d\ne\n" + (b"" if there else b"f\n"), "c")
        await imports.commit(tenant, "blocked", import_id, 5, "c")
    assert caught.value.violations[0].reason == "list.entries"
    assert await values(keeper, tenant) == there.decode().split()


@pytest.mark.usefixtures("small")
async def test_import_again_into_a_full_list_is_no_fault(
    imports: ListImports, keeper: ListKeeper, store: MemoryLists
) -> None:
    tenant = new_tenant()
    await create(store, tenant)
    for import_id in (uuid4(), uuid4()):
        await imports.stage(tenant, "blocked", import_id, 1, b"a\nb\nc\nd\ne\n", "c")
        assert (await imports.commit(tenant, "blocked", import_id, 5, "c")).entered == 5
    assert await values(keeper, tenant) == list("abcde")


async def test_parts_that_wait_are_bounded(
    imports: ListImports, store: MemoryLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_WAITING", 2)
    tenant = new_tenant()
    await create(store, tenant)
    for _ in range(2):
        await imports.stage(tenant, "blocked", uuid4(), 1, b"a\n", "c")
    with pytest.raises(MeshError) as caught:
        await imports.stage(tenant, "blocked", uuid4(), 1, b"a\n", "c")
    assert caught.value.reason == "STATE_NOT_ALLOWED"


async def test_list_that_is_not_there_is_not_found(
    imports: ListImports, keeper: ListKeeper, store: MemoryLists
) -> None:
    tenant = new_tenant()
    for call in (
        imports.at_once(tenant, "blocked", b"a", "c"),
        imports.stage(tenant, "blocked", uuid4(), 1, b"a", "c"),
        imports.commit(tenant, "blocked", uuid4(), 1, "c"),
        keeper.entries(tenant, "blocked", EntryFilter(), "", 1),
    ):
        with pytest.raises(MeshError) as caught:
            await call
        assert caught.value.reason == "RESOURCE_NOT_FOUND"
