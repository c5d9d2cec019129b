"""The options of `rampart scenario` and `rampart rules`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.arguments import decimal, point_in_time, whole
from console.scenario import files, moves, rules
from console.scenario.shadow import shadow
from console.tasking.action import Action, finish
from console.tasking.options import add_limit

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Actions = _SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_parser"]

TARGETS = ("shadow", "share", "live")
OUTCOMES = ("", "approve_at_once", "review", "decline")
VERSION = whole(1, 2**31 - 1)
ANY_VERSION = whole(0, 2**31 - 1)
SHARE = decimal(0, 1)


def add_parser(subparsers: Actions) -> None:
    """Adds the `scenario` and `rules` commands."""
    parser = subparsers.add_parser("scenario", help="manage scenarios: rules, their versions, and which decides")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_files(actions)
    _add_moves(actions)
    _add_told(actions)
    _add_snoozes(actions)
    parser = subparsers.add_parser("rules", help="edit the rules of a scenario's draft, and check expressions")
    _add_rules(parser.add_subparsers(required=True, metavar="ACTION"))


def _action(actions: Actions, name: str, run: Action, text: str, *places: str) -> argparse.ArgumentParser:
    one = actions.add_parser(name, help=text, description=text)
    for place in places:
        one.add_argument(place, metavar=place.upper(), type=VERSION if place == "version" else str)
    finish(one, run)
    return one


def _add_files(actions: Actions) -> None:
    add_limit(_action(actions, "list", files.list_scenarios, "list scenarios"))
    _action(actions, "show", files.show_one, "show a scenario with its draft and versions", "scenario_id")
    one = _action(actions, "create", files.create, "create a scenario", "scenario_id")
    one.add_argument("--event-type", metavar="NAME", help="whose events it decides (default payment)")
    one.add_argument("--description", metavar="WORDS", help="what it is for")
    one.add_argument("--like", metavar="VERSION", help="begin with the rules of a version, such as starter@2")
    one = _action(actions, "version", files.make_version, "make the draft a version, for ever", "scenario_id")
    one.add_argument("--note", metavar="WORDS", help="what is new")
    one = _action(actions, "diff", files.diff, "compare two versions", "scenario_id")
    one.add_argument("before", type=ANY_VERSION, help="the earlier version, 0 for the draft")
    one.add_argument("after", type=ANY_VERSION, nargs="?", default=0, help="the later one (default 0: the draft)")
    one = _action(actions, "export", files.export, "write a version, or the draft, as one file", "scenario_id")
    one.add_argument("--version", type=VERSION, metavar="N", help="(default: the draft)")
    one.add_argument("-o", "--output", metavar="FILE", help="(default: the standard output)")
    one = _action(actions, "import", files.import_file, "make a file the draft of a scenario", "scenario_id")
    one.add_argument("file", metavar="FILE")
    text = "let a model's score be what evidence of rules is added to, in the draft"
    one = _action(actions, "model", files.set_model, text, "scenario_id")
    one.add_argument("model", metavar="MODEL", help="a version of a model, such as cards@3; none for rules alone")


def _add_moves(actions: Actions) -> None:
    one = _action(actions, "deploy", moves.deploy, "let a version decide", "scenario_id", "version")
    one.add_argument("--to", choices=TARGETS, required=True)
    one.add_argument("--share", type=decimal(0, 99.99, above=True), metavar="PERCENT", help="in steps of 0.01")
    _add_reason(one)
    for name, verb, text in (
        ("withdraw", "withdraw", "end a shadow or a share"),
        ("rollback", "rollback", "take a version away; of the live one, the version before takes over"),
    ):
        one = _action(actions, name, moves.take_away, text, "scenario_id", "version")
        one.set_defaults(verb=verb)
        _add_reason(one)
    for name, text in (("approve", "take a step that somebody asked for"), ("reject", "refuse it, or take it back")):
        one = _action(actions, name, moves.answer, text, "event_type", "publication_id")
        one.set_defaults(verb=name)


def _add_told(actions: Actions) -> None:
    one = _action(actions, "status", moves.status, "show which versions decide, and what they decided of late")
    one.add_argument("event_type", nargs="?", metavar="EVENT_TYPE", help="(default: all of them)")
    text = "show what a version in the shadow would have answered"
    _action(actions, "shadow", shadow, text, "scenario_id", "version")
    add_limit(_action(actions, "history", moves.history, "list who let which version decide", "event_type"))
    one = _action(actions, "policy", moves.policy, "show or change who publishes, and the limits of the breaker")
    persons = one.add_mutually_exclusive_group()
    for option, two in (("--two-persons", True), ("--one-person", False)):
        persons.add_argument(option, dest="two_persons", action="store_const", const=two, help="for a publication")
    one.add_argument("--declines", type=SHARE, metavar="SHARE", help="largest share of declines, 0 to 1")
    one.add_argument("--reviews", type=SHARE, metavar="SHARE", help="largest share of reviews, 0 to 1")
    one.add_argument("--times", type=decimal(1, 1_000), metavar="N", help="times the share of the version before")
    one.add_argument("--above", type=SHARE, metavar="SHARE", help="by how much above it, 0 to 1")


def _add_snoozes(actions: Actions) -> None:
    place = ("rule_id", "field", "value")
    one = _action(actions, "snooze", moves.snooze, "let a rule not count for one key until a time", *place)
    one.add_argument("--until", type=point_in_time, metavar="TIME", required=True)
    _add_reason(one)
    _action(actions, "wake", moves.wake, "let a snoozed rule count again", *place)
    add_limit(_action(actions, "snoozes", moves.snoozes, "list snoozes"))


def _add_rules(actions: Actions) -> None:
    one = _action(actions, "list", rules.list_rules, "list the rules of the draft, or of a version", "scenario_id")
    one.add_argument("--version", type=VERSION, metavar="N")
    one = _action(actions, "add", rules.add_rule, "add a rule to the draft", "scenario_id")
    one.add_argument("--id", dest="rule_id", metavar="RULE_ID", help="(default: one is made)")
    _add_fields(one, required=True)
    one = _action(actions, "set", rules.set_rule, "change a rule of the draft", "scenario_id", "rule_id")
    _add_fields(one, required=False)
    _action(actions, "remove", rules.remove_rule, "take a rule out of the draft", "scenario_id", "rule_id")
    one = _action(actions, "check", rules.check_rule, "check an expression without storing it", "expression")
    one.add_argument("--event-type", default="payment", metavar="NAME", help="(default %(default)s)")
    one.add_argument("--words", metavar="WORDS", help="to be checked as well")


def _add_fields(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--code", required=required, metavar="CODE", help="names the reason to callers")
    parser.add_argument("--words", required=required, metavar="WORDS", help="the reason: '{amount:.2f} is high'")
    parser.add_argument("--expression", required=required, metavar="RULE", help="when it fires (see docs/rules.md)")
    parser.add_argument("--contribution", type=decimal(0, 1), metavar="WEIGHT", help="as evidence of fraud, 0 to 1")
    parser.add_argument("--outcome", choices=OUTCOMES, help="what it makes of the outcome, whatever the score")
    parser.add_argument("--habit", action=argparse.BooleanOptionalAction, help="trust lessens its weight")
    parser.add_argument("--alert", action=argparse.BooleanOptionalAction, help="asks for an alert when it fires")


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="WORDS", help="for the history")
