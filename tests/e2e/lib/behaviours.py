# SPDX-License-Identifier: BSD-2-Clause
"""What a program can do, one behaviour each: how it is done, and how a record that tells of it looks.

A behaviour is done in a child of an MCP server (tests/e2e/servers/doer.py), in a directory of its own, by
act(dir); tells(record, dir) says whether the record has it: "yes", "in part", "no".
"""
import contextlib
import ctypes
import errno
import mmap
import os
import shutil
import signal
import socket
import struct

import floor

LIBC = ctypes.CDLL(None, use_errno=True)
LOOPBACK = "127.0.0.8"
SYS = {"finit_module": 313, "bpf": 321, "perf_event_open": 298, "openat2": 437, "open_tree": 428, "move_mount": 429,
       "pivot_root": 155, "process_vm_readv": 310}
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18

ALL = []
kept = listening = None  # what an earlier request opened


class Behaviour:
    def __init__(self, group, title, act, tells, before=None):
        self.group, self.title, self.act, self.tells, self.before = group, title, act, tells, before


def behaviour(group, title, tells, before=None):
    def register(act):
        ALL.append(Behaviour(group, title, act, tells, before))
        return act

    return register


class Absent(Exception):
    """This kernel does not have it."""


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise Absent(f"{what}: {os.strerror(number)}")
    return result


def syscall(name, *args):
    return checked(LIBC.syscall(SYS[name], *args), name)


def mount(source, target, kind=None, flags=0):
    checked(LIBC.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None), "mount")


def unshare(flags):
    checked(LIBC.unshare(flags), "unshare")


def private_mounts():
    unshare(CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)


# How it looks ----------------------------------------------------------------------------------

def has(kind, **fields):
    """Every value may be a function of the directory."""
    def tells(record, folder):
        want = {key: value(folder) if callable(value) else value for key, value in fields.items()}
        return "yes" if floor.events(record, kind, **want) else "no"

    return tells


def every(*tells):
    def together(record, folder):
        found = {one(record, folder) for one in tells}
        return found.pop() if len(found) == 1 else "in part"

    return together


def file(name):
    return lambda folder: f"{folder}/{name}"


def itself(folder):
    return folder


def opened(name, *flags):
    """With these flags, which are not always told."""
    def tells(record, folder):
        found = [e for e in record["events"] if e["kind"] == "open" and e.get("path") == f"{folder}/{name}"]
        if not found:
            return "no"
        return "yes" if any(set(flags) <= set(e.get("flags", [])) for e in found) else "in part"

    return tells


def to(kind, **more):
    return has(kind, dst_ip=LOOPBACK, **more)


# Processes -------------------------------------------------------------------------------------

@behaviour("processes", "`fork`, `execve`, the end",
           every(has("fork"), has("exec", exe=os.path.realpath(shutil.which("true"))), has("exit")))
def _(folder):
    os.waitpid(os.spawnv(os.P_NOWAIT, shutil.which("true"), ["true"]), 0)


@behaviour("processes", "`execve` of a memfd", has("exec", anonymous=True))
def _(folder):
    fd = os.memfd_create("nowhere", 0)
    with open(shutil.which("true"), "rb") as program:
        os.write(fd, program.read())
    pid = os.fork()
    if not pid:
        os.execve(fd, ["true"], {})
    os.waitpid(pid, 0)


@behaviour("processes", "an executable file is opened to be executed",
           has("open-exec", path=os.path.realpath(shutil.which("true"))))
def _(folder):
    os.waitpid(os.spawnv(os.P_NOWAIT, shutil.which("true"), ["true"]), 0)


def outside_pid():
    return int(os.environ["OUTSIDE"])


@behaviour("processes", "reading a process outside the session (`process_vm_readv`, `ptrace`)", has("ptrace"))
def _(folder):
    there = ctypes.create_string_buffer(8)
    local = struct.pack("QQ", ctypes.addressof(there), 8)
    LIBC.syscall(SYS["process_vm_readv"], outside_pid(), local, 1, local, 1, 0)


@behaviour("processes", "a signal to a process outside the session", has("kill", signal=int(signal.SIGURG)))
def _(folder):
    os.kill(outside_pid(), signal.SIGURG)


# Files -----------------------------------------------------------------------------------------

@behaviour("files", "`open`, with its flags", opened("f", "O_RDWR", "O_APPEND"))
def _(folder):
    os.close(os.open(f"{folder}/f", os.O_RDWR | os.O_APPEND | os.O_CREAT))


@behaviour("files", "`openat2`, with its flags", opened("f", "O_RDWR", "O_APPEND"))
def _(folder):
    open(f"{folder}/f", "w", encoding="ascii").close()
    os.chdir(folder)
    how = struct.pack("QQQ", os.O_RDWR | os.O_APPEND, 0, 0)
    os.close(syscall("openat2", -100, f"{folder}/f".encode(), how, len(how)))


@behaviour("files", "`open` of a device", has("open", path="/dev/zero"))
def _(folder):
    os.close(os.open("/dev/zero", os.O_RDONLY))


@behaviour("files", "`open` of a FIFO", has("open", path=file("fifo")))
def _(folder):
    os.mkfifo(f"{folder}/fifo")
    os.close(os.open(f"{folder}/fifo", os.O_RDWR | os.O_NONBLOCK))


@behaviour("files", "`open` below `/proc`", has("open", path="/proc/version"))
def _(folder):
    os.close(os.open("/proc/version", os.O_RDONLY))


@behaviour("files", "`open` of a memfd by `/proc/self/fd`", has("open", anonymous=True))
def _(folder):
    fd = os.memfd_create("nowhere", 0)
    os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))


@behaviour("files", "write through a descriptor that was open before", lambda record, folder: "no", before="keep_file")
def _(folder):
    os.write(kept.fileno(), b"x")


@behaviour("files", "create: file, directory, link, symbolic link, node",
           every(*(has("create", path=file(name)) for name in ("f", "d", "l", "s", "n"))))
def _(folder):
    open(f"{folder}/f", "w", encoding="ascii").close()
    os.mkdir(f"{folder}/d")
    os.link(f"{folder}/f", f"{folder}/l")
    os.symlink("f", f"{folder}/s")
    os.mkfifo(f"{folder}/n")


@behaviour("files", "`unlink`, `rmdir`", every(has("delete", path=file("f")), has("delete", path=file("d"))))
def _(folder):
    open(f"{folder}/f", "w", encoding="ascii").close()
    os.mkdir(f"{folder}/d")
    os.unlink(f"{folder}/f")
    os.rmdir(f"{folder}/d")


@behaviour("files", "`rename`, both names", has("rename", path=file("f"), path2=file("g")))
def _(folder):
    open(f"{folder}/f", "w", encoding="ascii").close()
    os.rename(f"{folder}/f", f"{folder}/g")


def changed(title, change):
    @behaviour("files", title, has("attrib", path=file("f")))
    def _(folder):
        open(f"{folder}/f", "w", encoding="ascii").close()
        change(f"{folder}/f")


changed("`chmod`", lambda path: os.chmod(path, 0o640))
changed("`chown`", lambda path: os.chown(path, 1, 1))
changed("`setxattr`", lambda path: os.setxattr(path, "trusted.mf", b"v"))
changed("`utimensat`", lambda path: os.utime(path, (1, 1)))


@behaviour("files", "`truncate`, `ftruncate`", has("truncate", path=file("f")))
def _(folder):
    with open(f"{folder}/f", "w", encoding="ascii") as opened_file:
        opened_file.truncate(9)
    os.truncate(f"{folder}/f", 3)


@behaviour("files", "`mmap` of an open file to be executed", has("map-exec", path=file("f")), before="keep_file")
def _(folder):
    mmap.mmap(kept.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)


@behaviour("files", "a descriptor that comes through a socket", has("file-receive", path=file("f")))
def _(folder):
    one, other = socket.socketpair()
    with open(f"{folder}/f", "w", encoding="ascii") as passed:
        socket.send_fds(one, [b"x"], [passed.fileno()])
    socket.recv_fds(other, 1, 1)


# The network -----------------------------------------------------------------------------------

def quietly(call, *args):
    with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
        call(*args)


@behaviour("network", "TCP `connect`: asked for, the SYN, how it ended",
           every(to("connect"), to("tcp-syn"), to("tcp-fail")))
def _(folder):
    quietly(socket.socket().connect, (LOOPBACK, 9))


@behaviour("network", "TCP fast open by `sendto`", every(to("connect"), to("tcp-syn")))
def _(folder):
    quietly(socket.socket().sendto, b"x", socket.MSG_FASTOPEN, (LOOPBACK, 9))


@behaviour("network", "datagram to an address", to("send", proto="udp"))
def _(folder):
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (LOOPBACK, 9))


@behaviour("network", "a later request sends on an earlier one's connection", to("send", connected=True), before="keep_link")
def _(folder):
    kept.send(b"x")


@behaviour("network", "`bind`, `listen`", every(has("bind", src_ip=LOOPBACK), has("listen", src_ip=LOOPBACK)))
def _(folder):
    socket.create_server((LOOPBACK, 0)).close()


@behaviour("network", "`accept`", has("accept", src_ip=LOOPBACK))
def _(folder):
    server = socket.create_server((LOOPBACK, 0))
    server.setblocking(False)
    quietly(server.accept)


def family(title, number, *more):
    @behaviour("network", title, has("socket", family=number))
    def _(folder):
        try:
            socket.socket(number, *more)
        except OSError as error:
            raise Absent(str(error)) from error


family("raw socket", int(socket.AF_INET), socket.SOCK_RAW, socket.IPPROTO_ICMP)
family("packet socket", int(socket.AF_PACKET), socket.SOCK_RAW, 0)
family("netlink socket", int(socket.AF_NETLINK), socket.SOCK_RAW, 0)


@behaviour("network", "`connect` to a local socket, by path and by abstract name",
           every(has("unix-connect", path=file("sock")), has("unix-connect", abstract_name="mcpfloor-behaviour")))
def _(folder):
    for name in (f"{folder}/sock", "\0mcpfloor-behaviour"):
        server = socket.socket(socket.AF_UNIX)
        server.bind(name)
        server.listen()
        socket.socket(socket.AF_UNIX).connect(name)


@behaviour("network", "datagram to a local socket", has("unix-send", path=file("sock")))
def _(folder):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(f"{folder}/sock")
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", f"{folder}/sock")


# Out of the session ----------------------------------------------------------------------------

def mounted(record, folder):
    return "in part" if floor.events(record, "mount-gap") else has("mount", path=itself)(record, folder)


@behaviour("out of the session", "`mount`", mounted)
def _(folder):
    private_mounts()
    mount("none", folder, "tmpfs")


@behaviour("out of the session", "into another mount namespace", has("mount-gap"))
def _(folder):
    unshare(CLONE_NEWNS)
    os.waitpid(os.spawnv(os.P_NOWAIT, shutil.which("true"), ["true"]), 0)


@behaviour("out of the session", "`move_mount`", has("move-mount", path=itself))
def _(folder):
    private_mounts()
    tree = syscall("open_tree", -100, folder.encode(), 1)
    syscall("move_mount", tree, b"", -100, folder.encode(), 4)


@behaviour("out of the session", "`pivot_root`", has("pivot-root", path=itself))
def _(folder):
    private_mounts()
    mount("none", folder, "tmpfs")
    os.mkdir(f"{folder}/old")
    syscall("pivot_root", folder.encode(), f"{folder}/old".encode())


@behaviour("out of the session", "`chroot`", has("chroot", path=itself))
def _(folder):
    os.chroot(folder)


@behaviour("out of the session", "a user namespace", has("userns"))
def _(folder):
    unshare(CLONE_NEWUSER)


@behaviour("out of the session", "`bpf`", has("bpf"))
def _(folder):
    LIBC.syscall(SYS["bpf"], 12, b"\0" * 16, 16)


@behaviour("out of the session", "a module that the kernel asks for", has("module", module="net-pf-9"))
def _(folder):
    with contextlib.suppress(OSError):
        socket.socket(9, socket.SOCK_SEQPACKET)


@behaviour("out of the session", "a module that is loaded from a file", has("kernel-read", path=file("m.ko")))
def _(folder):
    with open(f"{folder}/m.ko", "w", encoding="ascii") as module:
        module.write("no module")
    fd = os.open(f"{folder}/m.ko", os.O_RDONLY)
    if LIBC.syscall(SYS["finit_module"], fd, b"", 0) < 0 and ctypes.get_errno() in (errno.ENOSYS, errno.EPERM):
        raise Absent("modules")


@behaviour("out of the session", "`perf_event_open`", has("perf"))
def _(folder):
    LIBC.syscall(SYS["perf_event_open"], struct.pack("IIQ", 1, 112, 0) + b"\0" * 96, 0, -1, -1, 0)


def by_uring(verb, folder):
    with open(f"{folder}/f", "w", encoding="ascii") as goal:
        goal.write("x")
    attack = f"{floor.BUILD}/tests/e2e/servers/attack"
    os.waitpid(os.spawnv(os.P_NOWAIT, attack, [attack, f"{folder}/report", verb, f"{folder}/f", LOOPBACK, "9"]), 0)
    with open(f"{folder}/report", encoding="ascii") as report:
        text = report.read()
    if text.startswith("absent"):
        raise Absent(text)


@behaviour("io_uring", "`open`, `connect`, datagram", every(opened("f"), to("connect"), to("send")))
def _(folder):
    by_uring("uring", folder)


@behaviour("io_uring", "the same by a polling thread", every(opened("f"), to("connect"), to("send")))
def _(folder):
    by_uring("uring-polled", folder)


@behaviour("io_uring", "a polling thread is asked for", has("io-uring", uring=2))
def _(folder):
    by_uring("uring-polled", folder)


# In the server itself, by an earlier request ---------------------------------------------------

def keep_file(folder):
    global kept
    kept = open(f"{folder}/f", "w+b")
    kept.truncate(4096)


def keep_link(folder):
    global kept, listening
    listening = socket.create_server((LOOPBACK, 0))
    kept = socket.create_connection(listening.getsockname())


BEFORE = {"keep_file": keep_file, "keep_link": keep_link}
