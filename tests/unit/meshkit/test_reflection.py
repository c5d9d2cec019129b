"""What gRPC reflection finds by the name of a symbol."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2
from rampart.fraud.v1 import fraud_service_pb2
from rampart.mesh.v1 import error_reason_pb2

from meshkit.rpc.reflection import SymbolReflection

PACKAGE = fraud_service_pb2.DESCRIPTOR.package


def files(symbol: str) -> list[str]:
    """Returns the names of the files that reflection answers with for a symbol."""
    servicer: Any = SymbolReflection([])
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
    answer = servicer._file_containing_symbol(request, symbol)
    found = answer.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(file).name for file in found]


@pytest.mark.parametrize(
    "symbol",
    ["FraudService", "FraudService.CheckFraud", "FraudService.WatchDecisions", "CheckFraudRequest.user_id"],
)
def test_service_method_and_field_are_found_in_their_file(symbol: str) -> None:
    assert "rampart/fraud/v1/fraud_service.proto" in files(f"{PACKAGE}.{symbol}")


def test_value_of_an_enum_is_found() -> None:
    enum = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]
    assert "rampart/mesh/v1/error_reason.proto" in files(f"{enum.full_name}.{enum.values[1].name}")


@pytest.mark.parametrize(
    "symbol", ["", ".", "CheckFraud", f"{PACKAGE}.FraudService.Unheard", f"{PACKAGE}.Unheard.CheckFraud", "a.b.c"]
)
def test_what_does_not_exist_is_not_found(symbol: str) -> None:
    assert files(symbol) == []
