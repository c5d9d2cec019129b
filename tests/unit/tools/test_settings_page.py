"""The table of settings, made from the code that reads them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from meshkit.topology import load
from tools.rendering import settings

ROOT = Path(__file__).resolve().parents[3]
READ = re.compile(r'reader\.\w+\(\s*f?"(RAMPART_[A-Z_{}a-z]+)"')


def test_every_setting_that_the_code_reads_has_a_row() -> None:
    files = [
        *(ROOT / "services").glob("*/settings.py"),
        *(ROOT / "gateway").rglob("*.py"),
        *(ROOT / "meshkit").rglob("*.py"),
    ]
    read = {re.sub("{.*}", "<SERVICE>", name) for file in files for name in READ.findall(file.read_text())}
    page = settings.page(load())
    assert len(read) > 40
    assert not [name for name in read if f"| `{name}` |" not in page]


def test_a_row_says_default_range_and_meaning() -> None:
    found = {each.name: each for each in settings.settings_of(importlib.import_module("services.fraud.settings"))}
    row = found["RAMPART_DECISION_RETENTION_DAYS"]
    assert (row.default, row.kind) == ("`400`", "31 to 36500")
    assert row.says.startswith("Days for which decisions are kept")


def test_a_setting_without_a_docstring_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "class Bare:\n    @classmethod\n    def read(cls, reader):\n        return cls(a=reader.text('RAMPART_BARE'))\n"
    )
    (tmp_path / "bare_settings.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="RAMPART_BARE has no docstring"):
        settings.settings_of(importlib.import_module("bare_settings"))
