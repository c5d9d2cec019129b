"""No settings that hold a secret show it when they are printed, logged or part of an error."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest

import gateway
import meshkit
import services

SECRET = re.compile("(^|_)(dsn|secret|secrets|password|passwords|token|tokens|keys?|url|sealed)$")
"""Names of what is one, or may hold one: addresses of stores have passwords in them."""
SAFE = re.compile("(public|jwks|reachable|issuer|continuations?_of|key_(use|publish|check)_seconds)")
MARK = "a-secret-that-nobody-may-see"


def settings_classes() -> Iterator[type[Any]]:
    """Yields the dataclasses of every module of settings."""
    for package in (meshkit, gateway, services):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.rpartition(".")[2] == "settings":
                module = importlib.import_module(found.name)
                own = (each for each in vars(module).values() if isinstance(each, type))
                yield from (each for each in own if dataclasses.is_dataclass(each) and each.__module__ == found.name)


CLASSES = sorted(set(settings_classes()), key=lambda each: f"{each.__module__}.{each.__name__}")


def secret_fields(settings: type[Any]) -> list[dataclasses.Field[Any]]:
    kinds = get_type_hints(settings)
    return [
        each
        for each in dataclasses.fields(settings)
        if "bytes" in str(kinds[each.name])
        or (SECRET.search(each.name) and not SAFE.search(each.name) and kinds[each.name] in (str, str | None))
    ]


def test_settings_of_every_service_are_looked_at() -> None:
    names = {each.__name__ for each in CLASSES}
    assert {"AuthSettings", "DataSettings", "FraudSettings", "CasesSettings", "TaskSettings", "UserSettings"} <= names
    assert {"dsn", "sealing_key", "notary_dsn"} <= {each.name for one in CLASSES for each in secret_fields(one)}


@pytest.mark.parametrize("settings", CLASSES, ids=lambda each: each.__name__)
def test_secrets_are_not_shown(settings: type[Any]) -> None:
    made = object.__new__(settings)
    for each in dataclasses.fields(settings):
        object.__setattr__(made, each.name, MARK if each in secret_fields(settings) else None)
    assert MARK not in repr(made)
    assert MARK not in f"{made}"
