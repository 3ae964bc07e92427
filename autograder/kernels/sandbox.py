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
    environment                           the request's variables; a home in the scratch space
    capabilities, new namespaces          none
"""

import os
import re
import resource
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.kernels.limits import SCRATCH, STATUS, Policy
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
from autograder.kernels.supervisor import supervise

WORK, HOME, TEMPORARY, SHARED = (Path(SCRATCH, name) for name in ("work", "home", "tmp", "shm"))
INODES = 20_000


@dataclass(frozen=True)
class Request:
    """A request to start a kernel.

    Attributes:
        arguments: The kernel's command-line arguments.
        environment: The kernel's environment variables.
        folder: The kernel's folder, as seen inside the sandbox: the connection file, the sockets, and a folder `cwd`
            that is copied to the working folder.
        outside: The path of the same folder outside the sandbox.
        policy: The kernel's limits.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    outside: str
    policy: Policy


def enter(request: Request, program: bytes) -> Callable[[], None]:
    """Confine this process, and return only in the process that becomes the kernel.

    Args:
        request: The kernel to start.
        program: The seccomp program.

    Returns:
        A function that the kernel must call after it has bound its sockets and before it runs any code.
    """
    user, group = os.getuid(), os.getgid()
    unshare(NEWUSER | NEWPID | NEWNS | NEWNET | NEWIPC | NEWUTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    ours, theirs = socket.socketpair()
    kernel = os.fork()
    if kernel:
        theirs.close()
        supervise(kernel, request.policy, _processes, _bytes_used, ours, lambda: _read_only(request.folder))
    ours.close()
    prctl(PDEATHSIG, signal.SIGKILL)
    _mounts(request)
    furnish(request)
    drop_capabilities()
    load_filter(program)

    def ready() -> None:
        theirs.send(b"x")
        if not theirs.recv(1):  # the supervisor has ended
            os._exit(STATUS["refused"])
        theirs.close()

    return ready


def _mounts(request: Request) -> None:
    own, others = request.folder, str(Path(request.folder).parent)
    mount("none", "/", flags=REC | PRIVATE)
    mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
    folder = os.open(own, os.O_PATH)
    mount("tmpfs", others, "tmpfs", NOSUID | NODEV | NOEXEC, "size=64k,mode=0755")
    Path(own).mkdir()
    mount(f"/proc/self/fd/{folder}", own, flags=BIND)
    os.close(folder)
    mount("none", others, flags=REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)
    size = f"size={request.policy.scratch},nr_inodes={INODES},mode=0700"
    mount("tmpfs", str(SCRATCH), "tmpfs", NOSUID | NODEV, size)
    for place in (TEMPORARY, SHARED):
        place.mkdir()
    _cover("/tmp", TEMPORARY)
    _cover("/dev/shm", SHARED)
    for kind in ("user", "pid", "net", "mnt"):
        Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")
    Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, Linux should kill this process first


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
    """Set up the working folder, the environment and the rlimits. The scratch space must be mounted already."""
    for place in (HOME, TEMPORARY):
        place.mkdir(exist_ok=True)
    given = Path(request.folder, "cwd")
    if given.is_dir():
        shutil.copytree(given, WORK, symlinks=True)
    else:
        WORK.mkdir()
    os.chdir(WORK)
    _environment(request.environment)
    _bound(request.policy)


def _bound(policy: Policy) -> None:
    # child processes inherit these limits
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
    mount("none", folder, flags=REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)


def _processes() -> list[Path]:
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdecimal()]


def _bytes_used() -> int:
    """Return the number of bytes used in the scratch space."""
    status = os.statvfs(SCRATCH)
    return (status.f_blocks - status.f_bfree) * status.f_frsize
