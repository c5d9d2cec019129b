"""Fingerprints the requests of one method, names them by their key, and tells which answers are final."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.calls.idempotency.ids import KeyIds
from gateway.compile.completion import completer, namer
from gateway.compile.plan import MethodPlan, Plan
from meshkit.errors import Kind

__all__ = ["FINAL", "KeyedRequests"]

FINAL = frozenset({
    Kind.INVALID_ARGUMENT, Kind.NOT_FOUND, Kind.ALREADY_EXISTS, Kind.FAILED_PRECONDITION, Kind.OUT_OF_RANGE
})  # fmt: skip
"""Errors that the same request meets again. All others may be gone at the next attempt."""

_STATUS = "google.rpc.Status"


class KeyedRequests:
    """Requests of one method, as they are handled under a key."""

    def __init__(self, method: MethodPlan, plan: Plan) -> None:
        self._name = namer(method.input, plan.registry)
        self._complete = completer(method.input, plan.registry)
        self._read = _reader(plan, method.input.type_name)
        fields = plan.pool.FindMessageTypeByName(method.input.type_name).fields
        self._masks = [field.name for field in fields if _is_mask(field)]
        """Fields that hold a set, in the order in which the caller named its members."""
        output = plan.pool.FindMessageTypeByName(method.output.type_name)
        self._statuses = _statuses(output, frozenset())
        self._read_answer = _reader(plan, method.output.type_name)

    def fingerprint(self, request: bytes) -> bytes:
        """Returns 16 bytes that are equal for requests of equal content, whatever their JSON looked like."""
        message = self._read(request)
        for name in self._masks:
            if message.HasField(name):
                getattr(message, name).paths.sort()
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
        return all(code in FINAL for code in self._statuses(self._read_answer(answer)))


def _is_mask(field: FieldDescriptor) -> bool:
    message = field.message_type
    return message is not None and message.full_name == "google.protobuf.FieldMask" and not field.is_repeated


def _reader(plan: Plan, type_name: str) -> Callable[[bytes], Message]:
    read: Callable[[bytes], Message] = GetMessageClass(plan.pool.FindMessageTypeByName(type_name)).FromString
    return read


_Statuses = Callable[[Message], Iterator[int]]


def _statuses(message: Descriptor, above: frozenset[str]) -> _Statuses | None:
    """Returns what yields the codes of every `google.rpc.Status` in a message, None if it can hold none."""
    found: list[tuple[FieldDescriptor, _Statuses]] = []
    for field in message.fields:
        below = field.message_type
        if below is None or below.GetOptions().map_entry or below.full_name in above:
            continue
        inner = _code if below.full_name == _STATUS else _statuses(below, above | {message.full_name})
        if inner is not None:
            found.append((field, inner))
    if not found:
        return None

    def codes(value: Message) -> Iterator[int]:
        for field, inner in found:
            if field.is_repeated:
                for each in getattr(value, field.name):
                    yield from inner(each)
            elif value.HasField(field.name):
                yield from inner(getattr(value, field.name))

    return codes


def _code(status: Any) -> Iterator[int]:
    yield status.code
