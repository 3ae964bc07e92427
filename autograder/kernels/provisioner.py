"""Jupyter's kernel provisioner: start kernels in a sandbox, for any tool that starts kernels by name.

Theory of operation. For each kernel the provisioner makes a folder and writes the connection file into it (transport:
unix sockets, which work without a network). It copies the working folder there and sends a request to the server that
`launcher` finds or starts. After that, the kernel is a connection: an order to end goes in, the result comes out.
Everything else is plain Jupyter. A kernel is killed, not shut down: it has nothing that needs saving.
"""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from types import new_class
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Enum, Float, HasTraits, Integer, List, TraitType, Unicode

from autograder.errors import NoSandboxError
from autograder.kernels import bubblewrap, launcher
from autograder.kernels.connection import Connection, Ended
from autograder.kernels.copies import copy_folder
from autograder.kernels.launcher import Loaded
from autograder.kernels.limits import INSIDE, KERNELS, Policy


def _trait(limit: Field[Any]) -> TraitType[Any, Any]:
    default: Any = limit.default
    kind = Float if isinstance(default, float) else Integer
    return kind(default, help=limit.metadata["help"]).tag(config=True)


# A setting for each limit of a kernel, by its name.
_Limited: Any = new_class(
    "Limited", (HasTraits,), exec_body=lambda body: body.update({one.name: _trait(one) for one in fields(Policy)})
)


class SandboxProvisioner(_Limited, KernelProvisionerBase):  # type: ignore[misc]
    """Starts kernels in a sandbox, as forks of a process that has already loaded their modules."""

    shape = Enum(
        ["auto", "warm", "cold"],
        default_value="auto",
        help="warm: a fork of a process with everything loaded; cold: a new process; auto: warm where possible.",
    ).tag(config=True)
    preload = Unicode(
        "",
        help="Names of modules that are loaded before a kernel starts, separated by spaces.",
    ).tag(config=True)
    prepare = Unicode("", help="Python code that runs before the modules are loaded. It must not start a thread.").tag(
        config=True
    )
    environment = List(
        Unicode(), default_value=[], help="Names of further environment variables that a kernel sees."
    ).tag(config=True)

    hidden = List(Unicode(), default_value=[], help="Folders that a kernel does not see, wherever they are.").tag(
        config=True
    )
    program = Unicode("", help="Source that the server compiles once for all kernels.").tag(config=True)
    connection: Connection | None = None
    folder: Path | None = None
    server: Path | None = None
    ended: Ended | None = None

    @property
    def manager(self) -> KernelManager:
        """The kernel manager that starts this kernel; raises NoSandboxError where there is none."""
        if not isinstance(self.parent, KernelManager):
            raise NoSandboxError("a sandboxed kernel needs a Jupyter kernel manager; start it through one.")
        return self.parent

    @property
    def has_process(self) -> bool:
        """Was a kernel started and not cleaned up yet?"""
        return self.connection is not None or self.ended is not None

    @property
    def has_program(self) -> bool:
        """Does the kernel have the server's program? Only the warm shape loads it."""
        return self.server is not None and launcher.shape_of(self.server) == "warm"

    async def poll(self) -> int | None:
        """Return None while the kernel runs, otherwise 0."""
        if self.connection is not None:
            self.ended = self.connection.poll() or self.ended
        return None if self.ended is None else 0

    async def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        if self.connection is not None:
            await self.connection.wait()
        await self.poll()
        return 0

    async def send_signal(self, signum: int) -> None:
        """End the kernel on any signal but 0. Interrupts are sent as messages."""
        if signum:
            self.end()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel."""
        self.end()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel."""
        self.end()

    async def shutdown_requested(self, restart: bool = False) -> None:
        """End the kernel: it has nothing to save."""
        self.end()

    def end(self) -> None:
        """End the kernel and everything it has started. May be called from any thread."""
        connection = self.connection
        if connection is not None:
            connection.end()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the kernel's folder, its connection file and a copy of its working folder. Raises NoSandboxError."""
        manager = self.manager
        with self._or_nothing():
            environment, hidden = tuple(self.environment), tuple(self.hidden)
            loaded = Loaded(self.preload, self.prepare, environment, hidden=hidden, program=self.program)
            self.server = await asyncio.to_thread(launcher.server, loaded, self.shape)
            self._furnish(self.server.parent, kwargs.get("cwd"))
            command = manager.format_kernel_cmd(kwargs.pop("extra_arguments", []))
            return dict(await super().pre_launch(cmd=command, **kwargs))

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask the server for a kernel."""
        assert self.folder is not None
        assert self.server is not None
        inside, words = str(KERNELS / self.folder.name), cmd[cmd.index("-f") :]
        given = kwargs.get("env") or os.environ
        seen = {name: given[name] for name in (*bubblewrap.INHERITED_ENVIRONMENT, *self.environment) if name in given}
        request = {
            "arguments": [word.replace(str(self.folder / "c.json"), f"{inside}/{INSIDE}") for word in words],
            "environment": seen,
            "folder": inside,
            "outside": str(self.folder),
        }
        self.ended = None
        with self._or_nothing():
            self.connection = Connection(self.server, request, self.policy())
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the kernel's folder, unless the kernel is only restarted."""
        self._let_go()
        if not restart:
            self._clear()

    def policy(self) -> Policy:
        """Return the limits as they are set."""
        return Policy(**{field.name: getattr(self, field.name) for field in fields(Policy)})

    def _furnish(self, place: Path, work: str | None) -> None:
        """Make the kernel's folder if needed, with a copy of the working folder in it."""
        manager = self.manager
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="k", dir=place))
            manager.transport, manager.cache_ports = "ipc", False
            manager.ip, manager.connection_file = str(self.folder / "k"), str(self.folder / "c.json")
            manager.write_connection_file()
            _move(self.folder / "c.json", self.folder / INSIDE, str(KERNELS / self.folder.name / "k"))
        self.connection_info = manager.get_connection_info()
        if work:
            copy_folder(Path(work), self.folder / "cwd", self.policy().scratch // 2)
        bubblewrap.give(self.folder, bubblewrap.user())

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """Clean up if starting fails: Jupyter cleans up only after kernels that started."""
        try:
            yield
        except BaseException:
            self._let_go()
            self._clear()
            raise

    def _let_go(self) -> None:
        """Close the connection. If the kernel still runs, its server then ends it."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _clear(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def _move(own: Path, other: Path, ip: str) -> None:
    """Write the connection file for the inside, where the sockets' folder has another name."""
    other.write_text(json.dumps(json.loads(own.read_text()) | {"ip": ip}))
