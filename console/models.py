"""`rampart model`: models of fraud, trained on the tenant's own decisions or brought as files."""

from __future__ import annotations

import argparse
import asyncio
import json
import uuid
from typing import TYPE_CHECKING

from console.api import Api, Json, resource
from console.arguments import whole
from console.model_drift import print_drift
from console.model_files import send_model, write_model
from console.model_options import PARAMETERS, SETTINGS, add_import_options, add_training_options, add_use_options
from console.model_tables import MODEL_COLUMNS, VERSION_COLUMNS, model_row, print_version, version_row
from console.tables import output, table
from console.tasking.action import Action, finish, print_item, print_pages
from console.tasking.bar import display
from console.tasking.options import add_limit, given

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/models"
NUMBER = whole(1, 2**31 - 1)
FINAL = ("ready", "failed", "cancelled")
SHOWN_AS = {"ready": "succeeded"}
POLL_SECONDS = 0.5
EXIT_STATUS = {"ready": 0, "failed": 3, "cancelled": 5}
TRAIN_HELP = f"""Trains a version on the tenant's decisions and labels, and tells what it was worth on the days after
those that it has learned from. The exit status says how it ended:
{", ".join(f"{status} {state}" for state, status in EXIT_STATUS.items())}."""
IMPORT_HELP = """Makes a version of a file: ONNX, or XGBoost's own form (JSON or UBJSON). It is inspected before
anything else; the exit status is 2 if it is refused."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `model` command."""
    parser = subparsers.add_parser("model", help="train, import and show models of fraud")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    creating = actions.add_parser("create", help="create a model without versions")
    creating.add_argument("name", metavar="NAME")
    creating.add_argument("--event-type", metavar="TYPE", help="whose events it scores (default payment)")
    creating.add_argument("--description", metavar="TEXT")
    finish(creating, _create)
    listing = actions.add_parser("list", help="list models")
    add_limit(listing)
    finish(listing, _list)
    for name, run, text in (("show", _show, "show a model and its newest version"), ("delete", _delete, "delete it")):
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument("name", metavar="NAME")
        finish(one, run)
    _add_versions(actions)


def _add_versions(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    training = actions.add_parser("train", help="train a version and tell what it was worth", description=TRAIN_HELP)
    add_training_options(training)
    finish(training, _train)
    importing = actions.add_parser("import", help="make a version of a file", description=IMPORT_HELP)
    add_import_options(importing)
    finish(importing, _import)
    listing = actions.add_parser("versions", help="list the versions of a model, newest first")
    listing.add_argument("name", metavar="NAME")
    add_limit(listing)
    finish(listing, _versions)
    for name, run, text in (
        ("version", _version, "show a version with what it was worth"),
        ("watch", _watch, "follow a training until it has ended"),
        ("cancel", _cancel, "cancel a training"),
    ):
        _add_number(actions.add_parser(name, help=text, description=text), run)
    drifting = actions.add_parser("drift", help="tell how far what a version sees lies from what it has learned from")
    drifting.add_argument("--days", metavar="N", type=whole(1, 90), default=7, help="(default 7)")
    _add_number(drifting, _drift)
    using = actions.add_parser("use", help="change for how long a version may be used, and how much may be missing")
    using.add_argument("--valid-forever", action="store_const", const=True, help="take the end away")
    add_use_options(using)
    _add_number(using, _use)
    loading = actions.add_parser("download", help="write a version into a file, as ONNX")
    loading.add_argument("--output", metavar="FILE", help="(default NAME-VERSION.onnx)")
    _add_number(loading, _download)


def _add_number(parser: argparse.ArgumentParser, run: Action) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("version", metavar="VERSION", type=NUMBER)
    finish(parser, run)


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    body = given(arguments, ("name", "event_type", "description"))
    # Named, so that a request that is sent again is the same one.
    print_item(arguments, await api.call("POST", f"{PATH}?request_id={uuid.uuid4()}", body))
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "models", {}, arguments.limit)
    await print_pages(arguments, pages, MODEL_COLUMNS, model_row, "models")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    model = await api.call("GET", _path(arguments))
    number = model["newest_version"]
    version = await api.call("GET", f"{_path(arguments)}/versions/{number}") if number else None
    if arguments.json:
        print(json.dumps({**model, "version": version}))
        return 0
    output().print(table(MODEL_COLUMNS, [model_row(model)]))
    if version is not None:
        print_version(output(), version)
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("DELETE", f"{_path(arguments)}?request_id={uuid.uuid4()}")
    print(json.dumps(answer) if arguments.json else f"deleted {arguments.name}")
    return 0


async def _train(api: Api, arguments: argparse.Namespace) -> int:
    body: Json = given(arguments, SETTINGS)
    body["parameters"] = given(arguments, PARAMETERS)
    if arguments.feature:
        body["features"] = arguments.feature
    made = await api.call("POST", f"{_path(arguments)}/versions:train?request_id={uuid.uuid4()}", body)
    if arguments.detach:
        _print(arguments, made)
        return 0
    return await _follow(api, arguments, made)


async def _import(api: Api, arguments: argparse.Namespace) -> int:
    asked = given(arguments, ("format", "valid_until", "most_missing"))
    if arguments.feature:
        asked["features"] = arguments.feature
    _print(arguments, await send_model(api, _path(arguments), arguments.file, asked))
    return 0


async def _versions(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(f"{_path(arguments)}/versions", "model_versions", {}, arguments.limit)
    await print_pages(arguments, pages, VERSION_COLUMNS, version_row, "versions")
    return 0


async def _version(api: Api, arguments: argparse.Namespace) -> int:
    _print(arguments, await api.call("GET", _version_path(arguments)))
    return 0


async def _watch(api: Api, arguments: argparse.Namespace) -> int:
    return await _follow(api, arguments, await api.call("GET", _version_path(arguments)))


async def _cancel(api: Api, arguments: argparse.Namespace) -> int:
    _print(arguments, await api.call("POST", f"{_version_path(arguments)}:cancel", {}))
    return 0


async def _drift(api: Api, arguments: argparse.Namespace) -> int:
    found = await api.call("GET", f"{_version_path(arguments)}:drift?days={arguments.days}")
    if arguments.json:
        print(json.dumps(found))
    else:
        print_drift(output(), found)
    return 0


async def _use(api: Api, arguments: argparse.Namespace) -> int:
    body = given(arguments, ("valid_until", "valid_forever", "most_missing"))
    _print(arguments, await api.call("PATCH", _version_path(arguments), body))
    return 0


async def _download(api: Api, arguments: argparse.Namespace) -> int:
    file = arguments.output or f"{arguments.name}-{arguments.version}.onnx"
    data = await api.download(f"{_version_path(arguments)}:download")
    write_model(file, data)
    print(json.dumps({"file": file, "bytes": len(data)}) if arguments.json else f"{file}: {len(data):,} bytes")
    return 0


async def _follow(api: Api, arguments: argparse.Namespace, version: Json) -> int:
    """Shows a version until its training has ended, then what it was worth."""
    path = f"{_path(arguments)}/versions/{version['version']}"
    with display(output()) as shown:
        while True:
            if not arguments.json:
                state = SHOWN_AS.get(version["state"], version["state"])
                title = f"training of {version['name']}@{version['version']}"
                shown.update({**version, "state": state, "title": title, "error": None})
            if version["state"] in FINAL:
                break
            await asyncio.sleep(POLL_SECONDS)
            version = await api.call("GET", path)
    _print(arguments, version)
    return EXIT_STATUS[version["state"]]


def _print(arguments: argparse.Namespace, version: Json) -> None:
    if arguments.json:
        print(json.dumps(version))
    else:
        print_version(output(), version)


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.name)


def _version_path(arguments: argparse.Namespace) -> str:
    return f"{_path(arguments)}/versions/{arguments.version}"
