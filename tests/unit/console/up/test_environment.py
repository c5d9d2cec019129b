"""What each process is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.failure import CommandFailure
from console.up.certificates import Authority
from console.up.environment import Environments, Stores, external_databases
from console.up.fleet import Fleet
from console.up.names import GATEWAY
from console.up.state import State
from meshkit.topology import load

TOPOLOGY = load()
FLEET = Fleet(TOPOLOGY, {"fraud": 3})
SERVICES, MESH = TOPOLOGY.names, FLEET.processes
USER = {
    "PATH": "/bin",
    "RAMPART_LOG_LEVEL": "DEBUG",
    "RAMPART_GATEWAY_WORKERS": "2",
    "RAMPART_HOME": "/elsewhere",
    "RAMPART_DATA_DSN": "postgresql://user@/own",
    "RAMPART_TLS_KEY_FILE": "/own.key",
}


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    state = State.open(tmp_path)
    stores = Stores(
        databases={
            service.name: {role: f"{service.name}-{role}" for role in service.role_names}
            for service in TOPOLOGY.services
        },
        redis_url="unix:///redis",
    )
    numbers = {name: 20_000 + number for number, name in enumerate(FLEET.ports())}
    return Environments(FLEET, USER, state, Authority(state.tls, "rampart.test"), numbers, stores)


def test_a_process_gets_no_secret_of_another(environments: Environments) -> None:
    for name in MESH:
        values = set(environments.serve(name).environment.values())
        assert not values & {f"{other}-service" for other in SERVICES if other != FLEET.service(name)}
        assert not values & {f"{other}-owner" for other in SERVICES}
        assert ("fraud-relay" in values) == (FLEET.service(name) == "fraud")
        assert any(value.endswith("auth.key") for value in values if "tls" not in value) == (name == "auth")


def test_replicas_listen_apart_and_are_known_to_their_callers_together(environments: Environments) -> None:
    fraud = FLEET.of("fraud")
    assert fraud == ["fraud", "fraud-2", "fraud-3"]
    listens = [environments.serve(name).environment["RAMPART_FRAUD_LISTEN"] for name in fraud]
    admin = [environments.serve(name).environment["RAMPART_ADMIN_LISTEN"] for name in fraud]
    assert len({*listens, *admin}) == 6
    assert environments.serve(GATEWAY).environment["RAMPART_FRAUD_ADDRESS"] == ",".join(listens)
    assert environments.serve("fraud-2").environment["RAMPART_TLS_CERT_FILE"].endswith("tls/fraud.pem")
    assert environments.serve("fraud-2").command == environments.serve("fraud").command


def test_settings_of_the_user_pass_through_but_not_those_that_the_start_decides(environments: Environments) -> None:
    environment = environments.serve(GATEWAY).environment
    assert environment["RAMPART_LOG_LEVEL"] == "DEBUG"
    assert environment["RAMPART_GATEWAY_WORKERS"] == "2"
    assert environment["RAMPART_TLS_KEY_FILE"].endswith("tls/gateway.key")
    assert "RAMPART_DATA_DSN" not in environment
    assert "RAMPART_HOME" not in environment


def test_everyone_listens_on_loopback_and_finds_the_services(environments: Environments) -> None:
    for name in MESH:
        environment = environments.serve(name).environment
        listen = {value for key, value in environment.items() if key.endswith("_LISTEN")}
        assert len(listen) == 2
        assert all(value.startswith("127.0.0.1:") for value in listen)
        assert environment["RAMPART_AUTH_ADDRESS"] == environments.address("auth")


def test_migrations_run_as_the_owner_and_know_the_roles_to_grant_to(environments: Environments) -> None:
    environment = environments.migrate("fraud").environment
    assert environment["RAMPART_FRAUD_MIGRATE_DSN"] == "fraud-owner"
    assert environment["RAMPART_FRAUD_DSN"] == "fraud-service"
    assert environment["RAMPART_FRAUD_RELAY_DSN"] == "fraud-relay"


def test_databases_are_all_embedded_or_all_external() -> None:
    assert external_databases(TOPOLOGY, {}) is None
    names = [name for service in TOPOLOGY.services for name in service.dsns().values()]
    given = dict.fromkeys(names, "postgresql://")
    assert external_databases(TOPOLOGY, given) == given
    with pytest.raises(CommandFailure, match=r"^RAMPART_USER_DSN must be set as well"):
        external_databases(TOPOLOGY, {name: value for name, value in given.items() if name != "RAMPART_USER_DSN"})
