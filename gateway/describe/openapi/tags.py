"""Groups operations under tags, one for each service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from gateway.compile.plan.texts import snake_case
from gateway.describe.comments import Comments
from gateway.describe.openapi.logic import Schema

__all__ = ["Tags"]


class Tags:
    """Names a service after its package, as in `acme.library.v1`, if it is the only one there or has that name itself.

    Others have their own name: `library` and `loan` for `LibraryService` and `LoanService` of that package, and
    otherwise as it is written. One that two would have is the full name.
    """

    def __init__(self, methods: Iterable[MethodDescriptor], comments: Comments) -> None:
        services = {method.containing_service.full_name: method.containing_service for method in methods}
        short = {name: _short(service, services.values()) for name, service in services.items()}
        used = Counter(short.values())
        self._names = {name: tag if used[tag] == 1 else name for name, tag in short.items()}
        self._comments = comments

    def of(self, method: str) -> str:
        """Returns the tag of a method "/package.Service/Method"."""
        return self._names[method[1:].partition("/")[0]]

    @property
    def all(self) -> list[Schema]:
        """The tags of the document, with what the services say of themselves."""
        return [{"name": tag, "description": self._comments.of(name)} for name, tag in self._names.items()]


def _short(service: ServiceDescriptor, services: Iterable[ServiceDescriptor]) -> str:
    package = _package(service)
    beside = [_own(each) for each in services if _package(each) == package]
    if len(beside) == 1:
        return package
    return _own(service) if package in beside else str(service.name)


def _package(service: ServiceDescriptor) -> str:
    package = service.file.package.split(".")
    return package[-2] if len(package) > 1 else package[0] or str(service.name)


def _own(service: ServiceDescriptor) -> str:
    return snake_case(service.name.removesuffix("Service")).removeprefix("_")
