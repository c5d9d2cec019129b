"""What an enemy or a mistaken program sends: a clear refusal, no trace of our insides, and nothing stored."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.steelthread.edge import CHECK, NOWHERE, Edge, a_check, refusal, segment
from tests.steelthread.platform import Platform

GOOD = a_check(user_id="victim")
DEEP = 50_000


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()


def instead(**changed: Any) -> bytes:
    return json.dumps(GOOD | changed).encode()


def amount(literal: str) -> bytes:
    return instead(transaction_amount="HERE").replace(b'"HERE"', literal.encode())


MALFORMED = {
    "cut short": b"{",
    "no body": b"",
    "blank": b"  ",
    "a list": b"[]",
    "null": b"null",
    "a string": b'"text"',
    "two values": b"{}{}",
    "single quotes": b"{'user_id': 'a'}",
    "a comment": b'{"user_id": "a" /* b */}',
    "not UTF-8": b'{"user_id": "\xff\xfe"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "NaN": amount("NaN"),
    "minus Infinity": amount("-Infinity"),
    "a text of an amount": instead(transaction_amount="twelve"),
    "an amount beyond doubles": amount("1e400"),
    "a digit bomb": amount("9" * 5000),
    "an amount of true": instead(transaction_amount=True),
    "an amount of a list": instead(transaction_amount=[1]),
    "a number for a name": instead(user_id=5),
    "an object for a name": instead(user_id={"$ne": ""}),
    "an unknown field": instead(is_fraudulent=False),
    "the answer's field": instead(decision_id=str(uuid.uuid4())),
    "a prototype": instead(__proto__={"admin": True}),
    "a key twice": json.dumps(GOOD).encode()[:-1] + b', "user_id": "other"}',
    "a key in both spellings": instead(userId="victim"),
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"attributes":' * DEEP + b"1" + b"}" * DEEP,
    "half a surrogate pair": instead(user_id="HERE").replace(b"HERE", b"\\ud800"),
    "a time in words": instead(event_time="yesterday"),
    "a time beyond calendars": instead(event_time="99999-01-01T00:00:00Z"),
    "attributes with a list": instead(attributes={"basket": [1]}),
}
INVALID = {
    "no user": (without("user_id"), "/user_id"),
    "no amount": (without("transaction_amount"), "/transaction_amount"),
    "no device": (without("device_fingerprint"), "/device_fingerprint"),
    "no address": (without("ip_address"), "/ip_address"),
    "an empty user": (instead(user_id=""), "/user_id"),
    "a null amount": (instead(transaction_amount=None), "/transaction_amount"),
    "a negative amount": (instead(transaction_amount=-0.01), "/transaction_amount"),
    "a text NaN": (instead(transaction_amount="NaN"), "/transaction_amount"),
    "a text Infinity": (instead(transaction_amount="Infinity"), "/transaction_amount"),
    "more than all the money": (amount("1e13"), "/transaction_amount"),
    "a thousandth of a dollar": (amount("0.001"), "/transaction_amount"),
    "half a yen": (instead(transaction_amount=0.5, currency="JPY"), "/transaction_amount"),
    "an impossible address": (instead(ip_address="999.1.1.1"), "/ip_address"),
    "a network": (instead(ip_address="10.0.0.0/8"), "/ip_address"),
    "an e-mail that is a letter": (instead(email="a" * 321), "/email"),
    "a small currency": (instead(currency="usd"), "/currency"),
    "a currency of nobody": (instead(currency="ZZZ"), "/currency"),
    "no currency": (instead(currency="XXX"), "/currency"),
    "gold": (instead(currency="XAU"), "/currency"),
    "a zone": (instead(ip_address="fe80::1%eth0"), "/ip_address"),
    "a long zone": (instead(ip_address="fe80::1%" + "".join(map(chr, range(0x4E00, 0x4E00 + 6_000)))), "/ip_address"),
    "a port": (instead(ip_address="192.0.2.1:443"), "/ip_address"),
    "the year 1": (instead(event_time="0001-01-01T00:00:00Z"), "/event_time"),
    "an unknown channel": (instead(channel="carrier-pigeon"), "/channel"),
    "a NUL": (instead(user_id="a\0b"), "/user_id"),
    "a line break": (instead(transaction_id="a\nb"), "/transaction_id"),
    "a long user": (instead(user_id="a" * 129), "/user_id"),
    "a long device": (instead(device_fingerprint="a" * 257), "/device_fingerprint"),
    "too many attributes": (instead(attributes={f"a{n}": "" for n in range(33)}), "/attributes"),
    "an attribute's name": (instead(attributes={"A b": ""}), "/attributes"),
    "tomorrow": (instead(event_time="2999-01-01T00:00:00Z"), "/event_time"),
    "the day before yesterday": (instead(event_time="2020-01-01T00:00:00Z"), "/event_time"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.usefixtures("nothing_stored")
async def test_what_is_no_request_is_refused(attacker: Edge, body: bytes) -> None:
    answer = await attacker.send("POST", CHECK, body, headers={"content-type": "application/json"})
    assert answer.status == 400, answer
    assert refusal(answer)["reason"] in ("MALFORMED_REQUEST", "VALIDATION_FAILED")


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("nothing_stored")
async def test_a_field_out_of_its_bounds_is_named(attacker: Edge, body: bytes, pointer: str) -> None:
    answer = await attacker.send("POST", CHECK, body)
    assert answer.status == 400, answer
    problem = refusal(answer)
    assert problem["reason"] == "VALIDATION_FAILED"
    assert any(error["in"] == "body" and error["pointer"].startswith(pointer) for error in problem["errors"]), problem


@pytest.mark.parametrize(
    ("status", "reason", "body", "headers"),
    [
        (413, "BODY_TOO_LARGE", instead(attributes={"a": "x" * (10 << 20)}), {}),
        (415, "MEDIA_TYPE_UNSUPPORTED", instead(), {"content-type": "text/plain"}),
        (415, "MEDIA_TYPE_UNSUPPORTED", instead(), {"content-type": "application/json; charset=utf-16"}),
        (415, "MEDIA_TYPE_UNSUPPORTED", b"user_id=a", {"content-type": "application/x-www-form-urlencoded"}),
        (415, "MEDIA_TYPE_UNSUPPORTED", instead(), {"content-encoding": "gzip"}),
    ],
    ids=["10 MB", "text", "UTF-16", "a form", "gzip"],
)
@pytest.mark.usefixtures("nothing_stored")
async def test_a_body_of_the_wrong_kind_is_refused(
    attacker: Edge, status: int, reason: str, body: bytes, headers: Mapping[str, str]
) -> None:
    answer = await attacker.send("POST", CHECK, body, headers=headers)
    assert (answer.status, refusal(answer)["reason"]) == (status, reason)
    assert (await attacker.send("GET", "/api/v1/decisions")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/decisions/../../../etc/passwd", 404),
        ("GET", "/api/v1/decisions/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 400),
        ("GET", "/docs/../../etc/passwd", 404),
        ("GET", "/docs/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "//api/v1/decisions", 404),
        ("GET", "/api/v1/decisions/%00", 400),
        ("GET", "/api/v1/decisions/%ff", 400),
        ("GET", "/api/v1/decisions/%zz", 400),
        ("GET", "/api/v1/decisions/1%20OR%201=1", 400),
        ("GET", f"/api/v1/decisions/{NOWHERE}", 404),
        ("GET", "/api/v1/users/nobody", 404),
        ("GET", "/api/v1/users/%00", 400),
        ("DELETE", "/api/v1/users/nobody", 404),
        ("DELETE", "/api/v1/users", 405),
        ("PUT", CHECK, 405),
        ("GET", CHECK, 405),
        ("GET", "/api/v1/decisions?page_size=-1", 400),
        ("GET", "/api/v1/decisions?page_size=many", 400),
        ("GET", "/api/v1/decisions?page_size=99999999999", 400),
        ("GET", "/api/v1/decisions?page_token=garbage", 400),
        ("GET", "/api/v1/decisions?page_token=" + base64.urlsafe_b64encode(b"[" * 5000).decode()[:500], 400),
        ("GET", "/api/v1/transactions?page_token=WyJhIiwiYiIsImMiXQ", 400),
        ("GET", "/api/v1/transactions?start_time=never", 400),
        ("GET", "/api/v1/totals/daily?start_date=2026-02-31", 400),
        ("GET", "/api/v1/decisions?outcome=maybe", 400),
        ("GET", "/api/v1/decisions?user_id=a&user_id=b", 400),
        ("GET", "/api/v1/decisions?tenant_id=" + NOWHERE, 400),
        ("GET", "/api/v1/decisions?user_id=%00", 400),
        ("GET", "/api/v1/decisions?user_id=%ed%a0%80", 400),
    ],
)
@pytest.mark.usefixtures("nothing_stored")
async def test_a_bad_address_or_query_is_refused(attacker: Edge, method: str, path: str, status: int) -> None:
    answer = await attacker.send(method, path)
    assert answer.status == status, answer
    refusal(answer)
    if status == 405:
        assert method not in answer.headers["allow"]


async def test_a_page_token_serves_the_request_that_it_was_given_for(edge: Edge) -> None:
    for _ in range(3):
        await edge.check(user_id="alice")
    token = (await edge.get("/api/v1/decisions", page_size=1))["next_page_token"]
    answer = await edge.send("GET", f"/api/v1/decisions?user_id=bob&page_token={token}")
    assert (answer.status, refusal(answer)["reason"]) == (400, "PAGE_TOKEN_INVALID")


SUBJECTS = ("user_id", "merchant_id", "device_fingerprint")
STRANGE = {
    "SQL": "Robert'); DROP TABLE decisions;--",
    "SQL comment": "' OR 1=1 /*",
    "format": "%s %d {0} ${jndi:ldap://x}",
    "script": "<script>alert(1)</script>",
    "spaces": "  padded  ",
    "backslashes": "a\\b\\'\"",
    "emoji": "ユーザー-😀",
    "composed": "\u00e9",
    "decomposed": "e\u0301",
    "right to left": "\u202eevil",
    "path": "../../etc/passwd",
    "wild cards": "%_*?",
    "beyond one plane": "\U0010ffff",
}


async def test_strange_texts_are_kept_byte_for_byte_and_found_again(platform: Platform, edge: Edge) -> None:
    for name, text in STRANGE.items():
        await edge.check(user_id=text, merchant_id=text, device_fingerprint=text, transaction_id=f"{name}: {text}")
    await platform.ledger_caught_up()
    for name, text in STRANGE.items():
        transaction = f"{name}: {text}"
        (found,) = (await edge.get("/api/v1/decisions", user_id=text))["decisions"]
        assert found["transaction_id"] == transaction
        (entry,) = (await edge.get("/api/v1/transactions", merchant_id=text))["transactions"]
        assert (entry["user_id"], entry["transaction_id"]) == (text, transaction)
        query = "SELECT user_id, event FROM decisions WHERE decision_id = $1"
        (row,) = await platform.rows("fraud", query, uuid.UUID(found["decision_id"]))
        event = json.loads(row["event"])
        assert {row["user_id"], *(event[name] for name in SUBJECTS)} == {text}
    assert (await edge.send("GET", f"/api/v1/users/{segment('../../etc/passwd')}")).status == 404
