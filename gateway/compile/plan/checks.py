"""Checks bindings against each other at start: ambiguous routes, unreachable ones, misplaced fields.

Some rules hold for everyone, because a binding that breaks them could never work. Others (`strict`) are good manners:
they hold for our own protos, and strangers may have reasons of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from google.api import http_pb2
from protobuf import DescField, DescFieldValueList, DescFieldValueMap

from gateway.compile.plan.binding import Binding, oneof_siblings
from gateway.compile.plan.template import DEEP, STAR, Template
from gateway.compile.plan.texts import text_reader
from gateway.compile.plan.trie import Trie

__all__ = ["binding_faults", "rule_faults", "strict_faults", "unreachable"]

_MAX_DEPTH = 4
_NO_BODY = ("DELETE", "GET", "HEAD")


def rule_faults(rule: http_pb2.HttpRule) -> Iterator[str]:
    """Yields what is wrong with a rule before it is compiled."""
    if any(each.additional_bindings for each in rule.additional_bindings):
        yield "additional_bindings hold additional_bindings"
    for each in (rule, *rule.additional_bindings):
        if each.HasField("custom") and not _is_method(each.custom.kind):
            yield f"custom kind {each.custom.kind!r} is no HTTP method"


def binding_faults(binding: Binding) -> Iterator[str]:
    """Yields what would make every request of a binding fail, or take away what the caller sends."""
    paths = [variable.field_path for variable in binding.variables]
    for variable in binding.variables:
        for depth, field in enumerate(variable.fields):
            siblings = {
                (*variable.field_path[:depth], each.name) for each in oneof_siblings(field) if each is not field
            }
            for other in paths:
                if other[: depth + 1] in siblings:
                    yield f"{'.'.join(variable.field_path)} and {'.'.join(other)} are in one oneof"
    body = binding.body_field
    if body is not None:
        beside = {each.name for each in oneof_siblings(body) if each is not body}
        for path in paths:
            if path == (body.name,):
                yield f"{body.name} is bound by the path and by the body"
            if path[0] in beside:
                yield f"{'.'.join(path)} and the body {body.name} are in one oneof"


def strict_faults(binding: Binding) -> Iterator[str]:
    """Yields what http.proto or the AIPs advise against."""
    if binding.body and binding.http_method in _NO_BODY:
        yield f"{binding.http_method} has a body (AIP-127)"
    if binding.body_field is not None and isinstance(binding.body_field.value, DescFieldValueList | DescFieldValueMap):
        yield f"the body {binding.body_field.name} is repeated"
    if binding.body != "*":
        yield from (f"nothing in a request can set {field.name}" for field in _unset(binding))


def _unset(binding: Binding) -> Iterator[DescField]:
    set_first = {path[0] for path in binding.taken} | {each.path[0] for each in binding.query.values()}
    for field in binding.method.input.fields:
        lone = isinstance(field.value, DescFieldValueList) and text_reader(field) is None
        if lone and field.name not in set_first:
            yield field


def unreachable(tries: Mapping[str, Trie[Binding]], bindings: Iterable[Binding]) -> Iterator[str]:
    """Yields each binding whose requests others take."""
    for binding in bindings:
        taken: list[Binding] = []
        for path in _samples(binding.template):
            found = tries[binding.http_method].match(path)
            assert found is not None
            if found[0] is binding:
                break
            taken.append(found[0])
        else:
            yield f"{binding} is never reached: {taken[0]} takes its requests"


def _samples(template: Template) -> Iterator[str]:
    """Yields paths that a template matches, none of which a literal of another is likely to match."""
    for count in range(_MAX_DEPTH) if DEEP in template.segments else (1,):
        parts: list[str] = []
        for segment in template.segments:
            stars = {STAR: 1, DEEP: count}.get(segment)
            parts += [_quoted(segment)] if stars is None else ["~~"] * stars
        verb = f":{_quoted(template.verb)}" if template.verb else ""
        if parts or not verb:
            yield f"/{'/'.join(parts)}{verb}"


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _is_method(kind: str) -> bool:
    return kind == "*" or (kind.isascii() and kind.replace("-", "").replace("_", "").isalnum())
