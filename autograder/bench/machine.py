"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("tensorflow-cpu", "keras", "ipykernel", "nbclient", "nbgrader")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> tuple[str, ...]:
    """Machine and versions, each in a few words."""
    packages = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_model()}, {cores()} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"a load of {os.getloadavg()[0]:.1f} before",
        f"Python {platform.python_version()}",
        *packages,
    )


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:
        return ""
