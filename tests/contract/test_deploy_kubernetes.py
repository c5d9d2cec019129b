"""The manifests against the code: the call graph, the drain, the version; and what the cluster must guarantee."""

from __future__ import annotations

import shutil
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from gateway.compile.plan import load_plan
from gateway.describe.openapi import LOCAL_URL
from gateway.edge.address import AddressResolver
from gateway.product.rampart import rampart
from meshkit.descriptors import DESCRIPTORS
from meshkit.settings import MeshSettings, Reader
from meshkit.topology import load
from services.fraud.settings import TRAINING_MEMORY_MB
from tests.support.deploy import BASE, SERVICES, edges, in_cluster, migration_jobs
from tests.support.gateway import Gateway
from tools import check_deploy
from tools.check_deploy import DEPLOY, ROOT, documents, manifests, of_kind, problems

PROCESSES = (*SERVICES, "gateway")
DEPLOYMENTS = of_kind(BASE, "Deployment")


def pod_of(process: str) -> dict[str, Any]:
    return dict(DEPLOYMENTS[process]["spec"]["template"]["spec"])


def call_graph() -> set[tuple[str, str]]:
    """Returns (caller, callee) of every method's callers in the protos; "service/*" is every process but the callee."""
    found = set()
    for path, method in load_plan(DESCRIPTORS).methods.items():
        callee = path.split(".")[1]
        for process in PROCESSES:
            if process != callee and method.policy.admits(f"service/{process}"):
                found.add((process, callee))
    return found


def test_everything_in_deploy_is_valid() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    "proxies",
    ["", "0.0.0.0/0", "10.0.0.0/8,::/0", "unix", "10.0.0.1/8", "ingress-nginx", None],
    ids=lambda text: text or repr(text),
)
def test_an_ingress_before_a_gateway_that_does_not_trust_it_is_found(
    proxies: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    monkeypatch.setattr(check_deploy, "DEPLOY", tmp_path / "deploy")
    assert list(check_deploy.check_proxies_are_trusted()) == []
    file = tmp_path / "deploy/k8s/examples/kustomization.yaml"
    whole = file.read_text()
    changed = whole.partition("patches:")[0] if proxies is None else whole.replace('"10.0.0.0/8"', f'"{proxies}"')
    assert changed != whole
    file.write_text(changed)
    (problem,) = check_deploy.check_proxies_are_trusted()
    assert "RAMPART_TRUSTED_PROXIES" in problem


def test_callers_through_the_ingress_have_addresses_of_their_own() -> None:
    environment = check_deploy._environment(DEPLOY / "k8s/examples", "gateway")
    resolver = AddressResolver.read(Reader(environment))
    controller = ("10.42.3.7", 40_000)
    found = {
        resolver.resolve({"client": controller, "headers": [(b"x-forwarded-for", address.encode())]})
        for address in ("203.0.113.7", "203.0.113.8", "2001:db8::1")
    }
    assert found == {"203.0.113.7", "203.0.113.8", "2001:db8::/64"}


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_network_lets_through_exactly_the_call_graph(direction: str) -> None:
    assert edges(direction) == call_graph()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_is_given_the_address_of_exactly_whom_it_calls(process: str) -> None:
    (container,) = pod_of(process)["containers"]
    given = {name for name in in_cluster(container) if name.endswith("_ADDRESS")}
    assert given == {f"RAMPART_{callee.upper()}_ADDRESS" for caller, callee in call_graph() if caller == process}


def test_the_way_in_offers_what_the_gateway_serves_and_nothing_else() -> None:
    # As one that describes its issuer, which has its own address.
    pipeline = Gateway(public_metrics=False, product=rampart(LOCAL_URL)).app
    routes = [route.path for route in pipeline._others._site.routes if isinstance(route, Route)]
    routes += [binding.template.text for binding in pipeline._router.plan.bindings]
    routes += [endpoint.method.full_name for endpoint in pipeline._router.endpoints if not endpoint.streams]
    (ingress,) = of_kind(manifests(DEPLOY / "k8s/examples"), "Ingress").values()
    rules = [(each["path"], each["pathType"]) for each in ingress["spec"]["rules"][0]["http"]["paths"]]
    assert [route for route in routes if not any(offers(*rule, route) for rule in rules)] == []
    assert [rule for rule in rules if not any(offers(*rule, route) for route in routes)] == []
    assert not any(offers(*rule, "/metrics") for rule in rules)


def offers(path: str, kind: str, route: str) -> bool:
    """Tells whether a rule of an Ingress lets a path in: whole, or by its first elements."""
    return route == path or (kind == "Prefix" and f"{route}/".startswith(f"{path.rstrip('/')}/"))


def test_nothing_else_may_talk() -> None:
    policies = of_kind(BASE, "NetworkPolicy")
    assert policies.keys() == {"default-deny", "dns", "scrape", *PROCESSES}
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_reaches_the_stores_that_it_has_an_address_of(process: str) -> None:
    variables = in_cluster(pod_of(process)["containers"][0])
    needed = {"postgres"} if any(name.endswith("_DSN") for name in variables) else set()
    needed |= {"redis"} if "RAMPART_REDIS_URL" in variables else set()
    rules = of_kind(BASE, "NetworkPolicy")[process]["spec"]["egress"]
    peers = [peer for rule in rules for peer in rule["to"] if "namespaceSelector" in peer]
    assert {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in peers} == needed


@pytest.mark.parametrize("process", PROCESSES)
def test_only_a_process_that_calls_what_tenants_name_leaves_the_cluster(process: str) -> None:
    rules = of_kind(BASE, "NetworkPolicy")[process]["spec"]["egress"]
    blocks = [peer["ipBlock"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    assert bool(blocks) is load().process(process).outside
    for inner in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.1", "fd00::1", "fe80::1"):
        assert not any(reaches(block, inner) for block in blocks)


def reaches(block: dict[str, Any], address: str) -> bool:
    inside = [ip_address(address) in ip_network(each) for each in (block["cidr"], *block.get("except", ()))]
    return inside[0] and not any(inside[1:])


@pytest.mark.parametrize("process", PROCESSES)
def test_the_number_of_replicas_follows_the_load(process: str) -> None:
    scaler = of_kind(BASE, "HorizontalPodAutoscaler")[process]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 20)
    targets = {each["resource"]["name"]: each["resource"]["target"]["averageUtilization"] for each in scaler["metrics"]}
    assert targets == {"cpu": 70, "memory": 80}
    assert "replicas" not in DEPLOYMENTS[process]["spec"], "a number here would undo the autoscaler at every apply"
    assert of_kind(BASE, "PodDisruptionBudget")[process]["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("process", PROCESSES)
def test_a_call_under_way_outlives_the_drain(process: str) -> None:
    pod = pod_of(process)
    (container,) = pod["containers"]
    drain = int(in_cluster(container)["RAMPART_DRAIN_SECONDS"])
    # A stream is not waited for: it ends at once and says where to go on.
    calls = [method for method in load_plan(DESCRIPTORS).methods.values() if not method.server_streaming]
    longest = max(method.policy.deadline for method in calls)
    assert drain > longest
    assert pod["terminationGracePeriodSeconds"] >= container["lifecycle"]["preStop"]["sleep"]["seconds"] + drain + 5
    assert "drain_seconds" in MeshSettings.__slots__


@pytest.mark.parametrize("process", PROCESSES)
def test_probes_ask_the_admin_port(process: str) -> None:
    (container,) = pod_of(process)["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listen = in_cluster(container)["RAMPART_ADMIN_LISTEN"]
    assert listen == f"0.0.0.0:{ports['admin']}"
    asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")}
    assert {each["port"] for each in asked.values()} == {"admin"}
    assert asked["startup"]["path"] == "/ready"
    # The replicas share what they need: were readiness to ask for it, one outage would leave nobody to say so.
    assert asked["readiness"]["path"] == asked["liveness"]["path"] == "/health"


def test_services_are_headless_and_listen_where_they_are_called() -> None:
    services = of_kind(BASE, "Service")
    for name in SERVICES:
        assert services[name]["spec"]["clusterIP"] == "None", "one address would pin every caller to one pod"
        variables = in_cluster(pod_of(name)["containers"][0])
        port = services[name]["spec"]["ports"][0]["port"]
        assert variables[f"RAMPART_{name.upper()}_LISTEN"] == f"0.0.0.0:{port}"
    for process in PROCESSES:
        for variable, value in in_cluster(pod_of(process)["containers"][0]).items():
            if variable.endswith("_ADDRESS"):
                callee, _, port = value.partition(":")
                assert services[callee]["spec"]["ports"][0]["port"] == int(port)


@pytest.mark.parametrize("name", [*PROCESSES, *(f"migrate-{service}" for service in SERVICES)])
def test_pods_meet_the_restricted_standard(name: str) -> None:
    jobs = of_kind(manifests(DEPLOY / "k8s/migrate"), "Job")
    pod = (DEPLOYMENTS | jobs)[name]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"]["memory"]
    labels = of_kind(BASE, "Namespace")["rampart"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_training_fits_into_the_container_beside_the_service() -> None:
    (container,) = DEPLOYMENTS["fraud"]["spec"]["template"]["spec"]["containers"]
    resources = container["resources"]
    limit, service = (_mebibytes(resources[part]["memory"]) for part in ("limits", "requests"))
    training = int(in_cluster(container).get("RAMPART_TRAINING_MEMORY_MB", TRAINING_MEMORY_MB))
    assert training + service <= limit


def _mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def test_images_have_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for folder in ("base", "migrate"):
        images = documents(DEPLOY / f"k8s/{folder}/kustomization.yaml")[0]["images"]
        assert {image["newTag"] for image in images} == {version}
    compose = documents(DEPLOY / "compose.yaml")[0]["services"].values()
    assert {service["image"].split(":")[1] for service in compose if service["image"].startswith("rampart/")} == {
        version
    }
    assert f"ARG VERSION={version}" in (DEPLOY / "docker/Dockerfile").read_text()


def test_every_service_is_migrated() -> None:
    assert migration_jobs().keys() == set(SERVICES)


def test_certificates_carry_the_identities_that_the_protos_name() -> None:
    certificates = of_kind(manifests(DEPLOY / "k8s/examples"), "Certificate")
    assert certificates.keys() == {*PROCESSES, "operator"}
    for name, certificate in certificates.items():
        serves = name != "operator"
        path = f"service/{name}" if serves else "operator"
        assert certificate["spec"]["uris"] == [f"spiffe://rampart.local/{path}"]
        assert certificate["spec"].get("dnsNames") == ([name, f"{name}.rampart.svc", "localhost"] if serves else None)
        assert certificate["spec"]["privateKey"]["algorithm"] == "ECDSA"
        usages = {"digital signature", "client auth"} | ({"server auth"} if serves else set())
        assert set(certificate["spec"]["usages"]) == usages
    mounted = {
        volume["secret"]["secretName"] for name in PROCESSES for volume in pod_of(name)["volumes"] if "secret" in volume
    }
    made = {certificate["spec"]["secretName"] for certificate in certificates.values()}
    keys = {f"rampart-{service.name}-{key.name}" for service in load().services for key in service.keys}
    assert mounted - made == keys >= {"rampart-auth-sealing", "rampart-fraud-continuation"}
