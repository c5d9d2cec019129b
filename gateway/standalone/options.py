"""Reads the command line of the stand-alone gateway."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.edge.headers.cors import valid_origin
from gateway.edge.public_url import local_url, public_url
from gateway.server.limits import Limits
from meshkit.identity.claims import TrustedIssuer

__all__ = ["StandaloneOptions", "read_options"]

_DESCRIPTION = """\
Serves a gRPC service as REST, from the google.api.http annotations of its protos.

Make the descriptors with `buf build -o SET.binpb`, or with
`protoc --include_imports --include_source_info --descriptor_set_out=SET.binpb`.
"""
_EPILOG = """\
A method whose protos carry (rampart.mesh.v1.policy) is served as that says; one that asks for scopes needs --jwks.
A method without a policy is refused, unless --default-policy is open: then anyone may call it, and the caller's
Authorization header goes to the service as it is.
"""


@dataclass(frozen=True, slots=True)
class StandaloneOptions:
    """What the command line says."""

    descriptors: Path
    upstream: str
    """host:port of the gRPC service."""
    plaintext: bool
    ca: Path | None
    certificate: Path | None
    key: Path | None
    default_policy: str
    """"refuse" or "open"."""
    deadline: float
    """Seconds that a unary call of a method without a policy may take."""
    names: str
    """"json" or "proto": how answers name fields."""
    google_parameters: bool
    """True to take the query parameters that Google's REST clients add."""
    jwks: Path | None
    issuer: str
    audience: str
    cors_origins: Sequence[str]
    listen: str
    public_url: str
    """Where callers reach the gateway, for its description."""
    admin: str | None
    """host:port of health, readiness and metrics besides; None for no such port."""
    public_metrics: bool
    """True shows /metrics at `listen` as well."""
    address_connections: int | None
    """Connections that one address may hold; None for as many as `Limits` say."""
    max_body: int
    drain: int
    routes: bool
    """True to print the routes instead of serving them."""

    @property
    def trusted(self) -> TrustedIssuer:
        """Whose access tokens count. It may be anybody, and need not know of tenants in `aud` or of roles."""
        return TrustedIssuer.foreign(self.issuer, self.audience)

    @property
    def limits(self) -> Limits:
        most = self.address_connections
        return Limits() if most is None else Limits(of_an_address=most, of_this_machine=most)


def read_options(arguments: Sequence[str] | None = None) -> StandaloneOptions:
    """Reads the command line. Ends the process with a sentence if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="rampart gateway",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_upstream(parser)
    _add_access(parser)
    _add_serving(parser)
    _add_operation(parser)
    found = vars(parser.parse_args(arguments))
    if found["upstream"] is None:
        if not found["routes"]:
            parser.error("--upstream is required, unless the --routes are only to be printed")
        found["upstream"] = ""
    if bool(found["certificate"]) != bool(found["key"]):
        parser.error("--cert and --key go together")
    if found["plaintext"] and (found["ca"] or found["certificate"]):
        parser.error("--plaintext excludes --ca, --cert and --key")
    found["public_url"] = found["public_url"] or local_url(found["listen"])
    return StandaloneOptions(**found)


def _add_upstream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--descriptors", type=_file, required=True, metavar="SET.binpb", help="serialised FileDescriptorSet"
    )
    parser.add_argument("--upstream", type=_address, metavar="HOST:PORT", help="the gRPC service; required to serve")
    parser.add_argument("--plaintext", action="store_true", help="no TLS to the service")
    parser.add_argument("--ca", type=_file, metavar="FILE", help="PEM of the CA (default: the system's)")
    parser.add_argument("--cert", dest="certificate", type=_file, metavar="FILE", help="PEM of our own certificate")
    parser.add_argument("--key", type=_file, metavar="FILE", help="PEM of its key")


def _add_serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--names",
        choices=("json", "proto"),
        default="json",
        help="how answers name fields: lowerCamelCase as ProtoJSON does, or as the protos do (default %(default)s)",
    )
    parser.add_argument(
        "--google-parameters",
        action="store_true",
        help="take the query parameters that Google's REST clients add: $alt=json;enum-encoding=int, "
        "prettyPrint=false, and key, which is ignored",
    )
    parser.add_argument(
        "--listen", type=_address, default="127.0.0.1:8080", metavar="HOST:PORT", help="where to serve (%(default)s)"
    )
    parser.add_argument(
        "--public-url", type=_url, metavar="URL", help="where callers reach it, for /openapi.json (default: --listen)"
    )
    parser.add_argument(
        "--max-body", type=_positive, default=4 << 20, metavar="BYTES", help="largest request body (%(default)s)"
    )
    parser.add_argument(
        "--drain", type=_positive, default=5, metavar="SECONDS", help="time for calls after SIGTERM (%(default)s)"
    )
    parser.add_argument("--routes", action="store_true", help="print the routes and end")


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--default-policy",
        choices=("refuse", "open"),
        default="refuse",
        help="what happens to methods without a policy (default %(default)s)",
    )
    parser.add_argument(
        "--deadline",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="limit of a call without a policy (%(default)s)",
    )
    parser.add_argument(
        "--cors-origin", dest="cors_origins", type=_origin, action="append", default=[], metavar="ORIGIN",
        help="an origin whose pages may call, or *; may be repeated",
    )  # fmt: skip
    parser.add_argument("--jwks", type=_file, metavar="FILE", help="JWKS with the keys of access tokens, read again")
    parser.add_argument("--issuer", default="https://rampart.local", help="`iss` of access tokens (%(default)s)")
    parser.add_argument("--audience", default="rampart", help="`aud` of access tokens (%(default)s)")


def _add_operation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--admin", type=_address, metavar="HOST:PORT", help="a port for /health, /ready and /metrics")
    parser.add_argument(
        "--public-metrics", action="store_true", help="show /metrics to all callers, not only at the --admin port"
    )
    parser.add_argument(
        "--address-connections", type=_positive, metavar="N",
        help=f"connections that one address may hold ({Limits().of_an_address}, of this machine"
        f" {Limits().of_this_machine})",
    )  # fmt: skip


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return path


def _url(text: str) -> str:
    found = public_url(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is not an address such as https://api.example.com")
    return found


def _origin(text: str) -> str:
    if not valid_origin(text):
        raise argparse.ArgumentTypeError(f"{text} is not an origin such as https://shop.example")
    return text


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return text


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 86_400.0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds up to a day")
    return value
