"""Fills HTML templates. Whatever is put into one is escaped here, and nowhere else, unless it is HTML already."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Html", "fill", "joined", "template"]

_TEMPLATES = Path(__file__).parent / "templates"
_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


class Html(str):
    """Text that is HTML already: a filled template."""

    __slots__ = ()


@functools.cache
def template(name: str) -> str:
    """Returns a template of this package by its name. Raises OSError if there is none."""
    return (_TEMPLATES / f"{name}.html").read_text(encoding="utf-8")


def fill(source: str, **values: str) -> Html:
    """Puts values into the `{{places}}` of a template, escaped unless they are `Html`. Raises KeyError for one without.

    A value is never looked through for places.
    """

    def put(place: re.Match[str]) -> str:
        value = values[place[1]]
        return value if isinstance(value, Html) else html.escape(value)

    return Html(_PLACE.sub(put, source))


def joined(parts: Iterable[Html]) -> Html:
    """Returns pieces of HTML as one."""
    return Html("\n".join(parts))
