"""Makes `.venv` with the locked dependencies, needing nothing but a bare Python: `python3 tools/bootstrap.py [--dev]`.

A machine may lack ensurepip (Debian without python3-venv): then pip itself is fetched, by hash, from wherever pip's own
settings point. A stamp makes the second run free, a lock lets two runs at once share the work.
"""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit(
        "Rampart needs CPython 3.11 to 3.14, and this is Python %d.%d; choose one with `make PYTHON=/path/to/python3`."
        % sys.version_info[:2]
    )

import argparse
import base64
import configparser
import contextlib
import fcntl
import hashlib
import html.parser
import os
import shlex
import shutil
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
# The index that pip itself asks where nothing is configured.
INDEX_HOST = ("pypi", "org")
DEFAULT_INDEX = f"https://{'.'.join(INDEX_HOST)}/simple"
TIMEOUT_SECONDS = 60


class BootstrapError(Exception):
    """The environment cannot be made. The message is one sentence for the user."""


# --- pip's own settings, read without pip ----------------------------------------------------------------------------


def pip_settings() -> dict[str, str]:
    """Returns pip's settings by their long option name, the environment before the configuration files."""
    home = Path.home()
    files = [
        *[Path(folder) / "pip/pip.conf" for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")],
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")) / "pip/pip.conf",
    ]
    own = os.environ.get("PIP_CONFIG_FILE", "")
    parser = configparser.RawConfigParser()
    parser.read([] if own == os.devnull else [*files, *([own] if own else [])], encoding="utf-8")
    found: dict[str, str] = {}
    for section in ("global", "download", "install"):
        found |= dict(parser[section]) if parser.has_section(section) else {}
    found = {name.replace("_", "-"): value for name, value in found.items()}
    for name, value in os.environ.items():
        if name.startswith("PIP_") and value:
            found[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return found


def pip_sources(settings: dict[str, str]) -> Iterator[str]:
    """Yields the places to look for pip's wheel: folders, pages of links, then the indexes' pages of pip."""
    yield from settings.get("find-links", "").split()
    if settings.get("no-index", "").lower() not in ("1", "true", "yes", "on"):
        for index in (settings.get("index-url", DEFAULT_INDEX), *settings.get("extra-index-url", "").split()):
            yield index.strip().rstrip("/") + "/pip/"


class Links(html.parser.HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


class Fetcher:
    """Reads URLs with the proxy, certificates, credentials and trusted hosts that pip is set to use."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._trusted = settings.get("trusted-host", "").split()
        self._cert = settings.get("cert") or None
        proxy = settings.get("proxy")
        self._proxies = urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else None)

    def read(self, url: str) -> bytes:
        """Returns the content. Raises OSError (URLError is one)."""
        parts = urllib.parse.urlsplit(url)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        request = urllib.request.Request(plain.geturl(), headers={"Accept": "text/html,*/*;q=0.1"})
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
        context = ssl.create_default_context(cafile=self._cert)
        if {plain.netloc, plain.hostname} & set(self._trusted):
            context = ssl._create_unverified_context()  # the user said so; the wheel's hash is checked anyway
        opener = urllib.request.build_opener(self._proxies, urllib.request.HTTPSHandler(context=context))
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return bytes(response.read())


def fetch_pip(folder: Path) -> Path:
    """Puts the pinned wheel of pip into `folder`. Raises BootstrapError naming what was tried."""
    settings = pip_settings()
    fetcher = Fetcher(settings)
    tried: list[str] = []
    for source in pip_sources(settings):
        shown = urllib.parse.urlsplit(source)._replace(netloc=urllib.parse.urlsplit(source).netloc.rpartition("@")[2])
        try:
            content = find_wheel(fetcher, source)
        except (OSError, ValueError) as error:
            tried.append(f"{shown.geturl()} ({getattr(error, 'reason', error)})")
            continue
        if content is not None and hashlib.sha256(content).hexdigest() == PIP_SHA256:
            wheel = folder / PIP_WHEEL
            wheel.write_bytes(content)
            return wheel
        tried.append(f"{shown.geturl()} ({'no such file' if content is None else 'wrong hash'})")
    raise BootstrapError(
        f"This Python has no ensurepip, and {PIP_WHEEL} could not be fetched from {', '.join(tried) or 'anywhere'}; "
        "install python3-venv or point PIP_INDEX_URL at a reachable index."
    )


def find_wheel(fetcher: Fetcher, source: str) -> bytes | None:
    """Returns the content of the pip wheel that a folder or a page of links offers, None if it offers none."""
    local = Path(urllib.request.url2pathname(source.removeprefix("file://"))).expanduser()
    if "://" not in source or source.startswith("file://"):
        wheel = local / PIP_WHEEL
        if wheel.is_file():
            return wheel.read_bytes()
        if not (local / "index.html").is_file():
            return None
        source, page = local.absolute().as_uri() + "/", (local / "index.html").read_text()
    else:
        page = fetcher.read(source).decode("utf-8", "replace")
    for target in Links(page).targets:
        if urllib.parse.urlsplit(target).path.rpartition("/")[2] == PIP_WHEEL:
            found = urllib.parse.urljoin(source, target)
            return fetcher.read(with_credentials_of(source, found))
    return None


def with_credentials_of(source: str, found: str) -> str:
    """Repeats the user and password of an index in the address of a file on the same host."""
    index, file = urllib.parse.urlsplit(source), urllib.parse.urlsplit(found)
    if index.hostname == file.hostname and "@" not in file.netloc:
        file = file._replace(netloc=index.netloc)
    return file.geturl()


# --- the environment --------------------------------------------------------------------------------------------------


def stamp_of(lock: Path) -> str:
    """Identifies what a finished environment was made from."""
    parts = (lock.read_bytes(), sys.version.encode(), str(ROOT).encode(), Path(__file__).read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create(folder: Path) -> list[str]:
    """Makes an empty environment in `folder` and returns the command that runs its pip."""
    for path in folder.iterdir():
        if path.name != ".lock":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print(f"Making {folder} with Python {sys.version.split()[0]}", flush=True)
    venv.create(folder, symlinks=True, with_pip=False)
    python = str(folder / "bin" / "python")
    command = [python, "-I", "-m", "ensurepip", "--default-pip"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return [python, "-I", "-m", "pip"]
    print("This Python has no working ensurepip; fetching pip by its hash", flush=True)
    return [python, "-I", str(fetch_pip(folder) / "pip")]


def pip_of(folder: Path) -> list[str] | None:
    """Returns the command that runs the pip of an environment made earlier by this Python, None if it is unusable."""
    python = folder / "bin" / "python"
    for runner in (["-m", "pip"], [str(folder / PIP_WHEEL / "pip")]):
        command = [str(python), "-I", *runner]
        want = "import sys; sys.exit(sys.version != %r)" % sys.version
        with contextlib.suppress(OSError):
            same = subprocess.run([str(python), "-I", "-c", want], capture_output=True, check=False)
            works = subprocess.run([*command, "--version"], capture_output=True, check=False)
            if same.returncode == works.returncode == 0:
                return command
    return None


def install(pip: list[str], lock: Path) -> None:
    """Installs the lock, showing one line of progress. Raises BootstrapError after showing pip's last words."""
    total = sum("==" in line for line in lock.read_text().splitlines())
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    hidden = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_QUIET", "PIP_NO_DEPS", "PIP_REQUIRE_VIRTUALENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"PIP_USER": "0"}
    command = [*pip, "install", *options, "--progress-bar=off", "-r", str(lock)]
    words: list[str] = []
    with subprocess.Popen(
        command, env=environment, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            words.append(line)
            seen = sum(word.startswith(("Collecting ", "Requirement already")) for word in words)
            if line.startswith(("Collecting ", "Installing collected")):
                name = line.split()[1] if line.startswith("Collecting") else "writing files"
                progress(f"Installing {lock.name}: {seen} of {total}, {name}")
    progress("")
    if process.returncode:
        sys.stderr.write("".join(words[-15:]))
        raise BootstrapError(f"pip could not install {lock.name} (its last lines are above); `make` again will resume.")


def progress(text: str) -> None:
    """Shows one line that the next one replaces; without a terminal, each on its own."""
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
    elif text:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_importable(folder: Path) -> None:
    """Puts the checkout on the environment's import path and the `rampart` command into its bin."""
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "rampart.pth").write_text(f"{ROOT}\n{ROOT / 'gen'}\n")
    script = folder / "bin" / "rampart"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(folder / "bin" / "python"))} -P -m console "$@"\n')
    script.chmod(0o755)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the environment's lock; says so when another run has it."""
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another run that is making {folder}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def bootstrap(*, dev: bool) -> None:
    """Brings `.venv` up to the lock. The development lock holds everything of the other one in the same versions."""
    locks = [ROOT / "requirements-dev.lock"] if dev else [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
    stamp = VENV / ".stamp"
    stamps = [stamp_of(lock) for lock in locks]
    if stamp.is_file() and stamp.read_text() in stamps:
        return
    with alone(VENV):
        if stamp.is_file() and stamp.read_text() in stamps:
            return
        stamp.unlink(missing_ok=True)
        install(pip_of(VENV) or create(VENV), locks[0])
        make_importable(VENV)
        stamp.write_text(stamps[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="with the tools that tests and checks need")
    try:
        bootstrap(dev=parser.parse_args().dev)
    except BootstrapError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"Cannot make {VENV}: {error.strerror or error} ({error.filename or VENV}).", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted; `make` again will resume.", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
