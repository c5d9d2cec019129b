"""What a tenant may declare of event types, given what it has declared before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.fraud.domain.declaring import TypeChange, all_types, changed, declaration_faults
from services.fraud.domain.event_types import BUILT_IN, PAYMENT, EventType, Field, FieldType
from services.fraud.domain.names import RESERVED

USER = Field("user_id", FieldType.STRING, required=True, personal=True, key=True)
SCORE = Field("score", FieldType.NUMBER)
QUOTE = EventType("quote", (USER, SCORE))


def many(number: int, *, key: bool = False) -> list[Field]:
    return [Field(f"f{place}", FieldType.STRING, key=key) for place in range(number)]


def faults(*sent: Field, before: EventType | None = None, others: tuple[EventType, ...] = ()) -> list[tuple[str, str]]:
    name = before.name if before else "quote"
    return [(fault.path, fault.rule) for fault in declaration_faults(name, sent, before, others)]


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ([USER, SCORE], []),
        ([], [("fields", "fields.some")]),
        (many(64), []),
        (many(65), [("fields", "fields.most")]),
        (many(8, key=True), []),
        (many(9, key=True), [("fields", "fields.keys")]),
        ([*many(7, key=True), replace(USER, required=False, retired=True)], []),
        ([*many(8, key=True), replace(USER, required=False, retired=True)], [("fields", "fields.keys")]),
        ([USER, USER], [("fields[0].name", "name.unique"), ("fields[1].name", "name.unique")]),
        ([replace(USER, name="User")], [("fields[0].name", "name.pattern")]),
        ([replace(USER, name="a" * 64)], [("fields[0].name", "name.pattern")]),
        ([replace(USER, name="user_id\n")], [("fields[0].name", "name.pattern")]),
        ([USER, replace(SCORE, name="lists")], [("fields[1].name", "name.reserved")]),
        ([replace(SCORE, key=True)], [("fields[0].key", "key.type")]),
        ([replace(USER, retired=True)], [("fields[0].required", "required.retired")]),
    ],
)
def test_fields_of_a_new_type(sent: list[Field], wrong: list[tuple[str, str]]) -> None:
    assert faults(*sent) == wrong


@pytest.mark.parametrize("name", ["profile", "ip", "in", "null", "while", "string", "type"])
def test_words_of_expressions_are_reserved(name: str) -> None:
    assert name in RESERVED


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ([SCORE, USER], []),
        ([USER, SCORE, Field("more", FieldType.TIME)], []),
        ([replace(USER, required=False, personal=False), replace(SCORE, retired=True, description="old")], []),
        ([USER], [("fields", "fields.kept")]),
        ([USER, replace(SCORE, type=FieldType.MONEY)], [("fields[1].type", "immutable")]),
        ([replace(USER, key=False), SCORE], [("fields[0].key", "immutable")]),
    ],
)
def test_fields_of_a_type_that_is_there(sent: list[Field], wrong: list[tuple[str, str]]) -> None:
    assert faults(*sent, before=QUOTE) == wrong


def test_built_in_fields_stay_as_they_are_and_others_may_join_them() -> None:
    first, *rest = PAYMENT.fields
    assert faults(*PAYMENT.fields, SCORE, before=PAYMENT) == []
    assert faults(*rest, before=PAYMENT) == [("fields", "fields.kept")]
    for other in (replace(first, required=False), replace(first, personal=False), replace(first, description="x")):
        assert faults(other, *rest, before=PAYMENT) == [("fields[0]", "immutable")]
    more = replace(PAYMENT, fields=(*PAYMENT.fields, SCORE), version=2)
    assert faults(*PAYMENT.fields, replace(SCORE, personal=True), before=more) == []


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        (replace(USER, type=FieldType.EMAIL), True),
        (replace(USER, type=FieldType.NUMBER, key=False), True),
        (replace(SCORE, type=FieldType.STRING), False),
        (replace(SCORE, type=FieldType.STRING, key=True), True),
    ],
)
def test_a_key_has_one_type_in_all_event_types(field: Field, refused: bool) -> None:
    assert faults(field, others=(EventType("order", (USER, SCORE)),)) == ([("fields[0].type", "type.agrees")] * refused)


def test_a_type_does_not_disagree_with_itself() -> None:
    assert faults(USER, SCORE, before=QUOTE, others=(QUOTE,)) == []


def test_a_change_makes_the_next_version_and_leaves_fields_in_their_places() -> None:
    more = Field("more", FieldType.TIME)
    after = changed(QUOTE, TypeChange(fields=[more, replace(SCORE, retired=True), USER]))
    assert after == EventType("quote", (USER, replace(SCORE, retired=True), more), version=2)
    assert changed(after, TypeChange(description="words")) == replace(after, description="words", version=3)


@pytest.mark.parametrize("change", [TypeChange(), TypeChange(description=""), TypeChange(fields=[SCORE, USER])])
def test_a_change_of_nothing_makes_no_version(change: TypeChange) -> None:
    assert changed(QUOTE, change) is QUOTE


def test_every_tenant_has_the_built_in_types_in_order() -> None:
    assert list(all_types(())) == sorted(BUILT_IN) == ["claim", "login", "payment", "signup"]


def test_built_in_types_can_be_declared() -> None:
    for each in BUILT_IN.values():
        others = [other for other in BUILT_IN.values() if other is not each]
        assert not declaration_faults(each.name, each.fields, None, others)
