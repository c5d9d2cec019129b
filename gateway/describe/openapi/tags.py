"""Groups operations under tags, one for each service."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from gateway.describe.comments import Comments
from gateway.describe.openapi.logic import Schema

__all__ = ["Tags"]


class Tags:
    """Names a service after its package, as in `acme.library.v1`; where that is no name of its own, by its own."""

    def __init__(self, methods: Iterable[MethodDescriptor], comments: Comments) -> None:
        self._services = {method.containing_service.full_name: method.containing_service for method in methods}
        short = [_short(service) for service in self._services.values()]
        unique = len(set(short)) == len(short)
        self._names = {
            name: _short(service) if unique else str(service.name if _alone(service, self._services.values()) else name)
            for name, service in self._services.items()
        }
        self._comments = comments

    def of(self, method: str) -> str:
        """Returns the tag of a method "/package.Service/Method"."""
        return self._names[method[1:].partition("/")[0]]

    @property
    def all(self) -> list[Schema]:
        """The tags of the document, with what the services say of themselves."""
        return [{"name": tag, "description": self._comments.of(name)} for name, tag in self._names.items()]


def _short(service: ServiceDescriptor) -> str:
    package = service.file.package.split(".")
    return package[-2] if len(package) > 1 else package[0] or str(service.name)


def _alone(service: ServiceDescriptor, services: Iterable[ServiceDescriptor]) -> bool:
    return sum(each.name == service.name for each in services) == 1
