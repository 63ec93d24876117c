# SPDX-License-Identifier: BSD-2-Clause
"""A session under a tight policy in enforce mode, somebody in it who tries what the policy does not allow, and somebody
outside whom nothing of it must reach."""
import ctypes
import json
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import tempfile

import floor

SRC = os.path.realpath(os.environ.get("MCPFLOOR_SRC", "."))
SERVER = f"{SRC}/tests/e2e/servers/asker.py"
BREACH = f"{floor.BUILD}/tests/e2e/servers/breach"
PYTHON = "/usr/bin/python3"
WANTED = os.environ.get("MCPFLOOR_TEST_ENGINE")
LIBC = ctypes.CDLL(None)
NOBODY = 65534
ROUNDS = 300 if os.environ.get("MCPFLOOR_VM") else 2000
OK_IP, IP = "127.0.0.9", "127.0.0.8"
POLICY = """version 1
default deny
base
  include runtime/python
  read    {server}
  exec    {breach}
tool do
  read    {files}/seen
  read    {breach}
  write   {files}/out
  deny    {files}/out/secret
  connect {ok_ip}:{ok_port}
{more}"""
os.environ["MCPFLOOR_POLICY_PATH"] = f"{SRC}/policies"


class Listener:
    """Streams and datagrams at one address; what came, of both."""

    def __init__(self, ip):
        self.stream = socket.create_server((ip, 0))
        self.port = self.stream.getsockname()[1]
        self.datagram = socket.socket(type=socket.SOCK_DGRAM)
        self.datagram.bind((ip, self.port))

    def came(self):
        found = []
        while select.select([self.stream], [], [], 0)[0]:
            connection, _ = self.stream.accept()
            connection.close()
            found.append("connection")
        while select.select([self.datagram], [], [], 0)[0]:
            found.append(self.datagram.recv(100))
        return found

    def close(self):
        self.stream.close()
        self.datagram.close()


class Outsider:
    """A process outside of the session."""

    def __enter__(self):
        self.process = subprocess.Popen(["sleep", "1000"])
        return self.process

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Brokers:
    """Local sockets of somebody outside, by path, by name, and by the empty name."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(dir=os.environ.get("MCPFLOOR_TMP"))
        self.stream, self.datagram = f"{self.directory}/stream", f"{self.directory}/datagram"
        self.abstract = f"mcpfloor-broker-{os.getpid()}"
        self.sockets = [socket.socket(socket.AF_UNIX, kind) for kind in
                        (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)]
        for sock, name in zip(self.sockets, (self.stream, self.datagram, f"\0{self.abstract}")):
            sock.bind(name)
        LIBC.bind(self.sockets[3].fileno(), struct.pack("Hx", socket.AF_UNIX), 3)
        for sock in (self.sockets[0], *self.sockets[2:]):
            sock.listen(10)
        return self

    def __exit__(self, *_):
        for sock in self.sockets:
            sock.close()
        shutil.rmtree(self.directory)


class Wire:
    """Where packets on the loopback go to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.bind(("lo", 0x0800))

    def goals(self):
        found = set()
        while select.select([self.socket], [], [], 0)[0]:
            found.add(socket.inet_ntoa(self.socket.recv(65536)[16:20]))
        return found


def cgroup_of_others():
    """One that the session is not in: where this test is."""
    return next(iter(floor.cgroup_mounts()), "/nowhere")


class Breach:
    """The files: seen (may be read), kept and dir (no line), out (may be written), out/mine, out/secret (denied)."""

    def __init__(self, more=""):
        self.more = more

    def __enter__(self):
        self.place = floor.Place()
        self.ok, self.forbidden = Listener(OK_IP), Listener(IP)
        for name in ("seen", "kept"):
            self.place.path(name, name)
            os.setxattr(self.path(name), "trusted.there", b"x")
        for name in ("out", "dir"):
            os.mkdir(self.path(name))
        for name in ("mine", "secret"):
            self.place.path(f"out/{name}", name)
        self.place.path("dir/file", "file")
        self.before = self.state()
        self.mount = tempfile.mkdtemp(dir=os.environ.get("MCPFLOOR_TMP"))
        subprocess.run(["mount", "-t", "tmpfs", "none", self.mount], check=True)
        self.wire = Wire()
        text = POLICY.format(server=SERVER, files=self.place.files, breach=BREACH, ok_ip=OK_IP, ok_port=self.ok.port,
                             more=self.more)
        engine = ["--engine", WANTED] if WANTED else []
        self.policy = f"{self.place.root}/the.policy"
        pathlib.Path(self.policy).write_text(text, encoding="utf-8")
        self.options = [*engine, "--policy", self.policy, "--mode", "enforce", "--engine-floor", "partial"]
        self._session = None
        return self

    @property
    def session(self):
        if not self._session:
            self._session = floor.Session([PYTHON, SERVER], self.place, *self.options)
        return self._session

    def __exit__(self, *_):
        if self._session:
            self._session.__exit__()
        self.ok.close()
        self.forbidden.close()
        self.wire.socket.close()
        subprocess.run(["umount", self.mount], check=False)
        os.rmdir(self.mount)
        self.place.__exit__()

    def allow(self, text):
        """More lines of tool do; before the session begins."""
        with open(self.policy, "a", encoding="utf-8") as file:
            file.write(text)

    def path(self, name):
        return self.place.path(name)

    def state(self):
        """Of what must stay as it is: contents, modes, times, attributes; the names in dir and beside it."""
        found = {}
        for name in ("seen", "kept", "dir", "dir/file", "out/secret"):
            path = self.path(name)
            if not os.path.lexists(path):
                found[name] = None
                continue
            about = os.lstat(path)
            text = pathlib.Path(path).read_text(encoding="utf-8") if os.path.isfile(path) else sorted(os.listdir(path))
            found[name] = (text, about.st_mode, about.st_uid, about.st_ino, about.st_nlink, about.st_mtime_ns, os.listxattr(path))
        found["."] = sorted(os.listdir(self.place.files))
        return found

    def changed(self):
        """What is not as it was, since this was last asked."""
        now = self.state()
        found = {name: (self.before[name], now[name]) for name in now if now[name] != self.before[name]}
        self.before = now
        return found

    def came(self):
        """What came to anybody outside since this was last asked, and what was sent to whom nobody may reach."""
        found = [f"to the forbidden: {what}" for what in self.forbidden.came()]
        found += [f"to the allowed: {what.decode()}" for what in self.ok.came() if isinstance(what, bytes)]
        return found + ["a packet for the forbidden"] * (IP in self.wire.goals())

    def said(self, acts, req_id, **more):
        reply = self.session.call(acts, req_id, 60, **more)
        return json.loads(reply["result"]["content"][0]["text"])

    def tries(self, *words, req_id=2, program=BREACH):
        """What became of each try of a verb of servers/breach.c: its name → "ok", an error's name, or a number."""
        said, = self.said([["run", program, *map(str, words)]], req_id)
        assert said.startswith("ok"), said
        return dict(line.split(" ", 1) for line in said[3:].splitlines())

    def end(self):
        assert self.session.close() == 0, self.session.stderr()
