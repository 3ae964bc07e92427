"""A freshly forked process → a kernel's process that can reach nothing. The warm shape's lock.

Theory of operation. The zygote has forked; it runs as an ordinary user in bubblewrap's read-only root without network.
`enter` takes new namespaces (user, process, mount, network, IPC, host name) and forks once more. The parent stays
behind as the supervisor, with the capabilities of the new user namespace; the child is process 1 of the new one. It
mounts its own /proc, hides the folders of all other kernels, mounts its scratch space, sets its rlimits, gives up every
capability and takes on the seccomp filter. Student code runs only after `ready` has come back: by then the sockets are
bound, and the supervisor has made the folder they lie in read-only.

    what the code inside finds            what is there
    processes                             its own, from process 1 on
    files                                 system and Python, read-only; /scratch, /tmp, /dev/shm: `policy.scratch`
    other kernels, the course, the home   not there
    network                               a loopback of its own
    environment                           what the request names; a home in the scratch space
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
    """What a kernel is to be started with.

    `folder`, as it is seen inside, holds the connection file, the sockets, and `cwd` to be copied; `outside` is the
    same folder outside.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    outside: str
    policy: Policy


def enter(request: Request, program: bytes) -> Callable[[], None]:
    """Lock this process in; returns in the kernel alone, with what it is to call once its sockets are bound."""
    user, group = os.getuid(), os.getgid()
    unshare(NEWUSER | NEWPID | NEWNS | NEWNET | NEWIPC | NEWUTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    ours, theirs = socket.socketpair()
    kernel = os.fork()
    if kernel:
        theirs.close()
        supervise(kernel, request.policy, _processes, _held, ours, lambda: _read_only(request.folder))
    ours.close()
    prctl(PDEATHSIG, signal.SIGKILL)
    _mounts(request)
    furnish(request)
    drop_capabilities()
    load_filter(program)

    def ready() -> None:
        theirs.send(b"x")
        if not theirs.recv(1):  # no supervisor, no kernel
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
    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory is short, this one goes first


def _cover(place: str, scratch: Path) -> None:
    """Put scratch space in a folder's place, and on top of it, read-only as before, what is mounted below the folder.

    So Python and this package stay where they are when they are installed below /tmp.
    """
    shown = {path: os.open(path, os.O_PATH) for path in _mounted_below(place)}
    mount(str(scratch), place, flags=BIND)
    for path, descriptor in shown.items():
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", str(path), flags=REC | BIND)
        os.close(descriptor)


def _mounted_below(place: str) -> list[Path]:
    """The mounts below a folder, without those below another of them."""
    found: list[Path] = []
    for line in os.fsdecode(Path("/proc/self/mountinfo").read_bytes()).splitlines():
        path = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]))  # such as a space
        if path != Path(place) and path.is_relative_to(place) and not any(path.is_relative_to(one) for one in found):
            found.append(path)
    return found


def furnish(request: Request) -> None:
    """Working folder, environment and rlimits, once the scratch space is there."""
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
    # those that this process starts inherit them
    seconds = int(policy.cpu_seconds) + 1
    for name, most in {
        "CPU": seconds,
        "DATA": policy.memory + (1 << 30),  # the zygote's own pages are in it
        "FSIZE": policy.file_size,
        "NPROC": policy.processes,
        "NOFILE": policy.files,
        "CORE": 0,
    }.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file too large is an error, not a death


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


def _held() -> int:
    """Bytes in the scratch space."""
    found = os.statvfs(SCRATCH)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
