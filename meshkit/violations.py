"""Says in words which constraint of `buf.validate` a value breaks."""

from __future__ import annotations

import protovalidate

from meshkit.patterns import in_words

__all__ = ["violation_words"]

_PATTERNS = {"string.pattern", "bytes.pattern"}


def violation_words(violation: protovalidate.Violation) -> str:
    """Returns what is wrong with a value, to be read after its name. No regular expression is shown to people."""
    if violation.proto.rule_id in _PATTERNS:
        return in_words(str(violation.rule_value)) or "does not have the form that its description gives"
    return violation.proto.message or "is not valid"
