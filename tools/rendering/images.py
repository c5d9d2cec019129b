"""Renders the stages of deploy/docker/Dockerfile that hold one service each."""

from __future__ import annotations

from meshkit.topology import Topology
from tools.rendering.text import fill

__all__ = ["stages"]

STAGE = """\
FROM service AS @name
COPY --from=code /app/services/@name services/@name
ENTRYPOINT ["python", "-m", "services.@name"]
"""


def stages(topology: Topology) -> str:
    return "\n".join(fill(STAGE, name=name) for name in topology.names)
