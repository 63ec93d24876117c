# SPDX-License-Identifier: BSD-2-Clause
"""What bench/vm runs in the guest: python3 vm_inside.py BUILD_DIR [PEERS_DIR]

The guest's clock counts instructions. States come one after the other in one boot; in each, a new
vm_op does every operation in rounds. The least of the rounds counts: what else happens on the only
processor can but add.
"""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

ROUNDS = 20
# how often per round: all rounds together fit the ring while nobody empties it
OPERATIONS = {"getppid": ("getppid", 5000), "stat": ("stat", 1000), "read": ("read", 2500),
              "open": ("open + close", 600), "create": ("create + unlink", 150),
              "connect": ("connect, refused", 150), "fork": ("fork + exit", 20),
              "exec": ("vfork + exec", 20)}
NEVER = ("getppid", "stat", "read")  # operations on which nothing may hang
# Of an operation, at least. What these make is freed later, by RCU, in whatever round that comes
NOISE_MIN, NOISE_MIN_RCU = 0.002, 0.01
FREE_LATER = ("create", "connect", "fork", "exec")
PLACE = "/tmp/vm-bench"
AGED = "/sys/fs/cgroup/vm-bench"
STOPPED, ALL = "ours, tagged, recorder stopped", "ours, tagged, all"
AUDITD, AUDITD_ALL = "auditd", "auditd, all"
PEERS = ("bpftrace", AUDITD, AUDITD_ALL)
MEANS = (ALL, AUDITD_ALL)  # states in which whoever reads what is told works, too


class Figure:
    def __init__(self, rounds, times, more=0):
        self.least = min(rounds) / times
        self.mean = (sum(rounds) + more) / len(rounds) / times
        self.spread = (max(rounds) - min(rounds)) / min(rounds)


def cpu_ns(pid):
    """Of all its threads, those that are gone too."""
    return time.clock_gettime_ns(~pid << 3 | 2)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def rss_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Rss:")) / 1024


def wait_until(true):
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    sys.exit("vm_inside: what was waited for did not come")


class Op:
    """A vm_op, started as it is or in a session."""

    def __init__(self, before=(), **more):
        for name in ("in", "out"):
            if os.path.exists(name):
                os.unlink(name)
            os.mkfifo(name)
        self.process = subprocess.Popen([*before, f"{PLACE}/vm_op", "in", "out"], **more)
        self.to = open("in", "w")
        self.out = open("out")

    def run(self, name, times):
        self.to.write(f"{name} {ROUNDS} {times}\n")
        self.to.flush()
        line = self.out.readline()
        if not line:
            sys.exit(f"vm_inside: {name} failed")
        return [int(word) for word in line.split()]

    def end(self):
        self.to.close()
        self.out.close()
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.wait():
            sys.exit("vm_inside: vm_op failed")


def measure(op=None):
    """name → Figure"""
    own = op is None
    if own:
        op = Op()
    time.sleep(5)
    figures = {name: Figure(op.run(name, times), times) for name, (_, times) in OPERATIONS.items()}
    if own:
        op.end()
    return figures


def measure_stopped(op, recorder):
    """The recorder empties the ring between the operations only."""
    figures = {}
    for name, (_, times) in OPERATIONS.items():
        time.sleep(2)
        os.kill(recorder, signal.SIGSTOP)
        time.sleep(0.1)
        figures[name] = Figure(op.run(name, times), times)
        os.kill(recorder, signal.SIGCONT)
    return figures


def measure_all(op, pids):
    """All that runs, and what is left to do at the end of the rounds."""
    figures = {}
    for name, (_, times) in OPERATIONS.items():
        time.sleep(2)
        rounds = op.run(name, times)
        before = sum(map(cpu_ns, pids))
        time.sleep(2)
        after = sum(map(cpu_ns, pids))
        time.sleep(2)
        idle = sum(map(cpu_ns, pids)) - after
        figures[name] = Figure(rounds, times, max(0, after - before - idle))
    return figures


def line(**fields):
    return json.dumps({"jsonrpc": "2.0", **fields}).encode() + b"\n"


class Daemon:
    def __init__(self, build):
        start = time.monotonic_ns()
        self.process = subprocess.Popen([f"{build}/mcpfloord", "--state", f"{PLACE}/state", "--run-dir",
                                         f"{PLACE}/run", "--engine", "lsm"])
        wait_until(self.listens)
        self.took_ns = time.monotonic_ns() - start
        self.recorder = children(self.process.pid)[0]

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            return sock.connect_ex(f"{PLACE}/run/control.sock") == 0

    @property
    def pids(self):
        return self.process.pid, self.recorder

    def end(self):
        self.process.terminate()
        self.process.wait()


def session(build, run_dir):
    """An Op in a session, in the midst of a request."""
    op = Op([f"{build}/mcpfloor", "run", "--name", "bench", "--state", f"{PLACE}/state", "--run-dir", run_dir, "--"],
            stdin=subprocess.PIPE)
    op.process.stdin.write(line(id=0, method="initialize", params={"protocolVersion": "2025-11-25", "capabilities": {}}))
    op.process.stdin.write(line(id=1, method="tools/call", params={"name": "work", "arguments": {}}))
    op.process.stdin.flush()
    return op


def start_up(build):
    """Instructions until the server of a session with its own guard runs: of guard and recorder, and
    all that passed."""
    start = time.monotonic_ns()
    op = session(build, f"{PLACE}/no-run")
    passed = time.monotonic_ns() - start
    used = cpu_ns(op.process.pid)
    for path in glob.glob("/proc/[0-9]*/comm"):
        with open(path) as file:
            pid = int(path.split("/")[2])
            if file.read().startswith("mcpfloor") and pid != op.process.pid:
                used += cpu_ns(pid)
    op.end()
    wait_until(lambda: not guards())
    return used, passed


def guards():
    found = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path) as file:
                if file.read().startswith("mcpfloor"):
                    found.append(path)
        except OSError:
            pass
    return found


def ours(build, states):
    start_up(build)  # what it reads comes from the host
    starts = [start_up(build) for _ in range(3)]
    daemon = Daemon(build)
    states["a daemon, no session"] = measure()
    op = session(build, f"{PLACE}/run")
    time.sleep(5)
    states["ours, untagged"] = measure()
    states[STOPPED] = measure_stopped(op, daemon.recorder)
    states[ALL] = measure_all(op, daemon.pids)
    memory = sum(map(rss_mb, daemon.pids))
    op.end()
    time.sleep(20)
    states["session over"] = measure()
    daemon.end()
    return min(starts), daemon.took_ns, memory


def floor(build, states):
    process = subprocess.Popen([f"{build}/bench/vm_floor"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    hooks = int(process.stdout.readline())
    states["floor"] = measure()
    process.stdin.close()
    process.wait()
    time.sleep(20)
    return hooks


def bpftrace(peers, states):
    script = "".join(f"tracepoint:syscalls:sys_enter_{name} {{ @{name}[pid, comm, {what}] = count(); }} "
                     for name, what in (("openat", "str(args->filename)"), ("connect", "args->fd"),
                                        ("execve", "str(args->filename)")))
    process = subprocess.Popen([f"{peers}/usr/bin/bpftrace", "-e", f'BEGIN {{ printf("up\\n"); }} {script}'],
                               stdout=subprocess.PIPE, env=peer_environment(peers))
    if not any(b"up" in said for said in process.stdout):
        raise OSError("bpftrace did not start")
    states["bpftrace"] = measure()
    process.send_signal(signal.SIGINT)
    process.communicate()
    time.sleep(20)


def auditd(peers, states):
    """Last of all: what the kernel adds once auditing was switched on stays until the next boot."""
    environment = peer_environment(peers)
    shutil.copytree(f"{peers}/etc/audit", "audit")
    os.chmod("audit", 0o700)
    with open("audit/auditd.conf") as file:
        text = file.read()
    # replaced, not said again further down: its directory has to be there for each that is named
    with open("audit/auditd.conf", "w") as file:
        file.write(text.replace("/var/log/audit/", f"{PLACE}/audit/"))
    process = subprocess.Popen([f"{peers}/sbin/auditd", "-n", "-c", "audit", "-s", "enable"], env=environment)
    time.sleep(2)
    if process.poll() is not None:
        raise OSError("auditd did not start")
    commands = [["-R", f"{PLACE}/audit/rules.d/audit.rules"]]  # Debian's: how much may wait
    commands += [["-a", "always,exit", "-F", "arch=b64", "-S", rule]
                 for rule in ("open,openat,creat", "connect", "execve")]
    for words in commands:
        subprocess.run([f"{peers}/sbin/auditctl", *words], env=environment, check=True, stdout=subprocess.DEVNULL)
    op = Op()
    time.sleep(5)
    states[AUDITD] = states[AUDITD_ALL] = measure_all(op, [process.pid, kernel_thread("kauditd")])
    op.end()
    if not os.path.getsize("audit/audit.log"):
        raise OSError("auditd wrote nothing")
    process.terminate()
    process.wait()


def kernel_thread(name):
    return next(pid for pid in children(2) if open(f"/proc/{pid}/comm").read().strip() == name)


def peer_environment(peers):
    libraries = f"{peers}/usr/lib/x86_64-linux-gnu:{peers}/lib/x86_64-linux-gnu"
    return {**os.environ, "LD_LIBRARY_PATH": libraries}


def age():
    """As on a machine that has been up for a while: where no process outside the uppermost cgroup has
    made an object yet, the kernel makes and frees each for less."""
    os.mkdir(AGED)
    op = Op()
    with open(f"{AGED}/cgroup.procs", "w") as file:
        file.write(str(op.process.pid))
    measure(op)
    op.end()  # the cgroup stays
    measure()


def table(*columns):
    lines = [f"| {' | '.join(head for head, _ in columns)} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in zip(*(cells for _, cells in columns))]
    return "\n".join(lines) + "\n"


class Comparison:
    """One operation in all states."""

    def __init__(self, states, name):
        self.figures = {state: figures[name] for state, figures in states.items()}
        first, again = (self.figures[state].least for state in ("nothing", "nothing, again"))
        self.base = (first + again) / 2
        noise_min = NOISE_MIN_RCU if name in FREE_LATER else NOISE_MIN
        self.noise = max(abs(first - again), noise_min * self.base)

    def added(self, state):
        figure = self.figures[state]
        return (figure.mean if state in MEANS else figure.least) - self.base

    def percent(self, state):
        return self.added(state) / self.base * 100

    def ratio(self):
        """of what we add to what the floor adds, for a task outside"""
        floor_adds = self.added("floor")
        return f"{self.added('ours, untagged') / floor_adds:.2f}" if floor_adds > self.noise else "—"

    def within(self, state, most):
        return self.added(state) <= most + self.noise


def tables(states):
    rows = {label: Comparison(states, name) for name, (label, _) in OPERATIONS.items()}
    first = [("operation", rows), ("nothing", [f"{row.base:,.0f}" for row in rows.values()]),
             ("± (A/A)", [f"{row.noise:,.0f}" for row in rows.values()])]
    added = [(state, [f"{row.added(state):+,.0f} ({row.percent(state):+.1f} %)" for row in rows.values()])
             for state in states if not state.startswith("nothing")]
    added.insert([head for head, _ in added].index("ours, untagged") + 1,
                 ("untagged ÷ floor", [row.ratio() for row in rows.values()]))
    spread = [(state, [f"{row.figures[state].spread * 100:.2f}" for row in rows.values()]) for state in states]
    return (f"Instructions for one operation, and what each state adds\n\n{table(*first, *added)}\n"
            f"Spread of the rounds, (most − least) ÷ least, %\n\n{table(first[0], *spread)}")


def goals(states, hooks, start, daemon_ns, memory):
    rows = {name: Comparison(states, name) for name in OPERATIONS}
    opens = rows["open"]

    def those(names, good):
        return ", ".join(name for name in names if not good(rows[name]))

    used, passed = start
    found = [
        ("nothing added when no session lives, daemon or not",
         those(rows, lambda row: row.within("a daemon, no session", 0) and row.within("session over", 0))),
        ("getppid, stat, read: nothing ever",
         those(NEVER, lambda row: all(row.within(state, 0) for state in states if state not in PEERS))),
        ("untagged: at most 1.25 × what the floor adds",
         those(rows, lambda row: row.within("ours, untagged", 1.25 * max(0, row.added("floor"))))),
        ("tagged open + close, recorder stopped: at most +25 %",
         "" if opens.percent(STOPPED) <= 25 else f"{opens.percent(STOPPED):+.1f} %"),
        ("tagged open + close, everything on one processor: at most +100 %",
         "" if opens.percent(ALL) <= 100 else f"{opens.percent(ALL):+.1f} %"),
        ("start-up: at most 1 G instructions", "" if used <= 1e9 else f"{used / 1e9:.2f} G"),
        ("guard and recorder: at most 24 MB", "" if memory <= 24 else f"{memory:.1f} MB"),
    ]
    return (table(("goal", [goal for goal, _ in found]),
                  ("met", [f"no: {missed}" if missed else "yes" for _, missed in found])) +
            f"\nHooks: {hooks}. Start-up with a guard of its own: {used / 1e6:,.0f} M instructions by its processes, "
            f"{passed / 1e6:,.0f} M passed until the server ran.\n"
            f"A daemon listens after {daemon_ns / 1e6:,.0f} M. RSS of guard and recorder: {memory:.1f} MB.")


def main():
    build, *peers = sys.argv[1:]
    for name in ("state", "run", "no-run"):
        os.makedirs(f"{PLACE}/{name}")
    os.chdir(PLACE)
    for name in ("vm_op", "vm_nothing"):
        shutil.copy(f"{build}/bench/{name}", PLACE)
    with open("file", "w") as file:
        file.write("x")
    with open("/proc/sys/kernel/randomize_va_space", "w") as file:
        file.write("0")
    time.sleep(20)
    states = {}
    age()
    states["nothing"] = measure()
    hooks = floor(build, states)
    start = ours(build, states)
    states["nothing, again"] = measure()
    for peer in (bpftrace, auditd) if peers else ():
        try:
            peer(peers[0], states)
        except (OSError, subprocess.CalledProcessError) as reason:
            print(f"vm_inside: {peer.__name__} is not measured: {reason}", file=sys.stderr)
    print(tables(states))
    print(goals(states, hooks, *start))


main()
