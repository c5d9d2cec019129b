"""The operators and functions of expressions: what they take, how they are generated, what they cost.

This table is the language. Expressions are checked against it and nothing else, generated code consists of its
templates alone, and docs/rules.md is written from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from services.fraud.domain.expressions.types import ValueKind

__all__ = ["FUNCTIONS", "OVERLOADS", "Function", "LiteralForm", "Loose", "Overload", "Parameter"]


class Loose(Enum):
    """What a parameter may be besides a kind of value."""

    NAME = "name"
    """A name, whatever its kind; it is not read, only asked whether it is there."""
    NUMBERS = "numbers"
    """A list of literal numbers, whole ones or not."""


Parameter = ValueKind | Loose


_FALLIBLE = ("{1}(", "divide_whole(", "domain_of(", "join(", "remainder_whole(", "to_double(", "to_whole(", "whole(")
"""How code of what may fail begins: the functions that return None, and the literals that are called."""


class LiteralForm(Enum):
    """What is made of the last argument, a literal text, before anything is decided."""

    NETWORK = "network"
    PATTERN = "pattern"
    ZONE = "zone"
    TIME = "time"
    """The call itself becomes a literal."""


@dataclass(frozen=True, slots=True)
class Overload:
    """A function for some kinds of arguments."""

    id: str
    parameters: tuple[Parameter, ...]
    result: ValueKind
    code: str
    """Python with {0}, {1}, ... for the arguments, none of which is missing. Empty: the generator knows it."""
    cost: int = 2
    """About how many times 10 ns it takes at worst, for the longest texts."""

    @property
    def fallible(self) -> bool:
        """True if it may have no value (None) although it has its arguments."""
        return self.code.startswith(_FALLIBLE)


@dataclass(frozen=True, slots=True)
class Function:
    """An operator or a function."""

    name: str
    """CEL's: `_>_`, `startsWith`."""
    form: str
    """How it is written."""
    words: str
    example: str
    """An expression that is true of the values in docs/rules.md."""
    overloads: tuple[Overload, ...]
    member: bool = False
    """True if it is called behind a dot."""
    prepared: LiteralForm | None = None


_S, _I, _D, _B, _T = ValueKind.STRING, ValueKind.INT, ValueKind.DOUBLE, ValueKind.BOOL, ValueKind.TIME
_LIST = ValueKind.STRING_LIST
_SHORT = {kind: kind.value for kind in ValueKind}
_KINDS = (_S, _I, _D, _B, _T)
_MIXED = ((_I, _I), (_D, _D), (_I, _D), (_D, _I))


def _pairs(name: str, code: str, *kinds: ValueKind, result: ValueKind = _B, cost: int = 2) -> Iterator[Overload]:
    """Overloads for two of a kind, and for numbers of both kinds: Python compares those exactly, as CEL does."""
    pairs = [(kind, kind) for kind in kinds if kind not in (_I, _D)]
    for left, right in (*_MIXED, *pairs):
        yield Overload(f"{name}_{_SHORT[left]}_{_SHORT[right]}", (left, right), result, code, cost)


def _compared(sign: str, name: str, words: str, example: str) -> Function:
    kinds = _KINDS if sign in ("==", "!=") else (_S, _T)
    return Function(f"_{sign}_", f"a {sign} b", words, example, (*_pairs(name, f"({{0}} {sign} {{1}})", *kinds),))


def _calculated(sign: str, name: str, words: str, example: str, whole: str, double: str) -> Function:
    overloads = [Overload(f"{name}_int_int", (_I, _I), _I, whole, 10)]
    for left, right in _MIXED[1:]:
        overloads.append(Overload(f"{name}_{_SHORT[left]}_{_SHORT[right]}", (left, right), _D, double, 5))
    if sign == "+":
        overloads.append(Overload("add_string_string", (_S, _S), _S, "join({0}, {1})", 200))
    return Function(f"_{sign}_", f"a {sign} b", words, example, tuple(overloads))


def _extreme(name: str, words: str, example: str) -> Function:
    overloads = [Overload(f"{name}_int_int", (_I, _I), _I, f"{name}({{0}}, {{1}})", 10)]
    for left, right in _MIXED[1:]:
        code = f"{name}(float({{0}}), float({{1}}))"
        overloads.append(Overload(f"{name}_{_SHORT[left]}_{_SHORT[right]}", (left, right), _D, code, 20))
    return Function(name, f"{name}(a, b)", words, example, tuple(overloads))


def _of_one(name: str, words: str, example: str, *rows: tuple[ValueKind, ValueKind, str], cost: int = 10) -> Function:
    overloads = (Overload(f"{name}_{_SHORT[kind]}", (kind,), result, code, cost) for kind, result, code in rows)
    return Function(name, f"{name}(a)", words, example, tuple(overloads))


def _about_texts(name: str, form: str, words: str, example: str, result: ValueKind, code: str, cost: int) -> Function:
    second = (_S,) * code.count("{1}")
    return Function(name, form, words, example, (Overload(f"{name}_string", (_S, *second), result, code, cost),), True)


def _conditional() -> Function:
    pairs = (*_MIXED, (_S, _S), (_B, _B), (_T, _T))
    overloads = (
        Overload(f"choose_{_SHORT[left]}_{_SHORT[right]}", (_B, left, right), left if left is right else _D, "")
        for left, right in pairs
    )
    words = "the second if the first is true, else the third; the other one is not looked at"
    return Function("_?_:_", "a ? b : c", words, "(is_business ? 5000 : 500) > amount", tuple(overloads))


_SIGNS = (
    _conditional(),
    Function(
        "_||_", "a || b", "true if either is true, whatever the other", 'country == "DE" || amount > 1000',
        (Overload("or", (_B, _B), _B, ""),),
    ),
    Function(
        "_&&_", "a && b", "false if either is false, whatever the other", 'country == "DE" && amount > 100',
        (Overload("and", (_B, _B), _B, ""),),
    ),
    _compared("==", "equal", "equal; whole numbers and others compare as numbers", "user_count_1h == 7"),
    _compared("!=", "unequal", "not equal", 'country != "FR"'),
    _compared("<", "less", "less, earlier, or before in the order of letters", "amount < 300"),
    _compared("<=", "at_most", "less or equal", "user_count_1h <= 7"),
    _compared(">", "greater", "greater, later, or behind in the order of letters", "amount > 200"),
    _compared(">=", "at_least", "greater or equal", "user_count_1h >= 6.5"),
    Function(
        "@in", "a in b", "whether a list of literals, or a list of the tenant, has it", "ip_address in lists.blocked",
        (
            Overload("in_string", (_S, _LIST), _B, "({0} in {1})", 20),
            Overload("in_int", (_I, Loose.NUMBERS), _B, "({0} in {1})", 5),
            Overload("in_double", (_D, Loose.NUMBERS), _B, "({0} in {1})", 5),
        ),
    ),
    _calculated("+", "add", "sum; of texts: one behind the other, at most 16,384 characters", "amount + 10 == 260.5",
                "whole({0} + {1})", "({0} + {1})"),
    _calculated("-", "subtract", "difference", "amount - 10 == 240.5", "whole({0} - {1})", "({0} - {1})"),
    _calculated("*", "multiply", "product", "amount * 2 == 501", "whole({0} * {1})", "({0} * {1})"),
    _calculated("/", "divide", "quotient; of whole numbers: without fraction, by zero an error; of others: by zero "
                "infinite", "user_count_1h / 2 == 3", "divide_whole({0}, {1})", "divide({0}, {1})"),
    Function(
        "_%_", "a % b", "remainder of whole numbers, with the sign of the first", "user_count_1h % 2 == 1",
        (Overload("remainder_int_int", (_I, _I), _I, "remainder_whole({0}, {1})", 20),),
    ),
    Function(
        "-_", "-a", "the number with the other sign", "-amount < 0",
        (Overload("negate_int", (_I,), _I, "whole(-{0})", 8), Overload("negate_double", (_D,), _D, "(-{0})")),
    ),
    Function("!_", "!a", "true if it is false", "!is_business", (Overload("not", (_B,), _B, ""),)),
)  # fmt: skip

_NUMBERS = (
    _extreme("min", "the smaller one", "min(amount, 100) == 100"),
    _extreme("max", "the greater one", "max(user_count_1h, 3) == 7"),
    _of_one("abs", "the number without its sign", "abs(amount - 300) < 50",
            (_I, _I, "whole(abs({0}))"), (_D, _D, "abs({0})")),
    _of_one("floor", "rounded down to a whole number", "floor(amount) == 250", (_D, _D, "rounded({0}, -1)"), cost=20),
    _of_one("ceil", "rounded up to a whole number", "ceil(amount) == 251", (_D, _D, "rounded({0}, 1)"), cost=20),
    _of_one("round", "rounded to the nearest whole number, halves away from zero", "round(amount) == 251",
            (_D, _D, "round_away({0})"), cost=25),
    _of_one("int", "as a whole number: the fraction cut off, a text read; an error if there is none",
            "int(amount) == 250", (_I, _I, "{0}"), (_D, _I, "to_whole({0})"), (_S, _I, "to_whole({0})"), cost=60),
    _of_one("double", "as a number; an error if a text says none", "double(user_count_1h) / 2 == 3.5",
            (_I, _D, "float({0})"), (_D, _D, "{0}"), (_S, _D, "to_double({0})"), cost=300),
    _of_one("string", "as a text", 'string(user_count_1h) == "7"',
            (_S, _S, "{0}"), (_I, _S, "str({0})"), (_D, _S, "text_of_double({0})"),
            (_B, _S, '("true" if {0} else "false")'), cost=60),
)  # fmt: skip

_TEXTS = (
    _about_texts("startsWith", "a.startsWith(b)", "whether it begins with the other", 'email.startsWith("jane")',
                 _B, "{0}.startswith({1})", 100),
    _about_texts("endsWith", "a.endsWith(b)", "whether it ends with the other", 'email.endsWith(".org")',
                 _B, "{0}.endswith({1})", 100),
    _about_texts("contains", "a.contains(b)", "whether the other is in it", 'email.contains("@")',
                 _B, "({1} in {0})", 4_600),
    _about_texts("lowerAscii", "a.lowerAscii()", "with A to Z written small", 'country.lowerAscii() == "de"',
                 _S, "lower_ascii({0})", 4_100),
    Function("size", "size(a)", "how many characters it has", "size(email) < 30",
             (Overload("size_string", (_S,), _I, "len({0})", 5),)),
    Function("matches", "a.matches(b)", "whether the pattern, a literal in RE2, is found in it; a text of more than "
             "256 characters is an error", 'email.matches("^[a-z.]+@example")',
             (Overload("matches_string", (_S, _S), _B, "{1}({0})", 12_000),), True, LiteralForm.PATTERN),
    Function("email_domain", "email_domain(a)", "what is behind the last @, written small; an error without one",
             'email_domain(email) == "example.org"',
             (Overload("email_domain_string", (_S,), _S, "domain_of({0})", 600),)),
    Function("in_network", "in_network(a, b)", "whether an IP address is in the network, a literal; an error if it is "
             "no address", 'in_network(ip_address, "203.0.113.0/24")',
             (Overload("in_network_string", (_S, _S), _B, "{1}({0})", 250),), prepared=LiteralForm.NETWORK),
)  # fmt: skip

_TIMES = (
    Function("timestamp", "timestamp(a)", "a time, from a literal in RFC 3339",
             'event_time >= timestamp("2026-01-01T00:00:00Z")',
             (Overload("timestamp_string", (_S,), _T, ""),), prepared=LiteralForm.TIME),
    Function("seconds_between", "seconds_between(a, b)", "seconds from the first time to the second, with fractions; "
             "negative if the second is earlier", 'seconds_between(event_time, timestamp("2027-01-01T00:00:00Z")) > 0',
             (Overload("seconds_between_time_time", (_T, _T), _D, "({1} - {0}).total_seconds()", 15),)),
    Function("hour", "hour(a, b)", "the hour of the day, 0 to 23, in a time zone, a literal",
             'hour(event_time, "Europe/Berlin") == 3',
             (Overload("hour_time", (_T, _S), _I, "{0}.astimezone({1}).hour", 120),), prepared=LiteralForm.ZONE),
    Function("weekday", "weekday(a, b)", "the day of the week, 1 (Monday) to 7, in a time zone, a literal",
             'weekday(event_time, "Europe/Berlin") == 6',
             (Overload("weekday_time", (_T, _S), _I, "{0}.astimezone({1}).isoweekday()", 120),),
             prepared=LiteralForm.ZONE),
)  # fmt: skip

_PRESENCE = Function(
    "present", "present(a)", "whether the name has a value", "present(email) && !present(phone)",
    (Overload("present", (Loose.NAME,), _B, "({0} is not None)"),),
)  # fmt: skip

FUNCTIONS: tuple[Function, ...] = (*_SIGNS, *_NUMBERS, *_TEXTS, *_TIMES, _PRESENCE)

OVERLOADS: Mapping[str, tuple[Function, Overload]] = MappingProxyType(
    {overload.id: (function, overload) for function in FUNCTIONS for overload in function.overloads}
)
"""Every overload with its function, by identifier."""
