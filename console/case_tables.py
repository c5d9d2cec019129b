"""Renders alerts, cases and what belongs to them for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from console.api import Json
from console.tables import Row, state_text, table, when
from console.tasking.tables import details

ALERTS = ("alert_id", "severity", "state", "cause", "entity", "score", "count", "amounts", "last", "case_id")
CASES = ("case_id", "priority", "state", "assignee", "entity", "score", "amounts", "alerts", "due", "disposition")
TRANSACTIONS = ("transaction_id", "when", "user", "card", "amount", "score", "outcome", "because", "label")
HISTORY = ("number", "when", "action", "by", "details")
NOTES = ("when", "by", "note")
ATTACHMENTS = ("when", "by", "attachment", "kept at")


def alert_details(alert: Json) -> Sequence[Table]:
    """Returns what is known of an alert, and its newest transactions."""
    own = {name: value for name, value in alert.items() if name not in ("transactions", "amounts")}
    return (
        details(own | {"amounts": amounts_text(alert)}),
        *_parts(TRANSACTIONS, transaction_row, alert.get("transactions")),
    )


def case_details(case: Json, alerts: Sequence[Json] = ()) -> Sequence[Table]:
    """Returns what is known of a case, and its notes, attachments and alerts."""
    own = {name: value for name, value in case.items() if name not in ("notes", "attachments", "amounts")}
    return (
        details(own | {"amounts": amounts_text(case)}),
        *_parts(NOTES, _note_row, case.get("notes")),
        *_parts(ATTACHMENTS, _attachment_row, case.get("attachments")),
        *_parts(ALERTS, alert_row, alerts),
    )


def amounts_text(item: Json) -> str:
    """Returns sums by currency in one line."""
    return ", ".join(f"{each['amount']:,} {each['currency']}" for each in item.get("amounts", ()))


def _parts(columns: Sequence[str], row: Row, items: Sequence[Json] | None) -> Sequence[Table]:
    return (table(columns, map(row, items)),) if items else ()


def alert_row(alert: Json) -> Sequence[str | Text]:
    cause = f"{alert['cause']} {alert['subject']}".rstrip()
    return (
        alert["alert_id"], alert["severity"], state_text(alert["state"]), cause, _entity(alert),
        f"{alert['score']:.2f}", str(alert["count"]), amounts_text(alert), when(alert["last_time"]), alert["case_id"],
    )  # fmt: skip


def case_row(case: Json) -> Sequence[str | Text]:
    due = when(case["due_time"]) + (" overdue" if case["overdue"] else "")
    return (
        case["case_id"], case["priority"], state_text(case["state"]), case["assignee"], _entity(case),
        f"{case['score']:.2f}", amounts_text(case), str(case["alert_count"]), due, case["disposition"],
    )  # fmt: skip


def transaction_row(transaction: Json) -> Sequence[str | Text]:
    return (
        transaction["transaction_id"], when(transaction["event_time"]), transaction["user_id"],
        transaction["card_fingerprint"], f"{transaction['amount']:,} {transaction['currency']}",
        f"{transaction['score']:.2f}", transaction["outcome"], " ".join(transaction["risk_factors"]),
        transaction["label"],
    )  # fmt: skip


def history_row(entry: Json) -> Sequence[str | Text]:
    told = " ".join(f"{name}={value}" for name, value in sorted(entry["details"].items()))
    return str(entry["number"]), when(entry["create_time"]), entry["action"], entry["actor"], told


def _note_row(note: Json) -> Sequence[str | Text]:
    return when(note["create_time"]), note["author"], note["words"]


def _attachment_row(kept: Json) -> Sequence[str | Text]:
    return when(kept["create_time"]), kept["author"], kept["name"], kept["uri"]


def _entity(item: Json) -> str:
    return f"{item['entity_kind']} {item['entity']}"
