"""Renders the tables of services in the documentation."""

from __future__ import annotations

from meshkit.topology import ProcessEntry, ServiceEntry, Topology

__all__ = ["databases", "kubernetes_secrets", "processes", "services"]

ERASES = "export and erase what one tenant has"


def processes(topology: Topology) -> str:
    """Returns what each process serves, talks to and keeps, for docs/operations.md."""
    rows = [["process", "serves", "talks to", "state"]]
    rows.append(["gateway", "REST on `RAMPART_HTTP_LISTEN`", _peers(topology.gateway), "none"])
    for service in topology.services:
        rows.append([service.name, f"gRPC on `{service.setting('LISTEN')}`", _peers(service), service.keeps])
    return _table(rows)


def databases(topology: Topology) -> str:
    """Returns the databases with their roles and the settings that name them, for docs/operations.md."""
    rows = [["database", "role", "setting", "may"]]
    for service in topology.services:
        may = {"owner": "migrate", "service": "serve, within the tenants of a call", "eraser": ERASES}
        may |= {role.name: role.may for role in service.roles}
        settings = {"owner": service.setting("MIGRATE_DSN"), **service.dsns()}
        for role in service.role_names:
            rows.append([f"`{service.database}`", f"`{service.user(role)}`", f"`{settings[role]}`", may[role]])
    return _table(rows)


def services(topology: Topology) -> str:
    """Returns the services with their addresses in the repository, for README.md."""
    rows = [["service", "keeps", "calls"]]
    for service in topology.services:
        link = f"[{service.name}](services/{service.name}/)"
        rows.append([link, service.keeps, ", ".join(service.calls) or "nobody"])
    return _table(rows)


def kubernetes_secrets(topology: Topology) -> str:
    """Returns the Secrets that an operator makes, for deploy/k8s/README.md."""
    rows = [["Secret", "keys", "for"]]
    for service in topology.services:
        extra = "".join(f", `{role}-dsn`" for role in service.dsns() if role != "service")
        users = ", ".join(f"`{service.user(role)}`" for role in service.dsns())
        rows.append([f"`rampart-{service.name}-postgres`", f"`dsn`{extra}", f"the process: {users}"])
        rows.append([f"`rampart-{service.name}-owner`", "`dsn`", f"the migration: `{service.user('owner')}`"])
        for key in service.keys:
            what = "`key`: 32 random bytes in hex (`openssl rand -hex 32`)"
            rows.append([f"`rampart-{service.name}-{key.name}`", what, f"{service.name}; {key.purpose}"])
    users = ", ".join(process.name for process in topology.processes if process.redis)
    rows.append(["`rampart-redis`", "`url`", users])
    certificates = "`rampart-<process>-tls`, `rampart-operator-tls`"
    made = "made by cert-manager with `examples/certificates.yaml`"
    rows.append([certificates, "`ca.crt`, `tls.crt`, `tls.key`", made])
    return _table(rows)


def _peers(process: ProcessEntry) -> str:
    own = ["its database"] if isinstance(process, ServiceEntry) else []
    redis = ["Redis"] if process.redis else []
    return ", ".join([*own, *redis, *process.calls] if own else [*process.calls, *redis])


def _table(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"
