"""Compile the seccomp program that lists the system calls that a kernel may not make.

It refuses calls that notebooks never need and that have been used to attack Linux: mounts, namespaces, tracing, keys,
BPF, io_uring, modules; and those by which memory is held that no process owns. `clone3` fails with "no such call", so
the C library uses `clone`; seccomp can check its flags. Internet and netlink sockets are allowed, because ZeroMQ aborts
without them. They are harmless, because the network namespace is empty.
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
memfd_create memfd_secret shmget msgget semget io_setup fanotify_init vmsplice
""".split()
NAMESPACES = (NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP)
FAMILIES = (17, 40)  # packet, vsock
UNIX, DATAGRAM, KIND = 1, 2, 0xF  # nobody knows how much waits in a Unix datagram socket
WATCHES = ("inotify_init", "inotify_init1")


def program(watches: bool = True) -> bytes:
    """Return the program in the format that `prctl` and bubblewrap need.

    Args:
        watches: Allow inotify. In the warm shape, its user namespace bounds it.
    """
    rules = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    for name in (*REFUSED, *(() if watches else WATCHES)):
        try:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
        except (ValueError, RuntimeError, OSError):  # this libseccomp or this machine does not have the call
            continue
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for call in ("socket", "socketpair"):
        kinds = seccomp.Arg(0, seccomp.EQ, UNIX), seccomp.Arg(1, seccomp.MASKED_EQ, KIND, DATAGRAM)
        rules.add_rule(seccomp.ERRNO(errno.EACCES), call, *kinds)
    for flag in NAMESPACES:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for family in FAMILIES:
        rules.add_rule(seccomp.ERRNO(errno.EACCES), "socket", seccomp.Arg(0, seccomp.EQ, family))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
