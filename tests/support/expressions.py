"""Compares random expressions, over random values of which some are missing, with what the CEL library makes of them.

`python -m tests.support.expressions --count 100000` is the long run; the tests do a short one.
"""

from __future__ import annotations

import argparse
import ipaddress
import math
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cel_expr_python import cel

from services.fraud.domain.expressions.exact import Failure, evaluator
from services.fraud.domain.expressions.problems import ExpressionRefused
from services.fraud.domain.expressions.run import RuleProgram, value_of
from services.fraud.domain.expressions.tree import Tree, tree_from_json, tree_to_json
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.checker import check
from services.fraud.expressions.patterns import compile_pattern

__all__ = ["NAMES", "SLOTS", "Oracle", "Outcome", "compare", "random_pair", "random_values"]

S, I, D, B, T = ValueKind.STRING, ValueKind.INT, ValueKind.DOUBLE, ValueKind.BOOL, ValueKind.TIME  # noqa: E741
NAMES: dict[str, ValueKind] = {
    "amount": D, "user_mean_30d": D, "profile.base_risk": D,
    "user_count_1h": I, "card_count_7d": I, "profile.chargeback_count": I,
    "country": S, "email": S, "ip_address": S, "profile.tier": S,
    "is_business": B, "profile.known": B, "ip.tor": B,
    "event_time": T, "incident_time": T,
    "lists.blocked": ValueKind.STRING_LIST, "lists.allowed": ValueKind.STRING_LIST,
}  # fmt: skip
SLOTS = {name: slot for slot, name in enumerate(NAMES)}
TEXTS = (
    "DE", "FR", "", "de", "12", "-7", "2.5", "1e3", "x", "gold", "jane.doe@example.org", "Ünïcode",
    "203.0.113.7", "10.1.2.3", "::ffff:10.0.0.1", "2001:db8::1",
)  # fmt: skip
INTS = (0, 1, 2, 7, -3, 100, 2**31, 2**53 + 1, 2**62, 2**63 - 1, -(2**63))
DOUBLES = (0.0, -0.0, 1.0, 2.5, -2.5, 0.5, 250.5, 1e-9, 1e15, 2.0**53, 1e300, -1e308)
_SMALL = [number for number in INTS if float(number) == number]
PATTERNS = ("^[a-z.]+@", "D|F", "[0-9]+$", "(a|b)*c", "^$")
NETWORKS = ("10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
TIMES = ("2026-01-31T12:00:00Z", "2026-03-29T00:59:59.5Z", "2025-12-31T23:30:00+05:45")
Pair = tuple[str, str]
"""One expression in our language, and in the library's own."""


class Oracle:
    """The library with all of its functions, and those of ours that it lacks, written once more."""

    def __init__(self) -> None:
        types = {S: cel.Type.STRING, I: cel.Type.INT, D: cel.Type.DOUBLE, B: cel.Type.BOOL, T: cel.Type.TIMESTAMP}
        variables = {name: types.get(kind, cel.Type.List(cel.Type.STRING)) for name, kind in NAMES.items()}
        variables |= {_asked(name): cel.Type.BOOL for name in NAMES}

        def one(name: str, *rows: tuple[ValueKind, Sequence[ValueKind], Callable[..., Any]]) -> Any:
            overloads = [
                cel.Overload(f"{name}_{n}", types[result], [types[kind] for kind in kinds], False, run)
                for n, (result, kinds, run) in enumerate(rows)
            ]
            return cel.FunctionDecl(name, overloads)

        self._environment = cel.NewEnv(
            variables=variables,
            functions=[
                one("min", (D, (D, D), lambda a, b: b if b < a else a), (I, (I, I), lambda a, b: b if b < a else a)),
                one("max", (D, (D, D), lambda a, b: b if b > a else a), (I, (I, I), lambda a, b: b if b > a else a)),
                one("abs", (D, (D,), math.fabs), (I, (I,), _absolute)),
                one("floor", (D, (D,), lambda a: a if _has_no_fraction(a) else math.copysign(math.floor(a), a))),
                one("ceil", (D, (D,), lambda a: a if _has_no_fraction(a) else math.copysign(math.ceil(a), a))),
                one(
                    "round",
                    (D, (D,), lambda a: a if _has_no_fraction(a) else math.copysign(math.floor(abs(a) + 0.5), a)),
                ),
                one("shown", (S, (D,), lambda a: str(int(a)) if not _huge(a) and a == int(a) else repr(a))),
                one("lowered", (S, (S,), lambda a: "".join(x.lower() if x.isascii() else x for x in a))),
                one("read", (D, (S,), _read)),
                one("email_domain", (S, (S,), _domain)),
                one("in_network", (B, (S, S), _in_network)),
                one("seconds_between", (D, (T, T), lambda a, b: (b - a) / timedelta(seconds=1))),
            ],
        )

    def __call__(self, text: str, values: Mapping[str, object]) -> object:
        """Returns the value that the library computes, or a Failure."""
        found = self._environment.compile(text).eval(data=values)
        return Failure.ERROR if found.type().name() == "ERROR" else found.value()


def _asked(name: str) -> str:
    return "has_" + name.replace(".", "_")


def _huge(value: float) -> bool:
    return not abs(value) < 1e15


def _has_no_fraction(value: float) -> bool:
    return not abs(value) < 2.0**52


def _absolute(value: int) -> int:
    if value == -(2**63):
        raise ValueError("overflow")
    return abs(value)


def _read(text: str) -> float:
    if set(text) - set("0123456789.eE+-"):
        raise ValueError("the library reads inf and nan, too")
    return float(text)


def _domain(text: str) -> str:
    name, at, domain = text.rpartition("@")
    if not (name and at and domain):
        raise ValueError("no mailbox")
    return domain.lower()


def _in_network(text: str, network: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address) in ipaddress.ip_network(network)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def random_pair(rng: random.Random, kind: ValueKind = B, depth: int = 4) -> Pair:
    """Returns a random expression of a kind."""
    if depth <= 0 or rng.random() < 0.12:
        return _leaf(rng, kind)
    makers = _MAKERS[kind]
    return rng.choice(makers)(lambda wanted: random_pair(rng, wanted, depth - 1), rng)


def _leaf(rng: random.Random, kind: ValueKind) -> Pair:
    if rng.random() < 0.7:
        return _same(rng.choice([name for name, has in NAMES.items() if has is kind]))
    match kind:
        case ValueKind.STRING:
            return _same(_quoted(rng.choice(TEXTS)))
        case ValueKind.INT:
            return _same(str(rng.choice(INTS)))
        case ValueKind.DOUBLE:
            return _same(f"{rng.choice(DOUBLES)!r}")
        case ValueKind.BOOL:
            return _same(rng.choice(["true", "false"]))
    return _same(f'timestamp("{rng.choice(TIMES)}")')


def _same(text: str) -> Pair:
    return text, text


Of = Callable[[ValueKind], Pair]
Maker = Callable[[Of, random.Random], Pair]


def _form(pattern: str, *kinds: ValueKind, theirs: str = "") -> Maker:
    """Makes an expression of a pattern with {0}, {1}, ... for operands of these kinds."""

    def make(of: Of, _: random.Random) -> Pair:
        parts = [of(kind) for kind in kinds]
        return pattern.format(*(each[0] for each in parts)), (theirs or pattern).format(*(each[1] for each in parts))

    return make


def _with(pattern: str, kind: ValueKind, literals: Sequence[str], theirs: str = "") -> Maker:
    def make(of: Of, rng: random.Random) -> Pair:
        ours, oracle = of(kind)
        literal = _quoted(rng.choice(literals))
        return pattern.format(ours, literal), (theirs or pattern).format(oracle, literal)

    return make


def _exact(text: str) -> str:
    """Cuts a whole number to what doubles hold: beyond, the library compares the nearest double, and CEL the number."""
    return f"min(max({text}, -9007199254740992), 9007199254740992)"


def _membership(of: Of, rng: random.Random) -> Pair:
    kind = rng.choice([S, I, D])
    ours, theirs = of(kind)
    if kind is S:
        held = "[" + ", ".join(map(_quoted, rng.sample(TEXTS, rng.randrange(5)))) + "]"
        held = rng.choice([held, "lists.blocked", "lists.allowed"])
        return f"({ours} in {held})", f"({theirs} in {held})"
    numbers = [*map(str, rng.sample(_SMALL, 3)), *map(repr, rng.sample(DOUBLES, 2))]
    ours, theirs = (_exact(ours), _exact(theirs)) if kind is I else (ours, theirs)
    held = "[" + ", ".join(rng.sample(numbers, rng.randrange(1, 5))) + "]"
    return f"({ours} in {held})", f"(dyn({theirs}) in {held})"


def _presence(_: Of, rng: random.Random) -> Pair:
    name = rng.choice(list(NAMES))
    return f"present({name})", _asked(name)


_COMPARED = [
    *(
        _form(f"({first} {sign} {second})", *kinds, theirs=f"(dyn({first}) {sign} dyn({second}))")
        for sign in ("==", "!=", "<", "<=", ">", ">=")
        for first, second, kinds in (("{0}", _exact("{1}"), (D, I)), (_exact("{0}"), "{1}", (I, D)))
    ),
    *(
        _form(f"({{0}} {sign} {{1}})", kind, kind)
        for sign in ("==", "!=", "<", "<=", ">", ">=")
        for kind in (I, D, S, T)
    ),
]
_MIXED = [
    _form(f"({{0}} {sign} {{1}})", *kinds, theirs=theirs.format(sign))
    for sign in "+-*/"
    for kinds, theirs in (
        ((D, D), "({{0}} {} {{1}})"),
        ((I, D), "(double({{0}}) {} {{1}})"),
        ((D, I), "({{0}} {} double({{1}}))"),
    )
]
_LOGIC = [
    _form("({0} && {1})", B, B), _form("({0} || {1})", B, B), _form("!{0}", B), _form("({0} ? {1} : {2})", B, B, B),
    _form("({0} && {1} && {2})", B, B, B), _form("({0} || {1} && {2})", B, B, B),
]  # fmt: skip
_ONE_OF_EACH = [
    _membership, _presence, _form("({0} == {1})", B, B), _form("({0} != {1})", B, B),
    _form("({0}).startsWith({1})", S, S), _form("({0}).endsWith({1})", S, S), _form("({0}).contains({1})", S, S),
    _with("({0}).matches({1})", S, PATTERNS), _with("in_network({0}, {1})", S, NETWORKS),
]  # fmt: skip
_MAKERS: dict[ValueKind, list[Maker]] = {
    B: [*_LOGIC * 5, *_COMPARED, *_ONE_OF_EACH * 2],
    I: [
        *(_form(f"({{0}} {sign} {{1}})", I, I) for sign in "+-*/%"), _form("-({0})", I), _form("abs({0})", I),
        _form("min({0}, {1})", I, I), _form("max({0}, {1})", I, I), _form("size({0})", S), _form("int({0})", D),
        _form("int({0})", S), _form("({0} ? {1} : {2})", B, I, I),
        _with("hour({0}, {1})", T, ZONES, "({0}).getHours({1})"),
        _with("weekday({0}, {1})", T, ZONES, "(({0}).getDayOfWeek({1}) == 0 ? 7 : ({0}).getDayOfWeek({1}))"),
    ],
    D: [
        *_MIXED, _form("-({0})", D), _form("abs({0})", D), _form("floor({0})", D), _form("ceil({0})", D),
        _form("round({0})", D), _form("min({0}, {1})", D, I, theirs="min({0}, double({1}))"),
        _form("max({0}, {1})", I, D, theirs="max(double({0}), {1})"), _form("min({0}, {1})", D, D),
        _form("double({0})", I), _form("double({0})", S, theirs="read({0})"), _form("seconds_between({0}, {1})", T, T),
        _form("({0} ? {1} : {2})", B, D, I, theirs="({0} ? {1} : double({2}))"), _form("({0} ? {1} : {2})", B, D, D),
    ],
    S: [
        _form("({0} + {1})", S, S), _form("({0}).lowerAscii()", S, theirs="lowered({0})"),
        _form("email_domain({0})", S), _form("string({0})", I), _form("string({0})", D, theirs="shown({0})"),
        _form("string({0})", B),
        _form("({0} ? {1} : {2})", B, S, S),
    ],
    T: [_form("({0} ? {1} : {2})", B, T, T)],
}  # fmt: skip


def random_values(rng: random.Random, missing: float) -> list[object]:
    """Returns a value for each slot; a share of them is missing."""
    return [None if rng.random() < missing else _random_value(rng, kind) for kind in NAMES.values()]


def _random_value(rng: random.Random, kind: ValueKind) -> object:
    match kind:
        case ValueKind.STRING:
            return rng.choice(TEXTS)
        case ValueKind.INT:
            return rng.choice(INTS)
        case ValueKind.DOUBLE:
            return rng.choice([*DOUBLES, rng.uniform(-1e3, 1e3)])
        case ValueKind.BOOL:
            return rng.random() < 0.5
        case ValueKind.TIME:
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(-(10**7), 10**7))
    return frozenset(rng.sample(TEXTS, rng.randrange(len(TEXTS))))


@dataclass(slots=True)
class Outcome:
    """What a comparison has seen."""

    expressions: int = 0
    values: int = 0
    true: int = 0
    errors: int = 0
    missing: int = 0
    too_large: int = 0


def compare(seed: int, count: int, rows: int = 4) -> Outcome:
    """Compares random expressions. Raises AssertionError with the expression and the values where two differ."""
    rng, oracle, outcome = random.Random(seed), _oracle(), Outcome()
    while outcome.expressions < count:
        kind = rng.choice([B, B, B, B, I, D, S, T])
        ours, theirs = random_pair(rng, kind, rng.randrange(1, 6))
        try:
            tree = check(ours, NAMES, kind)
        except ExpressionRefused as refused:
            # The bounds are all that may refuse it.
            assert "at most" in str(refused), (ours, str(refused))
            outcome.too_large += 1
            continue
        outcome.expressions += 1
        assert tree_from_json(tree_to_json(tree)) == tree
        run = _runs(tree, kind)
        for _ in range(rows):
            values = random_values(rng, rng.choice([0.0, 0.2, 0.5]))
            _compare(ours, oracle(theirs, _activation(values)), run(values), outcome)
    return outcome


@cache
def _oracle() -> Oracle:
    return Oracle()


def _activation(values: Sequence[object]) -> dict[str, object]:
    known = dict(zip(NAMES, values, strict=True))
    there = {
        name: list(value) if isinstance(value, frozenset) else value
        for name, value in known.items()
        if value is not None
    }
    return there | {_asked(name): value is not None for name, value in known.items()}


def _runs(tree: Tree, kind: ValueKind) -> Callable[[Sequence[object]], object]:
    """Returns what evaluates in all of our ways, and finds that they agree."""
    exact, single = evaluator(tree.root, SLOTS, compile_pattern), value_of(tree, SLOTS, compile_pattern)
    # Two of a kind: what one leaves behind must not change the other.
    program = RuleProgram([tree, tree], SLOTS, compile_pattern) if kind is B else None

    def run(values: Sequence[object]) -> object:
        found, alone = exact(values), single(values)
        usable = not isinstance(found, Failure) and not (isinstance(found, float) and not math.isfinite(found))
        assert alone == (found if usable else None) and type(alone) is (type(found) if usable else type(None))
        if program:
            failed = isinstance(found, Failure)
            expected = [0, 1] if found is True else [], [(0, found), (1, found)] if failed else []
            assert program.evaluate(values) == expected
        return found

    return run


def _compare(text: str, theirs: object, ours: object, outcome: Outcome) -> None:
    outcome.values += 1
    if isinstance(ours, Failure):
        assert theirs is Failure.ERROR, (text, theirs, ours)
        outcome.missing += ours is Failure.NOT_ENOUGH_DATA
        outcome.errors += ours is Failure.ERROR
        return
    same = theirs == ours or (theirs != theirs and ours != ours)
    assert same and type(theirs) is type(ours), (text, theirs, ours)
    outcome.true += ours is True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="expressions (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default %(default)s)")
    arguments = parser.parse_args()
    begun = time.monotonic()
    print(compare(arguments.seed, arguments.count), f"{time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
