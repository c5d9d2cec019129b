"""Renders deploy/postgres/databases.sql: roles, databases and who may connect."""

from __future__ import annotations

from meshkit.topology import ServiceEntry, Topology
from tools.rendering.text import fill, generated_by, template

__all__ = ["script"]


def script(topology: Topology) -> str:
    """Returns the script."""
    services = topology.services
    extra = (f"-- {service.user(role.name)} {role.may}.\n" for service in services for role in service.roles)
    owners = (f"CREATE DATABASE {each.database} OWNER {each.user('owner')};\n" for each in services)
    return fill(
        template("deploy/databases.sql"),
        head=generated_by("--"),
        passwords="".join(_password(service, role) for service in services for role in service.role_names),
        extra="".join(extra),
        roles="".join(_role(service, role) for service in services for role in service.role_names),
        databases="".join(owners),
        names=", ".join(service.database for service in services),
        grants="".join(_grant(service) for service in services),
    )


def _password(service: ServiceEntry, role: str) -> str:
    return f"\\getenv {service.name}_{role} {service.setting(f'{role.upper()}_PASSWORD')}\n"


def _role(service: ServiceEntry, role: str) -> str:
    # An owner is bound by row-level security as well, because every table forces it.
    options = "LOGIN" if role == "owner" else "LOGIN NOBYPASSRLS"
    return f"CREATE ROLE {service.user(role)} {options} PASSWORD :'{service.name}_{role}';\n"


def _grant(service: ServiceEntry) -> str:
    guests = ", ".join(service.user(role) for role in service.dsns())
    return f"GRANT CONNECT ON DATABASE {service.database} TO {guests};\n"
