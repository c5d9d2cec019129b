"""The table of services: what it says, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshkit.settings import SettingsError
from meshkit.topology import TABLE, Topology, TopologyError, load

HEAD = """
[ports]
grpc = 9000
admin = 9090
http = 8080

[defaults]
replicas = { min = 3, max = 20 }
requests = { cpu = "500m", memory = "256Mi" }
memory_limit = "512Mi"
probes = { startup = "/ready", readiness = "/health", liveness = "/health" }

[gateway]
redis = true
"""
KEYS = """
[service.keys]
package = "rampart.keys.v1"
grpc = ["KeyService"]
keeps = "keys"
calls = []
redis = false

[service.keys.key.sealing]
setting = "RAMPART_KEYS_FILE"
file = "keys.key"
purpose = "seals"
"""
LEDGER = """
[service.ledger]
package = "rampart.ledger.v1"
grpc = ["LedgerService", "LineService"]
keeps = "lines"
calls = ["keys"]
redis = true
replicas = { min = 1, max = 2 }
edge = false

[service.ledger.role.relay]
may = "reads"
"""


def read(folder: Path, text: str) -> Topology:
    path = folder / "table.toml"
    path.write_text(text)
    return load(path)


def test_an_entry_says_what_its_process_is_started_with(tmp_path: Path) -> None:
    topology = read(tmp_path, HEAD + KEYS + LEDGER)
    ledger = topology.service("ledger")
    assert ledger.full_names == ("rampart.ledger.v1.LedgerService", "rampart.ledger.v1.LineService")
    assert ledger.dsns() == {
        "service": "RAMPART_LEDGER_DSN",
        "eraser": "RAMPART_LEDGER_ERASER_DSN",
        "relay": "RAMPART_LEDGER_RELAY_DSN",
    }
    assert [ledger.user(role) for role in ledger.role_names] == [
        "rampart_ledger_owner",
        "rampart_ledger_service",
        "rampart_ledger_eraser",
        "rampart_ledger_relay",
    ]
    assert [key.setting for key in topology.service("keys").keys] == ["RAMPART_KEYS_FILE"]


def test_an_entry_is_over_the_defaults(tmp_path: Path) -> None:
    topology = read(tmp_path, HEAD + KEYS + LEDGER)
    sizes = {process.name: (process.size.least, process.size.most) for process in topology.processes}
    assert sizes == {"keys": (3, 20), "ledger": (1, 2), "gateway": (3, 20)}
    assert {process.size.cpu for process in topology.processes} == {"500m"}


def test_the_gateway_calls_every_service_at_the_edge(tmp_path: Path) -> None:
    topology = read(tmp_path, HEAD + KEYS + LEDGER)
    assert topology.gateway.calls == ("keys",)
    assert topology.callers("keys") == ("ledger", "gateway")
    assert topology.callers("ledger") == ()


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        ('calls = ["keys"]', 'calls = ["kyes"]', "service.ledger.calls names kyes, which is no service above it: keys"),
        ("calls = []", 'calls = ["ledger"]', "service.keys.calls names ledger, which is no service above it: none is"),
        ('calls = ["keys"]', 'calls = ["ledger"]', "service.ledger.calls names ledger, which is no service above it"),
        ('calls = ["keys"]', 'calls = ["keys", "keys"]', "service.ledger.calls names one twice: keys, keys"),
        ('calls = ["keys"]', "calls = [1]", "service.ledger.calls must be a list of texts, not [1]"),
        ('keeps = "lines"\n', "", "service.ledger.keeps is missing"),
        ('keeps = "lines"', "keeps = 1", "service.ledger.keeps must be text, not 1"),
        ('keeps = "lines"', 'keeps = "lines"\nkeep = 1', "service.ledger.keep is unknown"),
        ('may = "reads"', 'may = "reads"\nmight = 1', "service.ledger.role.relay.might is unknown"),
        ("role.relay", "role.owner", "service.ledger.role.owner has the name of something else"),
        ("key.sealing", "key.tls", "service.keys.key.tls has the name of something else"),
        ("service.ledger", "service.gateway", "service.gateway has the name of something else"),
        ("service.ledger", "service.Ledger", "service.Ledger must be lower-case letters and digits"),
        ("rampart.ledger.v1", "rampart.keys.v1", "service.ledger.package has rampart.keys.v1, which service.keys has"),
        ('["KeyService"]', '"KeyService"', "service.keys.grpc must be a list, not 'KeyService'"),
        ('["KeyService"]', "[]", "service.keys.grpc names no gRPC service"),
        ("LineService", "LedgerService", "service.ledger.grpc names one twice: LedgerService, LedgerService"),
        ("LineService", "KeyService", "service.ledger.grpc has KeyService, which service.keys has already"),
        ("edge = false", 'edge = "no"', "service.ledger.edge must be true or false, not 'no'"),
        ("min = 1, max = 2", "min = 3, max = 2", "service.ledger.replicas.max is 2, less than min, 3"),
        ("min = 1", "min = 0", "service.ledger.replicas.min must be from 1 to 1000, not 0"),
        ("admin = 9090", "admin = 9000", "ports.admin is the port 9000, as grpc is: a process has both"),
        ("http = 8080", "http = 9090", "ports.http is the port 9090, as admin is: a process has both"),
        ("grpc = 9000", "grpc = 90000", "ports.grpc must be from 1 to 65535, not 90000"),
        ("grpc = 9000", "grpc = true", "ports.grpc must be from 1 to 65535, not True"),
        ("[gateway]", "[gateway]\nport = 1", "gateway.port is unknown"),
        ("[gateway]", "[gate]\nredis = true\n[gateway]", "gate is unknown"),
        ("[gateway]", "[gateway", "Expected ']'"),
    ],
)
def test_a_bad_table_is_refused_with_the_entry_and_the_key(
    wrong: str, right: str, sentence: str, tmp_path: Path
) -> None:
    text = (HEAD + KEYS + LEDGER).replace(wrong, right)
    assert text != HEAD + KEYS + LEDGER
    with pytest.raises(TopologyError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'table.toml'}: ")
    assert sentence in str(caught.value)
    # A process that reads the table at its start ends with this sentence, as with any unusable setting.
    assert isinstance(caught.value, SettingsError)


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"none\.toml: No such file or directory$"):
        load(tmp_path / "none.toml")


def test_the_table_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == load(TABLE)
