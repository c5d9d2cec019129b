"""Serialised messages in other messages."""

from __future__ import annotations

import pytest
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.mesh.v1 import batch_pb2

from meshkit.rpc.wire import as_field


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 16_380, 16_384, 1 << 21])
def test_message_is_found_in_its_field_at_every_length(length: int) -> None:
    decision = decision_pb2.Decision(transaction_id="x" * length)
    wrapped = as_field(pb.CheckFraudResponse.DECISION_FIELD_NUMBER, decision.SerializeToString())
    assert wrapped == pb.CheckFraudResponse(decision=decision).SerializeToString()


@pytest.mark.parametrize("number", [1, 2, 15, 16, 2047, 2048, (1 << 29) - 1])
def test_tag_of_every_field_number_is_encoded(number: int) -> None:
    """Unknown fields are kept, and written again in the same encoding."""
    wrapped = as_field(number, b"content")
    message = batch_pb2.Batch.FromString(wrapped) if number > 15 else None
    tag, value = number << 3 | 2, 0
    for shift, byte in enumerate(wrapped):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            break
    assert value == tag
    assert wrapped.endswith(b"\x07content")
    assert message is None or message.SerializeToString() == wrapped
