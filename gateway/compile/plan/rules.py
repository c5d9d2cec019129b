"""Compiles one `google.api.HttpRule` into a binding."""

from __future__ import annotations

from collections.abc import Iterable

from google.api import http_pb2
from protobuf import (
    DescField,
    DescFieldValueEnum,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Registry,
)

from gateway.compile.plan.binding import Binding, MethodPlan, PathVariable, oneof_siblings
from gateway.compile.plan.fields import (
    FieldError,
    Parameter,
    is_field_mask,
    is_well_known,
    parameters,
    resolve,
)
from gateway.compile.plan.template import Template, TemplateError, parse
from gateway.compile.plan.texts import text_reader
from gateway.compile.plan.updates import update_mask

__all__ = ["compile_rule"]

HTTP_BODY = "google.api.HttpBody"
_SINGULAR = (DescFieldValueScalar, DescFieldValueEnum, DescFieldValueMessage)


def compile_rule(rule: http_pb2.HttpRule, plan: MethodPlan, registry: Registry) -> Binding:
    """Compiles a rule, without its additional bindings. Raises TemplateError and FieldError."""
    http_method, text = _pattern(rule)
    template = parse(text)
    variables = _variables(plan.input, template)
    body_field = resolve(plan.input, [rule.body])[0] if rule.body not in ("", "*") else None
    response_field = resolve(plan.output, [rule.response_body])[0] if rule.response_body else None
    taken = _taken(body_field, variables)
    query = {} if rule.body == "*" else _query(plan.input, taken)
    return Binding(
        method=plan,
        http_method=http_method,
        template=template,
        variables=variables,
        body=rule.body,
        body_field=body_field,
        response_field=response_field,
        query=query,
        taken=taken,
        mask=update_mask(plan.input, http_method, rule.body, body_field, registry),
        whole=rule.body == "*" and is_well_known(plan.input),
        raw=_is_raw(plan.input, rule.body, body_field),
    )


def _is_raw(message: DescMessage, body: str, field: DescField | None) -> bool:
    if field is not None:
        value = field.value
        return isinstance(value, DescFieldValueMessage) and value.message.type_name == HTTP_BODY
    return body == "*" and message.type_name == HTTP_BODY


def _pattern(rule: http_pb2.HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        raise TemplateError("the binding names no path")
    if kind == "custom":
        return rule.custom.kind.upper(), rule.custom.path
    return kind.upper(), getattr(rule, kind)


def _variables(message: DescMessage, template: Template) -> tuple[PathVariable, ...]:
    last = [variable.field_path[-1] for variable in template.variables]
    return tuple(
        _variable(message, each.field_path, name if last.count(name) == 1 else "_".join(each.field_path))
        for each, name in zip(template.variables, last, strict=True)
    )


def _variable(message: DescMessage, path: tuple[str, ...], name: str) -> PathVariable:
    fields = resolve(message, path)
    read = text_reader(fields[-1])
    if read is None or not isinstance(fields[-1].value, _SINGULAR) or is_field_mask(fields[-1]):
        raise FieldError(f"{message.type_name}.{'.'.join(path)} cannot be bound to a path")
    return PathVariable(path, tuple(fields), read, name)


def _taken(body: DescField | None, variables: Iterable[PathVariable]) -> frozenset[tuple[str, ...]]:
    """Returns what the query must not set: the body, path variables, and what is in a oneof with one."""
    taken: set[tuple[str, ...]] = {(field.name,) for field in oneof_siblings(body)} if body is not None else set()
    for variable in variables:
        for depth, field in enumerate(variable.fields):
            parent = variable.field_path[:depth]
            taken |= {(*parent, sibling.name) for sibling in oneof_siblings(field) if sibling is not field}
        taken.add(variable.field_path)
    return frozenset(taken)


def _query(message: DescMessage, taken: frozenset[tuple[str, ...]]) -> dict[str, Parameter]:
    """Returns the allow-list: no field that is taken, nor any below one."""
    return {
        name: parameter
        for name, parameter in parameters(message)
        if not any(parameter.path[: len(path)] == path for path in taken)
    }
