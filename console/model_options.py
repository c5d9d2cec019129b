"""Options of `rampart model`."""

from __future__ import annotations

import argparse

from console.arguments import decimal, past_time, point_in_time, whole

__all__ = ["PARAMETERS", "SETTINGS", "add_import_options", "add_training_options", "add_use_options"]

SETTINGS = ("since", "until", "days", "validation_days", "test_days", "delay_days", "target", "entity_field")
PARAMETERS = ("trees", "depth", "learning_rate", "row_share", "feature_share", "calibration", "folds", "seed")


def add_use_options(parser: argparse.ArgumentParser) -> None:
    """Adds how a version may be used."""
    parser.add_argument(
        "--valid-until", type=point_in_time, metavar="TIME", help="from then on rules decide without it"
    )
    parser.add_argument(
        "--most-missing", type=decimal(0, 1), metavar="SHARE", help="of its features that may be missing"
    )


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Adds what a version may be trained by."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--feature", action="append", metavar="NAME", help="learn from this; again for more (default: all)"
    )
    parser.add_argument("--since", type=past_time, metavar="TIME", help="events from then on, such as 90d")
    parser.add_argument("--until", type=past_time, metavar="TIME", help="events before then (default: now)")
    parser.add_argument(
        "--days", type=whole(1, 400), metavar="N", help="length of the period without --since (default 90)"
    )
    parser.add_argument(
        "--test-days", type=whole(0, 100), metavar="N",
        help="the last days, to measure on (default 7); 0 measures on those that are learned from, each unseen",
    )  # fmt: skip
    parser.add_argument(
        "--validation-days", type=whole(0, 100), metavar="N", help="days before them, left out (default 0)"
    )
    parser.add_argument("--delay-days", type=whole(0, 180), metavar="N", help="after which fraud is known (default 7)")
    parser.add_argument("--target", choices=("fraud", "chargeback"), help="what is learned (default fraud)")
    parser.add_argument("--entity-field", metavar="KEY", help="what is compromised by fraud (default user_id)")
    parser.add_argument("--trees", type=whole(1, 1000), metavar="N", help="(default 100)")
    parser.add_argument("--depth", type=whole(1, 8), metavar="N", help="(default 3)")
    parser.add_argument("--learning-rate", type=decimal(0.005, 1), metavar="RATE", help="(default 0.1)")
    parser.add_argument("--row-share", type=decimal(0.1, 1), metavar="SHARE", help="drawn for each tree (default 1)")
    parser.add_argument(
        "--feature-share", type=decimal(0.1, 1), metavar="SHARE", help="drawn for each tree (default 1)"
    )
    parser.add_argument("--calibration", choices=("platt", "beta", "none"), help="(default platt)")
    parser.add_argument("--folds", type=whole(2, 10), metavar="N", help="of days, to calibrate on (default 5)")
    parser.add_argument("--seed", type=whole(0, 2**31 - 1), metavar="N", help="(default 7)")
    parser.add_argument("--detach", action="store_true", help="do not wait for the end")


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Adds what is said of a file."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("file", metavar="FILE", help="of at most 32 MiB")
    parser.add_argument("--format", choices=("onnx", "xgboost"), help="(default: as it looks)")
    parser.add_argument(
        "--feature", action="append", metavar="NAME", help="what it takes, in its order (default: what the file says)"
    )
    add_use_options(parser)
