"""Renders the manifests of Kubernetes: processes with their network policies, migrations, certificates."""

from __future__ import annotations

from collections.abc import Iterable

from google.api import annotations_pb2

from console.manifests import caller, certificate
from meshkit.descriptors import read_descriptors
from meshkit.topology import ProcessEntry, ServiceEntry, Topology
from tools.rendering.text import fill, generated_by, template

__all__ = ["caller_example", "certificates", "image_tags", "migrations", "process", "resources", "way_in"]

TLS_FILES = {"CA": "ca.crt", "CERT": "tls.crt", "KEY": "tls.key"}
STORES = {"postgres": 5432, "redis": 6379}
SEPARATOR = "---\n"
WAY_IN = "        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}\n"
WAY_IN_PATH = """\
          - path: /{name}
            pathType: Prefix
            backend: *gateway
"""
CERTIFICATES = """\
# cert-manager's certificates for an issuer named rampart-mesh: a CA that signs for nobody else, because whoever has a
# certificate of it with a URI below is that process. Processes take renewed files without a restart: see "Certificates"
# in docs/operations.md.
"""
CALLER = """\
# A caller of one's own, as `rampart caller add orders --calls auth,fraud --kubernetes` writes it: see docs/callers.md.
"""
HEADLESS = """\
  # Headless: gRPC clients see every pod and spread their calls themselves.
  clusterIP: None
"""

OUTSIDE = """\
    # What tenants name, as meshkit/egress lets it out: the public network, by TLS.
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
        - ipBlock: {cidr: "2000::/3"}
      ports: [{protocol: TCP, port: 443}]
"""


def process(topology: Topology, entry: ProcessEntry) -> str:
    """Returns everything that one process needs."""
    at_edge = entry == topology.gateway
    port, port_name = (topology.ports.http, "http") if at_edge else (topology.ports.grpc, "grpc")
    keys = [key.name for key in entry.keys] if isinstance(entry, ServiceEntry) else []
    mounts = (f"            - {{name: {key}, mountPath: /etc/rampart/{key}, readOnly: true}}\n" for key in keys)
    volumes = (
        f"        - name: {key}\n"
        f"          secret: {{secretName: rampart-{entry.name}-{key}, defaultMode: 0440}}\n"
        for key in keys
    )  # fmt: skip
    return fill(
        template("deploy/process.yaml"),
        head=generated_by("#"),
        name=entry.name,
        port=str(port),
        port_name=port_name,
        admin=str(topology.ports.admin),
        env="".join(_environment(topology, entry, port)),
        startup=entry.probes.startup,
        readiness=entry.probes.readiness,
        liveness=entry.probes.liveness,
        cpu=entry.size.cpu,
        memory=entry.size.memory,
        memory_limit=entry.size.memory_limit,
        least=str(entry.size.least),
        most=str(entry.size.most),
        key_mounts="".join(mounts),
        key_volumes="".join(volumes),
        service="  type: ClusterIP\n" if at_edge else HEADLESS,
        service_port="80" if at_edge else str(port),
        ingress=_ingress(topology, entry),
        egress=_egress(entry),
    )


def migrations(topology: Topology) -> str:
    """Returns one job for each service, and the policy that lets them reach PostgreSQL."""
    jobs = []
    for service in topology.services:
        variables = _dsns(service)
        variables.insert(1, _from_secret(service.setting("MIGRATE_DSN"), f"rampart-{service.name}-owner", "dsn"))
        jobs.append(fill(template("deploy/migration.yaml"), name=service.name, env="".join(variables)))
    return generated_by("#") + SEPARATOR.join([*jobs, template("deploy/migrations-policy.yaml")])


def certificates(topology: Topology) -> str:
    """Returns one certificate for each process, and the operator's."""
    made = [
        certificate(name, f"service/{name}", (name, f"{name}.rampart.svc", "localhost"))
        for name in topology.process_names
    ]
    made.append(certificate("operator", "operator"))
    return generated_by("#") + CERTIFICATES + SEPARATOR.join(made)


def caller_example() -> str:
    """Returns what `rampart caller add orders --calls auth,fraud --kubernetes` writes."""
    return generated_by("#") + CALLER + caller("orders", ("auth", "fraud"))


def resources(topology: Topology) -> str:
    """Returns the list of a kustomization's files."""
    return "".join(f"  - {name}.yaml\n" for name in topology.process_names)


def image_tags(names: Iterable[str], version: str) -> str:
    """Returns the list of a kustomization's images."""
    return "".join(f"  - {{name: rampart/{name}, newTag: {version}}}\n" for name in names)


def _environment(topology: Topology, entry: ProcessEntry, port: int) -> list[str]:
    service = entry if isinstance(entry, ServiceEntry) else None
    lines = [
        _value(service.setting("LISTEN") if service else "RAMPART_HTTP_LISTEN", f"0.0.0.0:{port}"),
        _value("RAMPART_ADMIN_LISTEN", f"0.0.0.0:{topology.ports.admin}"),
    ]
    for callee in entry.calls:
        lines.append(_value(topology.service(callee).setting("ADDRESS"), f"{callee}:{topology.ports.grpc}"))
    for name, file in TLS_FILES.items():
        lines.append(_value(f"RAMPART_TLS_{name}_FILE", f"/etc/rampart/tls/{file}"))
    if service:
        lines += [_value(key.setting, f"/etc/rampart/{key.name}/key") for key in service.keys]
        lines += _dsns(service)
    if entry.redis:
        lines.append(_from_secret("RAMPART_REDIS_URL", "rampart-redis", "url"))
    return lines


def _dsns(service: ServiceEntry) -> list[str]:
    return [
        _from_secret(name, f"rampart-{service.name}-postgres", "dsn" if role == "service" else f"{role}-dsn")
        for role, name in service.dsns().items()
    ]


def _value(name: str, value: str) -> str:
    return f'            - {{name: {name}, value: "{value}"}}\n'


def _from_secret(name: str, secret: str, key: str) -> str:
    return (
        f"            - name: {name}\n"
        f"              valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}\n"
    )  # fmt: skip


def _ingress(topology: Topology, entry: ProcessEntry) -> str:
    at_edge = entry == topology.gateway
    peers = WAY_IN if at_edge else _pods(topology.callers(entry.name))
    if not peers:
        return ""
    port = "http" if at_edge else "grpc"
    return f"  ingress:\n    - from:\n{peers}      ports: [{{protocol: TCP, port: {port}}}]\n"


def _egress(entry: ProcessEntry) -> str:
    rules = []
    if entry.calls:
        rules.append(f"    - to:\n{_pods(entry.calls)}      ports: [{{protocol: TCP, port: grpc}}]\n")
    stores = [*(["postgres"] if isinstance(entry, ServiceEntry) else []), *(["redis"] if entry.redis else [])]
    rules += [_store(name) for name in stores]
    rules += [OUTSIDE] if entry.outside else []
    return "  egress:\n" + "".join(rules) if rules else ""


def way_in(topology: Topology) -> str:
    """Returns the paths of an Ingress under which browsers call gRPC services: those that REST has, too."""
    edge = (topology.service(name) for name in topology.gateway.calls)
    names = [name for service in edge for name in service.full_names]
    return "".join(WAY_IN_PATH.format(name=name) for name in names if name not in _inside())


def _inside() -> frozenset[str]:
    """Returns the gRPC services of which the edge compiles no method: it calls them for endpoints of its own."""
    return frozenset(
        f"{file.package}.{service.name}"
        for file in read_descriptors().file
        for service in file.service
        if not any(method.options.HasExtension(annotations_pb2.http) for method in service.method)
    )


def _pods(names: Iterable[str]) -> str:
    labels = (f"app.kubernetes.io/name: {name}, app.kubernetes.io/component: process" for name in names)
    return "".join(f"        - podSelector: {{matchLabels: {{{each}}}}}\n" for each in labels)


def _store(name: str) -> str:
    return (
        "    - to:\n"
        "        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: rampart-stores}}\n"
        f"          podSelector: {{matchLabels: {{app.kubernetes.io/name: {name}}}}}\n"
        f"      ports: [{{protocol: TCP, port: {STORES[name]}}}]\n"
    )
