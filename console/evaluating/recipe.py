"""Says how the platform is set up to find the fraud of card payments: features, a model's settings, and rules.

Chosen on payments of April to July of the Fraud Detection Handbook's data, before any week that is tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.api import Json

__all__ = [
    "EVENT_TYPE",
    "FEATURES",
    "INPUTS",
    "MODEL",
    "PARAMETERS",
    "RULES",
    "TRAINED_DAYS",
    "model_draft",
    "rule_draft",
]

EVENT_TYPE = "payment"
MODEL = "handbook"
TRAINED_DAYS = 28
"""That are learned from, before the delay."""
PARAMETERS: Json = {
    "trees": 150,
    "depth": 4,
    "learning_rate": 0.08,
    "feature_share": 0.4,
    "least_child_weight": 3,
    "calibration": "beta",
}
DAY = 86_400
DELAY = 7
REVIEW_AT, DECLINE_AT = 0.3, 0.95


def _windows() -> Iterator[Json]:
    """Yields what is counted: of customers what they usually do, of terminals what is known of them after a week."""
    for days in (1, 7, 30):
        yield _customer(f"customer_count_{days}d", "count", days, current=True)
        yield _customer(f"customer_mean_{days}d", "mean", days, current=True)
    yield _customer("customer_stddev_30d", "stddev", 30, current=True)
    yield _customer("customer_mean_before_30d", "mean", 30)
    yield _customer("customer_mean_older_30d", "mean", 30, delay=14)
    for days in (7, 14):
        yield _customer(f"customer_max_before_{days}d", "max", days)
    for days in (1, 3, 7, 14, 30):
        yield from _terminal(f"{days}d", days, DELAY)
    for delay in (14, 21, 28):
        yield from _terminal(f"7d_older_{delay}d", 7, delay)


def _expressions() -> Iterator[Json]:
    """Yields what is computed of that."""
    for name, expression in (
        ("amount_by_mean_30d", "amount / customer_mean_30d"),
        ("amount_by_mean_7d", "amount / customer_mean_7d"),
        ("amount_by_mean_before_30d", "amount / customer_mean_before_30d"),
        ("amount_by_mean_older_30d", "amount / customer_mean_older_30d"),
        ("max_7d_by_mean_30d", "customer_max_before_7d / customer_mean_30d"),
        ("max_14d_by_mean_30d", "customer_max_before_14d / customer_mean_30d"),
        ("max_14d_by_mean_older_30d", "customer_max_before_14d / customer_mean_older_30d"),
    ):
        yield {"name": name, "event_type": EVENT_TYPE, "expression": expression}
    for days in (7, 14, 30):
        # As if five payments more had been seen there, at the usual share of fraud.
        smoothed = f"(double(terminal_fraud_{days}d) + 0.05) / (double(terminal_count_{days}d) + 5.0)"
        yield {"name": f"terminal_smoothed_{days}d", "event_type": EVENT_TYPE, "expression": smoothed}


def _customer(name: str, aggregate: str, days: int, *, delay: int = 0, current: bool = False) -> Json:
    amount = {} if aggregate == "count" else {"field": "amount"}
    return _window(name, "user_id", aggregate, days, delay) | amount | {"include_current": current}


def _terminal(name: str, days: int, delay: int) -> Iterator[Json]:
    for what, aggregate in (("count", "count"), ("fraud", "count_fraud"), ("share", "share_fraud")):
        yield _window(f"terminal_{what}_{name}", "merchant_id", aggregate, days, delay)


def _window(name: str, key: str, aggregate: str, days: int, delay: int) -> Json:
    return {
        "name": name,
        "event_type": EVENT_TYPE,
        "key": [key],
        "aggregate": aggregate,
        "window": f"{days * DAY}s",
        "delay": f"{delay * DAY}s",
    }


FEATURES: Sequence[Json] = (*_windows(), *_expressions())
_NOT_LEARNED = {
    "customer_mean_before_30d", "customer_mean_older_30d", "customer_max_before_7d", "customer_max_before_14d",
    "max_14d_by_mean_older_30d", "terminal_count_3d", "terminal_count_14d",
    *(f"terminal_count_7d_older_{delay}d" for delay in (14, 21, 28)),
}  # fmt: skip
"""What others are computed of, or rules ask for."""
INPUTS: Sequence[str] = ("amount", *(each["name"] for each in FEATURES if each["name"] not in _NOT_LEARNED))
"""What a model is given."""

_NEW = "terminal_fraud_7d_older_28d == 0"
"""Nothing was known of the terminal three weeks before."""
_ODD = "max_14d_by_mean_older_30d > 4.0"
"""The customer has lately paid what he never did before."""
RULES: Sequence[tuple[str, str, float]] = (
    ("AMOUNT_HIGH", "amount > 220.0", 0.99),
    ("TERMINAL_BAD", f"terminal_fraud_7d >= 3 && terminal_share_7d >= 0.4 && {_NEW}", 0.9),
    ("TERMINAL_VERY_BAD", f"terminal_fraud_7d >= 5 && terminal_share_7d >= 0.4 && {_NEW}", 0.4),
    ("TERMINAL_BUSY_BAD", f"terminal_fraud_7d >= 3 && terminal_share_7d < 0.4 && {_NEW}", 0.6),
    ("TERMINAL_TWICE", f"terminal_fraud_7d == 2 && terminal_share_7d >= 0.4 && {_NEW}", 0.8),
    ("TERMINAL_BUSY_TWICE", f"terminal_fraud_7d == 2 && terminal_share_7d < 0.4 && {_NEW}", 0.14),
    ("TERMINAL_ONCE", f"terminal_fraud_7d == 1 && terminal_share_7d >= 0.8 && {_NEW}", 0.5),
    (
        "TERMINAL_ONCE_OF_SOME",
        f"terminal_fraud_7d == 1 && terminal_share_7d >= 0.4 && terminal_share_7d < 0.8 && {_NEW}",
        0.08,
    ),
    ("TERMINAL_ONCE_OF_MANY", f"terminal_fraud_7d == 1 && terminal_share_7d < 0.4 && {_NEW}", 0.01),
    ("TERMINAL_LONG_BAD", "terminal_fraud_7d >= 3 && terminal_fraud_7d_older_28d > 0", 0.06),
    ("AMOUNT_2_6_TIMES", "amount_by_mean_older_30d >= 2.6", 0.03),
    ("AMOUNT_3_TIMES", "amount_by_mean_older_30d >= 3.0", 0.12),
    ("AMOUNT_3_5_TIMES", "amount_by_mean_older_30d >= 3.5", 0.6),
    ("AMOUNT_4_5_TIMES", "amount_by_mean_older_30d >= 4.5", 0.9),
    ("ODD_1_8_TIMES", f"amount_by_mean_older_30d >= 1.8 && {_ODD}", 0.2),
    ("ODD_2_2_TIMES", f"amount_by_mean_older_30d >= 2.2 && {_ODD}", 0.65),
    ("ODD_2_6_TIMES", f"amount_by_mean_older_30d >= 2.6 && {_ODD}", 0.7),
    ("ODD_3_TIMES", f"amount_by_mean_older_30d >= 3.0 && {_ODD}", 0.7),
)
"""Reason code, when it fires, and its weight as evidence of fraud."""


def rule_draft() -> Json:
    """Returns what decides by rules alone."""
    rules = [
        {
            "rule_id": code.lower(),
            "code": code,
            "words": code.replace("_", " ").capitalize() + ".",
            "expression": expression,
            "contribution": weight,
        }
        for code, expression, weight in RULES
    ]
    return {"event_type": EVENT_TYPE, "rules": rules, "review_at": REVIEW_AT, "decline_at": DECLINE_AT}


def model_draft(version: int) -> Json:
    """Returns what decides by a version of the model, so that the score is its own."""
    model = {"name": MODEL, "version": version}
    return {"event_type": EVENT_TYPE, "model": model, "review_at": REVIEW_AT, "decline_at": DECLINE_AT}
