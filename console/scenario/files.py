"""The actions of `rampart scenario` on contents: creates, shows, compares, exports and imports them."""

from __future__ import annotations

import argparse
import json
import uuid
from pathlib import Path
from typing import Any

from console.api import Api, Json
from console.arguments import strict_json
from console.failure import WrongArgument
from console.plain import plain
from console.scenario.rules import scenario_path
from console.scenario.tables import print_lines, rule_table, scenario_table, version_table
from console.tables import output, show

__all__ = ["create", "diff", "export", "import_file", "list_scenarios", "make_version", "set_model", "show_one"]

PATH = "/api/v1/scenarios"


async def list_scenarios(api: Api, arguments: argparse.Namespace) -> int:
    """Lists scenarios."""
    found = [one async for one in api.pages(PATH, "scenarios", {}, arguments.limit)]
    if arguments.json:
        print_lines(found)
    else:
        show(output(), scenario_table(found), len(found), "scenarios")
    return 0


async def show_one(api: Api, arguments: argparse.Namespace) -> int:
    """Shows a scenario with its draft and versions."""
    path = scenario_path(arguments.scenario_id)
    scenario = await api.call("GET", path)
    versions = [one async for one in api.pages(f"{path}/versions", "versions", {}, None)]
    if arguments.json:
        print(json.dumps({**scenario, "versions": versions}))
        return 0
    output().print(scenario_table([scenario]))
    show(output(), rule_table(scenario["draft"]["rules"]), len(scenario["draft"]["rules"]), "rules in the draft")
    show(output(), version_table(versions), len(versions), "versions")
    return 0


async def create(api: Api, arguments: argparse.Namespace) -> int:
    """Creates a scenario with an empty draft, or that of another scenario's version."""
    draft: Json = {"event_type": arguments.event_type or "payment", "description": arguments.description or ""}
    if arguments.like:
        name, _, version = arguments.like.partition("@")
        if not version:
            raise WrongArgument(f"--like takes a version such as starter@2, not {arguments.like!r}.")
        draft = _file((await api.call("GET", f"{scenario_path(name)}/versions/{version}"))["content"])
    body = {"scenario_id": arguments.scenario_id, "draft": draft, "request_id": str(uuid.uuid4())}
    _print(arguments, await api.call("POST", PATH, body))
    return 0


async def make_version(api: Api, arguments: argparse.Namespace) -> int:
    """Makes the draft a version."""
    path = f"{scenario_path(arguments.scenario_id)}/versions"
    version = await api.call("POST", path, {"note": arguments.note or "", "request_id": str(uuid.uuid4())})
    if arguments.json:
        print(json.dumps(version))
    else:
        output().print(version_table([version]))
    return 0


async def diff(api: Api, arguments: argparse.Namespace) -> int:
    """Compares two versions; 0 is the draft."""
    query = f"before={arguments.before}&after={arguments.after}"
    found = await api.call("GET", f"{scenario_path(arguments.scenario_id)}:diff?{query}")
    if arguments.json:
        print(json.dumps(found))
        return 0
    for sign, rules in (("-", found["removed"]), ("+", found["added"])):
        for rule in rules:
            worth = f"{rule['contribution']:g} {rule['outcome']}".rstrip()
            print(plain(f"{sign} {rule['rule_id']} {rule['code']} {worth}: {rule['expression']}"))
    for change in found["changed"]:
        for each in change["changes"]:
            print(plain(f"~ {change['rule_id']} {change['code']} {each['field']}: {each['before']} -> {each['after']}"))
    for each in found["settings"]:
        print(plain(f"~ {each['field']}: {each['before']} -> {each['after']}"))
    return 0


async def export(api: Api, arguments: argparse.Namespace) -> int:
    """Writes a version, or the draft, as one file."""
    path = scenario_path(arguments.scenario_id)
    if arguments.version:
        content = (await api.call("GET", f"{path}/versions/{arguments.version}"))["content"]
    else:
        content = (await api.call("GET", path))["draft"]
    text = json.dumps(_file(content), indent=2, ensure_ascii=False) + "\n"
    if arguments.output:
        Path(arguments.output).write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


async def import_file(api: Api, arguments: argparse.Namespace) -> int:
    """Makes a file the draft of a scenario, which is created if it is not there."""
    try:
        draft = strict_json(Path(arguments.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongArgument(f"{arguments.file} cannot be read: {error}.") from error
    name = arguments.scenario_id
    known = [one async for one in api.pages(PATH, "scenarios", {}, None) if one["scenario_id"] == name]
    named = str(uuid.uuid4())
    if known:
        done = await api.call("PUT", f"{scenario_path(name)}/draft?request_id={named}", draft)
    else:
        done = await api.call("POST", PATH, {"scenario_id": name, "draft": draft, "request_id": named})
    _print(arguments, done)
    return 0


async def set_model(api: Api, arguments: argparse.Namespace) -> int:
    """Changes the model of a draft; what is said of its features stays."""
    path = scenario_path(arguments.scenario_id)
    scenario = await api.call("GET", path)
    draft = _file(scenario["draft"])
    if arguments.model == "none":
        draft.pop("model", None)
    else:
        name, _, version = arguments.model.partition("@")
        if not version.isdecimal():
            raise WrongArgument(f"MODEL is a version such as cards@3, or none, not {arguments.model!r}.")
        draft["model"] = {**(draft.get("model") or {}), "name": name, "version": int(version)}
    _print(arguments, await api.call("PUT", f"{path}/draft?request_id={uuid.uuid4()}", draft))
    return 0


def _file(content: Json) -> dict[str, Any]:
    """Returns a content without what names its state: equal contents are equal files."""
    rules = [{name: value for name, value in rule.items() if name != "etag"} for rule in content["rules"]]
    return {**content, "rules": rules}


def _print(arguments: argparse.Namespace, scenario: Json) -> None:
    if arguments.json:
        print(json.dumps(scenario))
    else:
        output().print(scenario_table([scenario]))
