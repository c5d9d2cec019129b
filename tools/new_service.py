"""Makes a small complete service from tools/templates/service: `python tools/new_service.py NAME`.

It has a folder like every other, protos, a migration, a unit test, an entry in services/table.toml, and scopes that
roles have.
"""

from __future__ import annotations

import argparse
import keyword
import re
import subprocess
import sys
from pathlib import Path

from meshkit.topology import TopologyError, load
from tools.rendering.text import TEMPLATES

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "services/table.toml"
ROLES = ROOT / "protos/rampart/auth/v1/role.proto"
READERS = ("OWNER", "ADMIN", "ANALYST", "DEVELOPER", "VIEWER", "SERVICE")
WRITERS = ("OWNER", "ADMIN", "DEVELOPER", "SERVICE")
BIN = Path(sys.executable).parent
TEMPLATE = TEMPLATES / "service"
ENTRY = TEMPLATE / "table.toml.tmpl"
PATH_NAME = "NAME"
NEXT = """\
Made {files} files, the entry `{name}` in services/table.toml, and its scopes in the roles of {roles}. Now:
    make generate     # code of the protos, deploy/, documentation
    make check
    make up           # http://localhost:8080/api/v1/{name}s
Then make it yours: the protos, the domain, the migration. docs/adding-a-service.md says what else there is.
"""


def render(text: str, name: str) -> str:
    """Returns a template's text for a service."""
    return text.replace("<<name>>", name).replace("<<Name>>", name.capitalize()).replace("<<NAME>>", name.upper())


def rendered(name: str) -> dict[Path, str]:
    """Returns the files of a service by their paths below the root."""
    files = (path for path in sorted(TEMPLATE.rglob("*.tmpl")) if path != ENTRY)
    return {
        Path(str(path.relative_to(TEMPLATE)).replace(PATH_NAME, name).removesuffix(".tmpl")): render(
            path.read_text(), name
        )
        for path in files
    }


def granted(text: str, name: str) -> str:
    """Returns the proto of the roles in which those who may have the scopes of a service, in alphabetical order."""

    def grant(role: re.Match[str]) -> str:
        scopes = {line.strip().strip('",') for line in role["scopes"].splitlines()}
        scopes |= {f"{name}:read"} if role["name"] in READERS else set()
        scopes |= {f"{name}:write"} if role["name"] in WRITERS else set()
        lines = ",\n".join(f'      "{scope}"' for scope in sorted(scopes))
        return f"{role['head']}{lines}\n{role['foot']}"

    pattern = r"(?P<head>  ROLE_(?P<name>[A-Z]+) = \d+ \[\([^\]]*?scopes: \[\n)(?P<scopes>.*?)\n(?P<foot>    \])"
    return re.sub(pattern, grant, text, flags=re.DOTALL)


def make(name: str) -> list[Path]:
    """Writes the files and the entry. Raises TopologyError, without having written, if the name cannot be used."""
    if keyword.iskeyword(name):
        raise TopologyError(f"{name} is a word of Python")
    if name in load(TABLE).names:
        raise TopologyError(f"{name} is in the table")
    files = rendered(name)
    present = [path for path in files if (ROOT / path).exists()]
    if present:
        raise TopologyError(f"{present[0]} exists already")
    before = TABLE.read_text()
    TABLE.write_text(before.rstrip() + "\n" + render(ENTRY.read_text(), name))
    try:
        load(TABLE)
    except TopologyError:
        TABLE.write_text(before)
        raise
    ROLES.write_text(granted(ROLES.read_text(), name))
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    _format(list(files))
    return list(files)


def _format(files: list[Path]) -> None:
    """The order of imports and the length of lines depend on the name."""
    protos = [f"--path={path}" for path in files if path.suffix == ".proto"]
    python = [str(path) for path in files if path.suffix == ".py"]
    for command in (
        ["buf", "format", "-w", "protos", *protos],
        ["ruff", "check", "--fix-only", "--quiet", *python],
        ["ruff", "format", "--quiet", *python],
    ):
        subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=True, timeout=60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="in lower case, singular, such as `parcel`")
    name = parser.parse_args().name
    try:
        files = make(name)
    except TopologyError as error:
        sys.exit(str(error))
    print(NEXT.format(files=len(files), name=name, roles=ROLES.relative_to(ROOT)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
