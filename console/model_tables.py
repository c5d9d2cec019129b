"""Renders models, their versions and what they were worth for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from console.api import Json
from console.tables import state_text, table, when

__all__ = ["MODEL_COLUMNS", "VERSION_COLUMNS", "model_row", "print_score_tables", "print_version", "version_row"]

MODEL_COLUMNS = ("name", "event type", "newest", "description", "created")
VERSION_COLUMNS = ("version", "origin", "state", "features", "AP", "AUC", "of 0.95+", "by", "created", "valid until")
METRICS = ("measure", "test", "validation", "")
THRESHOLDS = ("from score", "acted on", "frauds", "precision", "recall")
BINS = ("scores", "rows", "said", "came true")
WORDS = (
    ("average_precision", "average precision", "mean precision over the frauds"),
    ("auc_roc", "AUC", "pairs of a fraud and another row in order"),
    ("card_precision", "card precision", "compromised among 100 reviewed a day"),
    ("recall_at_1_percent", "recall at 1 %", "frauds caught where 1 in 100 good events is stopped"),
    ("calibration_error", "calibration error", "between what was said and what came true"),
)


def model_row(model: Json) -> Sequence[str]:
    newest = str(model["newest_version"] or "")
    return model["name"], model["event_type"], newest, model["description"], when(model["create_time"])


def version_row(version: Json) -> Sequence[str | Text]:
    metrics = version.get("metrics")
    measured = [f"{metrics[name]:.3f}" if metrics else "" for name in ("average_precision", "auc_roc")]
    return [
        str(version["version"]), version["origin"], state_text(version["state"]), str(len(version["features"])),
        *measured, _certain(metrics), version["created_by"], when(version["create_time"]),
        when(version.get("valid_until")),
    ]  # fmt: skip


def print_version(console: Console, version: Json) -> None:
    """Prints a version with its metrics, thresholds and bins."""
    console.print(table(("model", *VERSION_COLUMNS), [[version["name"], *version_row(version)]]))
    if version["error"]:
        console.print(version["error"], markup=False, soft_wrap=True)
    console.print(f"features: {', '.join(version['features'])}", markup=False, soft_wrap=True)
    if version["fingerprint"]:
        console.print(f"fingerprint: {version['fingerprint']}", markup=False, soft_wrap=True)
    if metrics := version.get("metrics"):
        _print_metrics(console, metrics, version.get("validation_metrics"))


def _print_metrics(console: Console, metrics: Json, validation: Json | None) -> None:
    learned = f"{int(metrics['learned_rows']):,} rows with {int(metrics['learned_frauds']):,} frauds"
    measured = f"{int(metrics['rows']):,} rows with {int(metrics['frauds']):,} frauds of the days after them"
    console.print(f"learned from {learned}; measured on {measured}", markup=False, soft_wrap=True)
    if int(metrics["unreadable"]):
        console.print(f"{metrics['unreadable']} decisions could not be read", markup=False, soft_wrap=True)
    measured_by = [(words, *_values(name, metrics, validation), said) for name, words, said in WORDS]
    console.print(table([each for each in METRICS if validation or each != "validation"], measured_by))
    print_score_tables(console, metrics)


def _values(name: str, metrics: Json, validation: Json | None) -> Sequence[str]:
    return [f"{each[name]:.4f}" for each in (metrics, validation) if each]


def print_score_tables(console: Console, measured: Json) -> None:
    """Prints what it would have meant to act on scores, and what probabilities turned out to be."""
    if measured["thresholds"]:
        console.print(table(THRESHOLDS, map(_threshold_row, measured["thresholds"])))
    bins = [each for each in measured["reliability"] if int(each["rows"])]
    if bins:
        console.print(table(BINS, map(_bin_row, bins)))


def _threshold_row(each: Json) -> Sequence[str]:
    acted = int(each["acted"])
    precision = f"{each['precision']:.3f}" if acted else ""
    return f"{each['threshold']:g}", f"{acted:,}", f"{int(each['caught']):,}", precision, f"{each['recall']:.3f}"


def _bin_row(each: Json) -> Sequence[str]:
    scores = f"{each['start']:.2f} to {each['end']:.2f}"
    return scores, f"{int(each['rows']):,}", f"{each['mean_score']:.3f}", f"{each['observed']:.3f}"


def _certain(metrics: Json | None) -> str:
    """Says what scores of 0.95 and more turned out to be."""
    if not metrics or not int(metrics["certain"]["acted"]):
        return ""
    return f"{metrics['certain']['precision']:.3f} of {int(metrics['certain']['acted']):,}"
