"""Renders what the typed client knows of the services: their addresses, their methods, their messages."""

from __future__ import annotations

from google.protobuf.descriptor import ServiceDescriptor

from meshkit.topology import ServiceEntry, Topology
from tools.client_methods import TOKEN_METHOD, Contract, short_name, snake

__all__ = ["messages_module", "offered", "services_module"]

HEAD = '''"""The services that a client may call. {generated}."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from ._call import Caller
from ._gen.methods import (
{imports}
)


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
        return {type}Client(self.caller("{process}"))
"""
MESSAGES = '''"""Messages of the {name} service. {generated}."""

from __future__ import annotations

from ._gen.{package} import *  # noqa: F403
'''
GENERATED = "Generated from services/table.toml by tools/services.py"


def offered(topology: Topology, contract: Contract) -> list[ServiceEntry]:
    """Returns the services with methods for clients."""
    return [service for service in topology.services if _with_methods(service, contract)]


def services_module(topology: Topology, contract: Contract) -> str:
    """Returns the addresses of a configuration, and the methods of a client: those of each gRPC service apart."""
    # The client itself calls the service that gives tokens, so it cannot do without that address.
    needed = [each.name for each in topology.services if any(map(_gives_tokens, _called(each, contract)))]
    processes = offered(topology, contract)
    types = {short_name(each): process.name for process in processes for each in _with_methods(process, contract)}
    addresses = [f"    {name}: str\n" for name in needed]
    addresses += [f'    {process.name}: str = ""\n' for process in processes if process.name not in needed]
    head = HEAD.format(
        generated=GENERATED,
        imports="\n".join(sorted(f"    {each}Client," for each in types)),
        addresses="".join(addresses),
    )
    methods = (METHODS.format(name=snake(kind), type=kind, process=process) for kind, process in types.items())
    return head + "".join(methods)


def _called(service: ServiceEntry, contract: Contract) -> list[ServiceDescriptor]:
    """Returns the gRPC services of an entry that clients call, in the order of the table."""
    known = {each.full_name: each for each in contract.services() if contract.public_methods(each)}
    return [known[name] for name in service.full_names if name in known]


def _with_methods(service: ServiceEntry, contract: Contract) -> list[ServiceDescriptor]:
    return [each for each in _called(service, contract) if not _gives_tokens(each)]


def _gives_tokens(service: ServiceDescriptor) -> bool:
    return TOKEN_METHOD in service.methods_by_name


def messages_module(service: ServiceEntry) -> str:
    """Returns the module that callers import the messages of a service from."""
    return MESSAGES.format(name=service.name, package=service.package, generated=GENERATED)
