"""A trie of path templates for one HTTP method: literal before `*` before `**`, with backtracking."""

from __future__ import annotations

import re
from typing import Generic, TypeVar
from urllib.parse import unquote

from gateway.compile.plan.template import DEEP, STAR, Template, Variable

__all__ = ["AmbiguousError", "PathError", "Trie"]

T = TypeVar("T")

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"(%2[Ff])")
_DOT_SEGMENTS = (".", "..")


class PathError(ValueError):
    """The percent encoding or the UTF-8 of a request path is broken."""


class AmbiguousError(ValueError):
    """Two templates match exactly the same paths. `other` is what was there first."""

    def __init__(self, other: object) -> None:
        super().__init__("ambiguous template")
        self.other = other


class _Node(Generic[T]):
    __slots__ = ("deep", "leaves", "literals", "star")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.star: _Node[T] | None = None
        self.deep: _Node[T] | None = None
        self.leaves: dict[str, tuple[Template, T]] = {}

    def child(self, segment: str) -> _Node[T]:
        if segment == STAR:
            self.star = self.star or _Node()
            return self.star
        if segment == DEEP:
            self.deep = self.deep or _Node()
            return self.deep
        return self.literals.setdefault(segment, _Node())


class Trie(Generic[T]):
    """Maps request paths to values."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._exact: dict[str, tuple[T, tuple[str, ...]]] = {}
        self._verbs: set[str] = set()

    def add(self, template: Template, value: T) -> None:
        """Adds a template. Raises AmbiguousError if another one matches the same paths."""
        node = self._root
        for segment in template.segments:
            node = node.child(segment)
        if template.verb in node.leaves:
            raise AmbiguousError(node.leaves[template.verb][1])
        node.leaves[template.verb] = (template, value)
        if template.verb:
            self._verbs.add(template.verb)
        if template.is_literal and "%" not in template.text:
            self._exact[template.text] = (value, ())

    def match(self, path: str) -> tuple[T, tuple[str, ...]] | None:
        """Finds the value for a raw (still encoded) path, with the texts of the template's variables in order."""
        found = self._exact.get(path)
        return found if found is not None else self._walk(path)

    def _walk(self, path: str) -> tuple[T, tuple[str, ...]] | None:
        if not path.startswith("/"):
            return None
        segments = path[1:].split("/")
        last = segments[-1]
        colon = last.find(":") if self._verbs else -1
        while colon >= 0:
            verb = _decode(last[colon + 1 :])
            if verb in self._verbs and (found := self._find([*segments[:-1], last[:colon]], verb)):
                return found
            colon = last.find(":", colon + 1)
        return self._find(segments, "")

    def _find(self, raw: list[str], verb: str) -> tuple[T, tuple[str, ...]] | None:
        segments = [_decode(segment) for segment in raw]
        if any(segment in _DOT_SEGMENTS for segment in segments):
            return None
        found = _descend(self._root, segments, 0, verb)
        if found is None:
            return None
        template, value = found
        return value, tuple([_capture(variable, raw, segments) for variable in template.variables])


def _descend(node: _Node[T], segments: list[str], depth: int, verb: str) -> tuple[Template, T] | None:
    if depth == len(segments):
        found = node.leaves.get(verb)
        return found if found is not None or node.deep is None else node.deep.leaves.get(verb)
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None and (found := _descend(literal, segments, depth + 1, verb)):
        return found
    if node.star is not None and segment and (found := _descend(node.star, segments, depth + 1, verb)):
        return found
    return _skip(node.deep, segments, depth, verb) if node.deep is not None else None


def _skip(deep: _Node[T], segments: list[str], depth: int, verb: str) -> tuple[Template, T] | None:
    """Lets `**` take as little as what follows it allows; below it there is no other `**`, so this is linear."""
    if deep.literals or deep.star is not None:
        for start in range(depth, len(segments)):
            if found := _descend(deep, segments, start, verb):
                return found
    return deep.leaves.get(verb)


def _capture(variable: Variable, raw: list[str], segments: list[str]) -> str:
    if not variable.multi:
        return segments[variable.start]
    return "/".join(_decode_keeping_slashes(segment) for segment in raw[variable.start : variable.end])


def _decode(segment: str) -> str:
    if "%" not in segment:
        return segment
    if _BAD_PERCENT.search(segment):
        raise PathError("holds a broken percent encoding")
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise PathError("is not UTF-8") from None


def _decode_keeping_slashes(segment: str) -> str:
    if "%" not in segment:
        return segment
    return "".join(
        part if index % 2 else unquote(part, errors="strict")
        for index, part in enumerate(_ENCODED_SLASH.split(segment))
    )
