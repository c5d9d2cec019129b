"""The actions of `rampart rules`: rules of a draft."""

from __future__ import annotations

import argparse
import uuid

from console.api import Api, Json, resource
from console.failure import CommandFailure
from console.scenario.tables import print_lines, print_rule, rule_table
from console.tables import output, show
from console.tasking.options import given

__all__ = ["add_rule", "check_rule", "list_rules", "remove_rule", "scenario_path", "set_rule"]

FIELDS = ("code", "words", "expression", "contribution", "outcome", "habit", "alert")


def scenario_path(scenario_id: str) -> str:
    return resource("/api/v1/scenarios", scenario_id)


async def list_rules(api: Api, arguments: argparse.Namespace) -> int:
    """Lists the rules of the draft, or of a version."""
    path = scenario_path(arguments.scenario_id)
    if arguments.version:
        rules = (await api.call("GET", f"{path}/versions/{arguments.version}"))["content"]["rules"]
    else:
        rules = (await api.call("GET", path))["draft"]["rules"]
    if arguments.json:
        print_lines(rules)
    else:
        show(output(), rule_table(rules), len(rules), "rules")
    return 0


async def add_rule(api: Api, arguments: argparse.Namespace) -> int:
    """Adds a rule to the draft."""
    body = given(arguments, ("rule_id", *FIELDS))
    # Named, so that a request that is sent again adds no second rule.
    path = f"{scenario_path(arguments.scenario_id)}/rules?request_id={uuid.uuid4()}"
    print_rule(arguments, await api.call("POST", path, body))
    return 0


async def set_rule(api: Api, arguments: argparse.Namespace) -> int:
    """Changes a rule of the draft, in the state in which it was read."""
    path = _rule_path(arguments)
    before = await api.call("GET", path)
    body: Json = {**given(arguments, FIELDS), "etag": before["etag"]}
    print_rule(arguments, await api.call("PATCH", f"{path}?request_id={uuid.uuid4()}", body))
    return 0


async def remove_rule(api: Api, arguments: argparse.Namespace) -> int:
    """Takes a rule out of the draft."""
    await api.call("DELETE", f"{_rule_path(arguments)}?request_id={uuid.uuid4()}")
    return 0


async def check_rule(api: Api, arguments: argparse.Namespace) -> int:
    """Says what is wrong with an expression; the exit status is 1 if anything is."""
    body = {"event_type": arguments.event_type, "expression": arguments.expression, "words": arguments.words or ""}
    problems = (await api.call("POST", "/api/v1/expressions:check", body))["problems"]
    if arguments.json:
        print_lines(problems)
    else:
        for each in problems:
            print(f"{each['field']}, line {each['line']}, column {each['column']}: {each['message']}")
    if problems:
        raise CommandFailure("The rule is not good.")
    return 0


def _rule_path(arguments: argparse.Namespace) -> str:
    return resource(f"{scenario_path(arguments.scenario_id)}/rules", arguments.rule_id)
