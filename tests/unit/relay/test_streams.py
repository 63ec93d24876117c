# SPDX-License-Identifier: BSD-2-Clause
"""Bytes: the same ones on the other side, whatever their size and pace."""

import hashlib
import os
import resource
import socket
import subprocess
import threading
import time

import relayed
import tap
from relayed import ECHO, Relayed, call, python, result

CAT = ["cat"]
MIB = 1 << 20


def echoed(data):
    """What `cat` behind the relay makes of it."""
    got = []
    with Relayed(CAT, grace_ms=5000) as r:
        reader = threading.Thread(target=lambda: got.append(r.rest()))
        reader.start()
        r.send(data)
        r.process.stdin.close()
        reader.join()
        assert r.process.wait(timeout=30) == 0
        r.guard.wait("exit")
        return got[0], r.guard.of("counters")[-1], r.guard.entries


@tap.test("F10 what is no protocol passes unchanged, is counted, and costs no request")
def _():
    noise = "╔═ banner ═╗\n{ no json\n\n\r\n\ufeff{}\n".encode() + b"\xff\xfe\n" + b'{"a":1}\n'
    with Relayed(python(f"import sys; sys.stdout.buffer.write({noise!r}); sys.stdout.flush()\n" + ECHO)) as r:
        assert b"".join(r.line() for _ in range(7)) == noise
        r.send(call(b"1"))
        assert b'"id": 1' in r.line()
        assert r.guard.wait("end")[0]["end"] == "response"
        r.finish()
        r.guard.wait("exit")
        assert r.guard.of("counters")[-1]["not_protocol_out"] == 7


@tap.test("bytes of a client that are no JSON pass unchanged")
def _():
    data = bytes(range(256)) * 64 + b"\n" + b"\0" * 70000 + b"\n[1,{}]\n\r\n" + b"tail without newline"
    got, counters, entries = echoed(data)
    assert got == data
    assert counters["bytes_in"] == counters["bytes_out"] == len(data)
    # a line that cannot be read may be a request to a server that reads it
    assert [e["method"] for e in entries if e["kind"] == "begin"] == ["unreadable"] * 67


@tap.test("F02 one byte per write gives the same bytes and the same digest as one write")
def _():
    line = call(b"1", arguments={"path": "/srv/\U0001f600/ü"}).replace(b"\\ud83d\\ude00", "\U0001f600".encode())
    digests = []
    for pause in (0, 0.001):
        with Relayed(python(ECHO)) as r:
            for at in range(0, len(line), 1 if pause else len(line)):
                r.send(line[at:at + (1 if pause else len(line))])
                time.sleep(pause)
            r.line()
            begin = r.guard.wait("begin")[0]
            assert hashlib.sha256(begin["args"]).hexdigest() == begin["sha256"]
            digests.append((begin["sha256"], begin["args"]))
    assert digests[0] == digests[1] and "\U0001f600".encode() in digests[0][1]


@tap.test("F01 only 0A ends a line; raw controls in strings are read")
def _():
    text = "a\u2028b\u2029c\u0085d"
    reply = b'{"id":1,"result":{"content":[{"type":"text","text":"x\x0by\x0cz"}]}}\n'
    server = python(f"import sys; sys.stdin.buffer.readline(); sys.stdout.buffer.write({reply!r}); sys.stdout.flush()")
    line = call(b"1", arguments={"t": "@"}).replace(b"@", text.encode())
    with Relayed(server) as r:
        r.send(line)
        assert r.line() == reply
        end = r.guard.wait("end")[0]
        assert (end["end"], end["outcome"], end["text"]) == ("response", "result", b"x\x0by\x0cz")
        assert r.guard.of("begin")[0]["args"] == b'{"t": "' + text.encode() + b'"}'


@tap.test("F03 64 MiB both ways while nobody reads for a while: all arrives, memory is bounded")
def _():
    big = call(b"1", arguments={"t": "x" * (64 * MIB)})
    server = python("""
import sys, time, hashlib
time.sleep(1)
line = sys.stdin.buffer.readline()
out = b'{"result":{"content":[{"type":"text","text":"' + b"y" * (64 << 20) + b'"}]},"id":1}\\n'
sys.stdout.buffer.write(hashlib.sha256(line).hexdigest().encode() + b"\\n" + out)
sys.stdout.flush()
""")
    with Relayed(server) as r:
        r.send(big)
        time.sleep(1)
        rss = int(open(f"/proc/{r.process.pid}/status").read().split("VmHWM:")[1].split()[0])
        assert r.line().strip().decode() == hashlib.sha256(big).hexdigest()
        reply = r.line()
        assert len(reply) == 64 * MIB + len('{"result":{"content":[{"type":"text","text":""}]},"id":1}\n')
        end = r.guard.wait("end")[0]
        assert end["end"] == "response" and end["total"] == len(reply) - 1
        assert end["sha256"] == hashlib.sha256(reply[:-1]).hexdigest() and "text_cut" in end["flags"]
        (begin,), (identify,) = r.guard.of("begin"), r.guard.of("identify")
        assert begin["method"] == "overlong" and begin["ordinal"] == identify["ordinal"]
        assert (identify["id"], identify["tool"]) == (b"1", b"echo")
        assert identify["flags"] >= {"args_unread", "args_cut"} and identify["total"] > 64 * MIB
        tap.diag(f"relay's peak: {rss} KiB")
        # 8 MiB held, twice that in one allocation, and the sanitizer's own share
        assert rss < 120 * 1024, rss


@tap.test("an over-long line that is no request leaves none, and more requests may stand in it")
def _():
    pad = '"' + "p" * (9 * MIB) + '"'
    note = b'{"method":"notifications/x","params":{"p":' + pad.encode() + b"}}\n"
    batch = b"[" + call(b"1")[:-1] + b"," + call(b"2")[:-1] + b"," + pad.encode() + b"]\n"
    got, counters, entries = echoed(note + batch)
    assert got == note + batch
    assert counters["overlong_in"] == 2
    ends = {e["ordinal"]: e for e in entries if e["kind"] == "end"}
    assert "not_request" in ends[1]["flags"]
    assert [(e["kind"], e["id"]) for e in entries if e["kind"] in ("begin", "identify")] == [
        ("begin", b""), ("begin", b""), ("identify", b"1"), ("begin", b"2")]


@tap.test("a reply whose id stands last, behind 8 MB, ends its request")
def _():
    server = python("""
import sys
sys.stdin.buffer.readline()
sys.stdout.buffer.write(b'{"result":{"x":"\\\\"id\\\\":7,","content":[{"type":"text","text":"' + b"z" * 8000000 + b'"}]},"id":3}\\n')
sys.stdout.flush()
""")
    with Relayed(server) as r:
        r.send(call(b"3"))
        assert len(r.line()) > 8000000
        assert r.guard.wait("end")[0]["end"] == "response"


@tap.test("F05 a server that fills a stderr nobody reads is stopped by nothing of ours")
def _():
    server = python('import sys; sys.stderr.write("e" * 30000); sys.stderr.flush()\n' + ECHO)
    with Relayed(server) as r:
        r.send(call(b"1"))
        assert b'"id": 1' in r.line()


@tap.test("F05 with stderr full before the start our own message is dropped and counted")
def _():
    out, full = os.pipe()
    os.set_blocking(full, False)
    try:
        while True:
            os.write(full, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(full, True)
    server = python("import os, time, signal; signal.signal(15, signal.SIG_IGN); print('up')\ntry:\n while True: os.read(0, 1); time.sleep(0.01)\nexcept OSError: pass")
    with Relayed(server, grace_ms=100, stderr=full) as r:
        os.close(full)
        r.line()
        assert r.finish()[1] == -9
        r.guard.wait("exit")
        assert r.guard.of("counters")[-1]["messages_dropped"] >= 1
    os.close(out)


@tap.test("a terminal that takes nothing more keeps no signal from the server, and its flags")
def _():
    import fcntl
    import pty
    import signal
    (stdin, near), (master, terminal) = os.pipe(), pty.openpty()
    flags = fcntl.fcntl(terminal, fcntl.F_GETFL)
    server = python("import os\nwhile True: os.write(1, b'x' * 70 + b'\\n')")
    with Relayed(server, stdin=stdin, stdout=terminal) as r:
        time.sleep(0.5)
        assert fcntl.fcntl(terminal, fcntl.F_GETFL) == flags
        r.process.send_signal(signal.SIGTERM)
        assert r.process.wait(timeout=10) == -signal.SIGTERM
    for fd in (stdin, near, master, terminal):
        os.close(fd)


@tap.test("what is typed at a terminal reaches the server, and its answer the terminal")
def _():
    import pty
    master, terminal = pty.openpty()
    with Relayed(python(ECHO), stdin=terminal, stdout=terminal) as r:
        os.write(master, call(b"1"))
        seen = b""
        while b'"result"' not in seen:
            seen += os.read(master, 65536)
        os.write(master, b"\x04")  # the key for EOF
        assert r.process.wait(timeout=20) == 0
    os.close(master)
    os.close(terminal)


@tap.test("the client's open file descriptions keep their flags")
def _():
    import fcntl
    (near, stdin), (stdout, far) = os.pipe()[::-1], os.pipe()
    with Relayed(CAT, stdin=stdin, stdout=far) as r:
        os.write(near, b"x\n")
        assert os.read(stdout, 10) == b"x\n"
        assert not fcntl.fcntl(stdin, fcntl.F_GETFL) & os.O_NONBLOCK
        assert not fcntl.fcntl(far, fcntl.F_GETFL) & os.O_NONBLOCK
        os.close(near)
        os.close(far)
        assert os.read(stdout, 10) == b""
        r.process.wait(timeout=20)
    os.close(stdin)
    os.close(stdout)


@tap.test("regular files as stdin and stdout are relayed")
def _():
    import tempfile
    data = b"".join(call(str(i).encode()) for i in range(2000))
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        source.write(data)
        source.seek(0)
        with Relayed(CAT, grace_ms=5000, stdin=source, stdout=sink) as r:
            assert r.process.wait(timeout=30) == 0
        sink.seek(0)
        assert sink.read() == data


@tap.test("half-closed states use no processor time")
def _():
    server = python("import os, time; os.close(1); os.close(0); time.sleep(600)")
    client, peer = socket.socketpair()
    with Relayed(server, stdin=peer, stdout=peer, grace_ms=600000) as r:
        peer.close()
        time.sleep(0.5)
        client.shutdown(socket.SHUT_WR)
        stat = f"/proc/{r.process.pid}/stat"

        def ticks():
            return sum(map(int, open(stat).read().rsplit(")", 1)[1].split()[11:13]))
        before = ticks()
        time.sleep(1)
        assert ticks() - before <= 5, ticks() - before
    client.close()


@tap.test("600 calls in flight at once are all told apart, in the page and the journal")
def _():
    server = python("""
import sys, json
lines = [sys.stdin.buffer.readline() for _ in range(600)]
sys.stdin.buffer.readline()
for line in reversed(lines):
    sys.stdout.buffer.write(b'{"result":{},"id":%d}\\n' % json.loads(line)["id"])
sys.stdout.flush()
""")
    with Relayed(server) as r:
        r.send(b"".join(call(str(i).encode()) for i in range(600)))
        r.guard.wait("begin", 600)
        assert r.guard.stamp() == (600, 600)
        assert len(r.guard.slots()) == 480
        r.send(b'{"method":"notifications/go"}\n')
        for _ in range(600):
            r.line()
        ends = r.guard.wait("end", 600)
        assert [e["ordinal"] for e in ends] == list(range(600, 0, -1))
        assert ends[-1]["count"] == 0
        assert r.guard.slots() == []


tap.main()
