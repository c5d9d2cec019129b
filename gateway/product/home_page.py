"""Begins the first page: three steps to a first decision, here or in a terminal."""

from __future__ import annotations

import html
import json
from pathlib import Path

from gateway.describe.documentation.home_page import HomePage
from gateway.describe.openapi.constraints import Schema

__all__ = ["HOME_PAGE"]

STATIC = Path(__file__).parent / "static"
CHECK = "/api/v1/fraud-check"


def _first_check(document: Schema, origin: str) -> str:
    example = document["paths"][CHECK]["post"]["requestBody"]["content"]["application/json"]["example"]
    steps = (STATIC / "first_check.html").read_text().replace("{{origin}}", html.escape(origin))
    steps = steps.replace("{{example}}", _text(json.dumps(example)))
    return steps.replace("{{pretty}}", _text(json.dumps(example, indent=2))).rstrip()


def _text(words: str) -> str:
    return html.escape(words, quote=False)


HOME_PAGE = HomePage(_first_check, [STATIC / "home.js", STATIC / "home.css"])
