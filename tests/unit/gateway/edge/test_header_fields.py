from __future__ import annotations

import pytest

from gateway.edge.header_fields import join


@pytest.mark.parametrize(
    ("fields", "joined", "wrong"),
    [
        ([(b"a", b"1"), (b"b", b"2")], {b"a": b"1", b"b": b"2"}, b""),
        ([(b"accept", b"a"), (b"accept", b"b")], {b"accept": b"a, b"}, b""),
        (
            [(b"if-none-match", b'"a"'), (b"x", b""), (b"if-none-match", b'"b"')],
            {b"if-none-match": b'"a", "b"', b"x": b""},
            b"",
        ),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], {b"cookie": b"a=1; b=2"}, b""),
        ([(b"x-own", b"1"), (b"x-own", b"2")], {b"x-own": b"2"}, b""),
        ([(b"authorization", b"a"), (b"authorization", b"b")], {b"authorization": b"b"}, b"authorization"),
        ([(b"traceparent", b"a"), (b"tracestate", b"b"), (b"traceparent", b"a"), (b"x", b"")], {b"x": b""}, b""),
        ([(b"idempotency-key", b"a"), (b"idempotency-key", b"a")], {b"idempotency-key": b"a"}, b"idempotency-key"),
    ],
)
def test_lists_are_joined_and_single_fields_reported(
    fields: list[tuple[bytes, bytes]], joined: dict[bytes, bytes], wrong: bytes
) -> None:
    assert join(fields) == (joined, wrong)
