"""Describes error responses: the problem document, its headers, and the reasons that an operation can give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from gateway.describe.catalogue import Reason, phrase, slug
from gateway.describe.openapi.headers import EXAMPLE_REQUEST_ID, header
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.names import ComponentNames
from gateway.errors import problem as problems
from gateway.errors.render import ErrorRenderer

__all__ = ["Responses"]


class Responses:
    """Makes the error responses of operations and collects them as components, one for each set of reasons."""

    def __init__(self, reasons: Mapping[str, Reason], common: Iterable[str], names: ComponentNames) -> None:
        """`common` are the reasons that go without saying: the others are part of a component's name."""
        self.components: dict[str, Schema] = {}
        self._component_names = names
        self._given: dict[tuple[int, frozenset[str]], str] = {}
        self._reasons = reasons
        self._common = frozenset(common)

    def of(self, names: Iterable[str]) -> dict[str, Schema]:
        """Returns the responses for those reasons that are in the catalogue, by HTTP status."""
        known = {self._reasons[name] for name in names if name in self._reasons}
        found = sorted(known, key=lambda reason: (reason.status, reason.name))
        return {
            str(status): self._reference(status, list(group))
            for status, group in groupby(found, key=lambda reason: reason.status)
        }

    def _reference(self, status: int, reasons: list[Reason]) -> Schema:
        key = (status, frozenset(reason.name for reason in reasons))
        if key not in self._given:
            stem = re.sub(r"\W", "", phrase(status).title())
            uncommon = _names(reason for reason in reasons if reason.name not in self._common)
            name = self._given[key] = self._component_names.give(stem + uncommon, stem + _names(reasons))
            self.components[name] = _response(status, reasons)
        return {"$ref": f"#/components/responses/{self._given[key]}"}


def _names(reasons: Iterable[Reason]) -> str:
    return "".join(slug(reason.name).title().replace("-", "") for reason in reasons)


def _response(status: int, reasons: list[Reason]) -> Schema:
    lines = [f"- [`{reason.name}`](/problems/{reason.slug}): {reason.words}" for reason in reasons]
    return {
        "description": "\n".join([f"{phrase(status)}.", "", *lines]),
        "headers": header(*_headers(status)),
        "content": {problems.MEDIA_TYPE.decode(): _content(reasons)},
    }


def _content(reasons: list[Reason]) -> Schema:
    examples = {reason.name: {"summary": reason.words, "value": _example(reason)} for reason in reasons}
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}


def _headers(status: int) -> list[str]:
    names = ["X-Request-Id"]
    if status in (401, 403):
        names.append("WWW-Authenticate")
    if status == 429:
        names += ["RateLimit-Policy", "RateLimit"]
    return [*names, "Retry-After"] if status in (429, 503) else names


def _example(reason: Reason) -> Schema:
    example: Schema = json.loads(ErrorRenderer().render(reason.error(), EXAMPLE_REQUEST_ID).body)
    return example
