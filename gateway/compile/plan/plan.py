"""Compiles descriptors into the plan: every binding, checked once at start.

A plan that is ambiguous, binds fields that do not exist, or has a method without a policy is refused with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from protobuf import DescMessage, Registry, wkt

from gateway.compile.plan.binding import Binding, MethodPlan
from gateway.compile.plan.checks import binding_faults, rule_faults, strict_faults, unreachable
from gateway.compile.plan.descriptors import MissingImportError, complete, with_first_names_last
from gateway.compile.plan.fields import FieldError
from gateway.compile.plan.rules import compile_rule
from gateway.compile.plan.template import TemplateError
from gateway.compile.plan.trie import AmbiguousError, Trie
from meshkit.identity.policy import Policy, PolicyError, has_policy, policy_of

__all__ = ["Plan", "PlanError", "compile_plan", "load_plan"]

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
    try:
        known = complete(files)
    except MissingImportError as error:
        raise PlanError(str(error)) from error
    pool = DescriptorPool()
    for file in known.file:
        try:
            pool.Add(file)
        except (TypeError, ValueError) as error:
            raise PlanError(f"{file.name} cannot be used: {error}") from error
    registry = wkt.FileDescriptorSet.from_binary(with_first_names_last(known).SerializeToString()).to_registry()
    methods: dict[str, MethodPlan] = {}
    bindings: list[Binding] = []
    try:
        for method in _methods(files, pool):
            plan = _method_plan(method, registry, default_policy)
            methods[plan.full_name] = plan
            bindings += _bindings(method, plan, registry, strict=default_policy is None)
    except (PolicyError, TemplateError, FieldError) as error:
        raise PlanError(str(error)) from error
    tries = _tries(bindings)
    for fault in unreachable(tries, bindings):
        raise PlanError(fault)
    return Plan(files, pool, registry, methods, tuple(bindings), tries, json_names)


def _methods(files: FileDescriptorSet, pool: DescriptorPool) -> Iterator[MethodDescriptor]:
    for file in {file.name: file for file in files.file}.values():
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


def _bindings(method: MethodDescriptor, plan: MethodPlan, registry: Registry, strict: bool) -> Iterator[Binding]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    _refuse(method.full_name, rule_faults(rule))
    for each in (rule, *rule.additional_bindings):
        try:
            binding = compile_rule(each, plan, registry)
        except (TemplateError, FieldError) as error:
            raise PlanError(f"{method.full_name}: {error}") from error
        _refuse(str(binding), binding_faults(binding))
        if strict:
            _refuse(str(binding), strict_faults(binding))
        yield binding


def _refuse(who: str, faults: Iterator[str]) -> None:
    for fault in faults:
        raise PlanError(f"{who}: {fault}")


def _tries(bindings: Iterable[Binding]) -> dict[str, Trie[Binding]]:
    tries: dict[str, Trie[Binding]] = {}
    for binding in bindings:
        trie = tries.setdefault(binding.http_method, Trie())
        try:
            trie.add(binding.template, binding)
        except AmbiguousError as error:
            raise PlanError(f"{binding} and {error.other} match the same requests") from error
    return tries
