"""The edges that the suite asks, and its score at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.compile.plan import Plan
from tests.support.transcoding import CODECS, Edge, PlanEdge, WireEdge, compile_protos, load, text, wire

PROTOS = Path(__file__).parent / "protos"
PASSED: Counter[str] = Counter()
TOTAL: Counter[str] = Counter()


@pytest.fixture(scope="session")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_protos(PROTOS, tmp_path_factory.mktemp("conformance") / "set.binpb")


@pytest.fixture(scope="session")
def plan(descriptors: Path) -> Plan:
    return load(descriptors)


@pytest.fixture(scope="session")
def plan_edges(plan: Plan) -> dict[str, PlanEdge]:
    return {codec: PlanEdge(plan, codec) for codec in CODECS}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wire_edge(descriptors: Path) -> AsyncIterator[WireEdge]:
    async with wire(descriptors) as edge:
        yield edge


@pytest.fixture(params=[*CODECS, "wire"])
def edge(request: pytest.FixtureRequest, plan_edges: dict[str, PlanEdge]) -> Edge:
    """Each of the ways to the service in turn."""
    if request.param in plan_edges:
        return plan_edges[request.param]
    found: WireEdge = request.getfixturevalue("wire_edge")
    return found


@pytest.fixture(params=[*CODECS])
def plan_edge(request: pytest.FixtureRequest, plan_edges: dict[str, PlanEdge]) -> PlanEdge:
    """Each codec in turn."""
    return plan_edges[request.param]


@pytest.fixture(scope="session")
def everything(plan: Plan) -> Callable[[str], str]:
    """Writes an `Everything`, given in text format, as edges tell it."""
    return lambda message: text(plan.pool, "conformance.Everything", message)


@pytest.fixture(scope="session")
def as_request(plan: Plan) -> Callable[[str, str], str]:
    """Writes a request of a method, given in text format, as edges tell it."""
    types = {name.rpartition("/")[2]: each.input.type_name for name, each in plan.methods.items()}
    return lambda method, message: text(plan.pool, types[method], message)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.failed:
        topic = Path(report.location[0]).stem.removeprefix("test_").replace("_", " ")
        TOTAL[topic] += 1
        PASSED[topic] += report.passed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TOTAL:
        topics = ", ".join(f"{topic} {PASSED[topic]}/{TOTAL[topic]}" for topic in sorted(TOTAL))
        terminalreporter.section("conformance")
        terminalreporter.write_line(f"transcoding: {PASSED.total()} of {TOTAL.total()} ({topics})")
