"""The plan: every HTTP binding of the descriptors, compiled and checked once at start.

A plan that is ambiguous, binds fields that do not exist, or has a method without a policy is refused with one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from protobuf import (
    DescField,
    DescFieldValueEnum,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Registry,
    wkt,
)

from gateway.plan.binding import Binding, MethodPlan, PathVariable, oneof_siblings
from gateway.plan.fields import FieldError, Parameter, element_message, parameters, resolve, text_reader
from gateway.plan.template import TemplateError, parse
from gateway.plan.trie import AmbiguousError, Trie
from meshkit.policy import PolicyError, policy_of

__all__ = ["Plan", "PlanError", "compile_plan", "load_plan"]

_SINGULAR = (DescFieldValueScalar, DescFieldValueEnum, DescFieldValueMessage)


class PlanError(Exception):
    """The descriptors cannot be served. The message names the bindings or the method."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything that the edge serves."""

    files: FileDescriptorSet
    """The descriptors that the plan was made from, with comments."""
    pool: DescriptorPool
    registry: Registry
    methods: Mapping[str, MethodPlan]
    """Every unary method by its full name "/package.Service/Method", with or without a binding."""
    bindings: tuple[Binding, ...]
    """In the order of the descriptors; additional bindings follow their first."""
    tries: Mapping[str, Trie[Binding]]
    """By HTTP method; "*" holds bindings for any method."""


def load_plan(path: Path) -> Plan:
    """Compiles the plan of a serialised FileDescriptorSet. Raises PlanError."""
    return compile_plan(FileDescriptorSet.FromString(path.read_bytes()))


def compile_plan(files: FileDescriptorSet) -> Plan:
    """Compiles the plan. Raises PlanError."""
    known = _with_error_details(files)
    pool = DescriptorPool()
    for file in known.file:
        pool.Add(file)
    registry = wkt.FileDescriptorSet.from_binary(known.SerializeToString()).to_registry()
    methods: dict[str, MethodPlan] = {}
    bindings: list[Binding] = []
    try:
        for method in _methods(files, pool):
            plan = _method_plan(method, registry)
            methods[plan.full_name] = plan
            bindings += _bindings(method, plan)
    except (PolicyError, TemplateError, FieldError) as error:
        raise PlanError(str(error)) from error
    return Plan(files, pool, registry, methods, tuple(bindings), _tries(bindings))


def _with_error_details(files: FileDescriptorSet) -> FileDescriptorSet:
    """Adds the types that travel in `google.rpc.Status.details`, which the protos need not import."""
    known = FileDescriptorSet()
    known.CopyFrom(files)
    names = {file.name for file in files.file}
    for name in ("google/protobuf/any.proto", "google/protobuf/duration.proto", error_details_pb2.DESCRIPTOR.name):
        if name not in names:
            file = error_details_pb2.DESCRIPTOR.pool.FindFileByName(name)
            known.file.append(FileDescriptorProto.FromString(file.serialized_pb))
    return known


def _methods(files: FileDescriptorSet, pool: DescriptorPool) -> Iterator[MethodDescriptor]:
    for file in files.file:
        prefix = f"{file.package}." if file.package else ""
        for service in file.service:
            descriptor: ServiceDescriptor = pool.FindServiceByName(prefix + service.name)
            yield from (method for method in descriptor.methods if not _streams(method))


def _streams(method: MethodDescriptor) -> bool:
    return bool(method.client_streaming or method.server_streaming)


def _method_plan(method: MethodDescriptor, registry: Registry) -> MethodPlan:
    policy = policy_of(method)
    package = method.containing_service.file.package.split(".")
    return MethodPlan(
        full_name=policy.path,
        service=package[-2] if len(package) > 1 else package[0],
        policy=policy,
        input=_message(registry, method.input_type.full_name),
        output=_message(registry, method.output_type.full_name),
    )


def _message(registry: Registry, name: str) -> DescMessage:
    message = registry.message(name)
    if message is None:
        raise PlanError(f"{name} is not among the descriptors")
    return message


def _bindings(method: MethodDescriptor, plan: MethodPlan) -> Iterator[Binding]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        try:
            yield _binding(each, plan)
        except (TemplateError, FieldError) as error:
            raise PlanError(f"{method.full_name}: {error}") from error


def _binding(rule: http_pb2.HttpRule, plan: MethodPlan) -> Binding:
    http_method, text = _pattern(rule)
    template = parse(text)
    variables = tuple(_variable(plan.input, variable.field_path) for variable in template.variables)
    body_field = resolve(plan.input, [rule.body])[0] if rule.body not in ("", "*") else None
    response_field = resolve(plan.output, [rule.response_body])[0] if rule.response_body else None
    query = {} if rule.body == "*" else _query(plan.input, rule.body, variables)
    mask = _mask(plan.input, body_field, query) if http_method == "PATCH" else ""
    return Binding(plan, http_method, template, variables, rule.body, body_field, response_field, query, mask)


def _pattern(rule: http_pb2.HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        raise TemplateError("the binding names no path")
    if kind == "custom":
        return rule.custom.kind.upper(), rule.custom.path
    return kind.upper(), getattr(rule, kind)


def _variable(message: DescMessage, path: tuple[str, ...]) -> PathVariable:
    fields = resolve(message, path)
    read = text_reader(fields[-1])
    if read is None or not isinstance(fields[-1].value, _SINGULAR):
        raise FieldError(f"{message.type_name}.{'.'.join(path)} cannot be bound to a path")
    return PathVariable(path, tuple(fields), read)


def _query(message: DescMessage, body: str, variables: Iterable[PathVariable]) -> dict[str, Parameter]:
    """Returns the allow-list: no field under the body, under or above a path variable, or in a oneof with one."""
    taken: set[tuple[str, ...]] = {(body,)} if body else set()
    for variable in variables:
        for depth, field in enumerate(variable.fields):
            parent = variable.field_path[:depth]
            taken |= {(*parent, sibling.name) for sibling in oneof_siblings(field) if sibling is not field}
        taken.add(variable.field_path)
    return {
        name: parameter
        for name, parameter in parameters(message)
        if not any(parameter.path[: len(path)] == path for path in taken)
    }


def _mask(message: DescMessage, body_field: DescField | None, query: Mapping[str, Parameter]) -> str:
    """Names the one FieldMask of the request, if the body is a resource."""
    if body_field is None or element_message(body_field) is None:
        return ""
    masks = [field for field in message.fields if _is_mask(field) and field.name in query]
    return masks[0].name if len(masks) == 1 else ""


def _is_mask(field: DescField) -> bool:
    value = field.value
    return isinstance(value, DescFieldValueMessage) and value.message.type_name == "google.protobuf.FieldMask"


def _tries(bindings: Iterable[Binding]) -> dict[str, Trie[Binding]]:
    tries: dict[str, Trie[Binding]] = {}
    for binding in bindings:
        trie = tries.setdefault(binding.http_method, Trie())
        try:
            trie.add(binding.template, binding)
        except AmbiguousError as error:
            raise PlanError(f"{binding} and {error.other} match the same requests") from error
    return tries
