"""The vendored protos are those of the installed packages, and all of them together are complete for any generator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import google.api
import pytest
from google.protobuf import descriptor_pb2
from protovalidate._gen.buf.validate import validate_pb

from tools import export_protos

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
PACKAGED = Path(next(iter(google.api.__path__))).parent.parent
GOOGLE = ("api/annotations", "api/http", "api/httpbody", "rpc/code", "rpc/error_details", "rpc/status")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "protos"
    export_protos.export(folder)
    return folder


@pytest.fixture(scope="module")
def files(exported: Path) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    content = (exported / export_protos.DESCRIPTORS).read_bytes()
    return {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(content).file}


@pytest.mark.parametrize("name", GOOGLE)
def test_files_of_google_are_those_of_the_installed_package(name: str) -> None:
    path = f"google/{name}.proto"
    assert (PROTOS / path).read_bytes() == (PACKAGED / path).read_bytes()


def test_constraints_are_those_that_the_validator_knows(files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    """But for the packages of other languages: the installed file was compiled with managed options."""
    vendored = files["buf/validate/validate.proto"]
    known = descriptor_pb2.FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    assert vendored.message_type == known.message_type
    assert vendored.enum_type == known.enum_type
    numbers = [[(each.name, each.number, each.type_name) for each in file.extension] for file in (vendored, known)]
    assert numbers[0] == numbers[1]


def test_an_export_holds_every_import_the_error_details_and_the_licences(
    exported: Path, files: dict[str, descriptor_pb2.FileDescriptorProto]
) -> None:
    assert {name for file in files.values() for name in file.dependency} <= files.keys()
    assert "google/rpc/error_details.proto" in files
    assert all((exported / name).is_file() for name in ("LICENSE", "google/LICENSE", "buf/LICENSE", "buf.yaml"))


def test_protoc_compiles_our_protos_from_the_folder_alone(tmp_path: Path) -> None:
    own = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "rampart").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", f"--descriptor_set_out={tmp_path / 'x'}", *own]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_names_its_package_in_other_languages(files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    for name, file in files.items():
        if name.startswith("rampart/"):
            service = file.package.split(".")[1]
            assert file.options.go_package == f"rampart.local/gen/rampart/{service}/v1;{service}v1", name
            assert file.options.java_package == file.package, name
            assert file.options.java_multiple_files, name
            assert file.options.csharp_namespace == f"Rampart.{service.title()}.V1", name


@pytest.mark.parametrize("name", ["mine.txt", export_protos.DESCRIPTORS, "buf.yaml"])
def test_a_folder_that_is_no_export_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(SystemExit, match="is there already and no export"):
        export_protos.export(tmp_path)
    assert (tmp_path / name).read_text() == "precious"


def test_an_export_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "protos"
    export_protos.export(folder)
    (folder / "of_an_earlier_version.proto").write_text('syntax = "proto3";')
    export_protos.export(folder)
    assert not (folder / "of_an_earlier_version.proto").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["protos"]
