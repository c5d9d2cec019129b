"""Writes what derives from protos and code: the OpenAPI document, the pages of errors, settings and rules, and the
trees of the starter rules.

With `--check` nothing is written; a document that differs is exit status 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from gateway.compile.plan import load_plan
from gateway.describe.catalogue import Reason, phrase, read_reasons
from gateway.describe.openapi import LOCAL_URL, document, render
from gateway.product.rampart import EXAMPLE_VIOLATION, rampart
from meshkit.descriptors import DESCRIPTORS
from meshkit.topology import load
from tools.rendering import rules, settings, starter

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
STARTER_TREES = "../services/fraud/domain/scenarios/starter_trees.json"

_INTRODUCTION = """\
<!-- Generated from protos/rampart/mesh/v1/error_reason.proto by tools/docs.py; change it there. -->

# Errors

Every error has a stable reason. Over gRPC it is the `reason` of the one `google.rpc.ErrorInfo` (domain `rampart`) in
the `google.rpc.Status`. Over REST it is told in one of two forms that say the same:

| in the mesh | `application/problem+json` (RFC 9457) | `application/json` (`google.rpc.Status`) |
|---|---|---|
| canonical code | `code` (its name); `status` and `title` say it in HTTP | `code` (its number) |
| message | `detail` | `message` |
| `ErrorInfo.reason` | `reason`, and `type`: a page under `/problems/` | `ErrorInfo.reason` |
| `ErrorInfo.domain` | `domain`, if it is not `rampart` | `ErrorInfo.domain` |
| `ErrorInfo.metadata` | `metadata` | `ErrorInfo.metadata` |
| `BadRequest` | `errors`, also with the place in the request (`in`, and `name` or `pointer`) | `BadRequest` |
| `RetryInfo` | `retry_after`, in seconds | `RetryInfo` |
| other details | `details`, each with its `@type` | the same, among `details` |
| request id | `request_id` | `RequestInfo`, unless the service sent its own |

Both carry the same headers: `Retry-After` in whole seconds, `WWW-Authenticate` with 401 and with a missing scope.

**Which form.** By the `Accept` header, as RFC 9110 has it: whichever of the two media types has the higher quality; the
problem document if both have the same, and if neither is accepted. A problem document is JSON, so `application/json`
takes it too, unless the header says otherwise of `application/problem+json`. So `*/*`, no header, `application/json`
and `application/json, application/problem+json` mean a problem document, and
`application/json, application/problem+json;q=0.5` a status. A path that is no operation
answers a browser, which asks for `text/html`, with a page that says the same.

**Errors of other services** behind the gateway come through with their code, message, reason, domain and details.
Without an `ErrorInfo` the reason is the name of the code, the domain is empty and the `type` is `about:blank`. What is
not passed on: `google.rpc.DebugInfo`; details of types that the served descriptors do not know; the text of UNKNOWN,
INTERNAL and DATA_LOSS without details, which nobody wrote for callers; and a status that is malformed, which is
replaced whole by INTERNAL. What the service did not say is told in our own words, whatever code gRPC gives it: that it
cannot be reached, that the connection broke, that something else than gRPC answers (`DEPENDENCY_UNAVAILABLE`), that the
deadline passed, that the answer is too large (`ANSWER_UNWRITABLE`). The HTTP status follows from the code and, for our
own reasons, from the reason; metadata of a service such as `x-http-code` does not change it.

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
    if reason.remedy:
        lines.append(f"- What to do: {reason.remedy}")
    return "\n".join([*lines, f"- Type: `/problems/{reason.slug}`"])


def documents() -> dict[str, bytes]:
    """Returns every document by its name below `docs/`."""
    plan = load_plan(DESCRIPTORS)
    reasons = read_reasons(plan.files, EXAMPLE_VIOLATION)
    described = document(plan, reasons, LOCAL_URL, rampart().document)
    return {
        "openapi.json": render(described),
        "errors.md": errors_page(reasons.values()).encode(),
        "rules.md": rules.page().encode(),
        "settings.md": settings.page(load()).encode(),
        STARTER_TREES: starter.trees().encode(),
    }


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
