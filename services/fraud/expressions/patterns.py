"""Compiles the patterns of expressions with RE2, whose time grows with the text and nothing else."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LARGEST_PROGRAM", "LONGEST_PATTERN", "LONGEST_SEARCHED", "compile_pattern"]

LONGEST_PATTERN = 256
LARGEST_PROGRAM = 400
"""Instructions."""
LONGEST_SEARCHED = 256
"""Characters of a text that is searched: the longest mailbox. The worst patterns take 0.5 µs a character."""
_MEMORY = 1 << 18
"""Bytes that one pattern may take, its automaton included."""


def compile_pattern(pattern: str) -> Callable[[str], bool | None]:
    """Returns what tells whether the pattern is found in a text; it says None of one that is too long.

    Raises ValueError, in words of its own, if the pattern is no pattern, or too large.
    """
    # It takes 10 ms to import, and no start waits for it.
    import re2

    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern of more than {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.max_mem, options.log_errors, options.never_capture = _MEMORY, False, True
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from error
    if max(compiled.programsize, compiled.reverseprogramsize) > LARGEST_PROGRAM:
        raise ValueError("a pattern that takes too long to search for")

    def found(text: str) -> bool | None:
        return compiled.search(text.encode()) is not None if len(text) <= LONGEST_SEARCHED else None

    return found
