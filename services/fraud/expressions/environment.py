"""Declares the language to the library: our functions, and none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from services.fraud.domain.expressions.functions import FUNCTIONS, Loose, Parameter
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.names import RESERVED

if TYPE_CHECKING:
    from cel_expr_python import cel

__all__ = ["environment"]

_BARE = 'stdlib: {disable_macros: true, include_functions: [{name: "nothing"}]}'
"""Of its own functions the one that does not exist. (`disable: true` would let it forget about the macros.)"""


def environment(variables: Mapping[str, ValueKind]) -> cel.Env:
    """Returns what parses and checks expressions over these names. Raises ValueError if one of them is reserved."""
    if reserved := RESERVED & variables.keys():
        raise ValueError(f"reserved names: {', '.join(sorted(reserved))}")
    return _environment(frozenset(variables.items()))


@lru_cache(maxsize=16)
def _environment(variables: frozenset[tuple[str, ValueKind]]) -> cel.Env:
    # Needed when a rule is saved, not when one is decided: no start waits for it.
    from cel_expr_python import cel

    types: dict[Parameter, cel.Type] = {
        ValueKind.STRING: cel.Type.STRING,
        ValueKind.INT: cel.Type.INT,
        ValueKind.DOUBLE: cel.Type.DOUBLE,
        ValueKind.BOOL: cel.Type.BOOL,
        ValueKind.TIME: cel.Type.TIMESTAMP,
        ValueKind.STRING_LIST: cel.Type.List(cel.Type.STRING),
        Loose.NAME: cel.Type.DYN,
        Loose.NUMBERS: cel.Type.List(cel.Type.DYN),
    }
    functions = [
        cel.FunctionDecl(
            function.name,
            [
                cel.Overload(each.id, types[each.result], [types[kind] for kind in each.parameters], function.member)
                for each in function.overloads
            ],
        )
        for function in FUNCTIONS
    ]
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_BARE),
        variables={name: types[kind] for name, kind in variables},
        functions=functions,
    )
