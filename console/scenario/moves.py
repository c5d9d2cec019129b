"""The actions of `rampart scenario` that let versions decide, and what is told of it."""

from __future__ import annotations

import argparse
import json
import uuid

from console.api import Api, Json, resource
from console.failure import WrongArgument
from console.scenario.rules import scenario_path
from console.scenario.tables import deployment_table, history_table, print_deployment, print_lines, snooze_table
from console.tables import output, print_fields, show

__all__ = ["answer", "deploy", "history", "policy", "snooze", "snoozes", "status", "take_away", "wake"]

DEPLOYMENTS = "/api/v1/deployments"
SNOOZES = "/api/v1/snoozes"
POLICY = "/api/v1/scenario-policy"
PARTS_OF_PERCENT = 100


async def deploy(api: Api, arguments: argparse.Namespace) -> int:
    """Lets a version decide, or asks for it where somebody else has to approve."""
    if (arguments.to == "share") != (arguments.share is not None):
        raise WrongArgument("--share says how many percent, for --to share.")
    body = {"target": arguments.to, **_said(arguments)}
    if arguments.share is not None:
        body["share"] = round(arguments.share * PARTS_OF_PERCENT)
    print_deployment(arguments, await api.call("POST", f"{_version(arguments)}:deploy", body))
    return 0


async def take_away(api: Api, arguments: argparse.Namespace) -> int:
    """Withdraws a version, or rolls it back."""
    print_deployment(arguments, await api.call("POST", f"{_version(arguments)}:{arguments.verb}", _said(arguments)))
    return 0


async def answer(api: Api, arguments: argparse.Namespace) -> int:
    """Approves or rejects a step that waits."""
    path = resource(f"{_deployment(arguments.event_type)}/publications", arguments.publication_id)
    body = {"request_id": str(uuid.uuid4())}
    print_deployment(arguments, await api.call("POST", f"{path}:{arguments.verb}", body))
    return 0


async def status(api: Api, arguments: argparse.Namespace) -> int:
    """Shows what decides the events of a type, or of all types of which anything was deployed."""
    if arguments.event_type:
        print_deployment(arguments, await api.call("GET", _deployment(arguments.event_type)))
        return 0
    found = (await api.call("GET", DEPLOYMENTS))["deployments"]
    if arguments.json:
        print_lines(found)
    else:
        show(output(), deployment_table(found), len(found), "deployments")
    return 0


async def history(api: Api, arguments: argparse.Namespace) -> int:
    """Lists who let which version decide, newest first."""
    path = f"{_deployment(arguments.event_type)}/transitions"
    found = [one async for one in api.pages(path, "transitions", {}, arguments.limit)]
    if arguments.json:
        print_lines(found)
    else:
        show(output(), history_table(found), len(found), "transitions")
    return 0


async def policy(api: Api, arguments: argparse.Namespace) -> int:
    """Shows the policy, or changes what is given of it."""
    found = await api.call("GET", POLICY)
    wanted = {name: getattr(arguments, name) for name in ("two_persons", "declines", "reviews", "times", "above")}
    changed = {name: value for name, value in wanted.items() if value is not None}
    if changed:
        found = await api.call("PUT", f"{POLICY}?request_id={uuid.uuid4()}", {**found, **changed})
    print_fields(found, as_json=arguments.json)
    return 0


async def snooze(api: Api, arguments: argparse.Namespace) -> int:
    """Snoozes a rule for a key."""
    body = {**_place(arguments), "until": arguments.until, "reason": arguments.reason or ""}
    found = await api.call("POST", f"{SNOOZES}?request_id={uuid.uuid4()}", body)
    if arguments.json:
        print(json.dumps(found))
    else:
        output().print(snooze_table([found]))
    return 0


async def wake(api: Api, arguments: argparse.Namespace) -> int:
    """Lets a rule count again."""
    await api.call("POST", f"{SNOOZES}:end", {**_place(arguments), "request_id": str(uuid.uuid4())})
    return 0


async def snoozes(api: Api, arguments: argparse.Namespace) -> int:
    """Lists snoozes that are not over."""
    found = [one async for one in api.pages(SNOOZES, "snoozes", {}, arguments.limit)]
    if arguments.json:
        print_lines(found)
    else:
        show(output(), snooze_table(found), len(found), "snoozes")
    return 0


def _said(arguments: argparse.Namespace) -> Json:
    # Named, so that a request that is sent again takes no second step.
    return {"reason": arguments.reason or "", "request_id": str(uuid.uuid4())}


def _place(arguments: argparse.Namespace) -> Json:
    return {"rule_id": arguments.rule_id, "field": arguments.field, "value": arguments.value}


def _version(arguments: argparse.Namespace) -> str:
    return f"{scenario_path(arguments.scenario_id)}/versions/{arguments.version}"


def _deployment(event_type: str) -> str:
    return resource(DEPLOYMENTS, event_type)
