"""Spans of the items of an incoming batch, each in the trace of its own caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from opentelemetry.trace import SpanKind
from rampart.mesh.v1 import batch_pb2

from meshkit.context import CallContext, current
from meshkit.errors import MeshError
from meshkit.rpc import spans
from meshkit.tracing import w3c

if TYPE_CHECKING:
    from meshkit.tracing.span import Span

__all__ = ["item_spans"]

Results = Sequence[Message | bytes | MeshError]


@contextmanager
def item_spans(
    path: str, request_class: type[Message], items: Sequence[batch_pb2.BatchItem], opened: Sequence[Any]
) -> Iterator[Callable[[Results], None]]:
    """Makes a span of each item that its caller records, while the block runs, if the batch itself is recorded.

    The block hands over the results. `path` is the batch's method, `opened` are the items as they were found: a
    `BatchCall`, whose context gets the span, or an error.
    """
    above = current().span
    if above is None:
        yield _not_recorded
        return
    unary = f"{path.rpartition('/')[0]}/{request_class.DESCRIPTOR.name.removesuffix('Request')}"
    begun = [_begin(above, unary, item, found) for item, found in zip(items, opened, strict=True)]
    codes = ["INTERNAL"] * len(begun)

    def ended(results: Results) -> None:
        codes[:] = [result.kind.name if isinstance(result, MeshError) else "OK" for result in results]

    try:
        yield ended
    finally:
        for span, code in zip(begun, codes, strict=True):
            if span is not None:
                spans.end(span, code)


def _not_recorded(_: Results) -> None:
    return


def _begin(above: Span, path: str, item: batch_pb2.BatchItem, found: Any) -> Span | None:
    parent = w3c.received(item.traceparent)
    if not w3c.is_sampled(parent):
        return None
    span = above.beside(path[1:], SpanKind.SERVER, spans.attributes(path), parent, item.tracestate)
    span.attributes["rampart.request_id"] = item.request_id
    span.link(above)
    above.link(span)
    context: CallContext | None = getattr(found, "context", None)
    if context is not None:
        context.span, context.traceparent = span, span.traceparent
    return span
