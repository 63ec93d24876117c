# SPDX-License-Identifier: BSD-2-Clause
"""The four ends, and what each starts."""

import os
import signal
import subprocess
import time

import relayed
import tap
from relayed import ECHO, Relayed, call, python

STUBBORN = ["sh", "-c", 'trap "" TERM; echo up; while :; do sleep 0.05; done']


@tap.test("a client's EOF reaches the server, whose exit status is mirrored")
def _():
    with Relayed(python("import sys; sys.stdin.read(); print('bye'); sys.exit(7)")) as r:
        assert r.finish() == (b"bye\n", 7, b"")
        exits = r.guard.wait("exit")[0]
        assert os.waitstatus_to_exitcode(exits["status"]) == 7 and exits["exit_flags"] == 0


SLOW = """
import sys, time
for line in sys.stdin:
    if '"id"' in line:
        time.sleep(1.2)
        print('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}', flush=True)
"""


@tap.test("a client that sends its request, closes, and reads has its answer, however late")
def _():
    with Relayed(python(SLOW)) as r:
        r.send(call(b"1"))
        rest, status, errors = r.finish()
        assert b'"result"' in rest and (status, errors) == (0, b""), (rest, status, errors)


@tap.test("a server that ignores EOF has the grace after its last answer")
def _():
    with Relayed(python(SLOW + "time.sleep(600)")) as r:
        r.send(call(b"1"))
        start = time.monotonic()
        rest, status, _ = r.finish()
        assert b'"result"' in rest and status == -signal.SIGTERM, (rest, status)
        assert 1.5 <= time.monotonic() - start < 5


@tap.test("an answer that nobody can read, or give, is not waited for")
def _():
    for close, server in ((True, "print('up')\nimport time; time.sleep(600)"),
                          (False, "import os, time; print('up'); os.close(1); time.sleep(600)")):
        with Relayed(python(server)) as r:
            r.line()
            r.send(call(b"1"))
            if close:
                r.process.stdout.close()
            else:
                r.process.stdin.close()
            assert r.process.wait(timeout=10) == -signal.SIGTERM


@tap.test("a client that reads nothing and sends SIGTERM has its end within the grace")
def _():
    with Relayed(python("import os\nwhile True: os.write(1, b'x' * 4096)")) as r:
        time.sleep(0.3)
        r.process.send_signal(signal.SIGTERM)
        assert r.process.wait(timeout=10) == -signal.SIGTERM
        assert b"were never read" in r.process.stderr.read()


@tap.test("F19 a server that ignores EOF is asked by SIGTERM after the grace")
def _():
    with Relayed(python("import time; print('up'); time.sleep(600)")) as r:
        r.line()
        start = time.monotonic()
        _, status, errors = r.finish()
        assert status == -signal.SIGTERM and errors == b"", (status, errors)
        assert 0.3 <= time.monotonic() - start < 3
        assert r.guard.wait("exit")[0]["exit_flags"] == 1


@tap.test("F19 a server that ignores EOF and SIGTERM is killed with its session, and stderr says so")
def _():
    with Relayed(STUBBORN) as r:
        r.line()
        _, status, errors = r.finish()
        assert status == -signal.SIGKILL
        assert errors.startswith(b"mcpfloor: the server did not end when asked to"), errors
        assert errors.count(b"\n") == 1
        assert r.guard.signals == [signal.SIGKILL]
        assert r.guard.wait("exit")[0]["exit_flags"] == 3


@tap.test("F21 a daemonised grandchild that holds the pipe does not keep the session")
def _():
    server = python("""
import os, sys, time
print("x" * 30000)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(4)
    os._exit(0)
os.wait()
os._exit(3)
""")
    with Relayed(server) as r:
        start = time.monotonic()
        assert r.process.wait(timeout=15) == 3
        assert time.monotonic() - start < 3.5
        out = r.process.stdout.read(30001)
        assert out == b"x" * 30000 + b"\n"


@tap.test("F23 a server's death by a signal is mirrored, and no core is left")
def _():
    import tempfile
    with tempfile.TemporaryDirectory() as where:
        for signo in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGUSR1):
            server = python(f"import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.kill(os.getpid(), {int(signo)})")
            with Relayed(server, cwd=where) as r:
                assert r.process.wait(timeout=20) == -signo
                assert r.guard.wait("exit")[0]["status"] & 0x7f == signo
        assert not os.listdir(where)


@tap.test("a request in flight ends server-exit after the session is dead")
def _():
    with Relayed(python("import sys; sys.stdin.readline(); sys.exit(0)")) as r:
        r.send(call(b"1"))
        assert r.process.wait(timeout=20) == 0
        kinds = [e["kind"] for e in r.guard.wait("exit") and r.guard.entries if e["kind"] != "counters"]
        assert kinds == ["begin", "end", "exit"]
        assert r.guard.of("end")[0]["end"] == "server-exit"


@tap.test("a server that closes its stdout gives the client its EOF, and goes on")
def _():
    server = python("import os, sys; print('last'); os.close(1)\nfor l in sys.stdin: sys.stderr.write(l); sys.stderr.flush()")
    with Relayed(server) as r:
        assert r.rest() == b"last\n"
        r.send(b"still there\n")
        assert r.process.stderr.readline() == b"still there\n"
        assert r.finish()[1] == 0


@tap.test("a server that closes its stdin shows as a broken pipe to the client")
def _():
    with Relayed(python("import os, time; os.close(0); print('closed'); time.sleep(60)")) as r:
        r.line()

        def broken():
            try:
                r.send(b"x\n")
            except BrokenPipeError:
                return True
        tap.wait_for(5, broken)


@tap.test("a client that closes its read end counts as gone; what it had sent still arrives")
def _():
    server = python("""
import sys
sys.stderr.write(sys.stdin.readline())
sys.stderr.flush()
sys.stdin.read()
sys.exit(4)
""")
    with Relayed(server) as r:
        r.send(b"sent\n")
        r.process.stdout.close()
        assert r.process.stderr.readline() == b"sent\n"
        assert r.process.wait(timeout=20) == 4


@tap.test("signals go to the server; one that asks for an end starts the grace")
def _():
    with Relayed(["sh", "-c", 'trap "echo usr1" USR1; trap "echo hup" HUP; trap "exit 9" TERM; echo up; while :; do sleep 0.02; done']) as r:
        r.line()
        r.process.send_signal(signal.SIGUSR1)
        assert r.line() == b"usr1\n"
        r.process.send_signal(signal.SIGHUP)
        assert r.line() == b"hup\n"
        time.sleep(0.5)  # longer than the grace: SIGHUP is no request to end
        assert r.process.poll() is None
        r.process.send_signal(signal.SIGTERM)
        assert r.process.wait(timeout=20) == 9
    with Relayed(STUBBORN) as r:
        r.line()
        r.process.send_signal(signal.SIGINT)
        status = r.process.wait(timeout=20)
        assert status in (-signal.SIGKILL, -signal.SIGINT), status


@tap.test("what the guard had to kill is named, with the request it was born in")
def _():
    sleeper = subprocess.Popen(["sleep", "5"])
    left = [(sleeper.pid, 1 << 16 | 1, b"/usr/bin/helper\x1b[2J"), (sleeper.pid, 0, b"/bin/other")]
    with Relayed(python(ECHO), guard={"leftovers": left}) as r:
        r.send(call(b'"req-42"'))
        r.line()
        _, status, errors = r.finish()
        assert status == 0
        first, second = errors.decode().splitlines()
        assert first == ("mcpfloor: killed what the server left running: /usr/bin/helper\\x1b[2J "
                         f'(pid {sleeper.pid}, born in request "req-42")'), first
        assert second.endswith("born outside any request)")
        assert r.guard.wait("exit")[0]["leftovers"] == 2
    sleeper.wait()


@tap.test("a server killed while its output waits for a slow client loses none of it")
def _():
    with Relayed(python("import os\nfor _ in range(4): os.write(1, b'y' * 16384)\nos.kill(os.getpid(), 9)")) as r:
        time.sleep(0.3)
        assert len(r.rest()) == 65536
        assert r.process.wait(timeout=20) == -9


tap.main()
