"""Writes the documents that derive from the protos: `docs/openapi.json` and `docs/errors.md`.

With `--check` nothing is written; a document that differs is exit status 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from gateway.app import DESCRIPTORS
from gateway.catalogue import Reason, phrase, read_reasons
from gateway.openapi import render
from gateway.plan import load_plan

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

_INTRODUCTION = """\
<!-- Generated from protos/rampart/mesh/v1/error_reason.proto by tools/docs.py; change it there. -->

# Errors

Every error has a stable reason. Over gRPC it is the `reason` of the one `google.rpc.ErrorInfo` (domain `rampart`) in
the `google.rpc.Status`. Over REST it is the `reason` of an `application/problem+json` document (RFC 9457):

| in the mesh | at the edge |
|---|---|
| canonical code | HTTP status, and `title` |
| message | `detail` |
| `ErrorInfo.reason` | `reason`, and `type`: a page under `/problems/` |
| `ErrorInfo.metadata` | `metadata` |
| `google.rpc.BadRequest` | `errors`: each with its place in the request (`in`, and `name` or `pointer`) |
| `google.rpc.RetryInfo` | the header `Retry-After`, in whole seconds |

The token endpoint answers in the words of RFC 6749 instead: `error` and `error_description`.

| reason | HTTP | gRPC |
|---|---|---|
"""


def errors_page(reasons: Iterable[Reason]) -> str:
    """Returns the catalogue as Markdown."""
    reasons = list(reasons)
    rows = [f"| [`{each.name}`](#{each.name.lower()}) | {each.status} | {each.kind.name} |" for each in reasons]
    return _INTRODUCTION + "\n".join([*rows, *(_section(each) for each in reasons)]) + "\n"


def _section(reason: Reason) -> str:
    lines = ["", f"## {reason.name}", "", reason.words, ""]
    lines.append(f"- HTTP {reason.status} {phrase(reason.status)}, gRPC {reason.kind.name}")
    if reason.extras:
        lines.append(f"- Comes with: {reason.extras}")
    return "\n".join([*lines, f"- Type: `/problems/{reason.slug}`"])


def documents() -> dict[str, bytes]:
    """Returns every document by its name below `docs/`."""
    plan = load_plan(DESCRIPTORS)
    return {"openapi.json": render(plan), "errors.md": errors_page(read_reasons(plan).values()).encode()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of write")
    check = parser.parse_args().check
    stale = {name: text for name, text in documents().items() if _read(DOCS / name) != text}
    for name, text in stale.items():
        if check:
            print(f"out of date: docs/{name} (run `python tools/docs.py`)")
        else:
            DOCS.mkdir(exist_ok=True)
            (DOCS / name).write_bytes(text)
    return 1 if check and stale else 0


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
