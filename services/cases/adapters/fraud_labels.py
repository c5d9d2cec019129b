"""Stores labels at the fraud service, for the caller whose call is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from google.rpc import status_pb2
from rampart.fraud.v1 import label_pb2, label_service_pb2, label_service_pb2_grpc

from meshkit.context import current
from meshkit.errors import from_status
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_timeout
from meshkit.rpc.unary import invoke
from services.cases.errors import field_invalid

__all__ = ["LABEL_POLICIES", "FraudLabels"]

LABEL_POLICIES = policies([label_service_pb2.DESCRIPTOR.services_by_name["LabelService"]])
SOURCE = "case"
MOST_LABELS = 10_000
_POLICY = LABEL_POLICIES["/rampart.fraud.v1.LabelService/BatchCreateLabels"]


class FraudLabels:
    """Implements `CaseLabels`. The token of the call travels along, and has to carry the scope `label:write`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._create: Any = label_service_pb2_grpc.LabelServiceStub(channel).BatchCreateLabels

    async def store(self, transaction_ids: Sequence[str], label: str, reason: str) -> None:
        for start in range(0, len(transaction_ids), MOST_LABELS):
            names = transaction_ids[start : start + MOST_LABELS]
            told = [label_pb2.Label(transaction_id=name, label=label, source=SOURCE, reason=reason) for name in names]
            call, request = current(), label_service_pb2.BatchCreateLabelsRequest(labels=told)
            timeout = call_timeout(_POLICY, call)
            answer = await invoke(self._create, request, timeout=timeout, call=call, span=None, dependency="fraud")
            for at, result in enumerate(answer.results, start):
                if result.HasField("error"):
                    raise _refused(at, result.error)


def _refused(at: int, status: status_pb2.Status) -> Exception:
    error = from_status(status)
    said = "; ".join(each.message for each in error.violations) or error.message
    return field_invalid(f"transaction_ids[{at}]", "label.refused", f"cannot be labelled: {said}")
