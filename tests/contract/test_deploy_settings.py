"""Every variable that deploy/ sets is read by the process that gets it, and every required one is set."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest

from console.up.environment import OWN
from deploy.compose.init import main as make_secrets
from gateway.settings import GatewaySettings
from meshkit.host import Host
from meshkit.settings import Reader, SettingsError
from meshkit.storage import migrations
from meshkit.tenants.serving import EraserSettings
from meshkit.topology import load
from tests.support.deploy import BASE, SERVICES, Recorder, file_variables, in_cluster, in_compose, migration_jobs
from tools.check_deploy import DEPLOY, documents, of_kind

PROCESSES = (*SERVICES, "gateway")
COMPOSE = documents(DEPLOY / "compose.yaml")[0]
# Read by meshkit.host before there are settings.
ALWAYS_READ = {"RAMPART_LOG_LEVEL"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    make_secrets(folder, load())
    return folder


def read_settings(process: str, environment: dict[str, str], key: Path) -> set[str]:
    """Reads the settings of a process and returns the names that it asked for. Raises SettingsError."""
    files = dict.fromkeys(file_variables(environment), str(key))
    recorder = Recorder(environment | files)
    if process == "gateway":
        GatewaySettings.read(Reader(recorder))
    else:
        module = importlib.import_module(f"services.{process}.settings")
        getattr(module, f"{process.title()}Settings").read(Reader(recorder))
        EraserSettings.read(Reader(recorder), process.upper())
    return recorder.asked


@pytest.mark.parametrize("process", PROCESSES)
def test_the_cluster_starts_each_process_with_exactly_what_it_reads(process: str, secrets: Path) -> None:
    (container,) = of_kind(BASE, "Deployment")[process]["spec"]["template"]["spec"]["containers"]
    environment = in_cluster(container)
    asked = read_settings(process, environment, secrets / "auth.key")
    assert environment.keys() - asked - ALWAYS_READ == set()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_local_start_keeps_no_setting_of_the_users_from_a_process(process: str, secrets: Path) -> None:
    (container,) = of_kind(BASE, "Deployment")[process]["spec"]["template"]["spec"]["containers"]
    environment = in_cluster(container)
    asked = read_settings(process, environment, secrets / "auth.key")
    assert {name for name in asked if name.endswith(OWN)} - environment.keys() == set()


@pytest.mark.parametrize("process", PROCESSES)
def test_compose_starts_each_process_with_exactly_what_it_reads(process: str, secrets: Path) -> None:
    environment = in_compose(COMPOSE["services"][process], secrets)
    asked = read_settings(process, environment, secrets / "auth.key")
    assert environment.keys() - asked - ALWAYS_READ == set()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://user:hidden@graph.example.com:7474", r"must be neo4j\+s://"),
        ("neo4j+ssc://user:hidden@graph.example.com:7687", r"must be neo4j\+s://"),
        ("neo4j+s://user:hidden@graph.example.com", r"must be neo4j\+s://"),
        ("neo4j+s://user:hidden@graph.example.com:7687/other", r"must be neo4j\+s://"),
        ("bolt://user:hid/den@127.0.0.1:7687", r"must be neo4j\+s://"),
        ("bolt://user:hidden@graph.example.com:7687", "without TLS"),
        ("neo4j://user:hidden@192.0.2.1:7687", "without TLS"),
    ],
)
def test_a_graph_is_not_kept_where_a_password_or_what_is_read_could_be_seen(url: str, why: str, secrets: Path) -> None:
    environment = in_compose(COMPOSE["services"]["fraud"], secrets) | {"RAMPART_GRAPH_NEO4J_URL": url}
    with pytest.raises(SettingsError, match=f"^RAMPART_GRAPH_NEO4J_URL .*{why}") as caught:
        read_settings("fraud", environment, secrets / "auth.key")
    assert "hid" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["neo4j+s://u:p%40@graph.example.com:7687", "bolt://[::1]:7687", "neo4j://localhost:1"]
)
def test_a_graph_is_kept_in_neo4j_by_tls_or_on_this_machine(address: str, secrets: Path) -> None:
    environment = in_compose(COMPOSE["services"]["fraud"], secrets) | {"RAMPART_GRAPH_NEO4J_URL": address}
    assert "RAMPART_GRAPH_NEO4J_URL" in read_settings("fraud", environment, secrets / "auth.key")


def test_an_address_that_clients_cannot_call_stops_the_gateway(secrets: Path) -> None:
    environment = in_compose(COMPOSE["services"]["gateway"], secrets) | {"RAMPART_PUBLIC_URL": "api.example.com"}
    with pytest.raises(SettingsError, match=r"RAMPART_PUBLIC_URL must be an address .*, not 'api\.example\.com'"):
        read_settings("gateway", environment, secrets / "auth.key")


@pytest.mark.parametrize("where", ["cluster", "compose"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_gets_exactly_what_it_reads(
    service: str, where: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def migrate(dsn: str, *_: Any) -> list[str]:
        done.append(dsn)
        return []

    monkeypatch.setattr(migrations, "migrate", migrate)
    if where == "cluster":
        environment = in_cluster(migration_jobs()[service])
    else:
        environment = in_compose(COMPOSE["services"][f"{service}-migrate"], secrets)
    recorder = Recorder(environment)
    asyncio.run(importlib.import_module(f"services.{service}.__main__").migrate(Host(service), Reader(recorder)))
    assert recorder.asked == environment.keys()
    assert done == [environment[f"RAMPART_{service.upper()}_MIGRATE_DSN"]]


@pytest.mark.parametrize("process", PROCESSES)
def test_every_file_that_the_cluster_names_is_mounted_from_a_secret(process: str) -> None:
    pod = of_kind(BASE, "Deployment")[process]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    secret = {volume["name"] for volume in pod["volumes"] if "secret" in volume}
    folders = {mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] in secret}
    assert {str(Path(path).parent) for path in file_variables(in_cluster(container)).values()} == folders


@pytest.mark.parametrize("process", PROCESSES)
def test_every_file_that_compose_names_is_a_secret_that_init_makes(process: str, secrets: Path) -> None:
    service = COMPOSE["services"][process]
    sources = {
        each if isinstance(each, str) else each["target"]: each if isinstance(each, str) else each["source"]
        for each in service["secrets"]
    }
    named = {Path(path).name for path in file_variables(in_compose(service, secrets)).values()}
    assert named == sources.keys()
    for source in sources.values():
        file = secrets / Path(COMPOSE["secrets"][source]["file"]).relative_to("compose/secrets")
        assert file.stat().st_mode & 0o777 == 0o644, "the users of the images are not those of this machine"
    assert secrets.stat().st_mode & 0o777 == 0o700


def test_each_process_of_compose_gets_its_own_certificate() -> None:
    for process in PROCESSES:
        sources = {each["source"] for each in COMPOSE["services"][process]["secrets"] if isinstance(each, dict)}
        assert sources == {f"{process}-certificate", f"{process}-key"}


def test_making_the_secrets_again_changes_no_password_and_no_certificate(tmp_path: Path) -> None:
    make_secrets(tmp_path, load())
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    make_secrets(tmp_path, load())
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_no_variable_of_deploy_holds_a_secret() -> None:
    for deployment in of_kind(BASE, "Deployment").values():
        for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
            if variable["name"].endswith(("_DSN", "_URL")):
                assert "secretKeyRef" in variable["valueFrom"]
    for name, service in COMPOSE["services"].items():
        secret = {each for each in service.get("environment", {}) if each.endswith(("_DSN", "_URL", "PASSWORD"))}
        assert secret <= {"RAMPART_PUBLIC_URL"}, f"{name} shows {secret}"
