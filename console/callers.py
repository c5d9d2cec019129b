"""`rampart caller`: gives a team's own service an identity in the mesh, and the ways that it needs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.failure import WrongArgument
from console.home import add_home, from_dev
from console.manifests import caller

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ADD = """Gives a service of your own an identity client/NAME, with which it calls Rampart's services over gRPC. Without
--kubernetes it makes the certificate in the state folder of `make up` and says what is where; with it, it prints the
manifests for kubectl: the certificate, and network policies to exactly the services that it calls."""
RESERVED = {"local"}
"""The platform's own, for people."""
NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `caller` command."""
    parser = subparsers.add_parser("caller", help="let a service of your own call those of the platform")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="give it an identity and its ways", description=ADD)
    add.add_argument("name", metavar="NAME", help="lower-case letters, digits and hyphens, at most 40")
    add.add_argument("--calls", required=True, metavar="SERVICES", help="whom it calls, such as auth,fraud")
    add.add_argument("--kubernetes", action="store_true", help="print the manifests instead of making the certificate")
    add_home(add)
    add.set_defaults(run=run_add)


def run_add(arguments: argparse.Namespace) -> int:
    """Adds the caller. Raises CommandFailure."""
    name, calls = _checked_name(arguments.name), _checked_calls(arguments.name, arguments.calls.split(","))
    if arguments.kubernetes:
        print(caller(name, calls), end="")
        return 0
    files = identity_files(arguments.home, f"client-{name}", f"client/{name}")
    known = _addresses(arguments.home)
    rows = [("identity", f"client/{name}"), *files.items()]
    rows += [(service, known.get(service, "not running")) for service in calls]
    width = max(len(label) for label, _ in rows)
    print("".join(f"{label:{width}}  {value}\n" for label, value in rows), end="")
    return 0


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise WrongArgument(
            f"NAME must be lower-case letters, digits and hyphens, at most 40, and not 'local': not {name!r}."
        )
    return name


def _checked_calls(name: str, services: Sequence[str]) -> list[str]:
    """Raises WrongArgument for a service that is none, or that no caller of one's own may call."""
    from console.up.names import read_table

    topology, found = read_table(), list(dict.fromkeys(each.strip() for each in services))
    for service in found:
        if service not in topology.names:
            raise WrongArgument(f"--calls must be some of {', '.join(topology.names)}, not {service!r}.")
        if not _admits(topology.service(service).full_names, f"client/{name}"):
            raise WrongArgument(
                f"No method of {service} admits client/{name}: put it among the `callers` of their policies "
                f"(docs/callers.md), then `make generate`."
            )
    return found


def _admits(services: Sequence[str], peer: str) -> bool:
    from google.protobuf.descriptor_pool import DescriptorPool

    from meshkit.descriptors import read_descriptors
    from meshkit.identity.policy import policies

    pool = DescriptorPool()
    for file in read_descriptors().file:
        pool.Add(file)
    found = policies(pool.FindServiceByName(name) for name in services)
    return any(policy.admits(peer) for policy in found.values())


def identity_files(home: Path, file: str, identity: str) -> dict[str, str]:
    """Returns the files of an identity such as "client/orders", made now unless they are there."""
    from console.up.certificates import Authority  # loads the library for X.509

    authority = Authority.of(home / "tls")
    with authority.held():
        authority.ensure({file: identity})
    return {
        "CA": str(authority.ca_file),
        "certificate": str(authority.certificate(file)),
        "key": str(authority.key(file)),
    }


def _addresses(home: Path) -> dict[str, str]:
    if not (home / "dev.json").exists():
        return {}
    return from_dev(home, lambda dev: dict(dev["grpc"]))
