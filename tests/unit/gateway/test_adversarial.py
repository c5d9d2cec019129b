"""Hostile requests: each a clear 4xx as a problem document; nothing reaches the mesh, nothing of the input is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.gateway import Gateway

CHECK: dict[str, Any] = {
    "user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.9",
}  # fmt: skip
PATH = "/api/v1/fraud-check"


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CHECK.items() if name not in names}


def with_text(text: str) -> bytes:
    """The good check with more text before its closing brace."""
    return (json.dumps(CHECK)[:-1] + text + "}").encode()


BODIES: list[tuple[str, bytes | dict[str, Any], str]] = [
    ("not json", b"hello", ""),
    ("empty text", b" ", ""),
    ("cut off", json.dumps(CHECK).encode()[:-1], ""),
    ("two values", b"{} {}", ""),
    ("list", b"[]", ""),
    ("null", b"null", ""),
    ("string", b'"x"', ""),
    ("no user", without("user_id"), "/user_id"),
    ("no amount", without("transaction_amount"), "/transaction_amount"),
    ("null amount", CHECK | {"transaction_amount": None}, "/transaction_amount"),
    ("no device online", without("device_fingerprint"), "/device_fingerprint"),
    ("no address online", without("ip_address"), "/ip_address"),
    ("empty object", {}, "/user_id"),
    ("negative amount", CHECK | {"transaction_amount": -0.01}, "/transaction_amount"),
    ("huge amount", CHECK | {"transaction_amount": 1e13}, "/transaction_amount"),
    ("amount NaN as a string", CHECK | {"transaction_amount": "NaN"}, "/transaction_amount"),
    ("amount Infinity as a string", CHECK | {"transaction_amount": "Infinity"}, "/transaction_amount"),
    ("amount NaN bare", b'{"user_id":"u","transaction_amount":NaN}', ""),
    ("amount Infinity bare", b'{"user_id":"u","transaction_amount":-Infinity}', ""),
    ("amount 1e999", b'{"user_id":"u","transaction_amount":1e999}', "/transaction_amount"),
    ("amount of 400 digits", b'{"transaction_amount":' + b"9" * 400 + b"}", "/transaction_amount"),
    ("amount of 9000 digits", b'{"transaction_amount":' + b"9" * 9000 + b"}", ""),
    ("amount as text", CHECK | {"transaction_amount": "a lot"}, "/transaction_amount"),
    ("amount as object", CHECK | {"transaction_amount": {}}, "/transaction_amount"),
    ("user as number", CHECK | {"user_id": 5}, "/user_id"),
    ("user too long", CHECK | {"user_id": "x" * 129}, "/user_id"),
    ("user with NUL", CHECK | {"user_id": "a\x00b"}, "/user_id"),
    ("address that is none", CHECK | {"ip_address": "999.1.1.1"}, "/ip_address"),
    ("currency that is none", CHECK | {"currency": "usd"}, "/currency"),
    ("channel that is none", CHECK | {"channel": "carrier_pigeon"}, "/channel"),
    ("email longer than any", CHECK | {"email": "x" * 321}, "/email"),
    ("email with NUL", CHECK | {"email": "a\x00@b.example"}, "/email"),
    ("address with a long zone", CHECK | {"ip_address": "fe80::1%" + "z" * 6_000}, "/ip_address"),
    ("address with a port", CHECK | {"ip_address": "192.0.2.1:80"}, "/ip_address"),
    ("address in brackets", CHECK | {"ip_address": "[2001:db8::1]"}, "/ip_address"),
    ("time of year 1", CHECK | {"event_time": "0001-01-01T00:00:00Z"}, "/event_time"),
    ("time of the last century", CHECK | {"event_time": "1999-12-31T23:59:59.999999999Z"}, "/event_time"),
    ("attribute longer than any", CHECK | {"attributes": {"a": "x" * 257}}, "/attributes/a"),
    ("time that is none", CHECK | {"event_time": "2026-13-01T00:00:00Z"}, "/event_time"),
    ("time as number", CHECK | {"event_time": 1}, "/event_time"),
    ("unknown field", CHECK | {"amount": 1}, "/amount"),
    ("unknown field with a strange name", CHECK | {"\u202e": 1}, ""),
    ("prototype", CHECK | {"__proto__": {}}, "/__proto__"),
    ("too many attributes", CHECK | {"attributes": {f"a{i}": "" for i in range(33)}}, "/attributes"),
    ("attribute with a bad key", CHECK | {"attributes": {"A/b": ""}}, "/attributes/A~1b"),
    ("attribute that is no string", CHECK | {"attributes": {"a": {}}}, "/attributes/a"),
    ("attribute null", CHECK | {"attributes": {"a": None}}, "/attributes/a"),
    ("duplicate key", with_text(', "user_id": "u2"'), ""),
    ("duplicate key escaped", with_text(', "user\\u005fid": "u2"'), ""),
    ("both names of a field", with_text(', "userId": "u2"'), "/user_id"),
    ("duplicate attribute", with_text(', "attributes": {"a": "1", "a": "2"}'), ""),
    ("invalid UTF-8", b'{"user_id":"\xff"}', ""),
    ("overlong UTF-8", b'{"user_id":"\xc0\xaf"}', ""),
    ("UTF-16", json.dumps(CHECK).encode("utf-16"), ""),
    ("byte order mark", b"\xef\xbb\xbf" + json.dumps(CHECK).encode(), ""),
    ("half a surrogate", with_text(', "merchant_id": "\\ud800"'), ""),
    ("half a surrogate in a key", with_text(', "attributes": {"\\udfff": ""}'), ""),
    ("deep list", b"[" * 100_000 + b"]" * 100_000, ""),
    ("deep object", b'{"attributes":' * 50_000, ""),
    ("deep unknown", b'{"x":' + b'{"a":' * 40 + b"1" + b"}" * 41, ""),
    ("comment", b"{/* */}", ""),
    ("any", CHECK | {"@type": "type.googleapis.com/google.protobuf.Duration"}, "/@type"),
    ("extension", CHECK | {"[rampart.mesh.v1.policy]": {}}, "/[rampart.mesh.v1.policy]"),
]


@pytest.mark.parametrize(("body", "pointer"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
async def test_bad_body_is_400_at_its_place(gateway: Gateway, body: bytes | dict[str, Any], pointer: str) -> None:
    reply = await gateway.request("POST", PATH, body)
    assert reply.status == 400, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["reason"] in ("MALFORMED_REQUEST", "VALIDATION_FAILED")
    assert ("body", pointer) in [(error["in"], error["pointer"]) for error in reply.json["errors"]]
    assert gateway.upstream.calls == []


async def test_card_present_needs_neither_device_nor_address(gateway: Gateway) -> None:
    body = without("device_fingerprint", "ip_address") | {"channel": "card_present"}
    assert (await gateway.request("POST", PATH, body)).status == 200


async def test_who_names_no_channel_is_told_which_one_counts_and_what_else_to_send(gateway: Gateway) -> None:
    for body, words in (
        (
            {},
            'is required, as channel is "online" unless it says otherwise: send it, or send "card_present" as channel',
        ),
        ({"channel": "online"}, 'is required unless channel is "card_present"'),
    ):
        reply = await gateway.request("POST", PATH, {"user_id": "a", "transaction_amount": 1} | body)
        assert {error["pointer"]: error["message"] for error in reply.json["errors"]} == {
            "/device_fingerprint": words,
            "/ip_address": words,
        }


@pytest.mark.parametrize(
    "email", ["josé@example.com", "a@münchen.de", '"a b"@x.org', "alice@", "x", "a\nb", "\u202e", "@" * 320]
)
async def test_email_that_no_rule_needs_does_not_cost_the_decision(gateway: Gateway, email: str) -> None:
    assert (await gateway.request("POST", PATH, CHECK | {"email": email})).status == 200


@pytest.mark.parametrize(
    ("email", "status"),
    [("josé@example.com", 200), ("a@münchen.de", 200), ('"a b"@x.org', 200), ("alice@", 400), ("x", 400)],
)
async def test_user_may_have_any_address_that_has_two_sides(gateway: Gateway, email: str, status: int) -> None:
    reply = await gateway.request("POST", "/api/v1/users", {"user_id": "u1", "email": email})
    assert reply.status == status, reply.body


async def test_amount_of_zero_is_an_amount(gateway: Gateway) -> None:
    assert (await gateway.request("POST", PATH, CHECK | {"transaction_amount": 0})).status == 200


async def test_map_keys_are_data_and_may_look_alike(gateway: Gateway) -> None:
    reply = await gateway.request("POST", PATH, CHECK | {"attributes": {"user_id": "1", "a_b": "2"}})
    assert reply.status == 200


async def test_input_is_not_shown_in_the_answer(gateway: Gateway) -> None:
    secret = "4111-1111-1111-1111"
    for name in ("transaction_amount", "ip_address", "event_time", "channel", "currency", "attributes"):
        reply = await gateway.request("POST", PATH, CHECK | {name: secret})
        assert reply.status == 400
        assert secret.encode() not in reply.body


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"x" * (10 << 20), {}, 413, "BODY_TOO_LARGE"),
        ([b"x" * (1 << 20)] * 10, {}, 413, "BODY_TOO_LARGE"),
        (b"{}", {"content-length": "99999999999999999999"}, 413, "BODY_TOO_LARGE"),
        (b"{}", {"content-type": "text/plain"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (b"{}", {"content-type": "application/xml"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (b"{}", {"content-type": "application/json-patch+json"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (b"{}", {"content-type": "application/json; charset=utf-16"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (b"{}", {"content-type": "multipart/form-data; boundary=x"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (b"{}", {"content-encoding": "gzip"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    ],
)
async def test_body_that_is_not_ours_to_read_is_refused(
    gateway: Gateway, body: bytes | Iterable[bytes], headers: dict[str, str], status: int, reason: str
) -> None:
    reply = await gateway.request("POST", PATH, body, headers=headers)
    assert (reply.status, reply.json["reason"]) == (status, reason)
    assert reply.headers["content-type"] == "application/problem+json"
    assert gateway.upstream.calls == []


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"']
)
async def test_json_is_taken_in_every_spelling_of_its_type(gateway: Gateway, kind: str) -> None:
    assert (await gateway.request("POST", PATH, CHECK, headers={"content-type": kind})).status == 200


async def test_body_in_chunks_is_put_together(gateway: Gateway) -> None:
    text = json.dumps(CHECK).encode()
    assert (await gateway.request("POST", PATH, [text[:5], b"", text[5:]])).status == 200


async def test_missing_body_names_the_missing_fields(gateway: Gateway) -> None:
    reply = await gateway.request("POST", PATH)
    assert reply.status == 400
    assert {"/user_id", "/transaction_amount"} <= {error["pointer"] for error in reply.json["errors"]}


async def test_empty_object_where_no_body_belongs_says_nothing(gateway: Gateway) -> None:
    assert (await gateway.request("GET", "/api/v1/decisions", b" {} ")).status == 200


async def test_body_where_none_belongs_is_400(gateway: Gateway) -> None:
    reply = await gateway.request("GET", "/api/v1/decisions", b'{"user_id": "u1"}')
    assert (reply.status, reply.json["reason"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/decisions/not-a-uuid",
        "/api/v1/decisions/..%2F..%2Fetc%2Fpasswd",
        "/api/v1/decisions/%2e%2e",
        "/api/v1/decisions/..",
        "/api/v1/../v1/decisions",
        "/api/v1/decisions/%00",
        "/api/v1/decisions/%ff%fe",
        "/api/v1/decisions/%",
        "/api/v1/decisions/%zz",
        "/api/v1/decisions/%u0041",
        "/api/v1/decisions/018f3a6e-0000-7000-8000-000000000001%2F",
        "/api/v1/decisions/018f3a6e-0000-7000-8000-000000000001/",
        "/api/v1/decisions//",
        "//api/v1/decisions",
        "/api/v1/users/a%00b",
        "/api/v1/users/" + "x" * 129,
        "/api/v1/users/a%0Ab/risk-profile",
        "/api/v1/decisions/018f3a6e-0000-7000-8000-000000000001?decision_id=018f3a6e-0000-7000-8000-000000000002",
        "/api/v1/decisions/018f3a6e-0000-7000-8000-000000000001?decisionId=018f3a6e-0000-7000-8000-000000000002",
        "/api/v1/users/u1?user_id=u2",
        "/api/v1/users/u1?userId=u2",
        "/api/v1/users/u1?user%5Fid=u2",
        "/api/v1/decisions?tenant_id=t",
        "/api/v1/decisions?user_id=a&user_id=b",
        "/api/v1/decisions?user_id=a&userId=b",
        "/api/v1/decisions?page_size=-1",
        "/api/v1/decisions?page_size=1.5",
        "/api/v1/decisions?page_size=01",
        "/api/v1/decisions?page_size=1e",
        "/api/v1/decisions?user_id=%",
        "/api/v1/decisions?user_id=%zz",
        "/api/v1/decisions?page_size=99999999999",
        "/api/v1/decisions?page_size=0x10",
        "/api/v1/decisions?page_size=",
        "/api/v1/decisions?outcome=maybe",
        "/api/v1/decisions?user_id=%ff",
        "/api/v1/decisions?%00=1",
        "/api/v1/transactions?start_time=now",
        "/api/v1/totals/daily?start_date=2026-1-1",
    ],
)
async def test_bad_address_is_refused(gateway: Gateway, target: str) -> None:
    reply = await gateway.request("GET", target)
    assert reply.status in (400, 404), reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("raw", [b"/api/v1/users/\xff", b"/api/v1/users/a\x00b", b"/api/v1/decisions?user_id=\xff"])
async def test_raw_bytes_in_the_address_are_refused(gateway: Gateway, raw: bytes) -> None:
    reply = await gateway.request("GET", raw)
    assert reply.status in (400, 404), reply.body
    assert gateway.upstream.calls == []


async def test_patch_cannot_move_the_resource_by_its_body(gateway: Gateway) -> None:
    for body in ({"user_id": "evil", "userId": "evil"}, {"userId": "evil", "country": 5}):
        assert (await gateway.request("PATCH", "/api/v1/users/u1", body)).status == 400
    await gateway.request("PATCH", "/api/v1/users/u1", {"userId": "evil"})
    assert [call.request.user.user_id for call in gateway.upstream.calls] == ["u1"]


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
async def test_patch_body_must_be_an_object(gateway: Gateway, body: bytes) -> None:
    reply = await gateway.request("PATCH", "/api/v1/users/u1", body)
    assert reply.status in (400, 200) if body == b"null" else reply.status == 400


@pytest.mark.parametrize("user", ["a%00b", "x" * 129, "%0A"])
async def test_name_of_a_user_whose_risk_is_told_is_bounded_as_everywhere(gateway: Gateway, user: str) -> None:
    reply = await gateway.request("PATCH", f"/api/v1/users/{user}/risk-profile", {"tier": "trusted"})
    assert (reply.status, gateway.upstream.calls) == (400, []), reply.body
