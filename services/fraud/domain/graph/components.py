"""Joins components of the graph, the smaller to the larger, up to a size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["MOST_MEMBERS", "JoinedComponents", "join_components"]

MOST_MEMBERS = 5_000
"""A component that would be larger takes in no other: what it holds is moved at once when it is joined to another."""


class JoinedComponents(NamedTuple):
    """What joining has led to."""

    moved: Mapping[int, int]
    """Components that are no more, and where their members are now."""
    sizes: Mapping[int, int]
    """The new sizes of those that took others in."""
    full: frozenset[int]
    """Those that were to be joined and would have been too large."""


def join_components(
    sizes: Mapping[int, int], linked: Iterable[tuple[int, int]], most: int = MOST_MEMBERS
) -> JoinedComponents:
    """Joins components whose members are linked. `sizes` has all of them."""
    parent: dict[int, int] = {}
    now, full = dict(sizes), set[int]()

    def root(of: int) -> int:
        while of in parent:
            of = parent[of]
        return of

    for pair in linked:
        one, other = sorted(map(root, pair), key=lambda each: (now[each], each))
        if one == other:
            continue
        if now[one] + now[other] > most:
            full |= {one, other}
            continue
        parent[one] = other
        now[other] += now.pop(one)
    moved = {each: root(each) for each in parent}
    grown = {each: now[each] for each in set(moved.values())}
    return JoinedComponents(moved, grown, frozenset(root(each) for each in full))
