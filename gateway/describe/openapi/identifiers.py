"""Makes operation ids: unique in the document, and stable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor

__all__ = ["Identifiers"]


class Identifiers:
    """Names operations after their methods; methods of one name get that of their service in front."""

    def __init__(self, methods: Iterable[MethodDescriptor]) -> None:
        known = {method.full_name: method for method in methods}
        self._stems: dict[str, str] = {}
        for stem_of in (_short, _with_service, _whole):
            left = [method for method in known.values() if method.full_name not in self._stems]
            found = Counter(stem_of(method) for method in left)
            self._stems |= {each.full_name: stem_of(each) for each in left if found[stem_of(each)] == 1}
        self._uses: Counter[str] = Counter()

    def of(self, method: MethodDescriptor) -> str:
        """Returns the next identifier of a method: further bindings have `_2`, `_3` behind it."""
        stem = self._stems[method.full_name]
        self._uses[stem] += 1
        return stem if self._uses[stem] == 1 else f"{stem}_{self._uses[stem]}"


def _short(method: MethodDescriptor) -> str:
    return f"{method.name[0].lower()}{method.name[1:]}"


def _with_service(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}_{method.name}"


def _whole(method: MethodDescriptor) -> str:
    return str(method.full_name).replace(".", "_")
