"""Takes the query parameters that clients made by Google's generators add to every request (AIP-127, `$alt` and `key`).

A method that has a field of such a name keeps it. What cannot be done as asked is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.compile.codec import Codec
from gateway.compile.endpoint import Endpoint
from gateway.edge.exchange import Exchange
from gateway.errors.places import malformed
from gateway.grammar import form
from gateway.grammar.form import FormError

__all__ = ["SystemParameters"]

_ALT = {"json": False, "json;enum-encoding=int": True, "json;enum-encoding=string": False}
"""Whether enums are numbers in the answer."""


class SystemParameters:
    """Takes the parameters out of queries. `numbers` writes answers whose enums are numbers.

    `$alt` and `alt` are `json`, with enums as `enum-encoding` says; `prettyPrint` is `false`. `key` is for whoever
    counts or bills calls at Google: nothing is made of it, and it goes nowhere.
    """

    def __init__(self, endpoints: Iterable[Endpoint], numbers: Codec) -> None:
        self._numbers = {endpoint: endpoint.written_by(numbers) for endpoint in endpoints}
        self._take: dict[str, Callable[[Exchange, str, str], None]] = {
            "alt": self._alt,
            "key": _ignore,
            "prettyPrint": _pretty_print,
        }

    def take(self, exchange: Exchange) -> None:
        """Takes the parameters out of the query of a matched exchange. Raises MeshError 400."""
        endpoint, seen = exchange.endpoint, set[str]()
        assert endpoint is not None, "only calls have system parameters"
        left: list[bytes] = []
        for part in exchange.query.split(b"&"):
            name, value = _pair(part)
            plain = name.removeprefix("$")
            if plain not in self._take or name in endpoint.binding.query:
                left.append(part)
                continue
            if plain in seen:
                raise malformed("query", name, "must not be repeated")
            seen.add(plain)
            self._take[plain](exchange, name, value)
        exchange.query = b"&".join(left)

    def _alt(self, exchange: Exchange, name: str, value: str) -> None:
        if value not in _ALT:
            raise malformed("query", name, f"must be one of {', '.join(_ALT)}")
        if _ALT[value]:
            assert exchange.endpoint is not None
            exchange.endpoint = self._numbers[exchange.endpoint]


def _pair(part: bytes) -> tuple[str, str]:
    """Returns a name and its value, an empty name for what is no pair: who reads the query will say so."""
    try:
        return next(form.pairs(part, limit=1), ("", ""))
    except FormError:
        return "", ""


def _ignore(exchange: Exchange, name: str, value: str) -> None:
    return


def _pretty_print(exchange: Exchange, name: str, value: str) -> None:
    if value != "false":
        raise malformed("query", name, "must be false: answers are not indented")
