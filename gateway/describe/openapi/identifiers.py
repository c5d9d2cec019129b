"""Makes operation ids: unique in the document, whatever the case of a language makes of them, and stable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

from google.protobuf.descriptor import MethodDescriptor

from gateway.describe.openapi.names import plain

__all__ = ["identifiers"]


def identifiers(methods: Sequence[MethodDescriptor], taken: Iterable[str] = ()) -> list[str]:
    """Returns an identifier for each binding, given by its method: the name of the method.

    Methods of one name get that of their service in front; further bindings of a method have `_2`, `_3` behind it.
    `taken` are identifiers that others have.
    """
    used = {plain(name) for name in taken}
    stems = _stems(methods, used)
    found = []
    for method in methods:
        stem = stems[method.full_name]
        names = (stem if number == 1 else f"{stem}_{number}" for number in count(1))
        found.append(next(name for name in names if plain(name) not in used))
        used.add(plain(found[-1]))
    return found


def _stems(methods: Iterable[MethodDescriptor], used: set[str]) -> dict[str, str]:
    known = {method.full_name: method for method in methods}
    stems: dict[str, str] = {}
    for stem_of in (_short, _with_service, _whole):
        left = [method for method in known.values() if method.full_name not in stems]
        found = Counter(plain(stem_of(method)) for method in left)
        free = [each for each in left if found[plain(stem_of(each))] == 1 and plain(stem_of(each)) not in used]
        stems |= {each.full_name: stem_of(each) for each in free}
    return {method.full_name: _whole(method) for method in known.values()} | stems


def _short(method: MethodDescriptor) -> str:
    return f"{method.name[0].lower()}{method.name[1:]}"


def _with_service(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}_{method.name}"


def _whole(method: MethodDescriptor) -> str:
    return str(method.full_name).replace(".", "_")
