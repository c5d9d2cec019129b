"""Composes what has a second person approve calls."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.descriptor import ServiceDescriptor
from rampart.auth.v1 import approval_service_pb2, approval_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.identity.policy import policies
from meshkit.identity.roles import Roles
from meshkit.pages import Pages
from meshkit.rpc.server import MeshServer
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.postgres_approvals import PostgresApprovals
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.adapters.sealing import AesSealer
from services.auth.service.approvals.keeping import ApprovalKeeper
from services.auth.service.approvals.roles import RoleApprovals
from services.auth.servicer.approval_desk import ServedApprovals
from services.auth.servicer.approval_service import ApprovalServicer
from services.auth.settings import AuthSettings

__all__ = ["APPROVAL_SERVICE", "Approving"]

APPROVAL_SERVICE = approval_service_pb2.DESCRIPTOR.services_by_name["ApprovalService"]


@dataclass(frozen=True, slots=True)
class Approving:
    """The use cases about approvals."""

    desk: ServedApprovals
    servicer: ApprovalServicer

    @classmethod
    def compose(cls, settings: AuthSettings, pool: Pool, services: list[ServiceDescriptor]) -> Approving:
        """Puts them together. `services` are all of the process, whose calls may need an approval."""
        store = PostgresApprovals(pool, AesSealer(settings.derived_key("approvals")))
        members, declared = PostgresMembers(pool), Roles.declared()
        methods = {path.removeprefix("/"): policy for path, policy in policies(services).items()}
        keeper = ApprovalKeeper(store, members, declared, methods, utc_now)
        roles = RoleApprovals(store, members, declared, utc_now)
        pages = Pages(Continuations([settings.derived_key("page tokens")]))
        desk = ServedApprovals(keeper, roles, two_operators=settings.two_operators)
        return cls(desk, ApprovalServicer(keeper, roles, pages))

    def serve(self, server: MeshServer) -> None:
        """Adds `APPROVAL_SERVICE`."""
        server.add(approval_service_pb2_grpc.add_ApprovalServiceServicer_to_server, self.servicer)
