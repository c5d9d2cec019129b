"""LabelService over its messages, on a store in memory."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from rampart.fraud.v1 import label_pb2
from rampart.fraud.v1 import label_service_pb2 as pb

from meshkit.context import CallContext, Principal, set_current
from meshkit.errors import MeshError
from services.fraud.adapters.memory_labels import (
    MemoryLabelImports,
    MemoryLabelRows,
    MemoryLabels,
    MemoryLabelWriter,
)
from services.fraud.convert import LABEL_COLUMNS_OF_FILES
from services.fraud.domain.labels.label import StoredLabel
from services.fraud.service.labels.importing import LabelFiles
from services.fraud.service.labels.keeping import LabelService
from services.fraud.servicer import LabelServicer
from tests.support.continuations import PAGES
from tests.support.labels import NOW
from tests.support.submitted import MemoryTasks


class LabelWire:
    """Calls methods for a subject of a tenant."""

    def __init__(self) -> None:
        rows = MemoryLabelRows()
        files = LabelFiles(MemoryLabelImports(rows), MemoryTasks(), LABEL_COLUMNS_OF_FILES, lambda: NOW)
        self.begun = 0
        self._writer = MemoryLabelWriter(rows)
        teller: Any = SimpleNamespace(tell_soon=self._told)
        self.servicer: Any = LabelServicer(LabelService(MemoryLabels(rows), lambda: NOW), files, self, teller, PAGES)

    def begin(self, tenant_id: str) -> Any:
        self.begun += 1
        return self._writer.begin(tenant_id)

    async def call(self, method: str, request: Any, *, subject: str = "alice") -> Any:
        caller = Principal("t", "client-1", frozenset(), 100, "USD", subject)
        set_current(CallContext(request_id="r-1", principal=caller))
        return await getattr(self.servicer, method)(request, None)

    async def _told(self, tenant_id: str, labels: Sequence[StoredLabel]) -> None:
        pass


def a_label(transaction_id: str = "tx-1") -> label_pb2.Label:
    return label_pb2.Label(transaction_id=transaction_id, label="fraud")


def a_file(data: bytes = b"transaction_id,label\ntx-1,fraud\n") -> pb.ImportLabelsRequest:
    return pb.ImportLabelsRequest(body=HttpBody(content_type="text/csv", data=data))


@pytest.mark.parametrize(("subject", "author"), [("alice", "alice"), ("", "client-1")])
async def test_labels_and_files_name_the_user_that_a_client_acts_for(subject: str, author: str) -> None:
    wire = LabelWire()
    one = await wire.call("CreateLabel", pb.CreateLabelRequest(label=a_label()), subject=subject)
    batch = pb.BatchCreateLabelsRequest(labels=[a_label("tx-2")])
    (other,) = (await wire.call("BatchCreateLabels", batch, subject=subject)).results
    made = await wire.call("ImportLabels", a_file(), subject=subject)
    assert [one.label.created_by, other.label.created_by, made.label_import.created_by] == [author] * 3


async def test_a_file_is_read_before_others_of_the_tenant_wait_for_it() -> None:
    wire = LabelWire()
    with pytest.raises(MeshError):
        await wire.call("ImportLabels", a_file(b"id,verdict\ntx-1,fraud\n"))
    assert wire.begun == 0
    assert (await wire.call("ImportLabels", a_file())).label_import.rows == 1
