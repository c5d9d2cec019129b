"""Field paths of violations: names of callers never read as steps of the path."""

from __future__ import annotations

import pytest

from gateway.errors.places import dotted, pointer, steps


@pytest.mark.parametrize("key", ["a.b", "", 'a"b', "a\\", "x[0]", "[1]", "a/b~c", "é", "a b"])
def test_a_key_is_one_step_whatever_it_holds(key: str) -> None:
    path = ("labels", key, "parts", 3, "size")
    assert steps(dotted(path)) == path


def test_fields_and_plain_keys_are_joined_by_dots() -> None:
    assert dotted(("requests", 3, "labels", "colour")) == "requests[3].labels.colour"
    assert steps('requests[3].labels["a.b"]') == ("requests", 3, "labels", "a.b")
    assert pointer(("labels", "a/b~c")) == "/labels/a~1b~0c"
