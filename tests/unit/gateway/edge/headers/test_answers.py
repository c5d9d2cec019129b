"""Conditional requests and compression through the whole gateway, with a mesh in memory."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from gateway.assembly import make_router
from gateway.compile.plan import compile_plan
from gateway.edge.headers.conditional import Conditionals
from meshkit.errors import Kind, MeshError
from tests.support.gateway import Gateway, Reply, exchange
from tests.support.protos import with_methods

USER = "/api/v1/users/u1"
LIST = "/api/v1/transactions"


@pytest.fixture
def gateway() -> Gateway:
    found = Gateway()
    found.upstream.answer = {"user": {"user_id": "u1", "etag": '"v1"', "display_name": "Ada"}}
    return found


async def get(gateway: Gateway, target: str = USER, **headers: str) -> Reply:
    return await gateway.request(
        "GET", target, headers={name.replace("_", "-"): each for name, each in headers.items()}
    )


async def test_read_carries_the_version_of_its_resource_and_may_be_kept_for_asking_again(gateway: Gateway) -> None:
    reply = await get(gateway)
    assert (reply.status, reply.headers["etag"]) == (200, '"v1"')
    assert reply.headers["cache-control"] == "private, no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_read_without_a_version_carries_the_hash_of_its_body(gateway: Gateway) -> None:
    gateway.upstream.answer = {"transactions": [{"transaction_id": "a"}]}
    once, again = await get(gateway, LIST), await get(gateway, LIST)
    assert once.headers["etag"] == again.headers["etag"]
    gateway.upstream.answer = {"transactions": [{"transaction_id": "b"}]}
    assert (await get(gateway, LIST)).headers["etag"] != once.headers["etag"]


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ('"v1"', 304),
        ('W/"v1"', 304),
        ('"v0", "v1"', 304),
        ("*", 304),
        ('"v1;gzip"', 200),
        ('"v1;raw"', 200),
        ('"v1;quoted"', 200),
        ('"v0"', 200),
        ("v1", 200),
        ("", 200),
    ],
)
async def test_reader_that_has_the_answer_gets_304_without_it(
    gateway: Gateway, if_none_match: str, status: int
) -> None:
    reply = await get(gateway, if_none_match=if_none_match)
    assert reply.status == status
    assert bool(reply.body) is (status == 200)
    if status == 304:
        assert reply.headers["etag"] == '"v1"', "what the 200 carries, whatever the caller wrote"
        assert reply.headers["cache-control"] == "private, no-cache"
        assert not {"content-type", "content-length"} & reply.headers.keys()
    assert [line["status"] for line in gateway.access_lines()] == [status]


async def test_head_is_conditional_as_get_is(gateway: Gateway) -> None:
    reply = await gateway.request("HEAD", USER, headers={"if-none-match": '"v1"'})
    assert reply.status == 304
    reply = await gateway.request("HEAD", USER)
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"v1"', 200),
        ("*", 200),
        ('"v0", "v1"', 200),
        ('"v0"', 412),
        ('W/"v1"', 412),
        ("v1", 412),
        ('"v1;gzip"', 412),
    ],
)
async def test_read_of_another_state_than_asked_for_is_412(gateway: Gateway, if_match: str, status: int) -> None:
    reply = await get(gateway, if_match=if_match)
    assert reply.status == status
    assert status == 200 or reply.json["reason"] == "ETAG_MISMATCH"


async def test_errors_have_no_tag_and_are_not_kept(gateway: Gateway) -> None:
    gateway.upstream.error = MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user")
    reply = await get(gateway, if_none_match="*")
    assert (reply.status, reply.headers["cache-control"]) == (404, "no-store")
    assert "etag" not in reply.headers


async def test_keys_of_tokens_may_be_kept_by_anyone_for_as_long_as_their_rotation_allows(gateway: Gateway) -> None:
    gateway.upstream.answer = {"keys": [{"kid": "k1"}]}
    first = await gateway.request("GET", "/.well-known/jwks.json", token=None)
    assert (first.status, first.headers["cache-control"]) == (200, "public, max-age=60")
    for method, known, status in (("HEAD", '"x"', 200), ("GET", first.headers["etag"], 304)):
        headers = {"if-none-match": known}
        again = await gateway.request(method, "/.well-known/jwks.json", headers=headers, token=None)
        assert (again.status, again.headers["etag"]) == (status, first.headers["etag"])
        assert again.headers["cache-control"] == "public, max-age=60"
    gateway.upstream.error = MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "auth cannot be reached")
    failed = await gateway.request("GET", "/.well-known/jwks.json", token=None)
    assert (failed.status, failed.headers["cache-control"]) == (503, "no-store")


async def patch(gateway: Gateway, body: dict[str, Any] | None = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return await gateway.request("PATCH", USER, body or {"display_name": "Ada"}, headers=named)


@pytest.mark.parametrize(
    ("if_match", "etag"),
    [('"v1"', '"v1"'), ('"v1;gzip"', '"v1"'), ('"v1;br"', '"v1"'), ('"v1;raw"', "v1"), ("*", ""), ('"a;b"', '"a;b"')],
)
async def test_condition_of_a_write_travels_in_the_etag_of_its_resource(
    gateway: Gateway, if_match: str, etag: str
) -> None:
    reply = await patch(gateway, if_match=if_match)
    assert (reply.status, reply.headers["etag"]) == (200, '"v1"'), "the new state, for the next change"
    assert gateway.upstream.last.request.user.etag == etag
    assert gateway.upstream.last.request.update_mask.paths == ["display_name"]


async def test_condition_makes_the_resource_of_a_body_that_has_none(gateway: Gateway) -> None:
    reply = await gateway.request("PATCH", USER, {}, headers={"if-match": '"v1"'})
    assert reply.status == 200
    assert gateway.upstream.last.request.user.etag == '"v1"'


@pytest.mark.parametrize(
    ("headers", "if_match", "if_none_match"),
    [
        ({"if_match": '"v1", "v2"'}, ['"v1"', '"v2"'], []),
        ({"if_match": '"v1;gzip", W/"v0", "v2;raw", "v1"'}, ['"v1"', "v2"], []),
        ({"if_none_match": "*"}, [], ["*"]),
        ({"if_none_match": '"v1", W/"v2;br"'}, [], ['"v1"', 'W/"v2"']),
        ({"if_match": '"v1", "v2"', "if_none_match": '"v2"'}, ['"v1"', '"v2"'], ['"v2"']),
    ],
)
async def test_conditions_with_several_tags_or_none_travel_in_the_preconditions(
    gateway: Gateway, headers: dict[str, str], if_match: list[str], if_none_match: list[str]
) -> None:
    assert (await patch(gateway, None, **headers)).status == 200
    request = gateway.upstream.last.request
    assert (request.preconditions.if_match, request.preconditions.if_none_match) == (if_match, if_none_match)
    assert request.user.etag == ""
    assert request.update_mask.paths == ["display_name"]


async def test_both_kinds_of_conditions_go_where_they_belong(gateway: Gateway) -> None:
    assert (await patch(gateway, None, if_match='"v1"', if_none_match='"v2"')).status == 200
    request = gateway.upstream.last.request
    assert (request.user.etag, request.preconditions.if_match) == ('"v1"', [])
    assert request.preconditions.if_none_match == ['"v2"']


CHANGES = [
    ("DELETE", USER, None),
    ("PATCH", f"{USER}/risk-profile", {"tier": "trusted"}),
    ("PATCH", "/api/v1/tasks/0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57", {"title": "x"}),
    ("POST", "/api/v1/tasks/0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57:cancel", {}),
    ("POST", "/api/v1/tasks/0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57:retry", {}),
    ("PATCH", "/api/v1/schedules/s1", {"title": "x"}),
    ("DELETE", "/api/v1/schedules/s1", None),
    ("POST", "/api/v1/schedules/s1:pause", {}),
    ("POST", "/api/v1/schedules/s1:resume", {}),
]


@pytest.mark.parametrize(("method", "target", "body"), CHANGES)
async def test_every_change_of_something_with_versions_takes_conditions(
    gateway: Gateway, method: str, target: str, body: dict[str, Any] | None
) -> None:
    gateway.upstream.answer = {}
    asked = {"if-match": '"1", "2"', "if-none-match": '"3"'}
    assert (await gateway.request(method, target, body, headers=asked)).status == 200
    stated = gateway.upstream.last.request.preconditions
    assert (stated.if_match, stated.if_none_match) == (['"1"', '"2"'], ['"3"'])


CHECK = {"user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.9"}
CREATIONS = [
    ("/api/v1/fraud-check", CHECK),
    ("/api/v1/fraud-check:batch", {"requests": [CHECK]}),
    ("/api/v1/users", {"user_id": "u1", "etag": '"v1"'}),
    ("/api/v1/tasks", {"title": "x"}),
]


@pytest.mark.parametrize(("target", "body"), CREATIONS)
async def test_what_is_not_there_yet_is_in_no_state(gateway: Gateway, target: str, body: dict[str, Any]) -> None:
    gateway.upstream.answer = {}
    for condition, status in (("*", 200), ('"v1", W/"v2"', 200)):
        reply = await gateway.request("POST", target, body, headers={"if-none-match": condition})
        assert reply.status in (status, 201), reply.body
    calls = len(gateway.upstream.calls)
    for condition in ("*", '"v1"', '"v1", "v2"', 'W/"v1"'):
        reply = await gateway.request("POST", target, body, headers={"if-match": condition})
        assert (reply.status, reply.json["reason"]) == (412, "ETAG_MISMATCH")
    assert len(gateway.upstream.calls) == calls


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"if_match": 'W/"v1"'}, 412, "ETAG_MISMATCH"),
        ({"if_match": 'W/"v1", W/"v2"'}, 412, "ETAG_MISMATCH"),
        ({"if_match": '"v1", v2'}, 400, "MALFORMED_REQUEST"),
        ({"if_match": "v1"}, 400, "MALFORMED_REQUEST"),
        ({"if_match": ""}, 400, "MALFORMED_REQUEST"),
        ({"if_none_match": "v1"}, 400, "MALFORMED_REQUEST"),
        ({"if_none_match": '*, "v1"'}, 400, "MALFORMED_REQUEST"),
    ],
)
async def test_condition_that_cannot_hold_or_be_read_changes_nothing(
    gateway: Gateway, headers: dict[str, str], status: int, reason: str
) -> None:
    reply = await patch(gateway, None, **headers)
    assert (reply.status, reply.json["reason"]) == (status, reason)
    assert not gateway.upstream.calls


@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since"])
async def test_dates_do_not_hold_up_a_change(gateway: Gateway, name: str) -> None:
    moment = "Sat, 29 Oct 1994 19:43:31 GMT"
    assert (await gateway.request("PATCH", USER, {"display_name": "A"}, headers={name: moment})).status == 200


async def test_preconditions_in_header_and_query_must_be_the_same(gateway: Gateway) -> None:
    target = f"{USER}?preconditions.if_none_match=*"
    for condition, status in (("*", 200), ('"v1"', 400)):
        reply = await gateway.request("PATCH", target, {"display_name": "A"}, headers={"if-none-match": condition})
        assert reply.status == status
    assert gateway.upstream.last.request.preconditions.if_none_match == ["*"]


async def test_condition_in_header_and_body_must_be_the_same(gateway: Gateway) -> None:
    assert (await patch(gateway, {"display_name": "A", "etag": '"v1"'}, if_match='"v1"')).status == 200
    reply = await patch(gateway, {"display_name": "A", "etag": '"v0"'}, if_match='"v1"')
    assert (reply.status, reply.json["errors"][0]["name"]) == (400, "if-match")


async def test_mismatch_that_the_service_finds_is_412(gateway: Gateway) -> None:
    gateway.upstream.error = MeshError(Kind.ABORTED, "ETAG_MISMATCH", "the user is in another state")
    reply = await patch(gateway, if_match='"v0"')
    assert (reply.status, reply.json["reason"]) == (412, "ETAG_MISMATCH")


async def test_long_answer_is_compressed_for_who_accepts_it(gateway: Gateway) -> None:
    gateway.upstream.answer = {"transactions": [{"transaction_id": f"t{n}"} for n in range(200)]}
    plain = await get(gateway, LIST)
    packed = await get(gateway, LIST, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["content-length"] == str(len(packed.body))
    assert len(packed.body) < len(plain.body) / 4
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.headers["etag"] == plain.headers["etag"].removesuffix('"') + ';gzip"'


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("coding", ["", "gzip", "br", "zstd"])
async def test_304_has_the_validators_and_the_vary_of_the_200_in_its_stead(
    gateway: Gateway, coding: str, method: str
) -> None:
    gateway.upstream.answer = {"transactions": [{"transaction_id": f"t{n}"} for n in range(200)]}
    asked = {"accept-encoding": coding}
    full = await gateway.request(method, LIST, headers=asked)
    assert full.status == 200
    tag = full.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await gateway.request(method, LIST, headers=asked | {"if-none-match": known})
        assert (again.status, again.body) == (304, b"")
        for name in ("etag", "vary", "cache-control"):
            assert again.headers[name] == full.headers[name], name


async def test_answer_in_another_coding_than_the_caller_has_is_sent(gateway: Gateway) -> None:
    gateway.upstream.answer = {"transactions": [{"transaction_id": f"t{n}"} for n in range(200)]}
    plain, packed = await get(gateway, LIST), await get(gateway, LIST, accept_encoding="gzip")
    again = await get(gateway, LIST, accept_encoding="gzip", if_none_match=plain.headers["etag"])
    assert (again.status, again.headers["etag"], again.body) == (200, packed.headers["etag"], packed.body)
    both = f"{plain.headers['etag']}, {packed.headers['etag']}"
    again = await get(gateway, LIST, accept_encoding="gzip", if_none_match=both)
    assert (again.status, again.headers["etag"]) == (304, packed.headers["etag"])


@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since"])
async def test_dates_are_ignored_where_nothing_has_one(gateway: Gateway, name: str) -> None:
    for moment in ("Sat, 29 Oct 1994 19:43:31 GMT", "Sat, 29 Oct 2194 19:43:31 GMT"):
        assert (await gateway.request("GET", USER, headers={name: moment})).status == 200
    both = {"if-none-match": '"v1"', name: "Sat, 29 Oct 1994 19:43:31 GMT"}
    assert (await gateway.request("GET", USER, headers=both)).status == 304


async def test_short_answer_and_long_write_without_wish_stay_as_they_are(gateway: Gateway) -> None:
    reply = await get(gateway, accept_encoding="gzip")
    assert "content-encoding" not in reply.headers
    assert "vary" not in reply.headers


async def test_long_answer_to_a_write_is_compressed_too(gateway: Gateway) -> None:
    gateway.upstream.answer = {"user": {"user_id": "u1", "display_name": "x" * 2000}}
    reply = await patch(gateway, accept_encoding="gzip")
    assert reply.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body))["user_id"] == "u1"


async def send_lines(gateway: Gateway, *lines: tuple[bytes, bytes]) -> Reply:
    """Sends a GET with header lines as they are."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": USER,
        "raw_path": USER.encode(),
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"authorization", b"Bearer good-token"), *lines],
        "client": ("192.0.2.1", 4711),
    }
    return await exchange(gateway.app, scope, [b""])


async def test_condition_may_come_in_several_lines(gateway: Gateway) -> None:
    assert (await send_lines(gateway, (b"if-none-match", b'"v1"'), (b"if-none-match", b'"v0"'))).status == 304


@pytest.mark.parametrize("name", [b"authorization", b"content-type", b"idempotency-key", b"x-request-id"])
async def test_header_that_must_not_be_repeated_is_refused_at_its_name(gateway: Gateway, name: bytes) -> None:
    reply = await send_lines(gateway, (name, b"Bearer good-token"), (name, b"other"))
    assert (reply.status, reply.json["errors"][0]["name"]) == (400, name.decode())
    assert not gateway.upstream.calls


MESSAGES = """
message Book { string name = 1; string etag = 2; }
message Request { string name = 1; string etag = 2; Book book = 3; }
message Reply { string etag = 1; Book book = 2; }
"""
VERSIONLESS_MESSAGES = "message Request { string name = 1; } message Reply { string name = 1; }"
METHODS = {
    "Get": 'get: "/v1/{name}"',
    "Book": 'get: "/v1/{name}/book" response_body: "book"',
    "Take": 'post: "/v1/{name}:take" body: "*"',
    "Delete": 'delete: "/v1/{name}"',
    "Update": 'put: "/v1/{name}" body: "book"',
}
VERSIONLESS = {"Go": 'post: "/v1/{name}:go" body: "*"'}


@pytest.mark.parametrize(
    ("method", "target", "where"),
    [
        ("POST", "/v1/a:take", ["etag"]),
        ("DELETE", "/v1/a", ["etag"]),
        ("PUT", "/v1/a", ["book", "etag"]),
    ],
)
def test_condition_goes_where_the_request_has_its_etag(method: str, target: str, where: list[str]) -> None:
    endpoint, captures = _match(method, target)
    message = endpoint.decode(captures, b"", b"{}" if method != "DELETE" else b"")
    Conditionals([endpoint]).apply(endpoint, message, {b"if-match": b'"v1;raw"'})
    for name in where:
        message = getattr(message, name)
    assert message == "v1"


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("POST", "/v1/a:take", {b"if-match": b'"v1", "v2"'}),
        ("PUT", "/v1/a", {b"if-none-match": b'"v1"'}),
        ("DELETE", "/v1/a", {b"if-none-match": b"*"}),
        ("POST", "/v1/a:go", {b"if-match": b'"v1"'}),
        ("POST", "/v1/a:go", {b"if-match": b"*"}),
    ],
)
def test_condition_that_a_service_of_strangers_cannot_compare_is_refused_rather_than_ignored(
    method: str, target: str, headers: dict[bytes, bytes]
) -> None:
    endpoint, captures = _match(method, target)
    message = endpoint.decode(captures, b"", b"{}" if method != "DELETE" else b"")
    with pytest.raises(MeshError, match="cannot be checked"):
        Conditionals([endpoint]).apply(endpoint, message, headers)


@pytest.mark.parametrize(("target", "etag"), [("/v1/a", b'"outer;raw"'), ("/v1/a/book", b'"inner"')])
def test_tag_is_that_of_what_the_body_shows(target: str, etag: bytes) -> None:
    endpoint, _ = _match("GET", target)
    reply = endpoint.method.output.type.from_json(json.dumps({"etag": "outer", "book": {"etag": '"inner"'}}))
    tag = Conditionals([endpoint]).tag(endpoint, reply.to_binary(), b"{}")
    assert tag is not None
    assert tag.written() == etag


def _match(method: str, target: str) -> Any:
    methods, messages = (VERSIONLESS, VERSIONLESS_MESSAGES) if target.endswith(":go") else (METHODS, MESSAGES)
    router = make_router(compile_plan(with_methods(methods, messages)))
    found = router.match(method, target)
    assert found is not None
    return found
