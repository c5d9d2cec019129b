"""What rules cost to decide, with all values there or a fifth of them missing, to check, and to generate.

`python -m tests.load.expressions` evaluates rules of 2 to 5 terms over 50 slots, each true in one decision of twenty.
Of several runs the fastest, in time of the process: what else runs on the machine counts as far as it empties caches.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from services.fraud.domain.expressions.run import RuleProgram
from services.fraud.domain.expressions.tree import Tree
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.checker import check
from tests.support.processes import ROOT

KINDS = [ValueKind.DOUBLE] * 20 + [ValueKind.INT] * 15 + [ValueKind.STRING] * 10 + [ValueKind.BOOL] * 5
NAMES = {f"value_{number}": kind for number, kind in enumerate(KINDS)}
SLOTS = {name: slot for slot, name in enumerate(NAMES)}
WORDS = [f"word_{number}" for number in range(20)]
HITS = 0.05
ROWS = 500
REPEATS = 7


def term(rng: random.Random, name: str, share: float) -> str:
    """Returns a term that is true of this share of values."""
    match NAMES[name]:
        case ValueKind.DOUBLE:
            return f"{name} > {1000 * (1 - share):.0f}"
        case ValueKind.INT:
            return f"{name} >= {round(100 * (1 - share))}"
        case ValueKind.STRING:
            words = rng.sample(WORDS, max(1, round(len(WORDS) * share)))
            return f"{name} in [{', '.join(f'{word!r}' for word in words)}]"
    return rng.choice(["", "!"]) + name


def rule(rng: random.Random) -> str:
    count = rng.randint(2, 5)
    return " && ".join(term(rng, name, HITS ** (1 / count)) for name in rng.sample(list(NAMES), count))


def row(rng: random.Random, missing: float) -> list[object]:
    made: dict[ValueKind, Callable[[], object]] = {
        ValueKind.DOUBLE: lambda: rng.random() * 1000,
        ValueKind.INT: lambda: rng.randrange(100),
        ValueKind.STRING: lambda: rng.choice(WORDS),
        ValueKind.BOOL: lambda: rng.random() < 0.5,
    }
    return [None if rng.random() < missing else made[kind]() for kind in KINDS]


def least_us(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Returns the shortest time that the process spent on the work, in microseconds."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best * 1e6


def decide(program: RuleProgram, rows: Sequence[Sequence[object]]) -> tuple[float, float, float]:
    """Returns microseconds a decision, and the shares of rules that hit and that failed, in percent."""
    found = [program.evaluate(values) for values in rows]
    cost = least_us(lambda: [program.evaluate(values) for values in rows]) / len(rows)
    hits, failed = (100 * sum(len(each[n]) for each in found) / len(rows) for n in (0, 1))
    return cost, hits, failed


def report(rng: random.Random, count: int) -> None:
    texts = [rule(rng) for _ in range(count)]
    trees: list[Tree] = []
    checked = least_us(lambda: trees.extend(check(text, NAMES, ValueKind.BOOL) for text in texts), 1) / count
    generated = least_us(lambda: RuleProgram(trees, SLOTS), 3)
    program = RuleProgram(trees, SLOTS)
    for missing in (0.0, 0.2):
        cost, hits, failed = decide(program, [row(rng, missing) for _ in range(ROWS)])
        print(
            f"{count:5} rules, {missing:3.0%} missing: {cost:6.1f} us a decision, {hits / count:.1f} % hit, "
            f"{failed / count:.1f} % not enough data",
            flush=True,
        )
    print(f"{count:5} rules: {checked:.0f} us to check one, {generated / 1e3:.0f} ms to generate all", flush=True)


def failing(count: int) -> None:
    """Rules that all fail with an exception are the slowest there are."""
    tree = check("value_0 > 1 && 1 / value_20 == 1 && value_1 > 1", NAMES, ValueKind.BOOL)
    program, values = RuleProgram([tree] * count, SLOTS), [2.0] * 20 + [0] * 30
    print(f"{count:5} rules that divide by zero: {least_us(lambda: program.evaluate(values), 200):6.1f} us a decision")


_IMPORTS = """
import time
begun = time.process_time()
import services.fraud.expressions.checker
ours = time.process_time()
import cel_expr_python.cel, re2
print(ours - begun, time.process_time() - ours)
"""


def importing() -> None:
    command = [sys.executable, "-c", _IMPORTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    ours, libraries = map(float, done.stdout.split())
    print(f"import: {ours * 1e3:.0f} ms at the start, {libraries * 1e3:.0f} ms for the libraries at the first check")


def main() -> int:
    rng = random.Random(1)
    # Nothing of the library is read for the first time while it is measured.
    check("value_0 > 1", NAMES, ValueKind.BOOL)
    for count in (50, 250, 1_000):
        report(rng, count)
    failing(250)
    importing()
    return 0


if __name__ == "__main__":
    sys.exit(main())
