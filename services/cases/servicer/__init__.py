"""The cases service over gRPC: convert, call, convert. The tenant comes from the verified caller alone."""

from services.cases.servicer.alerts import AlertServicer
from services.cases.servicer.cases import CaseServicer

__all__ = ["AlertServicer", "CaseServicer"]
