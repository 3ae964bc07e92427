"""Which system calls a kernel may not make: a seccomp program, compiled once by libseccomp.

What is refused is what a notebook never needs and what holes in the operating system's kernel have been reached by:
mounts, namespaces, tracing, keys, BPF, io_uring, modules. `clone3` answers "no such call", so that the C library takes
`clone`, whose flags can be looked at. Internet and netlink sockets are not refused: ZeroMQ aborts without them, and the
empty network namespace holds them.
"""

import errno
import tempfile

import pyseccomp as seccomp

from autograder.kernels.linux import NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUSER, NEWUTS

REFUSED = """
mount umount2 pivot_root chroot unshare setns fsopen fsmount fsconfig fspick open_tree move_mount mount_setattr
ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp perf_event_open userfaultfd bpf
keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register
kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct quotactl
open_by_handle_at name_to_handle_at personality move_pages mbind set_mempolicy migrate_pages
memfd_create memfd_secret shmget msgget semget
""".split()
NAMESPACES = (NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP)
FAMILIES = (17, 40)  # packet, vsock


def program() -> bytes:
    """The program, as `prctl` and bubblewrap take it."""
    found = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    for name in REFUSED:
        try:
            found.add_rule(seccomp.ERRNO(errno.EPERM), name)
        except (ValueError, RuntimeError, OSError):  # a call that this libseccomp, or this machine, does not have
            continue
    found.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACES:
        found.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for family in FAMILIES:
        found.add_rule(seccomp.ERRNO(errno.EACCES), "socket", seccomp.Arg(0, seccomp.EQ, family))
    with tempfile.TemporaryFile() as file:
        found.export_bpf(file)
        file.seek(0)
        return file.read()
