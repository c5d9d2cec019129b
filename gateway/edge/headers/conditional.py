"""Applies conditional requests (RFC 9110, section 13): tags of what is read, conditions on what is written.

The version of a resource is its string field `etag` (AIP-154), found once at start. An answer to GET without one has
the hash of its body. A condition on a write travels in the `etag` field of the request: the service alone can compare
and change in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from protobuf import DescField, DescFieldValueMessage, DescFieldValueScalar, DescMessage, ScalarType

from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import Binding
from gateway.compile.shared import shared
from gateway.edge.headers.etags import ANY, Tag, TagError, hashed, of_field, parse
from gateway.errors.places import malformed
from meshkit.errors import Kind, MeshError

__all__ = ["Conditionals", "Conditions", "Tagger", "conditions", "mismatch", "tagger"]

ETAG = "etag"

Tagger = Callable[[bytes, bytes], Tag | None]
"""Returns the tag of an answer from the serialised response and from the body made of it."""


def mismatch() -> MeshError:
    """Returns the error for a resource that is not in the state that the caller knows: 412."""
    return MeshError(Kind.ABORTED, "ETAG_MISMATCH", "the resource is in another state than the condition says")


def tagger(binding: Binding) -> Tagger | None:
    """Returns how answers of a binding are tagged; None for a change of something without versions."""
    read = _version(binding.method.output, binding.response_field)
    if binding.http_method == "GET":
        digest = shared(hashed) if binding.method.policy.collapsible else hashed
        return (lambda data, body: read(data) or digest(body)) if read is not None else (lambda _, body: digest(body))
    return (lambda data, _: read(data)) if read is not None else None


def _version(output: DescMessage, response_field: DescField | None) -> Callable[[bytes], Tag | None] | None:
    """Finds the version in the response itself, in the field that is the body, or in the only field."""
    steps: list[str] = []
    message = output
    if response_field is None and _text_field(output, ETAG) is None and len(output.fields) == 1:
        response_field = output.fields[0]
    if response_field is not None:
        if not isinstance(response_field.value, DescFieldValueMessage):
            return None
        steps.append(response_field.local_name)
        message = response_field.value.message
    field = _text_field(message, ETAG)
    if field is None:
        return None
    steps.append(field.local_name)
    from_binary = output.type.from_binary

    def read(data: bytes) -> Tag | None:
        value: Any = from_binary(data)
        for name in steps:
            value = getattr(value, name) if value is not None else None
        return of_field(value) if value else None

    return read


def _text_field(message: DescMessage, name: str) -> DescField | None:
    for field in message.fields:
        if field.name == name and isinstance(field.value, DescFieldValueScalar):
            return field if field.value.scalar is ScalarType.STRING else None
    return None


class Conditions:
    """What a write makes of `If-Match` and `If-None-Match`. `steps` lead to the `etag` field; none if there is none."""

    def __init__(self, http_method: str, steps: tuple[DescField, ...]) -> None:
        self._steps = steps
        # What is not there cannot be changed or deleted: 404 comes before any condition (RFC 9110, section 13.2.1).
        self._must_exist = bool(steps) or http_method in ("PATCH", "DELETE")

    @property
    def versioned(self) -> bool:
        """Tells whether requests have a place for the version of what they change."""
        return bool(self._steps)

    def apply(self, message: Any, headers: Mapping[bytes, bytes]) -> None:
        """Puts the condition of the headers into a decoded request. Raises MeshError 400 or 412."""
        if b"if-none-match" in headers:
            raise malformed("header", "if-none-match", "is a condition of reads only")
        tag = _only(headers[b"if-match"])
        if tag is ANY and self._must_exist:
            return
        if not self._steps:
            raise malformed("header", "if-match", "cannot be checked: what the method changes has no versions")
        if tag.weak:
            # If-Match compares strongly (RFC 9110, section 13.1.1), and a weak tag equals nothing then.
            raise mismatch()
        self._set(message, tag)

    def _set(self, message: Any, tag: Tag) -> None:
        for field in self._steps[:-1]:
            below = getattr(message, field.local_name)
            if below is None:
                assert isinstance(field.value, DescFieldValueMessage)
                below = field.value.message.type()
                setattr(message, field.local_name, below)
            message = below
        name = self._steps[-1].local_name
        given = getattr(message, name)
        known = of_field(given) if given else tag
        if known is None or not known.same(tag):
            raise malformed("header", "if-match", "differs from the etag in the request")
        setattr(message, name, tag.field())


def conditions(binding: Binding) -> Conditions | None:
    """Returns what a write makes of conditions, None for a read."""
    if binding.http_method == "GET":
        return None
    return Conditions(binding.http_method, _condition_field(binding))


def _condition_field(binding: Binding) -> tuple[DescField, ...]:
    body = binding.body_field
    if body is not None and isinstance(body.value, DescFieldValueMessage):
        field = _text_field(body.value.message, ETAG)
        if field is not None:
            return body, field
    field = _text_field(binding.method.input, ETAG)
    return (field,) if field is not None else ()


def _only(header: bytes) -> Tag:
    try:
        tags = parse(header)
    except TagError as error:
        raise malformed("header", "if-match", str(error)) from None
    if len(tags) > 1:
        raise malformed("header", "if-match", "may name one entity tag here")
    return tags[0]


class Conditionals:
    """The tags and conditions of every endpoint."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        found = list(endpoints)
        self._taggers = {endpoint: tagger(endpoint.binding) for endpoint in found}
        self._conditions = {endpoint: conditions(endpoint.binding) for endpoint in found}

    def apply(self, endpoint: Endpoint, message: Any, headers: Mapping[bytes, bytes]) -> None:
        """Puts the caller's condition into a write. Raises MeshError 400 or 412."""
        condition = self._conditions[endpoint]
        if condition is not None:
            condition.apply(message, headers)

    def tags(self, endpoint: Endpoint) -> bool:
        """Tells whether answers of an endpoint have a tag."""
        return self._taggers[endpoint] is not None

    def tag(self, endpoint: Endpoint, data: bytes, body: bytes) -> Tag | None:
        """Returns the tag of an answer from the serialised response and from the body made of it."""
        tag = self._taggers[endpoint]
        return tag(data, body) if tag is not None else None
