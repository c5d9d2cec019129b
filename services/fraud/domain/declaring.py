"""Declares event types and changes them: what a tenant may say, given what it has said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType
from services.fraud.domain.names import FieldFault, name_faults

__all__ = [
    "MAX_FIELDS",
    "MAX_KEYS",
    "MAX_TYPES",
    "DeclaredType",
    "TypeChange",
    "all_types",
    "changed",
    "declaration_faults",
]

MAX_TYPES = 100
"""Most event types that a tenant declares besides those that it has from the beginning."""
MAX_FIELDS = 64
MAX_KEYS = 8
"""Most keys of one event type, the retired with them: each has a column of the store."""
KEY_TYPES = frozenset({FieldType.STRING, FieldType.IP, FieldType.EMAIL})


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """An event type of a tenant with its times, which are None for one that is as it was from the beginning."""

    event_type: EventType
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TypeChange:
    """New values of an event type; None leaves one as it is."""

    description: str | None = None
    fields: Sequence[Field] | None = None
    """All fields that it has afterwards."""


def all_types(declared: Iterable[DeclaredType]) -> Mapping[str, DeclaredType]:
    """Returns what a tenant has by name, in their order: what it has declared, and else the built-in types."""
    found = {name: DeclaredType(each) for name, each in BUILT_IN.items()}
    found |= {each.event_type.name: each for each in declared}
    return dict(sorted(found.items()))


def changed(before: EventType, change: TypeChange) -> EventType:
    """Returns the next version of an event type, or the same object if nothing changes.

    Fields stay where they were; new ones follow.
    """
    sent = {field.name: field for field in before.fields if change.fields is None}
    sent |= {field.name: field for field in change.fields or ()}
    kept = [sent.pop(field.name) for field in before.fields]
    fields = (*kept, *sent.values())
    description = before.description if change.description is None else change.description
    if (fields, description) == (before.fields, before.description):
        return before
    return replace(before, fields=fields, description=description, version=before.version + 1)


def declaration_faults(
    name: str,
    sent: Sequence[Field],
    before: EventType | None,
    others: Iterable[EventType],
    features: Container[str] = (),
) -> Sequence[FieldFault]:
    """Returns what is wrong with the fields that an event type is to have, given what it is now and the other types.

    `features` are the names of the tenant's features: rules know both by their names alone.
    """
    rules = (_counted, _named, _keyed, _kept)
    found = [fault for rule in rules for fault in rule(sent, before)]
    found += _agreeing(name, sent, others)
    for place, field in enumerate(sent):
        if field.name in features and (before is None or before.field(field.name) is None):
            found.append(FieldFault(f"fields[{place}].name", "name.feature", "must not be the name of a feature"))
    return found


def _counted(sent: Sequence[Field], _: EventType | None) -> Iterator[FieldFault]:
    if not sent:
        yield FieldFault("fields", "fields.some", "must hold at least one field")
    if len(sent) > MAX_FIELDS:
        yield FieldFault("fields", "fields.most", f"must hold at most {MAX_FIELDS} fields, those that are retired too")
    if sum(field.key for field in sent) > MAX_KEYS:
        yield FieldFault("fields", "fields.keys", f"must hold at most {MAX_KEYS} keys, the retired with them")


def _named(sent: Sequence[Field], _: EventType | None) -> Iterator[FieldFault]:
    times = Counter(field.name for field in sent)
    for place, field in enumerate(sent):
        yield from name_faults(field.name, f"fields[{place}].name")
        if times[field.name] > 1:
            yield FieldFault(f"fields[{place}].name", "name.unique", "must name one field only")


def _keyed(sent: Sequence[Field], _: EventType | None) -> Iterator[FieldFault]:
    for place, field in enumerate(sent):
        if field.key and field.type not in KEY_TYPES:
            yield FieldFault(f"fields[{place}].key", "key.type", "is for fields of type string, ip and email alone")
        if field.entity and not field.key:
            yield FieldFault(f"fields[{place}].entity", "entity.key", "is for keys alone")
        if field.retired and field.required:
            yield FieldFault(
                f"fields[{place}].required", "required.retired", "cannot be said of a field that is retired"
            )


def _kept(sent: Sequence[Field], before: EventType | None) -> Iterator[FieldFault]:
    """What is there stays there: what is stored of it was read as its type says."""
    if before is None:
        return
    built_in = BUILT_IN.get(before.name)
    names = {field.name for field in sent}
    gone = [field.name for field in before.fields if field.name not in names]
    if gone:
        words = f"must still hold {', '.join(gone)}: a field can be retired, not removed"
        yield FieldFault("fields", "fields.kept", words)
    for place, field in enumerate(sent):
        old = before.field(field.name)
        if old is None:
            continue
        for part in ("type", "key"):
            if getattr(field, part) != getattr(old, part):
                yield FieldFault(f"fields[{place}].{part}", "immutable", "cannot be changed once the field is declared")
        if built_in is not None and built_in.field(field.name) not in (
            None,
            replace(field, type=old.type, key=old.key),
        ):
            yield FieldFault(f"fields[{place}]", "immutable", "is built in and stays as it is")


def _agreeing(name: str, sent: Sequence[Field], others: Iterable[EventType]) -> Iterator[FieldFault]:
    """Keys of one name are one kind of key, so all fields of that name have one type."""
    theirs: dict[str, list[tuple[str, Field]]] = {}
    for other in others:
        if other.name != name:
            for field in other.fields:
                theirs.setdefault(field.name, []).append((other.name, field))
    for place, field in enumerate(sent):
        for owner, other_field in theirs.get(field.name, ()):
            if other_field.type is not field.type and (field.key or other_field.key):
                words = f"must be {other_field.type.value}, as in {owner}: a key has one type in all event types"
                yield FieldFault(f"fields[{place}].type", "type.agrees", words)
                break
