"""Events are read as their types declare them, and what is wrong with one is said of the field."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from meshkit.canonical import canonical_address, canonical_email
from meshkit.currencies import DIGITS, LARGEST_MINOR
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.domain.event_values import MAX_FAULTS, EventReader

TRANSFER = EventType(
    "transfer",
    (
        Field("account", FieldType.STRING, required=True, key=True),
        Field("note", FieldType.STRING),
        Field("amount", FieldType.MONEY, required=True),
        Field("weight", FieldType.NUMBER),
        Field("instant", FieldType.BOOL),
        Field("ordered_at", FieldType.TIME),
        Field("address", FieldType.IP, key=True),
        Field("mailbox", FieldType.EMAIL),
        Field("former", FieldType.STRING, retired=True),
    ),
)
LEAST = {"account": "a-1", "amount": {"amount": 12.34, "currency": "EUR"}}


@pytest.fixture
def reader() -> EventReader:
    return EventReader(
        TRANSFER,
        digits=DIGITS,
        largest_minor=LARGEST_MINOR,
        canonical={FieldType.IP: canonical_address, FieldType.EMAIL: canonical_email},
    )


def faults(reader: EventReader, **fields: object) -> list[tuple[str, str]]:
    return [(fault.path, fault.rule) for fault in reader.read({**LEAST, **fields})[1]]


def test_every_type_has_its_values(reader: EventReader) -> None:
    values, wrong = reader.read(
        {
            **LEAST,
            "note": " kept as it is ",
            "weight": 70.25,
            "instant": False,
            "ordered_at": "2026-11-28t14:30:00.1234567+02:00",
            "address": "::ffff:203.0.113.7",
            "mailbox": "Ada@EXAMPLE.com",
            "former": 5.0,
        }
    )
    assert not wrong
    assert values.seen == {
        "account": "a-1",
        "note": " kept as it is ",
        "amount": 12.34,
        "weight": 70.25,
        "instant": False,
        "ordered_at": datetime(2026, 11, 28, 12, 30, 0, 123456, UTC),
        "address": "203.0.113.7",
        "mailbox": "ada@example.com",
        "former": None,
    }
    assert values.exact == {"amount": 1234, "weight": 70_250_000}
    assert values.currencies == {"amount": "EUR"}


def test_what_has_no_value_is_missing(reader: EventReader) -> None:
    values, wrong = reader.read({**LEAST, "note": "", "weight": None})
    assert not wrong
    assert values.seen == {**dict.fromkeys(field.name for field in TRANSFER.fields), "account": "a-1", "amount": 12.34}


@pytest.mark.parametrize("absent", [{}, {"account": "", "amount": None}, {"account": None}])
def test_required_fields_that_are_missing_are_named(reader: EventReader, absent: dict[str, object]) -> None:
    assert [(each.path, each.rule) for each in reader.read(absent)[1]] == [
        ("fields.account", "required"),
        ("fields.amount", "required"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "path", "rule"),
    [
        ("acount", "a", "fields.acount", "field.known"),
        ("x" * 70, "a", f"fields.{'x' * 64}", "field.known"),
        ("account", 5.0, "fields.account", "text"),
        ("account", "a" * 257, "fields.account", "key.valid"),
        ("account", "a\tb", "fields.account", "key.valid"),
        ("note", "a\0b", "fields.note", "text.storable"),
        ("note", ["a"], "fields.note", "text"),
        ("weight", "5", "fields.weight", "number"),
        ("weight", True, "fields.weight", "number"),
        ("weight", float("nan"), "fields.weight", "number"),
        ("weight", float("inf"), "fields.weight", "number"),
        ("weight", 10**400, "fields.weight", "number"),
        ("weight", 9.1e12, "fields.weight", "number.range"),
        ("amount", 12.5, "fields.amount", "money"),
        ("amount", {"amount": 12.5, "currency": "EUR", "unit": "cent"}, "fields.amount.unit", "money.member"),
        ("amount", {"amount": 12.5, "currency": "eur"}, "fields.amount.currency", "currency.known"),
        ("amount", {"amount": 12.5, "currency": ["EUR"]}, "fields.amount.currency", "currency.known"),
        ("amount", {"amount": 12.5}, "fields.amount.currency", "currency.known"),
        ("amount", {"currency": "EUR"}, "fields.amount.amount", "amount"),
        ("amount", {"amount": "12.5", "currency": "EUR"}, "fields.amount.amount", "amount"),
        ("amount", {"amount": -1, "currency": "EUR"}, "fields.amount.amount", "amount"),
        ("amount", {"amount": 1e13 + 1, "currency": "EUR"}, "fields.amount.amount", "amount.range"),
        ("amount", {"amount": 12.5, "currency": "JPY"}, "fields.amount.amount", "amount.precision"),
        ("instant", "true", "fields.instant", "bool"),
        ("instant", 1.0, "fields.instant", "bool"),
        ("ordered_at", "2026-11-28", "fields.ordered_at", "time"),
        ("ordered_at", "2026-11-28T12:30:00", "fields.ordered_at", "time"),
        ("ordered_at", "2026-02-30T12:30:00Z", "fields.ordered_at", "time"),
        ("ordered_at", "2026-11-28T24:00:00Z", "fields.ordered_at", "time"),
        ("ordered_at", "0001-01-01T00:00:00+01:00", "fields.ordered_at", "time"),
        ("ordered_at", 5.0, "fields.ordered_at", "time"),
        ("address", "203.0.113.7:80", "fields.address", "ip.valid"),
        ("mailbox", "nobody", "fields.mailbox", "email.valid"),
    ],
)
def test_values_of_another_kind_are_refused(
    reader: EventReader, name: str, value: object, path: str, rule: str
) -> None:
    assert faults(reader, **{name: value}) == [(path, rule)]


def test_a_retired_field_is_neither_read_nor_unknown(reader: EventReader) -> None:
    assert faults(reader, former=["anything"]) == []


def test_money_without_a_currency_is_in_that_of_the_tenant(reader: EventReader) -> None:
    values, wrong = reader.read({**LEAST, "amount": {"amount": 1500}}, "JPY")
    assert not wrong
    assert (values.exact["amount"], values.currencies["amount"]) == (1500, "JPY")


def test_faults_are_told_together_up_to_a_bound(reader: EventReader) -> None:
    assert len(faults(reader, note=1.0, instant=1.0)) == 2
    assert len(faults(reader, **{f"unknown_{number}": 1.0 for number in range(100)})) == MAX_FAULTS


def test_millionths_are_the_nearest_to_the_decimal_that_was_sent(reader: EventReader) -> None:
    chance = random.Random(4)
    for _ in range(20_000):
        digits = chance.randrange(1, 16)
        number = Decimal(chance.randrange(-(10**digits), 10**digits)).scaleb(-chance.randrange(7))
        if abs(number) > 9 * 10**12:
            continue
        values, _ = reader.read({"weight": float(number)})
        wanted = number.scaleb(6).to_integral_value(ROUND_HALF_EVEN)
        assert values.exact["weight"] == wanted, number


def test_texts_have_the_values_that_json_would_have(reader: EventReader) -> None:
    texts = {
        "note": "70", "weight": "70.25", "instant": "false", "ordered_at": "2026-11-28T12:30:00Z",
        "address": "2001:DB8::0:1", "mailbox": "Ada@EXAMPLE.com", "former": "5", "unknown": "x", "account": "",
    }  # fmt: skip
    values, usable = reader.read_texts(texts)
    assert usable
    assert {name: value for name, value in values.seen.items() if value is not None} == {
        "note": "70", "weight": 70.25, "instant": False, "ordered_at": datetime(2026, 11, 28, 12, 30, tzinfo=UTC),
        "address": "2001:db8::1", "mailbox": "ada@example.com",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("12.50 EUR", "USD", (12.5, "EUR", 1_250)),
        ("12.5", "USD", (12.5, "USD", 1_250)),
        ("500 JPY", "", (500.0, "JPY", 500)),
    ],
)
def test_text_of_money_names_its_currency_or_has_the_tenants(
    reader: EventReader, text: str, currency: str, value: tuple[float, str, int]
) -> None:
    values, usable = reader.read_texts({"amount": text}, currency)
    assert usable
    assert (values.seen["amount"], values.currencies["amount"], values.exact["amount"]) == value


@pytest.mark.parametrize("named", [(), False, 0.0, {}])
def test_what_is_no_text_is_not_taken_for_the_tenants_currency(reader: EventReader, named: object) -> None:
    wrong = reader.read({**LEAST, "amount": {"amount": 12.5, "currency": named}}, "USD")[1]
    assert [(each.path, each.rule) for each in wrong] == [("fields.amount.currency", "currency.known")]


@pytest.mark.parametrize("named", [None, ""])
def test_money_that_names_no_currency_has_the_tenants(reader: EventReader, named: object) -> None:
    values, wrong = reader.read({**LEAST, "amount": {"amount": 12.5, "currency": named}}, "USD")
    assert (values.currencies["amount"], wrong) == ("USD", [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weight", "1_000"), ("weight", "0x10"), ("weight", "NaN"), ("weight", "1e400"), ("weight", " 1"),
        ("weight", "1."),
        ("weight", "\u0661"), ("weight", "9" * 300), ("instant", "True"), ("instant", "1"), ("ordered_at", "yesterday"),
        ("amount", "12.345 EUR"), ("amount", "12"), ("amount", "-1 EUR"), ("amount", "EUR 12"), ("amount", "1 EUR "),
        ("address", "10.0.0.0/8"), ("mailbox", "ada@"), ("account", "x" * 257), ("account", "a\nb"),
    ],
)  # fmt: skip
def test_text_that_means_nothing_is_no_value_and_told(reader: EventReader, name: str, text: str) -> None:
    values, usable = reader.read_texts({name: text, "note": "kept"})
    assert not usable
    assert (values.seen[name], values.seen["note"]) == (None, "kept")


@pytest.mark.parametrize("text", ["12.50 ", " 12.50", "12.50  EUR", "12.50\tEUR"])
def test_text_of_money_has_one_blank_before_its_currency_and_no_other(reader: EventReader, text: str) -> None:
    values, usable = reader.read_texts({"amount": text}, "USD")
    assert (values.seen["amount"], usable) == (None, False)
