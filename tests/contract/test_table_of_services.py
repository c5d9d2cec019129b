"""Everything that lists services changes with the table, and what was generated from an older one is noticed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.up.environment import external_databases
from console.up.fleet import Fleet
from console.up.names import identities
from console.up.state import State
from deploy.compose.init import environments
from gateway.compile.plan import load_plan
from meshkit.descriptors import DESCRIPTORS, read_descriptors
from meshkit.topology import TABLE, Topology, load
from tools.check_deploy import DEPLOY, ROOT
from tools.client_methods import Contract
from tools.new_service import ENTRY, render
from tools.services import leftovers, outputs, stale

NAME = "parcel"
BASE = Path("deploy/k8s/base")
EXTRA = """
[service.parcel.role.courier]
may = "reads what is to be delivered"

[service.parcel.key.stamp]
setting = "RAMPART_PARCEL_KEY_FILE"
file = "parcel.key"
purpose = "stamps"
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load(read_descriptors())


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Topology:
    """The services of the product and one more, with a role and a key of its own."""
    path = tmp_path_factory.mktemp("table") / "table.toml"
    path.write_text(TABLE.read_text() + render(ENTRY.read_text(), NAME) + EXTRA)
    return load(path)


@pytest.fixture(scope="module")
def texts(topology: Topology, contract: Contract) -> dict[Path, str]:
    return outputs(topology, contract)


def parsed(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def test_what_is_committed_is_what_the_table_says(contract: Contract) -> None:
    texts = outputs(load(), contract)
    assert stale(ROOT, texts) == []
    assert leftovers(ROOT, texts) == []


def test_a_changed_table_is_noticed_in_every_file(texts: dict[Path, str], topology: Topology) -> None:
    # What a service that is not called depends on: its own manifest and the client's code, which follows the protos.
    # The example of a caller calls services of ours.
    same = {BASE / f"{name}.yaml" for name in topology.names if name not in ("auth", NAME)}
    same |= {path for path in texts if path.parts[0] == "clients" or "caller" in path.parts}
    assert set(stale(ROOT, texts)) == texts.keys() - same


def test_a_file_that_was_changed_by_hand_is_noticed(tmp_path: Path, contract: Contract) -> None:
    texts = outputs(load(), contract)
    for path in texts:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    assert stale(tmp_path, texts) == []
    for path in (BASE / "fraud.yaml", Path("deploy/compose.yaml"), Path("docs/operations.md")):
        text = (tmp_path / path).read_text()
        (tmp_path / path).write_text(text.replace("fraud", "froud", 7))
        assert stale(tmp_path, texts) == [path]
        (tmp_path / path).write_text(text)


def test_the_manifest_of_a_service_that_is_gone_is_noticed(tmp_path: Path, texts: dict[Path, str]) -> None:
    path = tmp_path / BASE / f"{NAME}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(texts[BASE / f"{NAME}.yaml"])
    (path.parent / "network.yaml").write_text("# by hand\n")
    assert leftovers(tmp_path, texts) == []
    assert leftovers(tmp_path, []) == [BASE / f"{NAME}.yaml"]


def test_compose_starts_the_service_and_tells_the_gateway_of_it(texts: dict[Path, str]) -> None:
    (compose,) = parsed(texts[Path("deploy/compose.yaml")])
    services = compose["services"]
    assert services[f"{NAME}-migrate"]["command"] == ["migrate"]
    assert services[NAME]["environment"]["RAMPART_PARCEL_LISTEN"] == "0.0.0.0:9000"
    assert services[NAME]["environment"]["RAMPART_PARCEL_KEY_FILE"] == "/run/secrets/parcel-stamp-key"
    assert services[NAME]["depends_on"].keys() == {f"{NAME}-migrate", "auth"}
    assert services["gateway"]["environment"]["RAMPART_PARCEL_ADDRESS"] == "parcel:9000"
    assert NAME in services["gateway"]["depends_on"]
    assert {f"{NAME}-certificate", f"{NAME}-key", f"{NAME}-stamp-key"} <= compose["secrets"].keys()


def test_kubernetes_has_the_process_its_policy_and_its_migration(texts: dict[Path, str]) -> None:
    made = {document["kind"]: document for document in parsed(texts[BASE / f"{NAME}.yaml"])}
    assert made.keys() == {
        "ServiceAccount",
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    container = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    variables = {each["name"]: each for each in container["env"]}
    secret = variables["RAMPART_PARCEL_COURIER_DSN"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "rampart-parcel-postgres", "key": "courier-dsn"}
    assert variables["RAMPART_PARCEL_KEY_FILE"]["value"] == "/etc/rampart/stamp/key"
    assert "RAMPART_REDIS_URL" not in variables
    assert "app.kubernetes.io/name: parcel," in texts[BASE / "auth.yaml"]
    assert "app.kubernetes.io/name: parcel," in texts[BASE / "gateway.yaml"]
    (kustomization,) = parsed(texts[BASE / "kustomization.yaml"])
    assert f"{NAME}.yaml" in kustomization["resources"]
    assert f"rampart/{NAME}" in [image["name"] for image in kustomization["images"]]
    jobs = [document["metadata"]["name"] for document in parsed(texts[Path("deploy/k8s/migrate/jobs.yaml")])]
    assert f"migrate-{NAME}" in jobs


def test_databases_certificates_images_and_pages_have_the_service(texts: dict[Path, str]) -> None:
    script = texts[Path("deploy/postgres/databases.sql")]
    assert "CREATE ROLE rampart_parcel_courier LOGIN NOBYPASSRLS PASSWORD :'parcel_courier';" in script
    granted = "rampart_parcel_service, rampart_parcel_eraser, rampart_parcel_courier"
    assert f"GRANT CONNECT ON DATABASE rampart_parcel TO {granted};" in script
    certificates = parsed(texts[Path("deploy/k8s/examples/certificates.yaml")])
    uris = {document["metadata"]["name"]: document["spec"]["uris"] for document in certificates}
    assert uris[NAME] == ["spiffe://rampart.local/service/parcel"]
    assert "FROM service AS parcel\n" in texts[Path("deploy/docker/Dockerfile")]
    assert "`RAMPART_PARCEL_COURIER_DSN`" in texts[Path("docs/operations.md")]
    assert "(services/parcel/)" in texts[Path("README.md")]
    assert "`rampart-parcel-stamp`" in texts[Path("deploy/k8s/README.md")]


def test_the_console_knows_the_service(topology: Topology, tmp_path: Path) -> None:
    assert identities(topology)[NAME] == f"service/{NAME}"
    assert {NAME, f"{NAME}_admin"} <= set(Fleet(topology).ports())
    given = external_databases(
        topology, {name: "postgresql://" for each in topology.services for name in each.dsns().values()}
    )
    assert given is not None
    assert "RAMPART_PARCEL_COURIER_DSN" in given
    secrets = environments(topology, State(tmp_path))
    assert secrets[NAME].keys() == {f"RAMPART_PARCEL_{each}" for each in ("DSN", "ERASER_DSN", "COURIER_DSN")}
    assert "RAMPART_PARCEL_COURIER_PASSWORD" in secrets["postgres"]


def test_the_gateway_calls_whoever_has_routes() -> None:
    topology = load()
    bound = {binding.method.service for binding in load_plan(DESCRIPTORS).bindings}
    assert bound == set(topology.gateway.calls)
    for service in topology.services:
        # The gateway finds the address of a method by the second part of its package.
        assert service.package.split(".")[1] == service.name


def test_the_table_names_every_grpc_service_of_the_protos(contract: Contract) -> None:
    named = [name for service in load().services for name in service.full_names]
    # What every service of the mesh serves is no service's own.
    named.append("rampart.mesh.v1.TenantDataService")
    assert sorted(named) == sorted(each.full_name for each in contract.services())


def test_every_service_has_a_folder_and_every_folder_an_entry() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")}
    assert folders == set(load().names)


def test_the_ports_of_the_table_are_those_of_images_and_compose() -> None:
    ports = load().ports
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text()
    assert {int(port) for port in re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)} == {
        ports.grpc,
        ports.admin,
        ports.http,
    }
    assert f"RAMPART_ADMIN_LISTEN=0.0.0.0:{ports.admin}\n" in dockerfile
    compose = (DEPLOY / "compose.yaml").read_text()
    assert f"RAMPART_ADMIN_LISTEN: 0.0.0.0:{ports.admin}\n" in compose
    assert f"http://127.0.0.1:{ports.admin}/ready" in compose
