"""`rampart operator`: gives operators of the platform identities with a name of their own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.callers import NAME, identity_files
from console.failure import WrongArgument
from console.home import add_home
from console.manifests import certificate

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ADD = """Gives an operator an identity operator/NAME, by which the audit log tells him from others, and of which two are
needed where RAMPART_TWO_OPERATORS is on. Without --kubernetes it makes the certificate in the state folder of `make
up`, which commands use with RAMPART_OPERATOR=NAME; with it, it prints the manifest for kubectl."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `operator` command."""
    parser = subparsers.add_parser("operator", help="give operators identities of their own")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="give one an identity", description=ADD)
    add.add_argument("name", metavar="NAME", help="lower-case letters, digits and hyphens, at most 40")
    add.add_argument("--kubernetes", action="store_true", help="print the manifest instead of making the certificate")
    add_home(add)
    add.set_defaults(run=run_add)


def run_add(arguments: argparse.Namespace) -> int:
    """Makes the certificate. Raises CommandFailure."""
    name: str = arguments.name
    if not NAME.fullmatch(name):
        raise WrongArgument(f"NAME must be lower-case letters, digits and hyphens, at most 40, not {name!r}.")
    if arguments.kubernetes:
        print(certificate(f"operator-{name}", f"operator/{name}"), end="")
        return 0
    rows = {"identity": f"operator/{name}", **identity_files(arguments.home, f"operator-{name}", f"operator/{name}")}
    print("".join(f"{label:11}  {value}\n" for label, value in rows.items()), end="")
    print(f"Commands use it with RAMPART_OPERATOR={name}.")
    return 0
