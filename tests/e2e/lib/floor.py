# SPDX-License-Identifier: BSD-2-Clause
"""Drives the built commands from outside: sessions, the log, and what a machine must look like
afterwards.

    with Place() as place:                      # a state and a run directory of its own
        with Session(puppet(), place) as s:
            s.call("touch /tmp/x")
        record = place.record(req_id=1)
"""
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import zlib

MCPFLOOR = os.environ.get("MCPFLOOR", "build/mcpfloor")
MCPFLOORD = os.environ.get("MCPFLOORD", "build/mcpfloord")
BUILD = os.environ.get("MCPFLOOR_BUILD", "build")
FULL = bool(os.environ.get("FULL"))
PATIENCE = 4 if os.environ.get("MCPFLOOR_VM") else 1  # a guest emulates
LOG_NAMES = {1: "segment", 2: "session-start", 3: "session-end", 4: "request", 5: "late",
             6: "background", 7: "gap", 9: "policy"}
LOG_HEAD = struct.Struct("<IIHHIQQ")
LOG_MAGIC = 0x314C464D


def puppet(*options):
    return [f"{BUILD}/tests/e2e/servers/puppet", *options]


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def request_line(do, req_id=1, tool="do", **more):
    """One tools/call in the key order that the puppet expects; req_id None: without an id."""
    message = {"jsonrpc": "2.0"}
    if req_id is not None:
        message["id"] = req_id
    message.update(method="tools/call", params={"name": tool, "arguments": {"do": do, **more}})
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class LogDamage(AssertionError):
    pass


def read_segment(path, tolerant=False):
    """Every entry of one segment as (type, payload dict); checks sequence and crc. Tolerant: as far
    as it can be read, without the sequence (others may have emptied the file under its writer)."""
    entries = []
    try:
        for kind, seq, payload in frames_of(path):
            if seq != len(entries) and not tolerant:
                raise LogDamage(f"{path}: sequence {seq} in place of {len(entries)}")
            entries.append((LOG_NAMES.get(kind, kind), json.loads(payload)))
    except LogDamage:
        if not tolerant:
            raise
    return entries


def frames_of(path):
    data = pathlib.Path(path).read_bytes()
    at = 0
    while at < len(data):
        if len(data) - at < LOG_HEAD.size:
            raise LogDamage(f"{path}: torn head at {at}")
        magic, length, kind, _, crc, seq, _ = LOG_HEAD.unpack_from(data, at)
        if magic != LOG_MAGIC:
            raise LogDamage(f"{path}: no frame at {at}")
        end = at + LOG_HEAD.size + length
        if end > len(data):
            raise LogDamage(f"{path}: torn payload at {at}")
        if zlib.crc32(data[at + 16:end]) != crc:
            raise LogDamage(f"{path}: wrong crc at {at}")
        yield kind, seq, data[at + LOG_HEAD.size:end]
        at = end


class Place:
    """A state directory and a run directory."""

    def __init__(self, parent=None):
        self.root = tempfile.mkdtemp(dir=parent or os.environ.get("MCPFLOOR_TMP"))
        os.chmod(self.root, 0o755)
        self.state = f"{self.root}/state"
        self.run = f"{self.root}/run"
        self.files = f"{self.root}/files"
        os.mkdir(self.files)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, name, text=None):
        path = f"{self.files}/{name}"
        if text is not None:
            pathlib.Path(path).write_text(text)
        return path

    def segments(self):
        return sorted(pathlib.Path(self.state).glob("log/*.mfl"))

    def entries(self, kind=None, tolerant=False):
        """The log's entries as dicts, read without mcpfloor's help."""
        found = []
        for segment in self.segments():
            for attempt in range(20):  # a writer may be in the middle of an entry
                try:
                    found += read_segment(segment, tolerant)
                    break
                except LogDamage:
                    if attempt == 19:
                        raise
                    time.sleep(0.05)
        return [entry for name, entry in found if kind in (None, name)] if kind else found

    def records(self):
        return self.entries("request")

    def record(self, req_id=None, seconds=10, tolerant=False, **fields):
        """Waits for the record with these fields."""
        if req_id is not None:
            fields["req_id"] = req_id
        end = time.monotonic() + seconds * PATIENCE
        while True:
            for record in self.entries("request", tolerant):
                if all(record.get(key) == value for key, value in fields.items()):
                    return record
            if time.monotonic() > end:
                raise AssertionError(f"no record with {fields} after {seconds * PATIENCE} s; there are "
                                     f"{[r.get('req_id') for r in self.records()]}")
            time.sleep(0.02)

    def cli(self, *args, check=True, **more):
        where = {"ps": ["--run-dir", self.run], "stats": ["--run-dir", self.run], "doctor": []}.get(
            args[0], ["--state", self.state, "--run-dir", self.run])
        done = subprocess.run([MCPFLOOR, args[0], *where, *args[1:]], capture_output=True, timeout=60 * PATIENCE, **more)
        if check and done.returncode:
            raise AssertionError(f"mcpfloor {args}: exit {done.returncode}, {done.stderr.decode()}")
        return done

    def show(self, *args):
        return json.loads(self.cli("show", "--json", *args).stdout)

    def json_lines(self, *args):
        return [json.loads(line) for line in self.cli(*args, "--json").stdout.splitlines()]


class Session:
    """`mcpfloor run … -- server` (or the server alone with direct=True) on pipes."""

    def __init__(self, argv, place=None, *options, direct=False, stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, command=None, **popen):
        self.place = place
        self.command = list(argv) if direct else command or [
            MCPFLOOR, "run", "--state", place.state, "--run-dir", place.run, *options, "--", *argv]
        self.process = subprocess.Popen(self.command, stdin=stdin, stdout=stdout, stderr=stderr,
                                        bufsize=0, **popen)
        self.buffer = b""
        self.lines = []
        self.errors = b""
        self.eof = False
        self.next_id = 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.close()
            except AssertionError:
                self.process.kill()
                self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    @property
    def pid(self):
        return self.process.pid

    def send(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view):]

    def line(self, seconds=20):
        """The next line of the server, without the newline; AssertionError at EOF or time-out."""
        end = time.monotonic() + seconds * PATIENCE
        parts, data = [], self.buffer  # joined once: a line of 64 MiB comes in thousands of reads
        while b"\n" not in data:
            parts.append(data)
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            data = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not data:
                self.buffer = b"".join(parts)
                have = f"have {len(self.buffer)} bytes, {self.buffer[:200]!r}"
                if not ready:
                    raise AssertionError(f"no line within {seconds * PATIENCE} s, {have}")
                raise AssertionError(f"EOF in place of a line, {have}; stderr: {self.stderr()[-2000:]!r}")
        last, _, self.buffer = data.partition(b"\n")
        return b"".join([*parts, last])

    def rest(self, seconds=20):
        """Everything until EOF."""
        end = time.monotonic() + seconds * PATIENCE
        data = [self.buffer]
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no EOF within {seconds * PATIENCE} s, have {b''.join(data)[-200:]!r}")
            more = os.read(self.process.stdout.fileno(), 1 << 20)
            if not more:
                self.buffer = b""
                return b"".join(data)
            data.append(more)

    def stderr(self):
        """What is there now (all of it, once the session has ended)."""
        stream = self.process.stderr
        while stream and select.select([stream], [], [], 0)[0]:
            data = os.read(stream.fileno(), 1 << 20)
            if not data:
                break
            self.errors += data
        return self.errors

    def begin(self, do, req_id=None, **more):
        if req_id is None:
            req_id, self.next_id = self.next_id, self.next_id + 1
        self.send(request_line(do, req_id, **more))
        return req_id

    def reply(self, req_id, seconds=20):
        """Reads until the answer to req_id, keeps the others."""
        for index, message in enumerate(self.lines):
            if message.get("id") == req_id:
                return self.lines.pop(index)
        end = time.monotonic() + seconds * PATIENCE
        while True:
            message = json.loads(self.line(max(0.01, end - time.monotonic())))
            if message.get("id") == req_id:
                return message
            self.lines.append(message)

    def call(self, do, req_id=None, seconds=20, **more):
        return self.reply(self.begin(do, req_id, **more), seconds)

    def close(self, seconds=20):
        """EOF for the server; the exit status of the session."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        return self.wait(seconds)

    def wait(self, seconds=20):
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} did not end within {seconds * PATIENCE} s") from None


class Daemon:
    """mcpfloord in the foreground."""

    def __init__(self, place, *options):
        self.place = place
        self.process = subprocess.Popen([MCPFLOORD, "--state", place.state, "--run-dir", place.run, *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(self.answers, 10, "the daemon's socket")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"mcpfloord ended: {self.process.stderr.read().decode()}")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
                probe.connect(f"{self.place.run}/control.sock")
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.status = self.process.wait(15 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("mcpfloord did not end at SIGTERM") from None
        finally:
            self.process.stdout.close()
            self.process.stderr.close()


def wait_until(predicate, seconds=10, what="the condition"):
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * PATIENCE} s in vain for {what}")
        time.sleep(0.02)


def events(record, kind=None, **fields):
    return [e for e in record.get("events", [])
            if kind in (None, e["kind"]) and all(e.get(k) == v for k, v in fields.items())]


# What is there ---------------------------------------------------------------------------------

def processes_of_test():
    """pid → command line of what carries this test program's id, besides this program itself."""
    mark = os.environ.get("MCPFLOOR_TEST_ID")
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environ = pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
            command = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
            state = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark and f"MCPFLOOR_TEST_ID={mark}".encode() in environ and state != "Z":
            found[int(entry)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def cgroup_mounts():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            yield fields[1]


def session_cgroups():
    found = set()
    for mount in cgroup_mounts():
        for folder, names, _ in os.walk(mount):
            found.update(f"{folder}/{name}" for name in names if name.startswith("mcpfloor-"))
    return found


def bpf_objects():
    """Ids of maps, programs and links: {("map", 3), …}."""
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    found = set()
    for kind in ("prog", "map", "link"):
        for _ in range(10):  # it gives up when an object goes away while it lists them
            done = subprocess.run([tool, "-j", kind, "list"], capture_output=True)
            if done.returncode == 0:
                break
        else:
            raise AssertionError(f"bpftool {kind} list: {done.stderr.decode()}")
        found.update((kind, row["id"]) for row in json.loads(done.stdout or b"[]"))
    return found


def others_use_bpf():
    """Whether a process that is not of this test holds BPF objects: what nobody holds may be its."""
    ours = set(processes_of_test()) | {os.getpid()}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in ours:
            continue
        try:
            for fd in os.listdir(f"/proc/{entry}/fd"):
                if os.readlink(f"/proc/{entry}/fd/{fd}").startswith(("anon_inode:bpf", "anon_inode:[bpf")):
                    return True
        except OSError:
            continue
    return False


class Floor:
    """What is on the machine before, so that what a test leaves can be named afterwards."""

    def __init__(self):
        self.processes = set(processes_of_test())
        self.cgroups = session_cgroups()
        self.bpf = bpf_objects()

    def leftovers(self):
        left = [f"process {pid}: {command}" for pid, command in processes_of_test().items()
                if pid not in self.processes]
        left += [f"cgroup {path}" for path in session_cgroups() - self.cgroups if mine(path)]
        objects = bpf_objects() - self.bpf
        if objects and not others_use_bpf():
            left += [f"bpf {kind} {number}" for kind, number in sorted(objects)]
        return left

    def check(self, seconds=10):
        end = time.monotonic() + seconds * PATIENCE
        while True:
            left = self.leftovers()
            if not left:
                return
            if time.monotonic() > end:
                raise AssertionError("left behind: " + "; ".join(left[:20]))
            time.sleep(0.1)


def sweep(place):
    """A killed guard cannot remove its sessions' cgroups: the next one does, soon after its start."""
    with Session(puppet(), place) as session:
        session.call("sleep 300", "sweep")
        session.close()


def mine(cgroup):
    """Whether a session's cgroup may be this test's: no process of another test is in it."""
    try:
        pids = [int(p) for p in pathlib.Path(cgroup, "cgroup.procs").read_text().split()]
    except OSError:
        return False
    ours = processes_of_test()
    return not pids or any(pid in ours for pid in pids)


def kill_quietly(pid, signo=signal.SIGKILL):
    try:
        os.kill(pid, signo)
    except ProcessLookupError:
        pass


def children_of(pid):
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return [int(child) for thread in threads for child in
                pathlib.Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
    except OSError:
        return []
