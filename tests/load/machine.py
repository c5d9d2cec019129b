"""What was measured on, and how much CPU time processes took."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Mapping
from pathlib import Path

from console.up.proc import children

__all__ = ["busy_seconds", "cpu_seconds", "describe", "difference", "own_seconds"]

_TICKS = os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, str]:
    """Returns the machine by name of the property."""
    models = [line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((int(line.split()[1]) for line in _read("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 1024 / 1024:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Returns the CPU time of each process, its living descendants and those that it has waited for."""
    return {name: _tree(pid) for name, pid in pids.items()}


def busy_seconds() -> float:
    """Returns the CPU time that all processes of the machine have taken since boot."""
    user, nice, system, _, _, irq, softirq = map(int, _read("/proc/stat")[0].split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


def own_seconds() -> float:
    """Returns the CPU time of this process and of the children that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after if name in before}


def _tree(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it ended; what it took is in its parent's account
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_tree, children(pid)))


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
