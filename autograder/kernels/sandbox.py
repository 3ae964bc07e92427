"""Confine a process that the zygote forked, so that the kernel in it has no access outside (the warm shape).

Theory of operation. The zygote runs as an ordinary user in bubblewrap's read-only root without network. In its fork,
`enter` creates new namespaces (user, process, mount, network, IPC, host name) and forks again. The parent becomes the
supervisor and keeps the capabilities of the new user namespace. The child is process 1 of the new process namespace. It
mounts its own /proc, hides the folders of all other kernels, mounts its scratch space, sets its rlimits, drops all
capabilities and loads the seccomp filter. Student code runs only after `ready` has returned: by then the sockets are
bound, and the supervisor has made their folder read-only.

    resource                              what the code inside can access
    processes                             its own processes, starting at process 1
    files                                 system and Python, read-only; /scratch, /tmp, /dev/shm: `policy.scratch`
    other kernels, the course, the home   none
    network                               a separate loopback
    terminals                             its own, 16
    environment                           the request's variables; a home in the scratch space
    capabilities, new namespaces          none
"""

import math
import os
import re
import resource
import shutil
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.kernels.control_group import join
from autograder.kernels.copies import copy_folder
from autograder.kernels.limits import KERNELS, SCRATCH, STATUS, Ending, Policy
from autograder.kernels.linux import (
    BIND,
    NEWIPC,
    NEWNET,
    NEWNS,
    NEWPID,
    NEWUSER,
    NEWUTS,
    NODEV,
    NOEXEC,
    NOSUID,
    PDEATHSIG,
    PRIVATE,
    RDONLY,
    REC,
    REMOUNT,
    drop_capabilities,
    load_filter,
    mount,
    prctl,
    unshare,
)
from autograder.kernels.sockets import Sockets
from autograder.kernels.supervisor import supervise
from autograder.kernels.usage import Usage

WORK, HOME, TEMPORARY, SHARED = (Path(SCRATCH, name) for name in ("work", "home", "tmp", "shm"))
INODES = 20_000
TERMINALS = 16
WATCHES = {"instances": 8, "watches": 1024}
KILLED_FIRST = "/proc/self/oom_score_adj"  # if memory runs out, Linux kills the process with the highest number
UNLIMITED = Policy(wall_seconds=math.inf, cpu_seconds=math.inf, memory=sys.maxsize)


@dataclass(frozen=True)
class Request:
    """A request to start a kernel.

    Attributes:
        arguments: The kernel's command-line arguments.
        environment: The kernel's environment variables.
        folder: The kernel's folder, as seen inside the sandbox: the connection file, the sockets, and a folder `cwd`
            that is copied to the working folder. A kernel with a channel has none.
        outside: The path of the same folder outside the sandbox.
        policy: The kernel's limits.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    outside: str
    policy: Policy
    group: tuple[int, ...] = ()  # open files of its control group, if it has one: see `control_group`
    channel: int | None = None  # its end of a socket to the client, if it has one: see `direct_kernel`

    @property
    def files(self) -> tuple[int, ...]:
        """Return the descriptors that came with the request."""
        return self.group if self.channel is None else (*self.group, self.channel)


def enter(request: Request, program: bytes, resumed: bool = False) -> Callable[[], None]:
    """Confine this process, and return only in the process that becomes the kernel.

    Args:
        request: The kernel to start.
        program: The seccomp program.
        resumed: Keep this process' environment and folder, and a copy of its scratch space.

    Returns:
        A function that the kernel must call after it has bound its sockets and before it runs any code.
    """
    scratch, folder = os.open(SCRATCH, os.O_PATH), Path.cwd()
    ours, theirs = socket.socketpair()
    kernel = _separate()
    if kernel:
        theirs.close()
        sockets = Sockets()
        usage = Usage(_processes, lambda: _bytes_used() + sockets.bytes_used(), *request.group[1:])
        if request.channel is not None:
            os.close(request.channel)
        supervise(kernel, request.policy, usage, ours, lambda: _read_only(request.folder))
    ours.close()
    for moves in request.group[:1]:
        join(moves)
    for descriptor in request.group:
        os.close(descriptor)
    _own_mounts(request.policy.scratch)
    _hide_others(request.folder)
    _bound_namespace()
    if resumed:
        copy_folder(Path(f"/proc/self/fd/{scratch}"), Path(SCRATCH), request.policy.scratch)
        os.chdir(folder)
    else:
        furnish(request)
    os.close(scratch)
    bound(request.policy)
    drop_capabilities()
    load_filter(program)

    def ready() -> None:
        theirs.send(b"x")
        if not theirs.recv(1):  # the supervisor has ended
            os._exit(STATUS[Ending.REFUSED])
        theirs.close()

    return ready


def enter_checkpoint(request: Request) -> None:
    """Confine this process, and return only in the process that becomes a checkpoint.

    A checkpoint runs only the course's own cells, and starts kernels: it can make namespaces and sees all kernels'
    folders. It is process 1 of its process namespace, so whatever it has started ends with it. No limits, because
    kernels would inherit them: processes that ran the same cells before had them.
    """
    process = _separate()
    if process:
        supervise(process, UNLIMITED, Usage(tuple, int))
    _own_mounts(request.policy.scratch)
    furnish(request)
    drop_capabilities()


def separate_scratch(size: int) -> None:
    """Go on with a copy of this process' scratch space: a checkpoint that runs on shares no files with the one before.

    Args:
        size: The size of the scratch space in bytes.
    """
    scratch, folder = os.open(SCRATCH, os.O_PATH), Path.cwd()
    _unshare(NEWUSER | NEWNS)
    _scratch(size)
    copy_folder(Path(f"/proc/self/fd/{scratch}"), Path(SCRATCH), size)
    os.close(scratch)
    os.chdir(folder)
    drop_capabilities()


def _unshare(namespaces: int) -> None:
    """Move this process into new namespaces, of which one is for users and keeps its user id."""
    user, group = os.getuid(), os.getgid()
    unshare(namespaces)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _separate() -> int:
    """Create namespaces and fork a process into them: its process 1. Return 0 there, and its id in the parent."""
    _unshare(NEWUSER | NEWPID | NEWNS | NEWNET | NEWIPC | NEWUTS)
    process = os.fork()
    if not process:
        prctl(PDEATHSIG, signal.SIGKILL)
    return process


def _own_mounts(scratch: int) -> None:
    """Mount a new /proc, new terminals and new scratch space of so many bytes."""
    mount("none", "/", flags=REC | PRIVATE)
    mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
    try:
        mount("devpts", "/dev/pts", "devpts", NOSUID | NOEXEC, f"newinstance,ptmxmode=0666,mode=0620,max={TERMINALS}")
    except OSError:  # an older Linux lets only root make terminals: this kernel has none
        mount("tmpfs", "/dev/pts", "tmpfs", NOSUID | NODEV | NOEXEC | RDONLY, "size=4k,mode=0555")
    _scratch(scratch)


def _scratch(size: int) -> None:
    """Mount new scratch space of so many bytes, also at /tmp and /dev/shm."""
    mount("none", "/", flags=REC | PRIVATE)
    mount("tmpfs", str(SCRATCH), "tmpfs", NOSUID | NODEV, f"size={size},nr_inodes={INODES},mode=0700")
    for place in (TEMPORARY, SHARED):
        place.mkdir()
    _cover("/tmp", TEMPORARY)
    _cover("/dev/shm", SHARED)


def _hide_others(own: str) -> None:
    """Hide the folders of all other kernels."""
    others = str(KERNELS)
    folder = os.open(own or others, os.O_PATH)
    mount("tmpfs", others, "tmpfs", NOSUID | NODEV | NOEXEC, "size=64k,mode=0755")
    if own:
        Path(own).mkdir()
        mount(f"/proc/self/fd/{folder}", own, flags=BIND)
    os.close(folder)
    mount("none", others, flags=REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)


def _bound_namespace() -> None:
    """Forbid more namespaces, bound inotify, and let Linux kill this process first. Then /proc is read-only."""
    for kind in ("user", "pid", "net", "mnt"):
        Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")
    for name, most in WATCHES.items():
        with suppress(FileNotFoundError):  # a Linux without inotify
            Path(f"/proc/sys/user/max_inotify_{name}").write_text(str(most))
    Path(KILLED_FIRST).write_text("1000")
    mount("none", "/proc", flags=REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)


def _cover(place: str, scratch: Path) -> None:
    """Mount scratch space over a folder, and mount everything that was mounted below the folder again, read-only.

    So Python and this package keep their paths if they are installed below /tmp.
    """
    mounts = {path: os.open(path, os.O_PATH) for path in _mounted_below(place)}
    mount(str(scratch), place, flags=BIND)
    for path, descriptor in mounts.items():
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", str(path), flags=REC | BIND)
        os.close(descriptor)


def _mounted_below(place: str) -> list[Path]:
    """Return the mounts below a folder, without mounts below these."""
    mounts: list[Path] = []
    for line in os.fsdecode(Path("/proc/self/mountinfo").read_bytes()).splitlines():
        path = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]))  # a space is \040
        if path != Path(place) and path.is_relative_to(place) and not any(path.is_relative_to(one) for one in mounts):
            mounts.append(path)
    return mounts


def furnish(request: Request) -> None:
    """Set up the working folder and the environment. The scratch space must be mounted already."""
    for place in (HOME, TEMPORARY):
        place.mkdir(exist_ok=True)
    given = Path(request.folder, "cwd")
    if given.is_dir():
        shutil.copytree(given, WORK, symlinks=True)
    else:
        WORK.mkdir()
    os.chdir(WORK)
    _environment(request.environment)


def bound(policy: Policy) -> None:
    """Set the rlimits of this process. Child processes inherit them."""
    seconds = int(policy.cpu_seconds) + 1
    for name, most in {
        "CPU": seconds,
        "DATA": policy.memory + (1 << 30),  # the limit also counts the pages inherited from the zygote
        "FSIZE": policy.file_size,
        "NPROC": policy.processes,
        "NOFILE": policy.files,
        "CORE": 0,
    }.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that is too large raises OSError


def _environment(given: Mapping[str, str]) -> None:
    places = {"HOME": HOME, "TMPDIR": TEMPORARY, "IPYTHONDIR": HOME / ".ipython", "MPLCONFIGDIR": HOME / ".matplotlib"}
    os.environ.clear()
    os.environ.update(given)
    os.environ.update({name: str(place) for name, place in places.items()})
    tempfile.tempdir = None


def _read_only(folder: str) -> None:
    if folder:
        mount("none", folder, flags=REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)


def _processes() -> list[Path]:
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdecimal()]


def _bytes_used() -> int:
    """Return the number of bytes used in the scratch space."""
    status = os.statvfs(SCRATCH)
    return (status.f_blocks - status.f_bfree) * status.f_frsize
