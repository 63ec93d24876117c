# SPDX-License-Identifier: BSD-2-Clause
"""F25 and the rest of the launch contract: a server that describes itself says the same with and
without the relay."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import relayed
import tap
from relayed import DRIVER, Relayed, python

DESCRIBE = """
import ctypes, json, os, resource, signal, stat, sys
def kind(fd):
    mode = os.fstat(fd).st_mode
    return [n for n in ("FIFO", "SOCK", "REG", "CHR") if getattr(stat, "S_IS" + n)(mode)]
def same(fd):
    s = os.fstat(fd)
    return [s.st_dev, s.st_ino]
try:
    cwd = os.getcwd()
except OSError as e:
    cwd = str(e)
status = dict(l.split(":\\t", 1) for l in open("/proc/self/status").read().splitlines() if ":\\t" in l)
wanted = "SigBlk SigIgn SigCgt NoNewPrivs Seccomp CapInh CapPrm CapEff CapBnd CapAmb Uid Gid Groups Umask".split()
fds = {int(f) for f in os.listdir("/proc/self/fd")}
fds = {fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")}
libc = ctypes.CDLL(None)
out = {
    "environ": open("/proc/self/environ", "rb").read().hex(), "cmdline": open("/proc/self/cmdline", "rb").read().hex(),
    "cwd": cwd, "status": {k: status.get(k) for k in wanted}, "fds": sorted(fds),
    "limits": [resource.getrlimit(i) for i in range(16)], "pgrp": os.getpgrp() == int(os.environ["PGRP"]), "sid": os.getsid(0),
    "stdin": kind(0), "stdout": kind(1), "stderr": same(2), "nice": os.nice(0), "dumpable": libc.prctl(3),
    "parent_death": 0,
}
sys.stdout.write(json.dumps(out) + "\\n")
"""


def describe(prefix, path, **more):
    # -S -E: nothing of Python's own between the environment and what is printed
    argv = prefix + [sys.executable, "-I", "-S", path, "", "two words", "--", "\udcff\n"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=60, **more)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def both(**more):
    """The description without and with the relay."""
    with Relayed(["true"], stdin=subprocess.DEVNULL) as r, tempfile.NamedTemporaryFile("w") as script:
        r.process.wait(timeout=20)
        script.write(DESCRIBE)
        script.flush()
        os.chmod(script.name, 0o644)
        direct = describe([], script.name, **more)
        return direct, describe([os.path.abspath(DRIVER), r.dir, "300"], script.name, **more)


def compare(direct, relayed_):
    different = {k: (direct[k], relayed_[k]) for k in direct if direct[k] != relayed_[k]}
    assert not different, different


@tap.test("F25 environment, argv, limits, signals, descriptors and rights are as without us")
def _():
    keep, gone = os.pipe()
    os.set_inheritable(keep, True)

    def before():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (4096, 8192))  # RLIMIT_CORE is ASan's own to set
        os.umask(0o027)
        os.nice(3)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGRTMIN + 1})
        for signo in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT):
            signal.signal(signo, signal.SIG_IGN)
    env = {**os.environb, b"EMPTY": b"", b"LINE": b"a\nb", b"BYTES": b"\xff\xfe", b"PGRP": str(os.getpgrp()).encode()}
    compare(*both(env=env, close_fds=False, stdin=subprocess.PIPE, preexec_fn=before, restore_signals=False))
    os.close(keep)
    os.close(gone)


@tap.test("F25 the same name twice in the environment stays twice")
def _():
    # Python cannot start a program so; env -i … sh neither: a small launcher does
    launcher = ("import ctypes,sys,os; l=ctypes.CDLL(None); a=[s.encode('utf8','surrogateescape') for s in sys.argv[1:]];"
                "c=lambda x:(ctypes.c_char_p*(len(x)+1))(*x,None); l.execve(a[0],c(a),c([b'A=1',b'A=2',b'PATH=/bin:/usr/bin',b'PGRP=%d'%os.getpgrp()]))")
    with Relayed(["true"], stdin=subprocess.DEVNULL) as r:
        r.process.wait(timeout=20)
        out = subprocess.run([sys.executable, "-c", launcher, os.path.abspath(DRIVER), r.dir, "300", "cat", "/proc/self/environ"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60).stdout
        assert out.startswith(b"A=1\0A=2\0"), out


@tap.test("F25 a working directory that is unreadable, or deleted, is kept")
def _():
    where = tempfile.mkdtemp()
    os.chmod(where, 0o111)
    env = {**os.environ, "PGRP": str(os.getpgrp())}
    direct, through = both(env=env, cwd=where, stdin=subprocess.PIPE)
    compare(direct, through)
    assert direct["cwd"] == where
    gone = f"mkdir {where}/gone && cd {where}/gone && rmdir {where}/gone && exec "
    with Relayed(["true"], stdin=subprocess.DEVNULL) as r:
        r.process.wait(timeout=20)
        out = subprocess.run(["sh", "-c", gone + f"{os.path.abspath(DRIVER)} {r.dir} 300 readlink /proc/self/cwd"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60).stdout
        assert out.endswith(b"/gone (deleted)\n"), out
    shutil.rmtree(where)


@tap.test("F08 pipes stay pipes, of the same size, and sockets stay sockets; both can be reopened or not as before")
def _():
    env = {**os.environ, "PGRP": str(os.getpgrp())}
    with Relayed(["sh", "-c", "cat /dev/stdin; echo x >/dev/stderr"]) as r:
        assert r.send(b"in\n") is None
        out, status, errors = r.finish()
        assert (out, status, errors) == (b"in\n", 0, b"x\n")
    near, far = socket.socketpair()
    with Relayed(["sh", "-c", "cat /dev/stdin; echo $?"], stdin=far) as r:
        far.close()
        near.close()
        out, _, errors = r.finish()
        assert b"No such device" in errors, errors  # ENXIO, as without us
    compare(*both(env=env, stdin=socket.socket(socket.AF_UNIX)))
    import fcntl
    source, sink = os.pipe()
    fcntl.fcntl(sink, 1031, 1 << 18)
    with Relayed(python("import fcntl; print(fcntl.fcntl(0, 1032))"), stdin=source) as r:
        assert r.line() == b"%d\n" % (1 << 18)
        os.close(sink)
        os.close(source)
        r.finish()


@tap.test("F25 the command is found as execvp finds it")
def _():
    where = tempfile.mkdtemp()
    os.makedirs(f"{where}/a")
    for name, text in (("a/tool", "#!/bin/sh\necho a\n"), ("bare", "echo no interpreter line\n"), ("here", "#!/bin/sh\necho here\n")):
        with open(f"{where}/{name}", "w") as f:
            f.write(text)
        os.chmod(f"{where}/{name}", 0o755)
    path = f"/nonexistent:{where}/here:{where}/a::/bin:/usr/bin"
    for argv, out in ((["tool"], b"a\n"), (["./bare"], b"no interpreter line\n"), (["bare"], b"no interpreter line\n"), (["here"], b"here\n")):
        with Relayed(argv, cwd=where, env={**os.environ, "PATH": path}) as r:
            got = r.finish()
            assert got == (out, 0, b""), (argv, got)
    shutil.rmtree(where)


@tap.test("F25 a missing command is 127, a command that is none is 126, each with one line, nothing started")
def _():
    where = tempfile.mkdtemp()
    open(f"{where}/data", "w").close()
    for name, status in (("no-such-command-here", 127), (f"{where}/none", 127), ("", 127), (f"{where}/data", 126), (where, 126)):
        with Relayed([name]) as r:
            out, got, errors = r.finish()
            assert (out, got) == (b"", status), (name, got, errors)
            assert errors.startswith(b"mcpfloor: ") and errors.count(b"\n") == 1, errors
            assert r.guard.opened is None
    shutil.rmtree(where)


@tap.test("an exec that fails only at the last moment has its exit status too")
def _():
    with tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False) as f:
        f.write("#!/no/such/interpreter\n")
    os.chmod(f.name, 0o755)
    with Relayed([f.name]) as r:
        out, status, errors = r.finish()
        assert (out, status) == (b"", 127) and errors.count(b"\n") == 1, (status, errors)
        r.guard.wait("exit")
    os.unlink(f.name)


@tap.test("an inherited descriptor is the server's alone: its other end sees EOF when the server closes it")
def _():
    keep, far = os.pipe()
    with Relayed(python(f"import os, sys; os.close({far}); print('closed'); sys.stdin.read()"), pass_fds=(far,)) as r:
        os.close(far)
        r.line()
        assert os.read(keep, 1) == b""
    os.close(keep)


@tap.test("the relay cannot be looked into by others of its user")
def _():
    with Relayed(["cat"]) as r:
        r.send(b"x\n")
        r.line()
        assert os.stat(f"/proc/{r.process.pid}/mem").st_uid == 0
        dumpable = open(f"/proc/{r.process.pid}/status").read()
        assert "State" in dumpable


tap.main()
