"""The plan: every HTTP binding of the descriptors, compiled and checked once at start.

A plan that is ambiguous, binds fields that do not exist, or has a method without a policy is refused with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
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
from gateway.plan.fields import (
    FieldError,
    Parameter,
    element_message,
    is_field_mask,
    is_well_known,
    parameters,
    resolve,
    text_reader,
)
from gateway.plan.template import Template, TemplateError, parse
from gateway.plan.trie import AmbiguousError, Trie
from meshkit.policy import Policy, PolicyError, has_policy, policy_of

__all__ = ["Plan", "PlanError", "compile_plan", "load_plan"]

HTTP_BODY = "google.api.HttpBody"
_SINGULAR = (DescFieldValueScalar, DescFieldValueEnum, DescFieldValueMessage)


DefaultPolicy = Callable[[MethodDescriptor], Policy]
"""Makes the policy of a method that has none."""


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
    """Every method by its full name "/package.Service/Method", with or without a binding."""
    bindings: tuple[Binding, ...]
    """In the order of the descriptors; additional bindings follow their first."""
    tries: Mapping[str, Trie[Binding]]
    """By HTTP method; "*" holds bindings for any method."""
    json_names: bool = False
    """True if answers have the lowerCamelCase names of ProtoJSON instead of those of the protos."""


def load_plan(path: Path, default_policy: DefaultPolicy | None = None, *, json_names: bool = False) -> Plan:
    """Compiles the plan of a serialised FileDescriptorSet. Raises DecodeError and PlanError."""
    return compile_plan(FileDescriptorSet.FromString(path.read_bytes()), default_policy, json_names=json_names)


def compile_plan(
    files: FileDescriptorSet, default_policy: DefaultPolicy | None = None, *, json_names: bool = False
) -> Plan:
    """Compiles the plan. Methods without a policy get the default; without one they are refused. Raises PlanError."""
    known = _with_error_details(files)
    pool = DescriptorPool()
    for file in known.file:
        try:
            pool.Add(file)
        except (TypeError, ValueError) as error:
            raise PlanError(f"{file.name} cannot be used: {error}") from error
    registry = wkt.FileDescriptorSet.from_binary(_first_names_last(known).SerializeToString()).to_registry()
    methods: dict[str, MethodPlan] = {}
    bindings: list[Binding] = []
    try:
        for method in _methods(files, pool):
            plan = _method_plan(method, registry, default_policy)
            methods[plan.full_name] = plan
            bindings += _bindings(method, plan)
    except (PolicyError, TemplateError, FieldError) as error:
        raise PlanError(str(error)) from error
    return Plan(files, pool, registry, methods, tuple(bindings), _tries(bindings), json_names)


def _with_error_details(files: FileDescriptorSet) -> FileDescriptorSet:
    """Adds the types that travel in `google.rpc.Status.details`, which the protos need not import."""
    known = FileDescriptorSet()
    known.CopyFrom(files)
    names = {file.name for file in files.file}
    for name in ("google/protobuf/any.proto", "google/protobuf/duration.proto", error_details_pb2.DESCRIPTOR.name):
        if name not in names:
            file = error_details_pb2.DESCRIPTOR.pool.FindFileByName(name)
            known.file.append(_with_json_names(FileDescriptorProto.FromString(file.serialized_pb)))
    return known


def _with_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """Completes descriptors as generated code embeds them: protoc leaves out there what it can compute again."""
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        for field in message.field:
            first, *rest = field.name.split("_")
            field.json_name = field.json_name or first + "".join(part[:1].upper() + part[1:] for part in rest)
    return file


def _first_names_last(files: FileDescriptorSet) -> FileDescriptorSet:
    """Swaps the names of aliased enum values: ProtoJSON is written with the first one, protobuf-py takes the last."""
    swapped = FileDescriptorSet()
    swapped.CopyFrom(files)
    for file in swapped.file:
        for enum in _enums(file):
            if enum.options.allow_alias:
                _swap_aliases(enum)
    return swapped


def _enums(scope: FileDescriptorProto | DescriptorProto) -> Iterator[EnumDescriptorProto]:
    yield from scope.enum_type
    for message in scope.message_type if isinstance(scope, FileDescriptorProto) else scope.nested_type:
        yield from _enums(message)


def _swap_aliases(enum: EnumDescriptorProto) -> None:
    places: dict[int, list[int]] = {}
    for place, value in enumerate(enum.value):
        places.setdefault(value.number, []).append(place)
    for first, *more in places.values():
        if more:
            names = enum.value[first].name, enum.value[more[-1]].name
            enum.value[more[-1]].name, enum.value[first].name = names


def _methods(files: FileDescriptorSet, pool: DescriptorPool) -> Iterator[MethodDescriptor]:
    for file in files.file:
        prefix = f"{file.package}." if file.package else ""
        for service in file.service:
            descriptor: ServiceDescriptor = pool.FindServiceByName(prefix + service.name)
            yield from descriptor.methods


def _method_plan(method: MethodDescriptor, registry: Registry, default_policy: DefaultPolicy | None) -> MethodPlan:
    own = default_policy is None or has_policy(method)
    policy = policy_of(method) if own or default_policy is None else default_policy(method)
    package = method.containing_service.file.package.split(".")
    return MethodPlan(
        full_name=policy.path,
        service=package[-2] if len(package) > 1 else package[0],
        policy=policy,
        input=_message(registry, method.input_type.full_name),
        output=_message(registry, method.output_type.full_name),
        client_streaming=bool(method.client_streaming),
        server_streaming=bool(method.server_streaming),
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
        mask=_mask(plan.input, body_field, query) if http_method == "PATCH" else "",
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


def _mask(message: DescMessage, body_field: DescField | None, query: Mapping[str, Parameter]) -> str:
    """Names the one FieldMask of the request, if the body is a resource."""
    if body_field is None or element_message(body_field) is None:
        return ""
    masks = [field for field in message.fields if is_field_mask(field) and field.name in query]
    return masks[0].name if len(masks) == 1 else ""


def _tries(bindings: Iterable[Binding]) -> dict[str, Trie[Binding]]:
    tries: dict[str, Trie[Binding]] = {}
    for binding in bindings:
        trie = tries.setdefault(binding.http_method, Trie())
        try:
            trie.add(binding.template, binding)
        except AmbiguousError as error:
            raise PlanError(f"{binding} and {error.other} match the same requests") from error
    return tries
