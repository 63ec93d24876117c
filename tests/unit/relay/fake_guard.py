# SPDX-License-Identifier: BSD-2-Clause
"""A guard that loads no kernel hooks: it speaks abi/control.h, hands out a page (a memfd) and a
journal, and keeps what the relay tells it."""

import array
import mmap
import os
import select
import signal
import socket
import struct
import threading

OPEN, END, SIGNAL, JOURNAL, PREPARE = 2, 3, 6, 7, 9
TRACE, LSM = 1, 2
HEAD = struct.Struct("=IIiI")
ENTRY = struct.Struct("=HHIQQQ")
BEGIN = struct.Struct("=32sQIHHIIII")
BODY_END = struct.Struct("=32sQIHHII")
PAGE_SIZE = 65536
CALL = struct.Struct("=Q4I")  # struct mf_page_call
CALLS_MAX = 480
TOOL = struct.Struct("=32s4BI")
SERVER = struct.Struct("=4H")
COUNTERS = struct.Struct("=11Q")
COUNTER_NAMES = ("lines_in lines_out bytes_in bytes_out not_protocol_in not_protocol_out overlong_in "
                 "overlong_out unmatched journal_lost messages_dropped").split()
EXIT = struct.Struct("=4I")
KINDS = {1: "begin", 2: "end", 3: "cancel", 4: "identify", 5: "tool", 6: "server", 7: "counters",
         8: "exit", 9: "resume"}
METHODS = {1: "tools/call", 2: "resources/read", 3: "prompts/get", 4: "unreadable", 5: "overlong"}
ENDS = {1: "response", 2: "cancelled", 3: "timeout", 4: "server-exit", 5: "task"}
OUTCOMES = {0: "none", 1: "result", 2: "tool-error", 3: "rpc-error", 4: "unreadable"}
FLAGS = ("id_missing id_null id_shared dup_keys bad_utf8 args_cut args_unread text_cut batch digest_only task "
         "not_request").split()


def flag_names(flags):
    return {name for i, name in enumerate(FLAGS) if flags & 1 << i}


def split(data, *lengths):
    parts, at = [], 0
    for length in lengths:
        parts.append(data[at:at + length])
        at += length
    assert at <= len(data) < at + 8
    return parts


def decode(entry):
    kind, version, size, t_ns, ordinal, stamp = ENTRY.unpack_from(entry)
    body = entry[ENTRY.size:]
    out = {"kind": KINDS[kind], "t_ns": t_ns, "ordinal": ordinal, "epoch": stamp >> 16,
           "count": stamp & 0xffff}
    assert version == 1
    if out["kind"] in ("begin", "identify", "resume"):
        sha, total, flags, method, id_len, tool, args, trace, name = BEGIN.unpack_from(body)
        parts = split(body[BEGIN.size:], id_len, tool, args, trace, name)
        out.update(zip(("id", "tool", "args", "trace", "method_text"), parts))
        out.update(sha256=sha.hex(), total=total, flags=flag_names(flags), method=METHODS[method])
    elif out["kind"] == "end":
        sha, total, flags, end, outcome, text, _ = BODY_END.unpack_from(body)
        out.update(sha256=sha.hex(), total=total, flags=flag_names(flags), end=ENDS[end],
                   outcome=OUTCOMES[outcome], text=split(body[BODY_END.size:], text)[0])
    elif out["kind"] == "tool":
        sha, read_only, destructive, idempotent, open_world, name = TOOL.unpack_from(body)
        out.update(sha256=sha.hex(), hints=(read_only, destructive, idempotent, open_world),
                   name=split(body[TOOL.size:], name)[0])
    elif out["kind"] == "server":
        name, version, protocol, _ = SERVER.unpack_from(body)
        out.update(zip(("name", "version", "protocol"),
                       split(body[SERVER.size:], name, version, protocol)))
    elif out["kind"] == "counters":
        out.update(zip(COUNTER_NAMES, COUNTERS.unpack_from(body)))
    elif out["kind"] == "exit":
        out.update(zip(("status", "leftovers", "exit_flags"), EXIT.unpack_from(body)))
    return out


def decode_packet(packet):
    entries = []
    assert len(packet) <= 65536
    while packet:
        size = ENTRY.unpack_from(packet)[2]
        assert size % 8 == 0 and ENTRY.size <= size <= len(packet)
        entries.append(decode(packet[:size]))
        packet = packet[size:]
    return entries


class Guard:
    """Serves sessions one after the other on DIR/control.sock."""

    def __init__(self, run_dir, leftovers=(), deaf=False, refuse=None, engine=TRACE):
        self.engine = engine
        self.run_dir, self.leftovers, self.deaf, self.refuse = run_dir, leftovers, deaf, refuse
        self.entries, self.packets, self.opened, self.signals = [], 0, None, []
        self.page = None
        self.renew, self.drop, self.renewed = False, (), threading.Event()
        self.root = -1  # pidfd of the session's root process
        self.lock = threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.path.join(run_dir, "control.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen()
        self.stopping = os.pipe()
        self.conn = self.journal = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        os.write(self.stopping[1], b"q")
        self.thread.join()
        for sock in (self.listener, self.conn, self.journal):
            if sock:
                sock.close()
        self._kill_root()
        if self.root >= 0:
            os.close(self.root)
        os.close(self.stopping[0])
        os.close(self.stopping[1])
        os.unlink(os.path.join(self.run_dir, "control.sock"))

    def _serve(self):
        while True:
            watched = [self.listener, self.stopping[0]]
            if self.conn:
                watched.append(self.conn)
            if self.journal and not self.deaf:
                watched.append(self.journal)
            ready = select.select(watched, [], [])[0]
            if self.stopping[0] in ready:
                if os.read(self.stopping[0], 1) == b"q":
                    return
                self._renew()
                continue
            if self.journal in ready:
                self._journal()
            if self.listener in ready:
                self.conn = self.listener.accept()[0]
            elif self.conn in ready:
                self._request()

    def _kill_root(self):
        try:
            if self.root >= 0:
                signal.pidfd_send_signal(self.root, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _journal(self):
        packet = self.journal.recv(65537)
        with self.lock:
            if packet:
                self.packets += 1
                self.entries += decode_packet(packet)
            else:
                self.journal.close()
                self.journal = None
            self.lock.notify_all()

    def _request(self):
        packet, fds, _, _ = socket.recv_fds(self.conn, 4096, 4)
        if not packet:
            self.conn.close()
            self.conn = None
            return
        version, kind, _, _ = HEAD.unpack_from(packet)
        assert version == 1
        if kind == PREPARE:
            self.conn.send(HEAD.pack(1, PREPARE, 0, 0) + struct.pack("=4I32s", 0, 0, self.engine, 0, b"0"))
        elif kind == OPEN:
            self._open(packet, fds)
        elif kind == SIGNAL:
            self.signals.append(struct.unpack_from("=I", packet, HEAD.size)[0])
            self.conn.send(HEAD.pack(1, SIGNAL, 0, 0))
        elif kind == END:
            self._end()

    def _open(self, packet, fds):
        name, tenant, flags, pid = struct.unpack_from("=64s64sII", packet, HEAD.size)
        self.opened = {"name": name.rstrip(b"\0"), "tenant": tenant.rstrip(b"\0"), "flags": flags,
                       "pid": pid}
        if self.root >= 0:
            os.close(self.root)
        (self.root,) = fds
        if self.refuse:
            self.conn.send(HEAD.pack(1, OPEN, *self.refuse) + bytes(32))
            return
        memfd = os.memfd_create("page")
        os.ftruncate(memfd, PAGE_SIZE)
        self.page = mmap.mmap(memfd, PAGE_SIZE)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.journal = ours
        socket.send_fds(self.conn, [HEAD.pack(1, OPEN, 0, 0) + struct.pack("=QIIIIII", 7, 1, 63, 0, 1, 0, 0)],
                        [memfd, theirs.fileno()])
        os.close(memfd)
        theirs.close()

    def _end(self):
        named = b"".join(struct.pack("=IIQ16s224s", pid, 0, birth, b"comm", exe)
                         for pid, birth, exe in self.leftovers)
        for pid, _, _ in self.leftovers:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        reply = HEAD.pack(1, END, 0, 0) + struct.pack("=II", len(self.leftovers), 0)
        self.conn.send(reply + named.ljust(16 * 256, b"\0"))

    def _renew(self):
        """In the serving thread: something about the journal changed."""
        if self.renew:
            self.renew = False
            self.journal.close()
            self.journal, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            socket.send_fds(self.conn, [HEAD.pack(1, JOURNAL, 0, 0)], [theirs.fileno()])
            theirs.close()
            self.renewed.set()
        for name in ("journal", "conn"):
            if name in self.drop and getattr(self, name):
                getattr(self, name).close()
                setattr(self, name, None)
        self.drop = ()

    def new_recorder(self):
        """The recorder dies; another one takes over."""
        self.renew = True
        os.write(self.stopping[1], b"w")

    def lose(self, name):
        """The "journal" or the "conn" is closed from this side."""
        self.drop = (name,)
        os.write(self.stopping[1], b"w")

    def listen_again(self):
        self.deaf = False
        os.write(self.stopping[1], b"w")

    def of(self, kind):
        with self.lock:
            return [entry for entry in self.entries if entry["kind"] == kind]

    def wait(self, kind, count=1, seconds=20):
        """Waits for so many entries of a kind."""
        with self.lock:
            ok = self.lock.wait_for(
                lambda: sum(entry["kind"] == kind for entry in self.entries) >= count, seconds)
            assert ok, f"{count} × {kind} did not come: {[e['kind'] for e in self.entries]}"
        return self.of(kind)

    def stamp(self):
        value = struct.unpack_from("=Q", self.page)[0]
        return value >> 16, value & 0xffff

    def slots(self):
        calls = CALL.iter_unpack(self.page[256:256 + CALLS_MAX * CALL.size])
        return sorted(call[0] for call in calls if call[0])
