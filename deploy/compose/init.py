"""Makes what deploy/compose.yaml mounts: certificates, passwords, keys. Run it again to renew certificates.

    python deploy/compose/init.py [FOLDER]

Everything is random and stays in the folder, which only its owner can enter. Files in it that containers mount are
readable by any user, because the users of the images are not those of this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from console.up.certificates import Authority
from console.up.names import IDENTITIES, SERVICES
from console.up.state import State, write_private

FOLDER = Path(__file__).resolve().parent / "secrets"
TRUST_DOMAIN = "rampart.local"

VALKEY = """\
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
dir /data
"""


def main(folder: Path) -> None:
    """Fills the folder; what is there already stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    state = State(folder)
    state.tls.mkdir(mode=0o700, exist_ok=True)
    authority = Authority(state.tls, TRUST_DOMAIN)
    authority.ensure(IDENTITIES)
    write_private(folder / "valkey.conf", VALKEY.format(password=state.password("redis")).encode())
    for name, variables in environments(state).items():
        lines = (f"{variable}={value}\n" for variable, value in variables.items())
        write_private(folder / f"{name}.env", "".join(lines).encode())
    mounted = [state.secret_file("auth.key"), folder / "valkey.conf", authority.ca_file]
    for name in IDENTITIES:
        mounted += [authority.certificate(name), authority.key(name)]
    for file in mounted:
        file.chmod(0o644)


def environments(state: State) -> dict[str, dict[str, str]]:
    """Returns the secret variables of each container."""
    redis = {"RAMPART_REDIS_URL": f"redis://:{state.password('redis')}@valkey:6379/0"}
    found = {"postgres": {"POSTGRES_PASSWORD": state.password("postgres")}}
    for service in SERVICES:
        prefix = f"RAMPART_{service.upper()}"
        own = {f"{prefix}_DSN": dsn(state, service, "service")}
        owner = {f"{prefix}_MIGRATE_DSN": dsn(state, service, "owner")}
        roles = ["owner", "service"]
        if service == "fraud":
            own[f"{prefix}_RELAY_DSN"] = dsn(state, service, "relay")
            roles.append("relay")
        found[f"{service}-migrate"] = own | owner
        found[service] = own | (redis if service != "auth" else {})
        found["postgres"] |= {
            f"{prefix}_{role.upper()}_PASSWORD": state.password(f"rampart_{service}_{role}") for role in roles
        }
    found["gateway"] = redis
    return found


def dsn(state: State, service: str, role: str) -> str:
    """Returns the address of a service's database for one of its roles."""
    user = f"rampart_{service}_{role}"
    return f"postgresql://{user}:{state.password(user)}@postgres:5432/rampart_{service}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
