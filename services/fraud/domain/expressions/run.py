"""Runs checked expressions: many rules at once, or one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.fraud.domain.expressions.exact import Evaluate, Failure, evaluator
from services.fraud.domain.expressions.generate import NO_PATTERNS, TOOLS, Generator, Patterns
from services.fraud.domain.expressions.tree import Tree
from services.fraud.domain.expressions.types import ValueKind

__all__ = ["RuleProgram", "value_of"]

_RULES_OF_A_FUNCTION = 250
"""More in one function do not make it faster, and what is compiled at once stays small."""


class RuleProgram:
    """Evaluates many rules over the values of one decision. One that fails affects no other."""

    def __init__(self, trees: Sequence[Tree], slots: Mapping[str, int], patterns: Patterns = NO_PATTERNS) -> None:
        """Generates code for rules over values whose places the slots say.

        Raises KeyError for a name without a slot, ValueError for an expression that is no truth value, or for a
        pattern, network or zone that cannot be used.
        """
        if any(tree.kind is not ValueKind.BOOL for tree in trees):
            raise ValueError("a rule must be true or false")
        self._trees = tuple(trees)
        self._slots = dict(slots)
        self._patterns = patterns
        self._exact: dict[int, Evaluate] = {}
        starts = range(0, len(trees), _RULES_OF_A_FUNCTION)
        self._parts = [self._generate(start, trees[start : start + _RULES_OF_A_FUNCTION]) for start in starts]

    def _generate(self, start: int, trees: Sequence[Tree]) -> Callable[..., None]:
        generator = Generator(self._slots, self._patterns)
        lines, failures = [], {}
        for index, tree in enumerate(trees, start):
            generator.begin()
            possible, certain = generator.possible(tree.root), generator.certain(tree.root)
            lines += [" try:", f"  if {possible}:", f"   if {certain}: hit({index})"]
            if generator.fallible and generator.needed:
                lines.append(f"   elif {' or '.join(f'{each} is None' for each in generator.needed)}: unclear({index})")
            lines += [f"   else: fail(f{index})", f" except Exception: unclear({index})"]
            failures[f"f{index}"] = index, Failure.ERROR if generator.fallible else Failure.NOT_ENOUGH_DATA
        return _compiled("values, hit, fail, unclear", lines, generator, failures)

    def evaluate(self, values: Sequence[object]) -> tuple[list[int], list[tuple[int, Failure]]]:
        """Returns the indices of the rules that are true, and those of the rules that have no value, with the reason.

        Both are in order. A value that is missing is None.
        """
        hits: list[int] = []
        failures: list[tuple[int, Failure]] = []
        unclear: list[int] = []
        for part in self._parts:
            part(values, hits.append, failures.append, unclear.append)
        if unclear:
            self._settle(values, unclear, hits, failures)
        return hits, failures

    def _settle(
        self, values: Sequence[object], unclear: list[int], hits: list[int], failures: list[tuple[int, Failure]]
    ) -> None:
        for index in unclear:
            evaluate = self._exact.get(index)
            if evaluate is None:
                evaluate = evaluator(self._trees[index].root, self._slots, self._patterns)
                self._exact[index] = evaluate
            found = evaluate(values)
            if isinstance(found, Failure):
                failures.append((index, found))
            elif found:
                hits.append(index)
        hits.sort()
        failures.sort(key=lambda each: each[0])


def value_of(
    tree: Tree, slots: Mapping[str, int], patterns: Patterns = NO_PATTERNS
) -> Callable[[Sequence[object]], object]:
    """Returns a function of the values that computes the expression, None where it has no finite value.

    Raises as `RuleProgram` does.
    """
    generator = Generator(slots, patterns)
    code = generator.value(tree.root)
    if tree.kind is ValueKind.DOUBLE:
        # What is neither finite nor missing differs from itself when it is taken away from itself.
        code = f"(found if (found := {code}) is None or found - found == 0.0 else None)"
    lines = [" try:", f"  return {code}", " except Exception: return exact(values)"]
    exact = evaluator(tree.root, slots, patterns)

    def settled(values: Sequence[object]) -> object:
        found = exact(values)
        infinite = isinstance(found, float) and found - found != 0.0
        return None if isinstance(found, Failure) or infinite else found

    return _compiled("values", lines, generator, {"exact": settled})


def _compiled(
    parameters: str, body: Sequence[str], generator: Generator, names: Mapping[str, Any]
) -> Callable[..., Any]:
    reads = [f" s{slot} = values[{slot}]" for slot in sorted(generator.used)]
    text = "\n".join([f"def generated({parameters}):", *reads, *(body or [" pass"])])
    space = {**TOOLS, **generator.constants, **names}
    # Templates of the table, numbers, and names made of a letter and a number.
    exec(compile(text, "<expressions>", "exec"), space)  # noqa: S102
    found: Callable[..., Any] = space["generated"]
    return found
