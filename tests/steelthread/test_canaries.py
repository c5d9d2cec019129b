"""Nothing that a caller sends comes to light where it does not belong: logs, metrics, traces, errors, audit events."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass

from console.http import HttpClient, Response
from meshkit.topology import load
from tests.steelthread.edge import CHECK, Edge, a_check
from tests.steelthread.platform import SCOPES, Platform
from tests.support.otlp import Collector
from tests.support.protos import descriptors_of

MARK = f"zq7c{secrets.token_hex(3)}x"
FOUND = re.compile(rf"{MARK}[0-9]+")
FORGED = '\r\n{"level": "ERROR", "message": "forged"}\x1b[31m\u2028'
VARIABLE = re.compile(r"\{([a-z0-9_.]+)[^}]*\}")
STRING = FieldDescriptor.TYPE_STRING
DEPTH = 3

METHODS = [method for service in descriptors_of(load().services) for method in service.methods]


class Canaries:
    """Marks, each of which is sent in one place."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def at(self, place: str) -> str:
        mark = f"{MARK}{len(self.places)}"
        self.places[mark] = place
        return mark

    def found_in(self, text: str) -> set[str]:
        """Returns the places whose marks are in a text."""
        return {self.places[mark] for mark in FOUND.findall(text) if mark in self.places}


def fill(message: Any, place: str, canaries: Canaries, more: str, depth: int = DEPTH) -> None:
    """Puts a mark into every string of a message, and of the messages in it."""
    descriptor: Descriptor = message.DESCRIPTOR
    for field in descriptor.fields:
        here = f"{place}.{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.type == STRING:
            value = canaries.at(here) + more
            getattr(message, field.name).append(value) if field.is_repeated else setattr(message, field.name, value)
        elif field.message_type is not None and depth and not field.message_type.full_name.startswith("google."):
            inside = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
            fill(inside, here, canaries, more, depth - 1)


def bound(method: MethodDescriptor) -> tuple[str, str, str] | None:
    """Returns verb, path and body of the HTTP binding of a method; None without one."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return (verb.upper(), getattr(rule, verb), rule.body) if verb not in (None, "custom") else None


def requests_of(canaries: Canaries, more: str) -> Iterator[tuple[str, str, bytes]]:
    """Yields a request to every method of the API, with a mark in every string that it has."""
    for method in METHODS:
        binding = bound(method)
        if binding is None or method.server_streaming:
            continue
        verb, template, body = binding
        message = GetMessageClass(method.input_type)()
        fill(message, method.name, canaries, more)
        path = _path(template, message)
        sent = MessageToDict(message, preserving_proto_field_name=True)
        if body:
            chosen = sent if body == "*" else sent.get(body, {})
            yield verb, path, json.dumps(chosen).encode()
        else:
            scalars = {name: value for name, value in sent.items() if isinstance(value, str)}
            yield verb, f"{path}?{urlencode(scalars)}", b""


def _path(template: str, message: Any) -> str:
    return VARIABLE.sub(lambda found: quote(_value(message, found[1]), safe=""), template)


def _value(message: Any, path: str) -> str:
    for name in path.split("."):
        message = getattr(message, name)
    return str(message)


async def accepted(edge: Edge, canaries: Canaries) -> None:
    """Sends what the platform takes: people, cards, addresses, words and notes that it stores and works with."""

    def at(place: str) -> str:
        return canaries.at(place)

    user = at("user_id")
    fields = ("device_fingerprint", "transaction_id", "merchant_id", "card_fingerprint")
    await edge.check(user_id=user, email=f"{at('email')}@a.example", **{name: at(name) for name in fields})
    person = {"display_name": at("display_name"), "email": f"{at('user.email')}@a.example"}
    await edge.post("/api/v1/users", {"user_id": user, **person})
    await edge.send("DELETE", f"/api/v1/users/{user}")
    name = "l" + secrets.token_hex(6)
    await edge.post("/api/v1/lists", {"name": name, "description": at("list.description")})
    await edge.post(
        f"/api/v1/lists/{name}/entries:add", {"entries": [{"value": at("entry"), "note": at("entry.note")}]}
    )
    await edge.send("DELETE", f"/api/v1/lists/{name}")


async def sign_in(edge: Edge, canaries: Canaries) -> list[Response]:
    """Sends credentials and tokens that are wrong."""
    wrong = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": canaries.at("secret")}
    odd = {"grant_type": canaries.at("grant_type"), "client_id": canaries.at("client_id"), "client_secret": "x"}
    media = {"content_type": "application/x-www-form-urlencoded"}
    return [
        await edge.bare("POST", "/api/v1/oauth/token", urlencode(wrong).encode(), **media),
        await edge.bare("POST", "/api/v1/oauth/token", urlencode(odd).encode(), **media),
        await edge.bare("GET", CHECK, authorization=f"Bearer {canaries.at('token')}"),
        await edge.bare("GET", CHECK, authorization=f"Bearer e30.{canaries.at('claims')}.e30"),
        await edge.bare("GET", CHECK, authorization=f"Basic {canaries.at('basic')}", cookie=canaries.at("cookie")),
        await edge.bare("GET", "/healthy?x=" + canaries.at("query"), user_agent=canaries.at("user-agent")),
        await edge.bare("POST", CHECK, json.dumps({canaries.at("name of a field"): 1}).encode()),
    ]


@pytest.fixture(scope="module")
async def sent(platform: Platform) -> tuple[Canaries, list[str], str]:
    """What was sent where, the errors that answered, and the traces."""
    canaries, errors = Canaries(), []
    edge = await platform.new_edge(scopes=(*SCOPES, "audit:read", "pii:read"))
    trace = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    await accepted(edge, canaries)
    await edge.send("POST", CHECK, json.dumps(a_check(user_id=canaries.at("traced user"))).encode(), headers=headers)
    answers = await sign_in(edge, canaries)
    for more in ("", FORGED):
        for verb, path, body in requests_of(canaries, more):
            answers.append(await edge.send(verb, path, body, headers=headers))
    errors = [answer.body.decode(errors="replace") for answer in answers if answer.status >= 400]
    await asyncio.sleep(3)
    return canaries, errors, trace


async def test_every_method_was_tried_and_what_is_to_be_stored_is(
    platform: Platform, sent: tuple[Canaries, list[str], str]
) -> None:
    canaries, errors, _ = sent
    assert len(canaries.places) > 500 and len(errors) > 100
    stored = await platform.rows("fraud", f"SELECT decisions::text FROM decisions WHERE user_id LIKE '{MARK}%'")
    assert canaries.found_in(str(stored)) >= {"user_id", "traced user"}


async def test_errors_do_not_say_what_was_sent(sent: tuple[Canaries, list[str], str]) -> None:
    canaries, errors, _ = sent
    assert canaries.found_in("".join(errors)) == set()


async def test_logs_do_not_say_what_was_sent_and_no_line_is_forged(
    platform: Platform, sent: tuple[Canaries, list[str], str]
) -> None:
    canaries, _, __ = sent
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((platform.home / "logs").glob("*.log")):
        text = path.read_text(errors="replace")
        found[path.name] = canaries.found_in(text)
        assert "\x1b" not in text and '"message": "forged"' not in text.replace("\\", ""), path.name
        for line in text.splitlines():
            assert not line.startswith("{") or json.loads(line)["message"] != "forged"
    assert {name: places for name, places in found.items() if places} == {}


async def test_metrics_do_not_say_what_was_sent(platform: Platform, sent: tuple[Canaries, list[str], str]) -> None:
    canaries, _, __ = sent
    for address in platform.dev["admin"].values():
        client = HttpClient(f"http://{address}", connections=1)
        text = (await client.request("GET", "/metrics")).body.decode()
        client.close()
        assert "# HELP" in text
        assert canaries.found_in(text) == set()


async def test_traces_do_not_say_what_was_sent(collector: Collector, sent: tuple[Canaries, list[str], str]) -> None:
    canaries, _, trace = sent
    spans = collector.trace(trace)
    assert spans
    assert canaries.found_in("".join(str(span.raw) for span in spans)) == set()


async def test_audit_events_do_not_say_what_was_sent(platform: Platform, sent: tuple[Canaries, list[str], str]) -> None:
    canaries, _, __ = sent
    rows = await platform.rows("auth", "SELECT content FROM audit_events")
    assert rows
    assert canaries.found_in("".join(row["content"] for row in rows)) == set()
