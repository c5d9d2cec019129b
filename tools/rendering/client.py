"""Renders what the typed client knows of the services: their addresses, their methods, their messages."""

from __future__ import annotations

from meshkit.topology import ServiceEntry, Topology
from tools.client_methods import TOKEN_METHOD, Contract

__all__ = ["messages_module", "offered", "services_module"]

HEAD = '''"""The services that a client may call. {generated}."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from ._call import Caller
from ._gen.methods import {imports}


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`host:port` of each service. One that is empty cannot be called."""

{addresses}

class Services(ABC):
    """The methods of each service."""

    @abstractmethod
    def caller(self, service: str) -> Caller:
        """Returns what calls a service. Raises ValueError if it has no address."""
'''
METHODS = """
    @cached_property
    def {name}(self) -> {type}Client:
        return {type}Client(self.caller("{name}"))
"""
MESSAGES = '''"""Messages of the {name} service. {generated}."""

from __future__ import annotations

from ._gen.{package} import *  # noqa: F403
'''
GENERATED = "Generated from services/table.toml by tools/services.py"


def offered(topology: Topology, contract: Contract) -> list[ServiceEntry]:
    """Returns the services with methods for clients."""
    return [service for service in topology.services if _public_methods(service, contract) not in ([], [TOKEN_METHOD])]


def services_module(topology: Topology, contract: Contract) -> str:
    """Returns the addresses of a configuration, and the methods of a client."""
    # The client itself calls the service that gives tokens, so it cannot do without that address.
    needed = [each.name for each in topology.services if _public_methods(each, contract) == [TOKEN_METHOD]]
    types = {service.name: service.grpc.removesuffix("Service") for service in offered(topology, contract)}
    addresses = [*(f"    {name}: str\n" for name in needed), *(f'    {name}: str = ""\n' for name in types)]
    head = HEAD.format(
        generated=GENERATED,
        imports=", ".join(sorted(f"{each}Client" for each in types.values())),
        addresses="".join(addresses),
    )
    return head + "".join(METHODS.format(name=name, type=kind) for name, kind in types.items())


def _public_methods(service: ServiceEntry, contract: Contract) -> list[str]:
    found = [each for each in contract.services() if each.full_name == service.full_name]
    return [method.name for each in found for method in contract.public_methods(each)]


def messages_module(service: ServiceEntry) -> str:
    """Returns the module that callers import the messages of a service from."""
    return MESSAGES.format(name=service.name, package=service.package, generated=GENERATED)
