#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An MCP server that does what its calls ask for, a list of lists of words, and replies what became of each: "ok …", or the
name of the error. `own` does it in a thread that is there from the beginning, `child` in a new process."""
import ctypes
import errno
import json
import mmap
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return str(result)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(40)


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("written")
    return ""


def connect(host, port):
    with socket.socket() as sock:
        sock.settimeout(5)
        sock.connect((host, int(port)))
    return ""


def send(host, port):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, int(port)))
    return ""


def listen(host, port):
    with socket.socket() as sock:
        if host != "unbound":
            sock.bind((host, int(port)))
        sock.listen(1)
    return ""


def unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + path[1:] if path.startswith("@") else path)
    return ""


dialled = []


def dial(host, port):
    """Two connections that stay: a stream, and datagrams, connected once and twice."""
    for kind, times in ((socket.SOCK_STREAM, 1), (socket.SOCK_DGRAM, 1), (socket.SOCK_DGRAM, 2)):
        dialled.append(socket.socket(type=kind))
        for _ in range(times):
            dialled[-1].connect((host, int(port)))
    return ""


def talk():
    said = []
    for sock in dialled:
        try:
            sock.send(b"x")
            said.append("ok")
        except OSError as error:
            said.append(errno.errorcode[error.errno])
    return " ".join(said)


def child(*words):
    parent, own = socket.socketpair()
    pid = os.fork()
    if not pid:
        own.send(do(words).encode())
        os._exit(0)
    own.close()
    said = parent.recv(4096).decode()
    os.waitpid(pid, 0)
    return said


def status():
    with open("/proc/self/status", encoding="utf-8") as file:
        return file.read()


def output(argv):
    """The end of what a program says, and its status."""
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150)
    return f"{done.returncode} {done.stdout[-800:]}"


def memfd():
    fd = os.memfd_create("program")
    with open("/usr/bin/true", "rb") as file:
        os.write(fd, file.read())
    return str(subprocess.run([f"/proc/self/fd/{fd}"], pass_fds=[fd], check=False).returncode)


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def call32(number, *arguments):
    """A system call by the 32-bit gate of x86_64; numbers are those of i386."""
    registers = dict(zip((0xbb, 0xb9, 0xba), [int(word, 0) for word in arguments] + [0, 0, 0]))
    code = b"\x53\xb8" + struct.pack("<I", int(number, 0))
    code += b"".join(bytes([register]) + struct.pack("<I", value) for register, value in registers.items())
    code += b"\xcd\x80\x5b\xc3"
    room = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    room.write(code)
    result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(room)))()
    if -4096 < result < 0:
        raise OSError(-result, "")
    return str(result)


def inside():
    """Traces, reads and signals a child."""
    with subprocess.Popen(["/usr/bin/sleep", "100"]) as process:
        checked(LIBC.ptrace(16, process.pid, None, None))
        os.waitpid(process.pid, 0)
        read(f"/proc/{process.pid}/environ")
        process.kill()
    return ""


def loop(until, number, allowed, forbidden):
    """In so many processes, until a file is there: rounds in all, allowed reads that failed, forbidden ones that did not."""
    parent, own_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for _ in range(int(number)):
        if os.fork():
            continue
        rounds = failed = passed = 0
        while not os.path.exists(until):
            rounds += 1
            failed += do(["read", allowed]).startswith("E")
            passed += do(["read", forbidden]) != "EPERM"
        own_end.send(f"{rounds} {failed} {passed}".encode())
        os._exit(0)
    said = [[int(word) for word in parent.recv(100).split()] for _ in range(int(number))]
    for _ in said:
        os.wait()
    return " ".join(str(sum(column)) for column in zip(*said))


ACTS = {
    "await": wait_for,
    "loop": loop,
    "read": read,
    "write": write,
    "list": lambda path: " ".join(os.listdir(path)),
    "unlink": os.unlink,
    "rmdir": os.rmdir,
    "mkdir": os.mkdir,
    "rename": os.rename,
    "link": os.link,
    "symlink": os.symlink,
    "chmod": lambda path: os.chmod(path, 0o600),
    "truncate": lambda path: os.truncate(path, 0),
    "xattr": lambda path: os.setxattr(path, "user.x", b"x"),
    "exec": lambda *argv: str(subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode),
    "status": status,
    "out": lambda *argv: output(argv),
    "run": lambda *argv: subprocess.run(argv, check=False, capture_output=True, text=True).stdout,
    "memfd": memfd,
    "call": lambda *words: checked(LIBC.syscall(*[ctypes.c_long(int(word, 0)) for word in words])),
    "call32": call32,
    "fork": lambda: checked(os.waitpid(os.posix_spawn("/usr/bin/true", ["true"], {}), 0)[1]),
    "bind": lambda path: socket.socket(socket.AF_UNIX).bind(path),
    "socket": lambda *words: socket.socket(*[int(word) for word in words]).close(),
    "inside": inside,
    "mkfifo": os.mkfifo,
    "utime": os.utime,
    "chown": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "connect": connect,
    "send": send,
    "listen": listen,
    "unix": unix,
    "dial": dial,
    "talk": talk,
    "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
    "mount": lambda path: checked(LIBC.mount(b"none", path.encode(), b"tmpfs", 0, None)),
    "chroot": os.chroot,
    "kill": lambda pid: os.kill(int(pid), signal.SIGCONT),
    "ptrace": lambda pid: checked(LIBC.ptrace(16, int(pid), None, None)),
    "sleep": lambda ms: time.sleep(int(ms) / 1000),
    "child": child,
}


def do(words):
    try:
        result = ACTS[words[0]](*words[1:])
        return result if words[0] in ("child", "own") else f"ok {result or ''}".rstrip()
    except OSError as error:
        return errno.errorcode.get(error.errno, "ETIMEDOUT")


asked, answered = queue.Queue(), queue.Queue()


def own_thread():
    while True:
        answered.put(do(asked.get()))


def own(*words):
    asked.put(words)
    return answered.get()


ACTS["own"] = own


def result_of(message):
    if message["method"] == "initialize":
        return {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "asker", "version": "1"}}
    if message["method"] == "tools/list":
        return {"tools": [{"name": "do", "inputSchema": {"type": "object"}}]}
    said = [do(words) for words in message["params"]["arguments"]["do"]]
    return {"content": [{"type": "text", "text": json.dumps(said)}]}


def answer(message):
    line = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result_of(message)}) + "\n"
    os.write(1, line.encode())


threading.Thread(target=own_thread, daemon=True).start()
for text in sys.stdin:
    request = json.loads(text)
    if "id" in request and request["method"] == "tools/call":
        threading.Thread(target=answer, args=(request,), daemon=True).start()
    elif "id" in request:
        answer(request)
