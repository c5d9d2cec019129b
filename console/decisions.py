"""`rampart decision`: lists decisions, shows one, explains it and computes it again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from console.api import Api, Json
from console.arguments import decision_id
from console.decision_verification import verify
from console.tables import output, show, table, when
from console.tasking.action import Action, finish, print_pages
from console.tasking.options import add_limit, given
from console.tasking.tables import details

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/decisions"
OUTCOMES = ("approve", "review", "decline")
DECISIONS = ("decision_id", "made", "event type", "user", "amount", "outcome", "score", "factors", "degraded")
FACTORS = ("reason code", "contribution", "message")
STEPS = ("step", "outcome", "message")
RULES = ("rule_id", "state", "weight", "contribution", "outcome", "saw", "message", "expression")
DIFFERENCES = ("part", "answered", "computed")
STYLES = {
    "approve": "green", "review": "yellow", "decline": "bold red", "fired": "bold", "snoozed": "yellow", "error": "red",
    "not_enough_data": "yellow",
}  # fmt: skip
REPLAY_HELP = """Computes a decision again from what is stored with it, by the versions that decided then, and tells
each difference. The exit status is 1 if there is any."""

VERIFY_HELP = """Computes the newest decisions again, one after another, and lists those that do not come out as they
were answered, or cannot be computed. The exit status is 1 if there is any."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `decision` command."""
    parser = subparsers.add_parser("decision", help="look into decisions: list, show, explain, compute again")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list decisions, the newest first")
    listing.add_argument("--user", dest="user_id", metavar="ID", help="only decisions about this user")
    listing.add_argument("--outcome", choices=OUTCOMES, help="only decisions with this outcome")
    listing.add_argument(
        "--transaction", dest="transaction_id", metavar="ID", help="only the one about this transaction"
    )
    add_limit(listing)
    finish(listing, _list)
    verifying = actions.add_parser("verify", help="compute the newest decisions again", description=VERIFY_HELP)
    verifying.add_argument("--user", dest="user_id", metavar="ID", help="only decisions about this user")
    add_limit(verifying)
    finish(verifying, verify)
    _add(actions.add_parser("show", help="show a decision with what it was computed from"), _show)
    _add(actions.add_parser("explain", help="show every rule with the values it saw"), _explain)
    _add(actions.add_parser("replay", help="compute a decision again", description=REPLAY_HELP), _replay)


def _add(parser: argparse.ArgumentParser, action: Action) -> None:
    parser.add_argument("decision_id", type=decision_id, metavar="ID")
    finish(parser, action)


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    query = given(arguments, ("user_id", "outcome", "transaction_id"))
    pages = api.pages(PATH, "decisions", query, arguments.limit)
    await print_pages(arguments, pages, DECISIONS, _decision_row, "decisions")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    decision = await api.call("GET", f"{PATH}/{arguments.decision_id}")
    if arguments.json:
        print(json.dumps(decision))
        return 0
    told = {"explanations", "risk_factors", "inputs"}
    output().print(details({name: value for name, value in decision.items() if name not in told and value != []}))
    factors = [
        [each["reason_code"], _share(each["contribution"]), each["message"]] for each in decision["explanations"]
    ]
    show(output(), table(FACTORS, factors), len(factors), "factors")
    output().print(details({name: value for name, value in decision["inputs"].items() if value not in ([], {}, "0")}))
    return 0


async def _explain(api: Api, arguments: argparse.Namespace) -> int:
    found = await api.call("GET", f"{PATH}/{arguments.decision_id}:explain")
    if arguments.json:
        print(json.dumps(found))
        return 0
    output().print(_headline(found), soft_wrap=True)
    steps = [[each["step"], _styled(each["outcome"]), each["message"]] for each in found["steps"]]
    output().print(table(STEPS, steps))
    rules = [_rule_row(each, found["values"]) for each in found["rules"]]
    show(output(), table(RULES, rules), len(rules), "rules")
    _print_differences(found)
    return 0


async def _replay(api: Api, arguments: argparse.Namespace) -> int:
    found = await api.call("POST", f"{PATH}/{arguments.decision_id}:replay", {})
    if arguments.json:
        print(json.dumps(found))
    elif found["identical"]:
        print("Identical: it comes out as it was answered.")
    else:
        if not found["intact"]:
            print("What is stored of this decision was changed after it was stored.")
        _print_differences(found)
    return 0 if found["identical"] else 1


def _headline(found: Json) -> Text:
    versions = found["versions"]
    by = f"{versions['scenario']}@{versions['scenario_version']}" if versions["scenario"] else "no scenario"
    rest = f" at {when(found['create_time'])}, {found['event_type']}, score {found['confidence_score']:g}, by {by}"
    degraded = f", without {', '.join(found['degraded'])}" if found["degraded"] else ""
    return Text.assemble(_styled(found["outcome"]), rest, degraded)


def _print_differences(found: Json) -> None:
    rows = [[each["field"], each["stored"], each["computed"]] for each in found["differences"]]
    if rows:
        output().print("It does not come out as it was answered:", markup=False)
        output().print(table(DIFFERENCES, rows))


def _decision_row(decision: Json) -> list[str | Text]:
    currency = decision["currency"]
    return [
        decision["decision_id"], when(decision["create_time"]), decision["event_type"], decision["user_id"],
        f"{decision['transaction_amount']:.15g} {currency}" if currency else "", _styled(decision["outcome"]),
        _share(decision["confidence_score"]), ", ".join(decision["risk_factors"]), ", ".join(decision["degraded"]),
    ]  # fmt: skip


def _rule_row(rule: Json, values: Mapping[str, Any]) -> list[str | Text]:
    contribution = _share(rule["contribution"]) if rule["contribution"] else ""
    return [
        rule["rule_id"], _styled(rule["state"]), _share(rule["weight"]), contribution, rule["outcome"],
        _seen(rule["names"], values), rule["message"], rule["expression"],
    ]  # fmt: skip


def _seen(names: Iterable[str], values: Mapping[str, Any]) -> str:
    """Says what a rule saw, a line for each name; a decision by a list shows no values."""
    return "\n".join(f"{name} {_value(values[name])}" for name in names if name in values)


def _value(value: Any) -> str:
    return "is missing" if value is None else f"= {json.dumps(value, ensure_ascii=False)}"


def _share(value: float) -> str:
    return f"{value:.6g}"


def _styled(word: str) -> Text:
    return Text(word, style=STYLES.get(word, ""))
