"""Says in words what a regular expression asks for, for people who broke it and for those who read about a field.

Only expressions of a text from its begin to its end are told, and of those the ones that are a row of characters, sets
and groups of them, each with a number: that is what constraints of identifiers and codes are made of.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby

__all__ = ["in_words", "refused_set"]

_TOKEN = re.compile(
    r"""
    (?: \( (?P<group>[^()]+) \)
      | \[ (?P<negated>\^?) (?P<set>(?:\\.|[^\]\\])+) \] | \\(?P<short>[dw]) | \\(?P<escaped>[^A-Za-z0-9])
      | (?P<plain>[^\\^$.*+?()\[\]{}|]) )
    (?: \{ (?P<least>\d+) (?P<open>,?) (?P<most>\d*) \} | (?P<repeat>[*+?]) )?
    """,
    re.VERBOSE,
)
_MEMBER = re.compile(r"(\\x[0-9a-fA-F]{2}|\\[dw]|\\[^A-Za-z0-9]|[^\\])(?:-(\\x[0-9a-fA-F]{2}|\\[^A-Za-z0-9]|[^\\]))?")
_REFUSED = re.compile(r"\^\[\^((?:\\.|[^\]\\])+)\]([*+])\$")
_OPTIONAL = re.compile(r"\(((?:[^()]|\([^()]*\))+)\)\?")
_SHORT = {"d": "0-9", "w": "A-Za-z0-9_"}
_SETS = {
    frozenset({"A-Z", "a-z"}): "letter",
    frozenset({"A-Z"}): "capital letter",
    frozenset({"a-z"}): "small letter",
    frozenset({"0-9"}): "digit",
    frozenset({" -~"}): "printable ASCII character",
    frozenset({r"\x00-\x1f", r"\x7f"}): "control character",
    frozenset({r"\x00"}): "NUL character",
}
"""What members of a set are together, the larger first."""
_SHORT_MEMBERS = {r"\d": ["0-9"], r"\w": ["A-Z", "a-z", "0-9", "_"], r"\x00-\x20": [r"\x00-\x1f", " "]}
_TIMES = {"*": "any number of times ", "+": "1 or more times ", "?": "optionally ", "": ""}
_NUMBERS = {"*": "any number of", "+": "1 or more", "?": "0 or 1", "": "1"}


class _Untold(Exception):
    """An expression holds what there are no words for."""


def refused_set(pattern: str) -> tuple[str, bool] | None:
    """Returns the set whose characters are refused and whether the empty text is; None if `pattern` says more."""
    found = _REFUSED.fullmatch(pattern)
    return (f"[{found[1]}]", found[2] == "+") if found is not None else None


@lru_cache(maxsize=1024)
def in_words(pattern: str) -> str:
    """Returns what a text must be, for example "must be 3 capital letters"; empty if there are no words for it."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or pattern.endswith(r"\$"):
        return ""
    optional = _OPTIONAL.fullmatch(pattern[1:-1])
    try:
        if optional is not None:
            return f"must be empty or {_row(_tokens(optional[1]))}"
        return _sentence(_tokens(pattern[1:-1]))
    except _Untold:
        return ""


def _tokens(text: str) -> list[re.Match[str]]:
    found, place = [], 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise _Untold
        found.append(token)
        place = token.end()
    return found


def _sentence(tokens: list[re.Match[str]]) -> str:
    if len(tokens) == 1 and tokens[0]["set"]:
        names, repeat = _names(tokens[0]["set"], plural=True), tokens[0]["repeat"]
        also = " and must not be empty" if repeat == "+" else ""
        if tokens[0]["negated"] and repeat in ("*", "+"):
            return f"must not hold {names}{also}"
        if repeat in ("*", "+"):
            return f"must hold only {names}{also}"
    return f"must be {_row(tokens)}"


def _row(tokens: list[re.Match[str]]) -> str:
    if not tokens:
        raise _Untold
    parts = []
    for is_literal, group in groupby(tokens, key=_is_literal):
        row = list(group)
        parts += [f'"{"".join(map(_literal, row))}"'] if is_literal else [_counted(token) for token in row]
    return ", then ".join(parts)


def _is_literal(token: re.Match[str]) -> bool:
    return not (token["group"] or token["set"] or token["short"] or token["least"] or token["repeat"])


def _literal(token: re.Match[str]) -> str:
    return token["plain"] or token["escaped"]


def _group(token: re.Match[str]) -> str:
    """Returns a group with how often it is there: one of several texts, or a row."""
    if token["least"]:
        raise _Untold
    choices = [_tokens(text) for text in token["group"].split("|")]
    if len(choices) == 1:
        return f"{_TIMES[token['repeat'] or '']}({_row(choices[0])})"
    if not all(choice and all(map(_is_literal, choice)) for choice in choices):
        raise _Untold
    return _TIMES[token["repeat"] or ""] + " or ".join(map(_row, choices))


def _counted(token: re.Match[str]) -> str:
    if token["group"]:
        return _group(token)
    least, most = token["least"], token["most"]
    if least is None:
        number = _NUMBERS[token["repeat"] or ""]
    elif not token["open"]:
        number = least
    else:
        number = f"{least} to {most}" if most else f"{least} or more"
    members = token["set"] or _SHORT.get(token["short"] or "")
    if members is None:
        return f'{number} "{_literal(token)}"'
    if token["negated"]:
        return f"{number} character{'s' * (number != '1')} other than {_names(members, plural=True)}"
    return f"{number} {_names(members, plural=number != '1')}"


def _names(members: str, *, plural: bool) -> str:
    """Returns what a set holds, as in `letters, digits or "_"`."""
    left = dict.fromkeys(_members(members))
    names = []
    for known, name in _SETS.items():
        if known <= left.keys():
            names.append(f"{name}s" if plural else name)
            left = {member: None for member in left if member not in known}
    names += [_other(member, plural) for member in left]
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _members(text: str) -> list[str]:
    found, place = [], 0
    while place < len(text):
        member = _MEMBER.match(text, place)
        if member is None:
            raise _Untold
        found += _SHORT_MEMBERS.get(member[0], [member[0]])
        place = member.end()
    return found


def _other(member: str, plural: bool) -> str:
    if "\\x" in member:
        raise _Untold
    if len(member) > 1 and "-" in member[1:-1]:
        low, _, high = member.partition("-")
        return f"{'characters' if plural else 'character'} from {low} to {high}"
    return f'"{member.removeprefix(chr(92))}"'
