"""Path templates of `google.api.http`, parsed once at start.

Grammar (google/api/http.proto):

    Template = "/" Segments [ Verb ] ;
    Segments = Segment { "/" Segment } ;
    Segment  = "*" | "**" | LITERAL | Variable ;
    Variable = "{" FieldPath [ "=" Segments ] "}" ;
    FieldPath = IDENT { "." IDENT } ;
    Verb     = ":" LITERAL ;
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["DEEP", "STAR", "Template", "TemplateError", "Variable", "parse"]

STAR = "*"
"""Matches exactly one segment."""
DEEP = "**"
"""Matches zero or more segments; only at the end."""

_TOKEN = re.compile(r"\*\*|[*/{}=:]|[^*/{}=:]+")
_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;@]|%[0-9A-Fa-f]{2})+")
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TemplateError(ValueError):
    """A path template breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A part of the path that binds a field."""

    field_path: tuple[str, ...]
    start: int
    """First segment."""
    end: int | None
    """Segment after the last; None means to the end of the path, for `**`."""
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
    """Literals (decoded), `*` and `**`. A literal never equals a wildcard: the grammar excludes asterisks."""
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
        self._tokens = _TOKEN.findall(text)
        self._next = 0
        self._segments: list[str] = []
        self._variables: list[Variable] = []

    def template(self) -> Template:
        self._expect("/")
        self._parse_segments(inside=False)
        verb = ""
        if self._take(":"):
            verb = self._literal()
        if self._next != len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._next]!r}")
        if DEEP in self._segments[:-1]:
            raise self._error("** is only allowed at the end")
        self._check_names()
        return Template(self._text, tuple(self._segments), verb, tuple(self._variables))

    def _parse_segments(self, *, inside: bool) -> None:
        self._parse_segment(inside)
        while self._take("/"):
            self._parse_segment(inside)

    def _parse_segment(self, inside: bool) -> None:
        if self._take("{"):
            if inside:
                raise self._error("a variable holds another variable")
            self._parse_variable()
        elif self._take(DEEP):
            self._segments.append(DEEP)
        elif self._take(STAR):
            self._segments.append(STAR)
        else:
            self._segments.append(self._literal())

    def _parse_variable(self) -> None:
        field_path = tuple(self._text_token("a field path").split("."))
        if not all(_IDENT.fullmatch(name) for name in field_path):
            raise self._error(f"{'.'.join(field_path)!r} is not a field path")
        start = len(self._segments)
        if self._take("="):
            self._parse_segments(inside=True)
        else:
            self._segments.append(STAR)
        self._expect("}")
        own = self._segments[start:]
        deep = DEEP in own
        self._variables.append(Variable(field_path, start, None if deep else len(self._segments), deep or len(own) > 1))

    def _check_names(self) -> None:
        names = [variable.name for variable in self._variables]
        for name in names:
            if any(other != name and other.startswith(f"{name}.") for other in names) or names.count(name) > 1:
                raise self._error(f"variable {name} is bound twice")

    def _literal(self) -> str:
        text = self._text_token("a literal")
        if not _LITERAL.fullmatch(text):
            raise self._error(f"{text!r} is not a literal")
        return unquote(text, errors="strict")

    def _text_token(self, wanted: str) -> str:
        if self._next == len(self._tokens) or self._tokens[self._next] in (STAR, DEEP, "/", "{", "}", "=", ":"):
            raise self._error(f"expected {wanted}")
        self._next += 1
        return str(self._tokens[self._next - 1])

    def _take(self, token: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == token:
            self._next += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._error(f"expected {token!r}")

    def _error(self, what: str) -> TemplateError:
        return TemplateError(f"path template {self._text!r}: {what}")
