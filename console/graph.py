"""`rampart graph`: entities that events link, and what is around them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rich.text import Text
from rich.tree import Tree

from console.api import Api, Json
from console.arguments import whole
from console.plain import plain
from console.tables import output, show, table, when
from console.tasking.action import finish

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

PATH = "/api/v1/graph"
COLUMNS = (
    "value", "degree", "component", "grown", "fraud near", "frauds", "in", "out", "repeats", "smallest repeated",
    "cycles", "last event",
)  # fmt: skip
FINDINGS = (("frauds", "known frauds"), ("fraud_within_two_hops", "near it have known fraud"), ("cycles", "cycles"))
KIND_HELP = "user_id, device_fingerprint, or a kind that an event type gives a key"


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Adds the `graph` command."""
    parser = subparsers.add_parser("graph", help="look at what links users, devices, addresses, accounts")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    around = actions.add_parser("neighbourhood", help="show what is around an entity, as a tree")
    around.add_argument("kind", metavar="KIND", help=KIND_HELP)
    around.add_argument("value", metavar="VALUE")
    around.add_argument("--depth", type=whole(1, 3), default=2, metavar="N", help="steps to go (default: 2)")
    around.add_argument(
        "--max-nodes", type=whole(1, 500), default=100, metavar="N", help="entities to show (default: 100)"
    )
    finish(around, _around)
    entities = actions.add_parser("entities", help="show what is known of up to 50 entities of a kind")
    entities.add_argument("kind", metavar="KIND", help=KIND_HELP)
    entities.add_argument("values", nargs="+", metavar="VALUE")
    finish(entities, _entities)


async def _around(api: Api, arguments: Namespace) -> int:
    query = {name: getattr(arguments, name) for name in ("kind", "value", "depth", "max_nodes")}
    found = await api.call("GET", f"{PATH}/neighbourhood?{urlencode(query)}")
    if arguments.json:
        print(json.dumps(found))
        return 0
    output().print(tree_of(found["entities"], found["links"]))
    more = ", and there is more" if found["partial"] else ""
    output().print(f"{len(found['entities'])} entities, as of {when(found['as_of'])}{more}.", markup=False)
    return 0


async def _entities(api: Api, arguments: Namespace) -> int:
    query = [("kind", arguments.kind), *(("values", each) for each in arguments.values)]
    found = await api.call("GET", f"{PATH}/entities:batchGet?{urlencode(query)}")
    if arguments.json:
        print(json.dumps(found))
        return 0
    rows = [_row(each["entity"]) for each in found["entities"]]
    show(output(), table(COLUMNS, rows), len(rows), "such entities in the graph")
    return 0


def tree_of(entities: Sequence[Json], links: Sequence[Json]) -> Tree:
    """Returns entities as a tree: each below one that is a step nearer to the first."""
    branches = {0: Tree(_words(entities[0]))}
    links_of: dict[int, list[tuple[int, Json]]] = {}
    for link in links:
        links_of.setdefault(link["source"], []).append((link["target"], link))
        links_of.setdefault(link["target"], []).append((link["source"], link))
    for place, entity in enumerate(entities):
        near = [
            (other, link)
            for other, link in links_of.get(place, ())
            if entities[other]["depth"] + 1 == entity["depth"] and other in branches
        ]
        if place and near:
            parent, link = near[0]
            branches[place] = branches[parent].add(_words(entity, link, pays=link["target"] == place))
    return branches[0]


def _words(entity: Json, link: Json | None = None, *, pays: bool = False) -> Text:
    text = Text()
    if link is not None:
        arrow = ("→ " if pays else "← ") if link["is_transfer"] else ""
        text.append(f"{arrow}{link['events']} × ", style="dim")
    text.append(f"{entity['kind']} ")
    text.append(plain(entity["value"]), style="bold red" if entity["frauds"] else "bold")
    if entity["is_hub"]:
        text.append(f"  hub of {entity['degree']}", style="yellow")
    for name, words in FINDINGS:
        if entity[name]:
            text.append(f"  {entity[name]} {words}", style="red")
    return text


def _row(entity: Json) -> Sequence[str]:
    counts = ("fraud_within_two_hops", "frauds", "fan_in", "fan_out", "most_repeats")
    size = f"{entity['component_size']}{' and more' if entity['partial'] else ''}"
    return (
        entity["value"], str(entity["degree"]), size, f"{entity['component_growth']:+}",
        *(str(entity[name]) for name in counts), _money(entity.get("smallest_repeated")), str(entity["cycles"]),
        when(entity["last_time"]),
    )  # fmt: skip


def _money(amount: Mapping[str, object] | None) -> str:
    return f"{amount['amount']:.2f} {amount['currency']}" if amount else ""
