"""Descriptors compiled from text, for tests that need methods which the product does not have."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from google.api import http_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from meshkit.descriptors import DESCRIPTORS
from meshkit.topology import ServiceEntry

__all__ = ["compile_proto", "descriptors_of", "with_methods"]

POLICY = (
    'option (rampart.mesh.v1.policy) = {scopes: ["x:y"], rate_limit: {class: RATE_CLASS_READ}, deadline: {seconds: 1}};'
)

_HEAD = """
syntax = "proto3";
package test.lib.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "rampart/mesh/v1/policy.proto";
"""


def descriptors_of(services: Iterable[ServiceEntry]) -> list[ServiceDescriptor]:
    """Returns every gRPC service in the files that are called after those of the table."""
    found: list[ServiceDescriptor] = []
    for package, name in ((service.package, name) for service in services for name in service.grpc):
        file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        found += importlib.import_module(f"{package}.{file}_pb2").DESCRIPTOR.services_by_name.values()
    return found


def compile_proto(text: str) -> FileDescriptorSet:
    """Compiles a file that may import what the product's protos import, and everything below google/api."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "test.proto", Path(folder) / "out.binpb"
        source.write_text(_HEAD + text)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={DESCRIPTORS}", f"-I{folder}"]
        command.append(f"-I{Path(http_pb2.__file__).parents[2]}")
        command += ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}", str(source)]
        subprocess.run(command, check=True)
        return FileDescriptorSet.FromString(out.read_bytes())


def with_methods(methods: dict[str, str], messages: str) -> FileDescriptorSet:
    """Compiles a service whose methods, by name, take `Request`, return `Reply` and carry the given HttpRule."""
    rpcs = "".join(
        f"rpc {name}(Request) returns (Reply) {{ option (google.api.http) = {{{rule}}}; {POLICY} }}\n"
        for name, rule in methods.items()
    )
    return compile_proto(f"service Library {{ {rpcs} }}\n{messages}")
