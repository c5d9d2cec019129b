"""Makes what deploy/compose.yaml mounts: certificates, passwords, keys. Run it again to renew certificates.

    python deploy/compose/init.py [FOLDER]

Everything is random and stays in the folder, which only its owner can enter. Files in it that containers mount are
readable by any user, because the users of the images are not those of this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from console.up.certificates import Authority
from console.up.names import identities
from console.up.state import State, write_private
from meshkit.topology import ServiceEntry, Topology, load

FOLDER = Path(__file__).resolve().parent / "secrets"
TRUST_DOMAIN = "rampart.local"

VALKEY = """\
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy volatile-lru
dir /data
"""


def main(folder: Path, topology: Topology) -> None:
    """Fills the folder; what is there already stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    state = State(folder)
    state.tls.mkdir(mode=0o700, exist_ok=True)
    authority = Authority(state.tls, TRUST_DOMAIN)
    names = identities(topology)
    authority.ensure(names)
    write_private(folder / "valkey.conf", VALKEY.format(password=state.password("redis")).encode())
    for name, variables in environments(topology, state).items():
        lines = (f"{variable}={value}\n" for variable, value in variables.items())
        write_private(folder / f"{name}.env", "".join(lines).encode())
    keys = [state.secret_file(key.file) for service in topology.services for key in service.keys]
    mounted = [*keys, folder / "valkey.conf", authority.ca_file]
    for name in names:
        mounted += [authority.certificate(name), authority.key(name)]
    for file in mounted:
        file.chmod(0o644)


def environments(topology: Topology, state: State) -> dict[str, dict[str, str]]:
    """Returns the secret variables of each container."""
    redis = {"RAMPART_REDIS_URL": f"redis://:{state.password('redis')}@valkey:6379/0"}
    found = {"postgres": {"POSTGRES_PASSWORD": state.password("postgres")}}
    for service in topology.services:
        own = {variable: dsn(state, service, role) for role, variable in service.dsns().items()}
        found[f"{service.name}-migrate"] = own | {service.setting("MIGRATE_DSN"): dsn(state, service, "owner")}
        found[service.name] = own
        found["postgres"] |= {
            service.setting(f"{role.upper()}_PASSWORD"): state.password(service.user(role))
            for role in service.role_names
        }
    for process in topology.processes:
        found[process.name] = found.get(process.name, {}) | (redis if process.redis else {})
    return found


def dsn(state: State, service: ServiceEntry, role: str) -> str:
    """Returns the address of a service's database for one of its roles."""
    user = service.user(role)
    return f"postgresql://{user}:{state.password(user)}@postgres:5432/{service.database}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER, load())
