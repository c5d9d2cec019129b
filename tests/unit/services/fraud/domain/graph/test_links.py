"""Which entities an event links."""

from __future__ import annotations

from services.fraud.domain.event import Money
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.domain.graph.batch import sum_up
from services.fraud.domain.graph.entities import EntityName, entity_number
from services.fraud.domain.graph.links import EventLinks
from tests.support.graph import LINKS, START, payment, transfer

USER, DEVICE, CARD = (EntityName(*each) for each in (("user_id", "u"), ("device_fingerprint", "d"), ("card", "c")))


def test_the_user_is_linked_with_every_other_entity_and_these_not_with_each_other() -> None:
    found = list(LINKS["payment"].links({"user_id": "u", "device_fingerprint": "d", "merchant_id": "m"}))
    assert [(each.source.value, each.target.value, each.is_transfer) for each in found] == [
        ("u", "d", False), ("u", "m", False),
    ]  # fmt: skip


def test_two_keys_of_one_kind_are_a_transfer_from_the_first_to_the_other() -> None:
    (found,) = LINKS["transfer"].links({"payer": "a", "payee": "b"})
    assert found == (EntityName("account", "a"), EntityName("account", "b"), True)


def test_a_transfer_to_oneself_links_nothing() -> None:
    assert list(LINKS["transfer"].links({"payer": "a", "payee": "a"})) == []


def test_the_user_of_a_transfer_is_linked_with_both_accounts() -> None:
    fields = (
        Field("payer", FieldType.STRING, key=True, entity="account"),
        Field("payee", FieldType.STRING, key=True, entity="account"),
        Field("user_id", FieldType.STRING, key=True),
    )
    links = EventLinks(EventType("order", fields)).links({"payer": "a", "payee": "b", "user_id": "u"})
    assert [(each.source.value, each.target.value, each.is_transfer) for each in links] == [
        ("a", "b", True), ("u", "a", False), ("u", "b", False),
    ]  # fmt: skip


def test_keys_that_are_missing_or_retired_name_nobody() -> None:
    retired = EventType("order", (Field("user_id", FieldType.STRING, key=True, retired=True),))
    assert EventLinks(retired).entities({"user_id": "u"}) == []
    assert LINKS["payment"].entity("ip_address", {"user_id": "u"}) is None


def test_events_are_summed_up_by_pair() -> None:
    batch = sum_up([transfer("a", "b", 1, 300), transfer("a", "b", 0, 500), transfer("b", "a", 2, 100)], LINKS)
    a, b = (entity_number(EntityName("account", each)) for each in "ab")
    edge = batch.edges[a, b]
    assert (edge.events, edge.amount_minor, edge.smallest_minor, edge.first_time) == (2, 800, 300, START)
    assert len(batch.transfers) == 3 and set(batch.edges) == {(a, b), (b, a)}


def test_an_entity_that_nothing_links_is_not_entered() -> None:
    batch = sum_up([payment("u")], LINKS)
    assert not batch.entities and not batch.edges


def test_what_a_label_says_of_an_event_counts_it_no_second_time() -> None:
    event = payment("u", device_fingerprint="d", fraud=True)._replace(is_new=False)
    batch = sum_up([event], LINKS)
    assert not batch.edges
    assert batch.known[event.decision_id].is_fraud


def test_an_event_type_that_is_known_no_longer_links_nothing() -> None:
    assert not sum_up([payment("u", amount=Money(1, "USD"))._replace(event_type="gone")], LINKS).known
