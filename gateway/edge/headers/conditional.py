"""Applies conditional requests (RFC 9110, section 13): tags of what is read, conditions on what is written.

The version of a resource is its string field `etag` (AIP-154), found once at start. An answer to GET without one has
the hash of its body. A condition on a write travels in the `etag` field of the request: the service alone can compare
and change in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from protobuf import DescField, DescFieldValueMessage, DescFieldValueScalar, DescMessage, ScalarType

from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import Binding
from gateway.compile.plan.template import DEEP, STAR
from gateway.compile.shared import shared
from gateway.edge.headers.etags import ANY, Tag, TagError, hashed, of_field, parse
from gateway.edge.headers.preconditions import mismatch
from gateway.errors.places import malformed

__all__ = ["Conditionals", "Conditions", "Tagger", "conditions", "tagger"]

ETAG = "etag"
PRECONDITIONS = "rampart.mesh.v1.Preconditions"

Tagger = Callable[[bytes, bytes], Tag | None]
"""Returns the tag of an answer from the serialised response and from the body made of it."""


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
    """What a write makes of `If-Match` and `If-None-Match`: the service alone can compare and change in one step.

    One strong tag of `If-Match` travels in the request's `etag`, anything else in its `Preconditions`.
    """

    def __init__(self, binding: Binding) -> None:
        self._etag = _condition_field(binding)
        self._preconditions = _preconditions(binding.method.input)
        # What is not there cannot be changed or deleted: 404 comes before any condition (RFC 9110, section 13.2.1).
        self._must_exist = self.versioned or binding.http_method in ("PATCH", "DELETE")
        self.creates = binding.http_method == "POST" and binding.template.segments[-1:] not in ((STAR,), (DEEP,))

    @property
    def versioned(self) -> bool:
        """Tells whether requests have a place for the version of what they change."""
        return bool(self._etag) or self._preconditions is not None

    def apply(self, message: Any, headers: Mapping[bytes, bytes]) -> None:
        """Puts the conditions of the headers into a decoded request. Raises MeshError 400 or 412."""
        match, none_match = _tags(headers, "if-match"), _tags(headers, "if-none-match")
        if self.creates:
            # What a POST to a collection makes is not there before: it is in no state, and in none of those named.
            if match:
                raise mismatch()
            return
        if match:
            self._apply_match(message, match)
        if none_match:
            self._state(message, "if-none-match", [_said(tag) for tag in none_match])

    def _apply_match(self, message: Any, match: Sequence[Tag]) -> None:
        if match[0] is ANY and self._must_exist:
            return
        # If-Match compares strongly (RFC 9110, section 13.1.1), and a weak tag equals nothing then.
        strong = list(dict.fromkeys(_said(tag) for tag in match if not tag.weak))
        if self.versioned and not strong:
            raise mismatch()
        if len(strong) == 1 and self._etag:
            self._set(message, match[0] if len(match) == 1 else next(tag for tag in match if not tag.weak))
        else:
            self._state(message, "if-match", strong)

    def _state(self, message: Any, header: str, tags: list[str]) -> None:
        """Puts a condition into the preconditions of a request."""
        if self._preconditions is None:
            what = "has no versions" if not self._etag else "is compared with one entity tag of if-match at most"
            raise malformed("header", header, f"cannot be checked: what the method changes {what}")
        stated, name = _below(message, self._preconditions), header.replace("-", "_")
        if getattr(stated, name) not in ([], tags):
            raise malformed("header", header, "differs from the preconditions in the request")
        setattr(stated, name, tags)

    def _set(self, message: Any, tag: Tag) -> None:
        for field in self._etag[:-1]:
            message = _below(message, field)
        name = self._etag[-1].local_name
        given = getattr(message, name)
        known = of_field(given) if given else tag
        if known is None or not known.same(tag):
            raise malformed("header", "if-match", "differs from the etag in the request")
        setattr(message, name, tag.field())


def conditions(binding: Binding) -> Conditions | None:
    """Returns what a write makes of conditions, None for a read."""
    return Conditions(binding) if binding.http_method != "GET" else None


def _condition_field(binding: Binding) -> tuple[DescField, ...]:
    body = binding.body_field
    if body is not None and isinstance(body.value, DescFieldValueMessage):
        field = _text_field(body.value.message, ETAG)
        if field is not None:
            return body, field
    field = _text_field(binding.method.input, ETAG)
    return (field,) if field is not None else ()


def _preconditions(message: DescMessage) -> DescField | None:
    for field in message.fields:
        if isinstance(field.value, DescFieldValueMessage) and field.value.message.type_name == PRECONDITIONS:
            return field
    return None


def _below(message: Any, field: DescField) -> Any:
    """Returns the message in a field, made if it is absent."""
    below = getattr(message, field.local_name)
    if below is None:
        assert isinstance(field.value, DescFieldValueMessage)
        below = field.value.message.type()
        setattr(message, field.local_name, below)
    return below


def _tags(headers: Mapping[bytes, bytes], name: str) -> list[Tag]:
    """Returns the tags of a condition, none if it is not there. Raises MeshError 400."""
    header = headers.get(name.encode())
    try:
        return parse(header) if header is not None else []
    except TagError as error:
        raise malformed("header", name, str(error)) from None


def _said(tag: Tag) -> str:
    """Returns a tag as the resource says it."""
    return "*" if tag is ANY else tag.field()


class Conditionals:
    """The tags and conditions of every endpoint."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        bindings = [endpoint.binding for endpoint in endpoints]
        self._taggers = {binding: tagger(binding) for binding in bindings}
        self._conditions = {binding: conditions(binding) for binding in bindings}

    def apply(self, endpoint: Endpoint, message: Any, headers: Mapping[bytes, bytes]) -> None:
        """Puts the caller's conditions into a write. Raises MeshError 400 or 412."""
        if b"if-match" in headers or b"if-none-match" in headers:
            condition = self._conditions[endpoint.binding]
            if condition is not None:
                condition.apply(message, headers)

    def tags(self, endpoint: Endpoint) -> bool:
        """Tells whether answers of an endpoint have a tag."""
        return self._taggers[endpoint.binding] is not None

    def tag(self, endpoint: Endpoint, data: bytes, body: bytes) -> Tag | None:
        """Returns the tag of an answer from the serialised response and from the body made of it."""
        tag = self._taggers[endpoint.binding]
        return tag(data, body) if tag is not None else None
