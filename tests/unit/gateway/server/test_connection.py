"""What goes over a connection, on a real socket: each request has one well-formed answer, in its turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from gateway.server.limits import Limits
from tests.support.http_server import Answer, EchoServer, running_server

CLOSE = b"connection: close\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"


def check_refusal(answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.json["reason"]) == (status, reason)
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("connection") == "close"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.json["request_id"] == answer.header("x-request-id") != ""


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with running_server() as running:
        yield running


async def test_request_reaches_the_application_and_its_answer_comes_back(server: EchoServer) -> None:
    (answer,) = await server.ask(
        b"PUT /a%20b?c=d HTTP/1.1\r\nHost: x:80\r\nX-Own: 1\r\ncontent-length: 2\r\n" + CLOSE + b"\r\n{}"
    )
    assert answer.status == 200
    assert answer.header("date") is not None
    assert answer.header("connection") == "close"
    told = answer.json
    assert (told["method"], told["path"], told["raw_path"], told["query"]) == ("PUT", "/a b", "/a%20b", "c=d")
    assert ["x-own", "1"] in told["headers"]
    assert told["body"] == "{}"


async def test_head_and_body_may_come_byte_by_byte(server: EchoServer) -> None:
    request = b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n" + CLOSE + b"\r\nabc"
    (answer,) = await server.ask(*[bytes([each]) for each in request])
    assert (answer.json["path"], answer.json["body"]) == ("/x", "abc")


async def test_connection_is_kept_for_further_requests(server: EchoServer) -> None:
    answers = await server.ask(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n", LAST, wait=0.05)
    assert [answer.json["path"] for answer in answers] == ["/1", "/last"]
    assert [answer.header("connection") for answer in answers] == [None, "close"]


async def test_pipelined_requests_are_answered_in_their_order(server: EchoServer) -> None:
    requests = [b"POST /gate%d HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n%d" % (n, n) for n in range(9)]
    waiting = asyncio.create_task(server.ask(b"".join(requests) + LAST))
    await asyncio.sleep(0.05)
    assert server.seen == ["/gate0"], "one after the other"
    server.gate.set()
    answers = await waiting
    assert [answer.json["path"] for answer in answers] == [*(f"/gate{n}" for n in range(9)), "/last"]
    assert [answer.json["body"] for answer in answers] == [*map(str, range(9)), ""]


async def test_pipelined_requests_are_bounded_and_the_last_answer_says_so() -> None:
    async with running_server(Limits(pipelined=4)) as server:
        answers = await server.ask(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n" * 5000)
    assert len(answers) == 5
    assert [answer.header("connection") for answer in answers] == [None] * 4 + ["close"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/2.0\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET x:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: user@x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h:80a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h:80:80\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h:65536\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h:-1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: [::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: ::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: [::1]x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: [::g]\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: [fe80::1%25eth0]\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: []\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h%zz\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h%4\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: :80\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\xc3\xa4\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n host: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\rc\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n: b\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked,\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: ,\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip;q, chunked, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: ch unked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \r\n\r\n0\r\n\r\n",
        b"GET * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http://u@h/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http://h:80:80/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET ftp://h/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"G(T / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"FOO HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"0x1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"1 \r\n1\r\n0\r\n\r\n",
        CHUNKED + b"1\n1\n0\n\n",
        CHUNKED + b"1\r\n12\r\n0\r\n\r\n",
        CHUNKED + b"11111111111111111\r\n",
    ],
)  # fmt: skip
async def test_what_is_ambiguous_or_no_http_is_refused_once_and_ends_the_connection(
    server: EchoServer, request_bytes: bytes
) -> None:
    (answer,) = await server.ask(request_bytes + LAST)
    check_refusal(answer, 400, "MALFORMED_REQUEST")
    assert "/last" not in server.seen, "nothing behind it is a request"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"FOO / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"get / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GETS / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PLAY / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip;a=b\t,\tchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_unknown_method_or_transfer_coding_is_not_implemented(server: EchoServer, request_bytes: bytes) -> None:
    (answer,) = await server.ask(request_bytes + LAST)
    check_refusal(answer, 501, "NOT_IMPLEMENTED")
    assert server.seen == []


async def test_request_behind_which_an_unknown_method_comes_has_its_answer(server: EchoServer) -> None:
    answers = await server.ask(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\nBREW / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert [answer.status for answer in answers] == [200, 501]


async def test_refusal_carries_the_request_id_of_its_caller(server: EchoServer) -> None:
    (answer,) = await server.ask(b"GET / HTTP/1.1\r\nx-request-id: mine-1\r\nhost: a b\r\n\r\n")
    assert answer.header("x-request-id") == answer.json["request_id"] == "mine-1"


async def test_refusal_of_a_head_has_no_body(server: EchoServer) -> None:
    data = await server.raw(b"HEAD / HTTP/1.1\r\nhost: a b\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 400 ")
    assert data.endswith(b"\r\n\r\n")


BLANKS = [b" ", b"\t", b" \t ", b"\t\t"]


@pytest.mark.parametrize("blanks", BLANKS)
async def test_blanks_around_a_value_are_no_part_of_it(server: EchoServer, blanks: bytes) -> None:
    head = (b"host: x", b"content-length: 2", b"x-own: 1 2", b"connection: close", b"expect: 100-continue")
    lines = b"".join(line.replace(b": ", b":" + blanks) + blanks + b"\r\n" for line in head)
    first, answer = await server.ask(b"POST /p HTTP/1.1\r\n" + lines + b"\r\n{}")
    assert (first.status, answer.status, answer.json["body"]) == (100, 200, "{}")
    assert ["x-own", "1 2"] in answer.json["headers"]
    assert answer.header("connection") == "close"


@pytest.mark.parametrize("wait", [0.0, 0.02])
@pytest.mark.parametrize("blanks", BLANKS)
async def test_coding_is_known_whatever_blanks_stand_around_it(server: EchoServer, blanks: bytes, wait: float) -> None:
    head = b"POST /1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding:%bchunked%b\r\n\r\n" % (blanks, blanks)
    body = (b"2\r\n{}\r\n", b"0\r\nhost: y\r\n\r\n")
    answers = await server.ask(head, *body, head, *body, LAST, wait=wait)
    assert [(answer.json["path"], answer.json["body"]) for answer in answers] == [
        ("/1", "{}"),
        ("/1", "{}"),
        ("/last", ""),
    ]
    (answer,) = await server.ask(head + b"2\r\n{}\r\nzz\r\n" + LAST)
    check_refusal(answer, 400, "MALFORMED_REQUEST")


async def test_host_of_an_absolute_target_counts(server: EchoServer) -> None:
    (answer,) = await server.ask(b"GET http://other:81?q HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert [value for name, value in answer.json["headers"] if name == "host"] == ["other:81"]
    assert (answer.json["raw_path"], answer.json["query"]) == ("/", "q")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET http://other/p?q HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n",
        b"\r\n\r\nGET /p?q HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n",
        b"GET /p?q HTTP/1.0\r\n\r\n",
        b"GET /p?q HTTP/1.1\r\nhost: [::1]:8080\r\n" + CLOSE + b"\r\n",
        b"GET /p?q HTTP/1.1\r\nhost: [v1.a:b]\r\n" + CLOSE + b"\r\n",
        b"GET /p?q HTTP/1.1\r\nhost: a_b.example:\r\n" + CLOSE + b"\r\n",
        b"GET /p?q HTTP/1.1\r\nhost: h%c3%a4:65535\r\n" + CLOSE + b"\r\n",
        b"GET HTTPS://[::1]:80/p?q HTTP/1.1\r\nhost:\r\n" + CLOSE + b"\r\n",
        b"GET /p?q HTTP/1.1\r\nhost:\r\n" + CLOSE + b"\r\n",
    ],
)
async def test_other_ways_to_ask_the_same_are_understood(server: EchoServer, request_bytes: bytes) -> None:
    (answer,) = await server.ask(request_bytes)
    assert answer.status == 200
    assert (answer.json["raw_path"], answer.json["query"]) == ("/p", "q")


async def test_server_wide_options_have_the_star_for_their_path(server: EchoServer) -> None:
    (answer,) = await server.ask(b"OPTIONS * HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.json["raw_path"] == "*"


async def test_earlier_requests_have_their_answers_before_a_refusal(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.ask(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n"))
    await asyncio.sleep(0.05)
    server.gate.set()
    assert [answer.status for answer in await waiting] == [200, 400]


async def test_bad_chunk_behind_a_request_under_way_refuses_its_own_request_only(server: EchoServer) -> None:
    bad = CHUNKED.replace(CLOSE, b"") + b"zz\r\n"
    waiting = asyncio.create_task(server.ask(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n" + bad))
    await asyncio.sleep(0.05)
    server.gate.set()
    assert [answer.status for answer in await waiting] == [200, 400]
    assert server.seen == ["/gate"]


async def test_application_is_told_when_a_body_breaks_off_in_a_bad_chunk(server: EchoServer) -> None:
    (answer,) = await server.ask(CHUNKED + b"1\r\na\r\n", b"zz\r\n", wait=0.05)
    assert answer.status == 400
    assert server.seen == ["/", "gone"]


async def test_trailers_do_not_pass_for_headers(server: EchoServer) -> None:
    (answer,) = await server.ask(CHUNKED + b"2;ext=1\r\n{}\r\n0\r\nauthorization: Bearer x\r\n\r\n")
    assert answer.json["body"] == "{}"
    assert "authorization" not in dict(answer.json["headers"])


async def test_nothing_behind_the_last_request_is_served(server: EchoServer) -> None:
    (answer,) = await server.ask(LAST + b"GET /more HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.json["path"] == "/last"
    assert server.seen == ["/last"]


UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"


@pytest.mark.parametrize("wait", [0.0, 0.03])
@pytest.mark.parametrize(
    ("framing", "sent", "body"),
    [
        (b"", b"", ""),
        (b"content-length: 0\r\n", b"", ""),
        (b"content-length: 33\r\n", b"GET /smuggled HTTP/1.1\r\nhost: x\r\n", "GET /smuggled HTTP/1.1\r\nhost: x\r\n"),
        (b"transfer-encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nhost: y\r\n\r\n", "{}"),
    ],
)
async def test_upgrade_to_http2_is_declined_and_its_request_served(
    server: EchoServer, framing: bytes, sent: bytes, body: str, wait: float
) -> None:
    head = b"POST /1 HTTP/1.1\r\nhost: x\r\n" + UPGRADE + framing + b"\r\n"
    answers = await server.ask(head, sent, LAST, wait=wait)
    assert [(answer.status, answer.json["path"], answer.json["body"]) for answer in answers] == [
        (200, "/1", body),
        (200, "/last", ""),
    ]
    together = await server.ask(head + sent + head + sent + LAST)
    assert [answer.json["path"] for answer in together] == ["/1", "/1", "/last"]


async def test_caller_is_told_to_continue_once_the_application_reads(server: EchoServer) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n" + CLOSE + b"\r\n"
    first, second = await server.ask(head, b"{}", wait=0.05)
    assert (first.status, second.status, second.json["body"]) == (100, 200, "{}")


async def test_caller_that_was_not_told_to_continue_loses_its_connection(server: EchoServer) -> None:
    # Its body will not come, and the next request would be read as the body.
    head = b"POST /deaf HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n"
    (answer,) = await server.ask(head, LAST, wait=0.05)
    assert (answer.status, answer.header("connection")) == (200, "close")
    assert server.seen == ["/deaf"]


async def test_nobody_is_told_to_continue_with_http_1_0(server: EchoServer) -> None:
    head = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}"
    assert [answer.status for answer in await server.ask(head)] == [200]


async def test_answer_without_a_length_is_chunked_or_ends_with_the_connection(server: EchoServer) -> None:
    for version in (b"1.1", b"1.0"):
        (answer,) = await server.ask(b"GET /chunked HTTP/" + version + b"\r\nhost: x\r\n" + CLOSE + b"\r\n")
        assert answer.json["path"] == "/chunked"
        assert answer.header("transfer-encoding") == ("chunked" if version == b"1.1" else None)


async def test_answer_to_head_has_a_length_and_no_body(server: EchoServer) -> None:
    data = await server.raw(
        b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\nHEAD /chunked HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n"
    )
    first, second, rest = data.split(b"\r\n\r\n")
    assert b"content-length: " in first
    assert second.startswith(b"HTTP/1.1 200")
    assert rest == b""


@pytest.mark.parametrize("path", [b"/fail", b"/split", b"/split-lf", b"/split-cr", b"/nul"])
async def test_application_that_fails_is_a_500_without_its_words(
    server: EchoServer, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (answer,) = await server.ask(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (answer.status, answer.json["reason"]) == (500, "INTERNAL")
    assert answer.header("set-cookie") is None
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_answer_of_another_length_than_announced_is_never_sent(server: EchoServer) -> None:
    (answer,) = await server.ask(b"GET /short HTTP/1.1\r\nhost: x\r\n\r\n" + LAST)
    assert (answer.status, answer.json["reason"]) == (500, "INTERNAL")


async def test_unread_body_is_skipped_and_too_much_of_it_ends_the_connection() -> None:
    async with running_server(Limits(discarded_bytes=100_000)) as server:
        head = b"POST /deaf HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
        answers = await server.ask(head % 50_000, b"x" * 50_000, head % 90_000, b"x" * 90_000, LAST, wait=0.03)
        assert [answer.json["path"] for answer in answers] == ["/deaf", "/deaf", "/last"]
        server.seen.clear()
        assert len(await server.ask(head % 900_000, b"x" * 900_000, LAST, wait=0.03)) == 1
        assert server.seen == ["/deaf"]


async def test_stop_lets_the_answer_that_is_due_be_the_last(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.ask(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n"))
    idle = asyncio.create_task(server.ask(b""))
    await asyncio.sleep(0.05)
    for connection in list(server.state.connections):
        connection.shutdown()
    assert await idle == []
    server.gate.set()
    (answer,) = await waiting
    assert (answer.status, answer.header("connection")) == (200, "close")
