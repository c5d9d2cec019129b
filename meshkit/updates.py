"""What an update changes of a resource, and what of it a caller may only send back (AIP-134, AIP-203).

Who reads a resource, edits it and sends it back, sends all of it. So a field that callers cannot set is no fault in an
update as long as it says what is so. One that says otherwise is refused where that can be told from a state that has
passed: always for what never changes once the resource is there, and for the rest if the etag says that the caller has
seen the present state. Else it means nothing, as AIP-203 says of output-only fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from meshkit.errors import Violation, validation_failed

__all__ = ["Updates"]

ETAG = "etag"
TIMESTAMP = "google.protobuf.Timestamp"
SET_BY_SERVICE = "is set by the service and cannot be changed"


class Updates:
    """The fields of a resource, by what an update may say of them. Etags are in the field `etag`."""

    def __init__(
        self,
        resource: str,
        message: type[Message],
        *,
        identifier: str,
        mutable: Iterable[str],
        fixed: Iterable[str] = (),
        unversioned: Iterable[str] = (),
        fixed_words: str = SET_BY_SERVICE,
    ) -> None:
        """`resource` is the field of the requests that holds it; `fixed` fields never change once they are set.

        `fixed_words` are what is said to who wants to change them. `unversioned` fields change without the etag. All
        others but the mutable ones are versioned.
        """
        self._resource, self._identifier = resource, identifier
        self._all = frozenset(field.name for field in message.DESCRIPTOR.fields)
        self._mutable, self._fixed, self._fixed_words = frozenset(mutable), frozenset(fixed), fixed_words
        known = {identifier, ETAG, *self._mutable, *self._fixed, *unversioned}
        if not known <= self._all:
            raise ValueError(f"{message.__name__} has no {', '.join(sorted(known - self._all))}")
        self._versioned = self._all - known

    def changes(self, sent: Message, mask: FieldMask) -> frozenset[str]:
        """Returns the fields to change: those that the mask names, all for `*`, those that are set if there is none.

        Raises VALIDATION_FAILED for a path to something else than a field of the resource.
        """
        if not mask.paths:
            return self._mutable & _present(sent)
        if list(mask.paths) == ["*"]:
            return self._mutable
        if not self._all.issuperset(mask.paths):
            words = f"may name only {', '.join(sorted(self._mutable))}"
            raise validation_failed(Violation("update_mask", "update_mask.mutable", words))
        return self._mutable.intersection(mask.paths)

    def claims(self, sent: Any, mask: FieldMask) -> frozenset[str]:
        """Returns the fields of which an update says what they are without being able to change them.

        They are to be compared with the resource (`check`).
        """
        comparable = self._fixed | self._versioned if sent.etag else self._fixed
        return comparable & (_present(sent) | set(mask.paths))

    def check(self, claims: Iterable[str], sent: Any, stored: Any) -> None:
        """Raises VALIDATION_FAILED for each claim that says otherwise than the resource before the update."""
        same_state = sent.etag.strip('"') == stored.etag.strip('"')
        wrong = [
            name
            for name in sorted(claims)
            if (same_state or name in self._fixed) and _value(sent, name) != _value(stored, name)
        ]
        if wrong:
            words = {name: self._fixed_words if name in self._fixed else SET_BY_SERVICE for name in wrong}
            raise validation_failed(
                *[Violation(f"{self._resource}.{name}", "immutable", words[name]) for name in wrong]
            )

    def reduce(self, sent: Any, mask: FieldMask) -> None:
        """Reduces a resource and its mask to what an update can store: equal for updates that do the same."""
        for name in self._all - {self._identifier, ETAG} - self.changes(sent, mask):
            sent.ClearField(name)
        paths = {path for path in mask.paths if path in self._mutable or path == "*"}
        del mask.paths[:]
        mask.paths.extend(sorted(paths))
        sent.etag = sent.etag.strip('"')


def _present(message: Message) -> frozenset[str]:
    return frozenset(field.name for field, _ in message.ListFields())


def _value(message: Any, name: str) -> Any:
    """Returns what can be compared: of times the milliseconds, for many clients keep no more."""
    field = message.DESCRIPTOR.fields_by_name[name]
    if not field.has_presence:
        return getattr(message, name)
    if not message.HasField(name):
        return None
    value = getattr(message, name)
    if field.message_type is not None and field.message_type.full_name == TIMESTAMP:
        return value.seconds, value.nanos // 1_000_000
    return value
