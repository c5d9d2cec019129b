"""Fingerprints the requests of one method, names them by their key, and tells which answers are final."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2

from gateway.calls.idempotency.ids import KeyIds
from gateway.compile.completion import completer, namer
from gateway.compile.plan import MethodPlan, Plan
from meshkit.errors import Kind, MeshError, from_status

__all__ = ["FINAL", "KeyedRequests", "is_final"]

FINAL = frozenset({
    Kind.INVALID_ARGUMENT, Kind.NOT_FOUND, Kind.ALREADY_EXISTS, Kind.FAILED_PRECONDITION, Kind.OUT_OF_RANGE
})  # fmt: skip
"""Errors that the same request meets again. All others may be gone at the next attempt."""


def is_final(error: MeshError) -> bool:
    """Tells whether an error is the answer to its request for good.

    One that says when to come back depends on the clock, one that names a scope on the token of this attempt.
    """
    of_the_request = error.kind in FINAL or error.reason == "ETAG_MISMATCH"
    return of_the_request and error.retry_after is None and "scope" not in error.metadata


_STATUS = "google.rpc.Status"


class KeyedRequests:
    """Requests of one method, as they are handled under a key."""

    def __init__(self, method: MethodPlan, plan: Plan) -> None:
        self._name = namer(method.input, plan.registry)
        self._complete = completer(method.input, plan.registry)
        self._read = _reader(plan, method.input.type_name)
        self._even = _evening(plan.pool.FindMessageTypeByName(method.input.type_name), frozenset())
        output = plan.pool.FindMessageTypeByName(method.output.type_name)
        self._statuses = _statuses(output, frozenset())
        self._read_answer = _reader(plan, method.output.type_name)
        self.secret = any(field.GetOptions().debug_redact for field in output.fields)
        """Whether answers hold what nobody may keep: they are asked for again."""

    def fingerprint(self, request: bytes) -> bytes:
        """Returns 16 bytes that are equal for requests of equal content, whatever their JSON looked like.

        A mask is a set. Times count by the millisecond: services and clients keep them no finer, and what was read in
        an answer and is sent again is the same time.
        """
        message = self._read(request)
        if self._even is not None:
            self._even(message)
        return blake2b(message.SerializeToString(deterministic=True), digest_size=16).digest()

    def name(self, message: Any, ids: KeyIds) -> None:
        """Gives a message the identifiers that its service knows a retry by."""
        for complete in (self._name, self._complete):
            if complete is not None:
                complete(message, ids)

    def final(self, answer: bytes) -> bool:
        """Tells whether a good answer is good as a whole: one of a batch may hold errors that are worth a retry."""
        if self._statuses is None:
            return True
        return all(is_final(_error(status)) for status in self._statuses(self._read_answer(answer)))


_Even = Callable[[Any], None]


def _evening(message: Descriptor, above: frozenset[str]) -> _Even | None:
    """Returns what gives equal masks and times in a message one form, None if it can hold neither."""
    if message.full_name in _EVENED:
        return _EVENED[message.full_name]
    found: list[tuple[FieldDescriptor, _Even]] = []
    for field in message.fields:
        below = field.message_type
        if below is None or below.GetOptions().map_entry or below.full_name in above:
            continue
        inner = _evening(below, above | {message.full_name})
        if inner is not None:
            found.append((field, inner))
    if not found:
        return None

    def even(value: Any) -> None:
        for each, inner in _held(value, found):
            inner(each)

    return even


def _even_mask(mask: Any) -> None:
    paths = sorted(set(mask.paths))
    del mask.paths[:]
    mask.paths.extend(paths)


def _even_time(time: Any) -> None:
    time.nanos -= time.nanos % 1_000_000


_EVENED: dict[str, _Even] = {"google.protobuf.FieldMask": _even_mask, "google.protobuf.Timestamp": _even_time}


def _reader(plan: Plan, type_name: str) -> Callable[[bytes], Message]:
    read: Callable[[bytes], Message] = GetMessageClass(plan.pool.FindMessageTypeByName(type_name)).FromString
    return read


_Statuses = Callable[[Message], Iterator[Message]]


def _statuses(message: Descriptor, above: frozenset[str]) -> _Statuses | None:
    """Returns what yields every `google.rpc.Status` in a message, None if it can hold none."""
    found: list[tuple[FieldDescriptor, _Statuses]] = []
    for field in message.fields:
        below = field.message_type
        if below is None or below.GetOptions().map_entry or below.full_name in above:
            continue
        inner = _itself if below.full_name == _STATUS else _statuses(below, above | {message.full_name})
        if inner is not None:
            found.append((field, inner))
    if not found:
        return None

    def statuses(value: Message) -> Iterator[Message]:
        for each, inner in _held(value, found):
            yield from inner(each)

    return statuses


_Inner = TypeVar("_Inner")


def _held(message: Message, fields: Iterable[tuple[FieldDescriptor, _Inner]]) -> Iterator[tuple[Any, _Inner]]:
    """Yields the messages in those fields that are set, each with what belongs to its field."""
    for field, inner in fields:
        if field.is_repeated:
            yield from ((each, inner) for each in getattr(message, field.name))
        elif message.HasField(field.name):
            yield getattr(message, field.name), inner


def _itself(status: Message) -> Iterator[Message]:
    yield status


def _error(status: Message) -> MeshError:
    """Reads a status of the plan's own class."""
    return from_status(status_pb2.Status.FromString(status.SerializeToString()))
