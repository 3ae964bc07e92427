"""Jupyter's kernel manager for the kernelspec of this folder, installed or not."""

from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

SPEC = KernelSpec.from_resource_dir(str(Path(__file__).parent / "spec"))


class SandboxKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """Starts sandboxed kernels, whatever kernelspecs are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernelspec `autograder`."""
        return SPEC
