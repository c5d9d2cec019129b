"""Parses path templates of `google.api.http`.

Grammar (google/api/http.proto):

    Template = "/" Segments [ Verb ] ;
    Segments = Segment { "/" Segment } ;
    Segment  = "*" | "**" | LITERAL | Variable ;
    Variable = "{" FieldPath [ "=" Segments ] "}" ;
    FieldPath = IDENT { "." IDENT } ;
    Verb     = ":" LITERAL ;

What LITERAL is the grammar leaves open: here it is what a path segment may hold (`pchar`, RFC 3986), so that `=` and
`:` are part of it where they cannot be anything else; an asterisk is not, being a misplaced wildcard. Two things go
beyond the grammar, because both reference implementations accept them: the template "/", and segments after `**`,
which may be there once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["DEEP", "STAR", "Template", "TemplateError", "Variable", "parse"]

# A literal may be an asterisk, written %2A, but never holds NUL.
STAR = "\0*"
"""Matches exactly one segment."""
DEEP = "\0**"
"""Matches zero or more segments."""

_WILDCARDS = {"*": STAR, "**": DEEP}
_SEGMENT = re.compile(r"\{[^{}]*\}|[^{}/]+")
_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;=:@]|%[0-9A-Fa-f]{2})+")
_VARIABLE = re.compile(r"\{([^=]*)(?:=(.*))?\}")
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TemplateError(ValueError):
    """A path template breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A part of the path that binds a field."""

    field_path: tuple[str, ...]
    start: int
    """First segment; counted from the end, and negative, after a `**`."""
    end: int | None
    """Segment after the last; None means the end of the path, negative counts from there."""
    multi: bool
    """True if it can match more than one segment: then an encoded slash stays encoded."""

    @property
    def name(self) -> str:
        return ".".join(self.field_path)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template."""

    text: str
    segments: tuple[str, ...]
    """Literals (decoded), `STAR` and `DEEP`."""
    verb: str
    """Empty means none."""
    variables: tuple[Variable, ...]

    @property
    def is_literal(self) -> bool:
        return STAR not in self.segments and DEEP not in self.segments


def parse(text: str) -> Template:
    """Parses a template. Raises TemplateError with the template and what is wrong."""
    return _Parser(text).template()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._segments: list[str] = []
        self._variables: list[tuple[tuple[str, ...], int, int]] = []

    def template(self) -> Template:
        if not self._text.startswith("/"):
            raise self._error("it must begin with a slash")
        path, verb = self._without_verb(self._text[1:])
        if path:
            for part in self._split(path):
                self._add(part)
        elif verb:
            raise self._error("a verb needs a segment before it")
        else:
            self._segments.append("")
        if self._segments.count(DEEP) > 1:
            raise self._error("** is only allowed once")
        self._check_names()
        return Template(self._text, tuple(self._segments), verb, tuple(self._placed()))

    def _without_verb(self, path: str) -> tuple[str, str]:
        """Takes the verb off: after a last segment that is a variable all that follows, else from the last colon."""
        last = path.rindex("/") + 1 if "/" in path and "}" not in path[path.rindex("/") :] else 0
        closed = path.rfind("}") + 1
        colon = path.find(":", closed) if closed > last else path.rfind(":", last)
        if colon < 0 or "/" in path[colon:]:
            return path, ""
        return path[:colon], self._literal(path[colon + 1 :], "a verb")

    def _split(self, path: str) -> list[str]:
        parts: list[str] = []
        at = 0
        while True:
            found = _SEGMENT.match(path, at)
            if found is None:
                raise self._error("a segment is empty" if path[at : at + 1] in ("", "/") else "a brace is out of place")
            parts.append(found[0])
            at = found.end()
            if at == len(path):
                return parts
            if path[at] != "/":
                raise self._error("a variable is not a whole segment")
            at += 1

    def _add(self, part: str) -> None:
        variable = _VARIABLE.fullmatch(part)
        if variable is None:
            self._segments.append(self._segment(part))
            return
        field_path = tuple(variable[1].split("."))
        if not all(_IDENT.fullmatch(name) for name in field_path):
            raise self._error(f"{variable[1]!r} is not a field path")
        start = len(self._segments)
        pattern = "*" if variable[2] is None else variable[2]
        if ":" in pattern.rpartition("/")[2]:
            raise self._error("a verb stands behind the braces, not in them")
        self._segments += [self._segment(each) for each in pattern.split("/")]
        self._variables.append((field_path, start, len(self._segments)))

    def _segment(self, part: str) -> str:
        return _WILDCARDS.get(part) or self._literal(part, "a segment")

    def _literal(self, text: str, what: str) -> str:
        if not _LITERAL.fullmatch(text):
            raise self._error(f"{text!r} is not {what}" if text else f"{what} is empty")
        try:
            found = unquote(text, errors="strict")
        except UnicodeDecodeError:
            raise self._error(f"{text!r} is not UTF-8") from None
        if "\0" in found or found in (".", ".."):
            raise self._error(f"no request can have the segment {text!r}")
        return found

    def _check_names(self) -> None:
        names = [".".join(field_path) for field_path, _, _ in self._variables]
        for name in names:
            if any(other != name and other.startswith(f"{name}.") for other in names) or names.count(name) > 1:
                raise self._error(f"variable {name} is bound twice")

    def _placed(self) -> list[Variable]:
        """Counts from the end what lies behind a `**`."""
        count = len(self._segments)
        deep = self._segments.index(DEEP) if DEEP in self._segments else count
        return [
            Variable(
                field_path,
                start if start <= deep else start - count,
                end if end <= deep else (end - count or None),
                multi=end - start > 1 or start == deep,
            )
            for field_path, start, end in self._variables
        ]

    def _error(self, what: str) -> TemplateError:
        return TemplateError(f"path template {self._text!r}: {what}")
