"""Fills templates, and the generated parts of files that are otherwise written by hand."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SOURCE", "TEMPLATES", "fill", "fill_regions", "generated_by", "template"]

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SOURCE = "generated from services/table.toml by tools/services.py"
_REGION = re.compile(
    rf"(?P<begin>^[^\n]*{re.escape(SOURCE)}: (?P<name>[a-z-]+)\b[^\n]*\n)"
    r"(?P<body>.*?)"
    r"(?P<end>^[^\n]*end of generated: (?P=name)\b)",
    re.MULTILINE | re.DOTALL,
)


class _Text(string.Template):
    # YAML, Dockerfiles and Compose have their own meaning for dollars and braces.
    delimiter = "@"


def generated_by(comment: str) -> str:
    """Returns the first lines of a file that is generated whole, each behind `comment`."""
    return f"{comment} {SOURCE.capitalize()}; change the table or the template, then `make generate`.\n"


def template(name: str) -> str:
    """Returns a file below tools/templates."""
    return (TEMPLATES / name).read_text()


def fill(text: str, **values: str) -> str:
    """Puts values in place of `@{name}`. A line that holds nothing but an empty value goes. Raises KeyError."""
    for name, value in values.items():
        if not value:
            text = re.sub(rf"^ *@\{{{name}\}}\n", "", text, flags=re.MULTILINE)
    return _Text(text).substitute({name: value.removesuffix("\n") for name, value in values.items()})


def fill_regions(path: Path, regions: Mapping[str, str]) -> str:
    """Returns the text of a file with the regions of these names replaced. Raises ValueError if it has others."""
    text = path.read_text()
    found = [match["name"] for match in _REGION.finditer(text)]
    if sorted(found) != sorted(regions):
        raise ValueError(f"{path} has the generated regions {sorted(found)}, not {sorted(regions)}")
    return _REGION.sub(lambda match: f"{match['begin']}{regions[match['name']]}{match['end']}", text)
