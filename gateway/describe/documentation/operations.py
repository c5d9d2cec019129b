"""Lists the operations of an OpenAPI document for the pages, each with a link to where it can be tried."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

__all__ = ["Operation", "operations"]

_REFERENCE = "#/components/responses/"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as a page shows it."""

    method: str
    path: str
    summary: str
    tag: str
    identifier: str
    reasons: frozenset[str]
    """Reasons of errors that it can answer with."""

    @property
    def link(self) -> str:
        return f"/docs#/{quote(self.tag, safe='')}/{quote(self.identifier, safe='')}"

    @property
    def item(self) -> str:
        """An item of a list, as HTML."""
        return (
            f'<li><a href="{html.escape(self.link)}"><b>{self.method}</b> <code>{html.escape(self.path)}</code></a> '
            f"<span>{html.escape(self.summary)}</span></li>"
        )


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Yields the operations of a document in its order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield Operation(
                    method.upper(),
                    path,
                    operation["summary"],
                    operation["tags"][0],
                    operation["operationId"],
                    frozenset(_reasons(document, operation)),
                )


def _reasons(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for response in operation["responses"].values():
        reference = response.get("$ref", "")
        if reference.startswith(_REFERENCE):
            found = document["components"]["responses"][reference.removeprefix(_REFERENCE)]
            for content in found["content"].values():
                yield from content["examples"]
