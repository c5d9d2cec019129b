"""Makes the `info` object of a document: its title, its words and its version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.compile.plan import Plan
from gateway.describe.comments import Comments

__all__ = ["About", "about", "conventions"]

CONVENTIONS = Path(__file__).parent / "conventions.md"


@dataclass(frozen=True, slots=True)
class About:
    """The title page of a document."""

    title: str
    summary: str
    """One sentence without a full stop."""
    description: str
    """Markdown."""
    version: str
    license: dict[str, str] | None = None

    def info(self, url: str) -> dict[str, object]:
        """Returns the `info` object. Who serves the API, at `url`, is who to ask."""
        found: dict[str, object] = {"title": self.title, "summary": self.summary, "description": self.description}
        found["contact"] = {"name": self.title, "url": url}
        return found | ({"license": self.license} if self.license else {}) | {"version": self.version}


def about(plan: Plan) -> About:
    """Returns the title page for a plan, in the words of its protos."""
    services = list(dict.fromkeys(binding.method.full_name[1:].partition("/")[0] for binding in plan.bindings))
    names = [name.rpartition(".")[2] for name in services]
    words = Comments(plan.files).of(services[0]) if len(services) == 1 else ""
    title = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "Nothing"
    description = f"{words}\n\n{conventions(json_names=plan.json_names)}".strip()
    return About(title, "gRPC services as REST", description, _version(services))


def conventions(*, json_names: bool) -> str:
    """Returns what holds for every operation of a gateway with these names, as Markdown. Raises OSError."""
    first, second = ("lowerCamelCase", "snake_case") if json_names else ("snake_case", "camelCase")
    return CONVENTIONS.read_text().replace("{names}", f"Names are {first}; {second} is accepted too.")


def _version(services: list[str]) -> str:
    """Returns the version that the packages of all services end with, as in `library.v1`."""
    found = {name.split(".")[-2] for name in services if name.count(".") > 0}
    only = found.pop() if len(found) == 1 else ""
    return only if only[:1] == "v" and only[1:2].isdigit() else "v1"
