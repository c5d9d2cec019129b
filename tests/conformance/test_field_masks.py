"""Field masks: inferred from the keys of a PATCH body (AIP-134), or given, in names of the proto or of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.transcoding import Asked, Edge, Refused

Everything = Callable[[str], str]


def _mask(*paths: str) -> str:
    return "mask { " + " ".join(f'paths: "{path}"' for path in paths) + " }"


INFERRED = [
    ({}, ()),
    ({"size": 1}, ("size",)),
    ({"size": 0}, ("size",)),
    ({"size": None}, ("size",)),
    ({"size": 1, "ean": "a"}, ("size", "ean")),
    ({"inner": {"size": 1}}, ("inner.size",)),
    ({"inner": {"partId": "a", "size": 1}}, ("inner.part_id", "inner.size")),
    ({"inner": {"inner": {"inner": {"size": 1}}}}, ("inner.inner.inner.size",)),
    ({"inner": {}}, ("inner",)),
    ({"inner": None}, ("inner",)),
    ({"parts": []}, ("parts",)),
    ({"parts": [{"size": 1}, {"part_id": "a"}]}, ("parts",)),
    ({"byName": {"a": {"size": 1}}}, ("by_name",)),
    ({"by_name": {}}, ("by_name",)),
    ({"extras": {}}, ("extras",)),
    ({"extras": {"a": 1, "b": {"c": [1]}}}, ("extras",)),
    ({"extras": {"a.b": 1, "c": 2}}, ("extras",)),
    ({"extras": {"fooBar": 1, "*": 2}}, ("extras",)),
    ({"extras": {"a": {"": 1}}}, ("extras",)),
    ({"anything": {"a": {"b": 1}}}, ("anything",)),
    ({"anything": {"fooBar": 1}}, ("anything",)),
    ({"anything": {"a.b": 1}}, ("anything",)),
    ({"anything": [{"a": 1}]}, ("anything",)),
    ({"inner": {"anything": {"fooBar": 1}}}, ("inner.anything",)),
    ({"items": [1, {"a": 1}]}, ("items",)),
    ({"packed": {"@type": "type.googleapis.com/conformance.Part", "size": 1}}, ("packed",)),
    ({"number": "5"}, ("number",)),
    ({"number": None, "ean": "a"}, ("number", "ean")),
    ({"partId": "other", "size": 1}, ("size",)),
    ({"inner": {"part_id": "a"}, "part_id": "b"}, ("inner.part_id",)),
]


@pytest.mark.parametrize(("body", "paths"), INFERRED, ids=[json.dumps(body) for body, _ in INFERRED])
async def test_patch_means_the_fields_that_it_names(
    edge: Edge, everything: Everything, body: Any, paths: tuple[str, ...]
) -> None:
    found = await edge.ask("PATCH", "/v1/parts/7", json.dumps(body).encode())
    assert isinstance(found, Asked)
    without_part = found.message[found.message.index("mask {") :]
    assert without_part == everything(_mask(*paths))
    assert 'part_id: "7"' in found.message


async def test_patch_of_a_struct_means_its_members(edge: Edge, everything: Everything) -> None:
    found = await edge.ask("PATCH", "/v1/structs", b'{"a": 1}')
    assert isinstance(found, Asked)
    struct = 'struct { fields { key: "a" value { number_value: 1 } } }'
    assert found.message in (everything(struct), everything(f"{struct} {_mask('a')}"))


@pytest.mark.parametrize(
    ("query", "body", "paths"),
    [
        ("mask=size", {"size": 1}, ("size",)),
        ("mask=size", {"size": 1, "ean": "a"}, ("size",)),
        ("mask=size,part_id", {"size": 1}, ("size", "part_id")),
        ("mask=partId,inner.partId", {"inner": {"partId": "a"}}, ("part_id", "inner.part_id")),
        ("mask=inner.size", {"inner": None}, ("inner.size",)),
        ("mask=size,ean", {"size": 0, "ean": None}, ("size", "ean")),
        ("mask=*", {"size": 1}, ("*",)),
        ("mask=", {"size": 1}, ()),
        ("mask=by_name", {"byName": {}}, ("by_name",)),
        ("mask=by_name.a.size", {"byName": {"a": {"size": 1}}}, ("by_name.a.size",)),
        ("mask=extras.foo_bar.c", {"extras": {"foo_bar": {"c": 1}}}, ("extras.foo_bar.c",)),
        ("mask=extras", {"extras": {"fooBar": 1}}, ("extras",)),
    ],
)
async def test_patch_keeps_the_mask_that_the_caller_gives(
    edge: Edge, as_request: Callable[[str, str], str], query: str, body: Any, paths: tuple[str, ...]
) -> None:
    found = await edge.ask("PATCH", f"/v1/parts/7?{query}", json.dumps(body).encode())
    assert isinstance(found, Asked), found
    assert found.message[found.message.index("mask {") :] == as_request("Patch", _mask(*paths))


@pytest.mark.parametrize("method", ["PATCH"])
@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("mask=size,ean", {"size": 1}),
        ("mask=by_name", {"size": 1}),
        ("mask=inner.size", {"inner": {}}),
        ("mask=inner.size", {"size": 1}),
        ("mask=by_name.a", {"byName": {"b": {}}}),
        ("mask=extras.a", {"extras": {"b": 1}}),
        ("mask=size.more", {"size": 1}),
        ("mask=nothing", {"size": 1}),
        ("mask=size", {}),
        ("mask=extras.fooBar", {"extras": {"fooBar": 1}}),
        ("mask=anything.a_1", {"anything": {"a_1": 1}}),
        ("mask=labels", None),
    ],
)
async def test_mask_of_what_the_body_does_not_hold_is_refused(edge: Edge, method: str, query: str, body: Any) -> None:
    sent = json.dumps(body).encode() if body is not None else None
    found = await edge.ask(method, f"/v1/parts/7?{query}", sent)
    assert found == Refused(400, "query", "mask")


async def test_patch_without_a_body_means_nothing(edge: Edge, everything: Everything) -> None:
    found = await edge.ask("PATCH", "/v1/parts/7", None)
    assert found == Asked("Patch", everything('part { part_id: "7" }'))


@pytest.mark.parametrize("method", ["PUT"])
async def test_only_patch_infers_a_mask(edge: Edge, everything: Everything, method: str) -> None:
    found = await edge.ask(method, "/v1/parts/7", b'{"size": 1}')
    assert found == Asked("Patch", everything('part { part_id: "7" size: 1 }'))


async def test_patch_with_the_whole_request_as_body_infers_no_mask(edge: Edge, everything: Everything) -> None:
    found = await edge.ask("PATCH", "/v1/everything/a", b'{"part": {"size": 1}}')
    assert found == Asked("Post", everything('string_value: "a" part { size: 1 }'))


@pytest.mark.parametrize("body", ["[]", '"a"', '{"unknown": 1}', '{"size": "x"}', '{"part_id": "a", "partId": "b"}'])
async def test_patch_that_cannot_be_read_is_refused(edge: Edge, body: str) -> None:
    found = await edge.ask("PATCH", "/v1/parts/7", body.encode())
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "body")
