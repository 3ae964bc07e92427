"""Describe the computer that the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("tensorflow-cpu", "keras", "ipykernel", "nbclient", "nbgrader")


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> tuple[str, ...]:
    """Return the machine, its load and the versions of packages, a few words each."""
    packages = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_model()}, {cores()} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"load average {os.getloadavg()[0]:.1f} before the run",
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
