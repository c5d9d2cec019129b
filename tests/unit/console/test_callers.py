"""A caller of one's own gets an identity, and ways to exactly whom it calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.__main__ import main
from console.up.certificates import Authority
from meshkit.identity.own import MeshIdentity
from meshkit.settings import TlsFiles

Documents = list[dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tls").mkdir()
    Authority(tmp_path / "tls", "rampart.test").ensure({"operator": "operator"})
    return tmp_path


def added(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["caller", "add", *arguments]) == 0
    return capsys.readouterr().out


def test_certificate_is_made_where_the_command_says(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "dev.json").write_text(json.dumps({"grpc": {"fraud": "127.0.0.1:7001", "user": "127.0.0.1:7002"}}))
    printed = dict(
        line.split(maxsplit=1)
        for line in added(capsys, "orders", "--calls", "fraud,auth", "--home", str(home)).splitlines()
    )
    assert (printed["identity"], printed["fraud"], printed["auth"]) == (
        "client/orders",
        "127.0.0.1:7001",
        "not running",
    )
    assert "user" not in printed
    files = TlsFiles(*(Path(printed[name]) for name in ("CA", "certificate", "key")))
    assert MeshIdentity(files, "rampart.test").svid.path == "client/orders"
    assert files.key.stat().st_mode & 0o777 == 0o600
    before = files.certificate.read_bytes()
    added(capsys, "orders", "--calls", "fraud", "--home", str(home))
    assert files.certificate.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Orders", "--calls", "fraud"], "NAME must be"),
        (["orders/x", "--calls", "fraud"], "NAME must be"),
        (["-", "--calls", "fraud"], "NAME must be"),
        (["x" * 41, "--calls", "fraud"], "NAME must be"),
        (["local", "--calls", "fraud"], "NAME must be"),
        (["orders", "--calls", "fraud,nobody"], "--calls must be some of"),
        (["orders", "--calls", ""], "--calls must be some of"),
    ],
)
def test_unusable_arguments_are_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["caller", "add", *arguments, "--home", str(home)]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in (home / "tls").glob("client-*")] == []


def test_service_that_admits_no_caller_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    from meshkit.identity.policy import Policy

    monkeypatch.setattr(Policy, "admits", lambda *_: False)
    assert main(["caller", "add", "orders", "--calls", "fraud", "--kubernetes"]) == 2
    assert "No method of fraud admits client/orders" in capsys.readouterr().err


def test_folder_without_an_authority_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caller", "add", "orders", "--calls", "fraud", "--home", str(tmp_path)]) == 1
    assert "holds no certificates" in capsys.readouterr().err


def test_manifests_open_the_ways_to_exactly_whom_it_calls(capsys: pytest.CaptureFixture[str]) -> None:
    found: Documents = list(yaml.safe_load_all(added(capsys, "orders", "--calls", "user,fraud", "--kubernetes")))
    certificate, *policies = found
    assert certificate["spec"]["uris"] == ["spiffe://rampart.local/client/orders"]
    assert certificate["spec"]["usages"] == ["digital signature", "client auth"]
    assert "dnsNames" not in certificate["spec"], "a host name could be a service's"
    own = {"app.kubernetes.io/name": "orders", "app.kubernetes.io/component": "caller"}
    out = policies[0]["spec"]
    assert out["podSelector"]["matchLabels"] == own
    assert out["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in out
    (rule,) = out["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "grpc"}]
    assert [peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in rule["to"]] == ["user", "fraud"]
    for policy, service in zip(policies[1:], ("user", "fraud"), strict=True):
        labels = {"app.kubernetes.io/name": service, "app.kubernetes.io/component": "process"}
        assert policy["spec"]["podSelector"]["matchLabels"] == labels
        (rule,) = policy["spec"]["ingress"]
        assert rule == {"from": [{"podSelector": {"matchLabels": own}}], "ports": [{"protocol": "TCP", "port": "grpc"}]}


def test_documented_example_is_what_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[3]
    command = "rampart caller add orders --calls auth,fraud --kubernetes"
    assert command in (root / "docs/callers.md").read_text()
    example = (root / "deploy/k8s/examples/caller/orders.yaml").read_text()
    assert example.endswith(added(capsys, *command.split()[3:]))
