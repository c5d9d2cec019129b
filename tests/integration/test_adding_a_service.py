"""A service made from the template in a copy of the tree: generated, checked, started, called."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from console.up.state import State
from meshkit.errors import Kind
from meshkit.topology import ServiceEntry, load
from tests.integration.conftest import FreshDatabase
from tests.support.calls import Credentials, calling, failure, new_client
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import ROOT, Node, Process, environment_of, free_port, run_module, running
from tests.support.servers import PostgresServer, finish

NAME = "parcel"
BIN = Path(sys.executable).parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".rampart", "__pycache__", ".*_cache", "node_modules")
GENERATORS = ("generate", "services", "docs")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Grown:
    """A tree with one service more."""

    root: Path
    by_hand: set[str]
    """Files that differ after the template was rendered, before anything was generated."""
    service: ServiceEntry

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return run_in(self.root, *command)

    def message(self, name: str) -> Any:
        """Returns the class of a message of the new protos."""
        files = FileDescriptorSet.FromString((self.root / "gen/rampart/descriptors.binpb").read_bytes())
        pool = DescriptorPool()
        for file in files.file:
            pool.Add(file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{self.service.package}.{name}"))


def run_in(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of the environment in a tree."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=root,
        env=environment_of({}, root),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contents(root: Path) -> dict[str, bytes]:
    """Returns every file that is not a cache."""
    files = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if "cache" not in str(name)}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    root = tmp_path_factory.mktemp("grown") / "tree"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    before = contents(root)
    made = run_in(root, "python", "tools/new_service.py", NAME)
    assert made.returncode == 0, made.stderr
    by_hand = {name for name, content in contents(root).items() if before.get(name) != content}
    for tool in GENERATORS:
        done = run_in(root, "python", "-m", f"tools.{tool}")
        assert done.returncode == 0, done.stdout + done.stderr
    return Grown(root, by_hand, load(root / "services/table.toml").service(NAME))


def test_only_the_table_and_the_roles_change_beside_the_service_its_protos_and_its_tests(grown: Grown) -> None:
    own = (f"services/{NAME}/", f"protos/rampart/{NAME}/", f"tests/unit/services/{NAME}/")
    assert {name for name in grown.by_hand if not name.startswith(own)} == {
        "services/table.toml",
        "protos/rampart/auth/v1/role.proto",
    }
    assert {place for place in own if any(name.startswith(place) for name in grown.by_hand)} == set(own)


def test_the_new_service_is_laid_out_as_the_others_are(grown: Grown) -> None:
    def layout(service: str) -> set[str]:
        folder = grown.root / "services" / service
        return {path.name for path in folder.iterdir() if path.name != "__pycache__"}

    common = set.intersection(*(layout(name) for name in load().names))
    assert layout(NAME) >= common


@pytest.mark.parametrize("tool", GENERATORS)
def test_what_was_generated_is_up_to_date(grown: Grown, tool: str) -> None:
    done = grown.run("python", "-m", f"tools.{tool}", "--check")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "buf lint gen/rampart/descriptors.binpb --config buf.yaml",
        "buf format -d --exit-code protos",
        "python tools/check_deploy.py",
        f"python -m pytest -q tests/unit/services/{NAME}",
        "python -m pytest -q tests/contract/test_policies.py tests/contract/test_services.py",
    ],
)
def test_the_tree_with_the_new_service_passes(grown: Grown, command: str) -> None:
    done = grown.run(*command.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_contracts_hold_for_the_new_service(grown: Grown) -> None:
    done = grown.run("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout
    foreign = grown.root / f"services/{NAME}/errors.py"
    text = foreign.read_text()
    foreign.write_text(text + "\nfrom services.auth import convert\n")
    try:
        refused = grown.run("lint-imports", "--no-cache")
    finally:
        foreign.write_text(text)
    assert refused.returncode != 0
    assert f"services.{NAME}.errors -> services.auth.convert" in refused.stdout


@pytest.fixture(scope="module")
def auth(
    grown: Grown, fresh_database: FreshDatabase, certificates: Certificates, state: State, run_folder: Path
) -> Iterator[Node]:
    """The auth service of the tree: it knows the new scopes."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **fresh_database("auth").environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": address,
        **key_files("auth", state.home),
    }
    with running("services.auth", environment, run_folder / "grown-auth.log", root=grown.root) as process:
        yield Node(address, process)


@pytest.fixture(scope="module")
def parcel(
    grown: Grown, postgres: PostgresServer, certificates: Certificates, auth: Node, state: State, run_folder: Path
) -> Iterator[Node]:
    """The new service, in a database of its own that its own migration has prepared."""
    finish(postgres.prepare(load(grown.root / "services/table.toml")))
    entry, address = grown.service, f"127.0.0.1:{free_port()}"
    environment = {
        **{name: postgres.dsn(entry.database, entry.user(role)) for role, name in entry.dsns().items()},
        entry.setting("MIGRATE_DSN"): postgres.dsn(entry.database, entry.user("owner")),
        **certificates.environment(f"service/{NAME}"),
        **{key.setting: str(state.secret_file(key.file)) for key in entry.keys},
        entry.setting("LISTEN"): address,
        "RAMPART_AUTH_ADDRESS": auth.address,
    }
    migrated = run_module(f"services.{NAME}", "migrate", environment=environment, root=grown.root)
    assert migrated.returncode == 0, migrated.stderr
    with running(f"services.{NAME}", environment, run_folder / "grown-parcel.log", root=grown.root) as process:
        yield Node(address, process)


@pytest.fixture(scope="module")
def edge(grown: Grown, certificates: Certificates, auth: Node, parcel: Node, run_folder: Path) -> Iterator[str]:
    """The gateway of the tree; of what it calls only auth and the new service are there."""
    topology = load(grown.root / "services/table.toml")
    addresses = {name: f"127.0.0.1:{free_port()}" for name in topology.gateway.calls}
    addresses |= {"auth": auth.address, NAME: parcel.address}
    listen = f"127.0.0.1:{free_port()}"
    environment = {
        **certificates.environment("service/gateway"),
        **{topology.service(name).setting("ADDRESS"): address for name, address in addresses.items()},
        "RAMPART_HTTP_LISTEN": listen,
    }
    process = Process("gateway", environment, run_folder / "grown-gateway.log", root=grown.root)
    try:
        deadline = time.monotonic() + START_SECONDS
        while (missing := process.readiness()) is None or {"auth", NAME, "jwks"} & missing.keys():
            assert time.monotonic() < deadline, process.log()
            time.sleep(0.05)
        yield f"http://{listen}"
    finally:
        process.stop()


@pytest.fixture
async def client(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, "grown")


async def test_the_new_service_answers_over_grpc(
    grown: Grown, parcel: Node, certificates: Certificates, client: Credentials
) -> None:
    create, get = grown.message("CreateParcelRequest"), grown.message("GetParcelRequest")
    async with calling(parcel.address, grown.service.full_names[0], certificates.identity("service/gateway")) as caller:
        asked = create(parcel={"parcel_id": "p1", "title": "books"})
        made = await caller(asked, grown.message("CreateParcelResponse"), token=client.token)
        got = await caller(get(parcel_id="p1"), grown.message("GetParcelResponse"), token=client.token)
        assert (got.parcel.title, str(got.parcel)) == ("books", str(made.parcel))
        refused = await failure(caller(get(parcel_id="p1"), grown.message("GetParcelResponse")))
        assert refused.kind is Kind.UNAUTHENTICATED
    async with calling(parcel.address, grown.service.full_names[0], certificates.identity("service/data")) as stranger:
        refused = await failure(stranger(get(parcel_id="p1"), grown.message("GetParcelResponse"), token=client.token))
        assert refused.kind is Kind.PERMISSION_DENIED


def ask(edge: str, token: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(edge + path, data, headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def test_the_new_service_answers_through_the_gateway(edge: str, client: Credentials) -> None:
    status, made = ask(edge, client.token, "/api/v1/parcels", {"parcel_id": "p2", "title": "pens"})
    assert (status, made["title"]) == (201, "pens")
    assert ask(edge, client.token, "/api/v1/parcels/p2") == (200, made)
    status, listed = ask(edge, client.token, "/api/v1/parcels?page_size=1")
    assert (status, len(listed["parcels"])) == (200, 1)
    status, problem = ask(edge, client.token, "/api/v1/parcels", {"parcel_id": "p2", "title": "other"})
    assert (status, problem["reason"]) == (409, "RESOURCE_EXISTS")
    status, problem = ask(edge, client.token, "/api/v1/parcels/none")
    assert (status, problem["reason"]) == (404, "RESOURCE_NOT_FOUND")


async def test_the_typed_client_calls_the_new_service(
    grown: Grown, auth: Node, parcel: Node, certificates: Certificates, client: Credentials
) -> None:
    files = certificates.identity("client/shop")
    program = f"""
import asyncio
from pathlib import Path
from rampart_client import Config, Rampart
from rampart_client.parcel import ListParcelsRequest, Parcel, CreateParcelRequest

async def main():
    config = Config(
        auth={auth.address!r}, parcel={parcel.address!r}, client_id={client.client_id!r},
        client_secret={client.client_secret!r}, ca_file=Path({str(files.ca)!r}),
        certificate_file=Path({str(files.certificate)!r}), key_file=Path({str(files.key)!r}),
    )
    async with Rampart(config) as rampart:
        await rampart.parcel.create_parcel(CreateParcelRequest(parcel=Parcel(parcel_id="p3", title="ink")))
        print([each.parcel_id for each in (await rampart.parcel.list_parcels(ListParcelsRequest())).parcels])

asyncio.run(main())
"""
    paths = f"import sys; sys.path.insert(0, {str(grown.root / 'clients/python')!r})\n"
    done = grown.run("python", "-c", paths + program)
    assert re.search(r"'p3'", done.stdout), done.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("fraud", "fraud is in the table"),
        ("gateway", "has the name of something else"),
        ("Parcel", "must be lower-case"),
        ("class", "is a word of Python"),
    ],
)
def test_a_name_that_cannot_be_used_changes_nothing(grown: Grown, name: str, sentence: str) -> None:
    before = contents(grown.root / "services")
    done = grown.run("python", "tools/new_service.py", name)
    assert done.returncode == 1
    assert sentence in done.stderr
    after = contents(grown.root / "services")
    assert {key: after[key] for key in before} == before
