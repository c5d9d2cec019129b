"""Says which resource a call is about: the path of its HTTP binding, with what the request names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

__all__ = ["target_of"]

_VARIABLE = re.compile(r"\{([a-z0-9_.]+)[^}]*\}")
_PREFIX = re.compile(r"^/(?:api/)?v[0-9]+/")
MAX_CHARACTERS = 256


def target_of(method: MethodDescriptor) -> Callable[[Message], str]:
    """Returns what makes the target of a request, such as "scenarios/checkout".

    Without an HTTP binding it is the tenant that the request names, or empty.
    """
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb) if verb not in (None, "custom") else ""
    template = _PREFIX.sub("", path).rpartition(":")[0] or _PREFIX.sub("", path)
    if not template and "tenant_id" in method.input_type.fields_by_name:
        template = "tenants/{tenant_id}"

    def target(request: Message) -> str:
        return _VARIABLE.sub(lambda found: _value(request, found[1]), template)[:MAX_CHARACTERS]

    return target


def _value(request: Message, path: str) -> str:
    value: Any = request
    for name in path.split("."):
        value = getattr(value, name)
    return str(value)
