"""`rampart event-type`: lists, shows, declares and changes event types."""

from __future__ import annotations

import argparse
import json
import uuid
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from console.api import Api, Json, resource
from console.failure import WrongArgument
from console.tables import output, table, when
from console.tasking.action import finish, print_pages
from console.tasking.options import add_limit

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/event-types"
FLAGS = ("required", "personal", "key")
TYPES = ("string", "number", "money", "bool", "time", "ip", "email")
COLUMNS = ("name", "version", "fields", "keys", "changed", "description")
FIELD_COLUMNS = ("field", "type", "required", "personal", "key", "entity", "retired", "description")
FIELD_HELP = f"""a field: its name and its type, one of {", ".join(TYPES)}, then what else is so of it, of
{", ".join(FLAGS)} and, for keys, entity=KIND, the kind of entity in the graph; such as user_id:string:required,key"""
ENTITY = "entity="


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `event-type` command."""
    parser = subparsers.add_parser("event-type", help="manage event types: what a tenant's events hold")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list event types, the built-in ones too")
    add_limit(listing)
    finish(listing, _list)
    for name, run, text in (
        ("show", _show, "show an event type with its fields"),
        ("create", _create, "declare an event type"),
        ("update", _update, "change an event type: add fields, change or retire those that are there"),
    ):
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument("name", metavar="NAME", help="lower-case letters, digits and underscores")
        if run is not _show:
            one.add_argument("--description", metavar="WORDS", help="what it is, in words for people")
            one.add_argument("--field", dest="fields", action="append", type=field, metavar="FIELD", help=FIELD_HELP)
        if run is _update:
            one.add_argument("--retire", action="append", metavar="NAME", help="a field that is to be read no longer")
            one.add_argument("--restore", action="append", metavar="NAME", help="a retired field that is to come back")
        finish(one, run)


def field(text: str) -> Json:
    """Reads a field as the options say it."""
    name, _, rest = text.partition(":")
    kind, _, said = rest.partition(":")
    words = said.split(",") if said else []
    entity = [each.removeprefix(ENTITY) for each in words if each.startswith(ENTITY)]
    flags = [each for each in words if not each.startswith(ENTITY)]
    if not name or kind not in TYPES or not set(flags) <= set(FLAGS):
        raise ArgumentTypeError(f"must be such as amount:money:required, not {text!r}")
    made = {"name": name, "type": kind, **{flag: flag in flags for flag in FLAGS}}
    return made | ({"entity": entity[-1]} if entity else {})


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "event_types", {}, arguments.limit)
    await print_pages(arguments, pages, COLUMNS, _row, "event types")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    _print(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    body = {"name": arguments.name, "fields": arguments.fields or [], "description": arguments.description or ""}
    # Named, so that a request that is sent again finds what it has declared.
    _print(arguments, await api.call("POST", f"{PATH}?request_id={uuid.uuid4()}", body))
    return 0


async def _update(api: Api, arguments: argparse.Namespace) -> int:
    before = await api.call("GET", _path(arguments))
    # Only the state that was read is changed, so that nobody else's change is undone.
    body: Json = {"etag": before["etag"]}
    if arguments.description is not None:
        body["description"] = arguments.description
    if arguments.fields or arguments.retire or arguments.restore:
        body["fields"] = _changed(before["fields"], arguments)
    _print(arguments, await api.call("PATCH", f"{_path(arguments)}?request_id={uuid.uuid4()}", body))
    return 0


def _changed(before: list[Json], arguments: argparse.Namespace) -> list[Json]:
    fields = {one["name"]: one for one in before}
    for one in arguments.fields or ():
        fields[one["name"]] = {**fields.get(one["name"], {}), **one}
    for names, retired in ((arguments.retire or (), True), (arguments.restore or (), False)):
        for name in names:
            if name not in fields:
                raise WrongArgument(f"{arguments.name} has no field {name!r}.")
            fields[name] = {**fields[name], "retired": retired} | ({"required": False} if retired else {})
    return list(fields.values())


def _print(arguments: argparse.Namespace, item: Json) -> None:
    if arguments.json:
        print(json.dumps(item))
        return
    said = [item["name"], f"version {item['version']}", *(["built in"] if item["built_in"] else [])]
    output().print(", ".join(said) + (f": {item['description']}" if item["description"] else ""), markup=False)
    output().print(table(FIELD_COLUMNS, map(_field_row, item["fields"])))


def _row(item: Json) -> list[str]:
    keys = [one["name"] for one in item["fields"] if one["key"] and not one["retired"]]
    changed = when(item.get("update_time")) or "built in"
    return [
        item["name"], str(item["version"]), str(len(item["fields"])), ", ".join(keys), changed, item["description"],
    ]  # fmt: skip


def _field_row(item: Json) -> list[str]:
    flags = (_yes(item[name]) for name in FLAGS)
    return [
        item["name"], item["type"], *flags, item.get("entity", ""), _yes(item["retired"]), item["description"],
    ]  # fmt: skip


def _yes(said: Any) -> str:
    return "yes" if said else ""


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.name)
