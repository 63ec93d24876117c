# SPDX-License-Identifier: BSD-2-Clause
"""The relay and its guard: none, one that refuses, one that dies, one whose recorder dies or stalls."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

import fake_guard
import relayed
import tap
from relayed import DRIVER, ECHO, Relayed, call, python


@tap.test("the session is opened under its command's name")
def _():
    with Relayed(["/bin/cat"]) as r:
        r.send(b"x\n")
        r.line()
        assert r.guard.opened["name"] == b"cat" and r.guard.opened["tenant"] == b"acme"
        if os.geteuid() == 0:
            assert r.guard.opened["flags"] == 1


@tap.test("where the engine watches no mounts, the server stays in its client's mount namespace")
def _():
    with Relayed(["readlink", "/proc/self/ns/mnt"], guard={"engine": fake_guard.LSM}) as r:
        assert r.line() == os.readlink("/proc/self/ns/mnt").encode() + b"\n"
        assert r.guard.opened["flags"] == 0


@tap.test("F92 no guard and not root: one line with both ways out, 125, at once, nothing on stdout")
def _():
    if os.geteuid() != 0:
        tap.skip("needs root to become another user")
    where = tempfile.mkdtemp()
    os.chmod(where, 0o755)
    driver = shutil.copy(DRIVER, where)

    def nobody():
        os.setgid(65534)
        os.setuid(65534)
    start = time.monotonic()
    done = subprocess.run([driver, where, "300", "cat"], stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=nobody, timeout=20)
    took = time.monotonic() - start
    assert (done.returncode, done.stdout) == (125, b""), done
    assert done.stderr.count(b"\n") == 1 and b"mcpfloord" in done.stderr and b"as root" in done.stderr
    assert took < 1, took  # under ASan; 100 ms without
    assert os.listdir(where) == [os.path.basename(driver)]
    shutil.rmtree(where)


@tap.test("a guard that refuses ends in 125 and one line that says why; the server never runs")
def _():
    with Relayed(["sh", "-c", "echo ran"], guard={"refuse": (-28, 8)}) as r:
        out, status, errors = r.finish()
        assert (out, status) == (b"", 125)
        assert errors.count(b"\n") == 1 and b"state directory" in errors, errors


@tap.test("a new recorder is told what is in flight")
def _():
    with Relayed(python("import sys; sys.stdin.read()")) as r:
        r.send(call(b'"a"', "t", {"x": 1}) + call(b"2"))
        r.guard.wait("begin", 2)
        r.guard.new_recorder()
        found = r.guard.wait("resume", 2)
        assert {(e["ordinal"], e["id"]) for e in found} == {(1, b'"a"'), (2, b"2")}
        assert {e["epoch"] for e in found} == {2} and found[-1]["method"] == "tools/call"
        assert {e["args"] for e in found} == {b'{"x": 1}', b"{}"}


@tap.test("a relay that hears of both at once, that a recorder is gone and that there is another, writes to the new one")
def _():
    with Relayed(python(ECHO)) as r:
        r.send(call(b"1"))
        r.line()
        r.guard.wait("end")
        os.kill(r.process.pid, signal.SIGSTOP)
        r.guard.new_recorder()
        r.guard.renewed.wait(20)
        os.kill(r.process.pid, signal.SIGCONT)
        r.guard.wait("counters")
        r.send(call(b"2"))
        r.line()
        assert [entry["id"] for entry in r.guard.wait("begin", 2)] == [b"1", b"2"]


@tap.test("without a recorder, and without a guard, the session goes on and says so once")
def _():
    with Relayed(python(ECHO)) as r:
        r.send(call(b"1"))
        r.line()
        r.guard.wait("end")
        r.guard.lose("journal")
        assert b"recorder is gone" in r.process.stderr.readline()
        r.guard.lose("conn")
        assert b"guard is gone" in r.process.stderr.readline()
        for i in range(100):
            r.send(call(b"%d" % i))
            r.line()
        assert r.finish()[1:] == (0, b"")


@tap.test("a recorder that does not read delays the traffic once, then no more; what it missed is counted")
def _():
    with Relayed(python(ECHO), guard={"deaf": True}) as r:
        start = time.monotonic()
        blob = {"t": "x" * 30000}
        for i in range(1500):
            r.send(call(b"%d" % i, arguments=blob))
            r.line()
        assert time.monotonic() - start < 30
        rss = int(open(f"/proc/{r.process.pid}/status").read().split("VmHWM:")[1].split()[0])
        tap.diag(f"relay's peak: {rss} KiB")
        assert rss < 130 * 1024
        r.guard.listen_again()
        r.finish()
        r.guard.wait("exit")
        # each entry arrived, or was counted; where arguments gave way, their digests did not
        lost = r.guard.of("counters")[-1]["journal_lost"]
        begins = r.guard.of("begin")
        tap.diag(f"{lost} lost, {sum(not b['args'] for b in begins)} without arguments")
        assert len(begins) + len(r.guard.of("end")) + lost == 3000
        assert all(b["total"] == 30009 for b in begins)


tap.main()
