# SPDX-License-Identifier: BSD-2-Clause
"""tools/run-tests --vm: the same runner, in a guest. Its results are counted here by name."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = "/run/mcpfloor-vm/results"
SLOWER = 4  # the guest's runner gives each program that much more time
PR_SET_PDEATHSIG = 1
RESULT = re.compile(r"(ok  |FAIL|skip) vm-")
TOTALS = re.compile(r"\d+ passed, \d+ failed, \d+ skipped$")
DIED = re.compile(r"tests/vm/run: (.*)")
TOO_LONG = "had not ended"


def die_with_us():
    """In the child before exec: the guest does not outlive the runner."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Guest:
    """One guest's run: how many of each, and what became of the guest."""

    def __init__(self, series, results):
        self.series = series
        self.results = results
        self.counts = {"ok": 0, "FAIL": 0, "skip": 0}
        self.totals = None
        self.words = []  # of tests/vm/run
        self.status = None

    def line(self, line):
        line = line.replace(RESULTS, str(self.results))
        result = RESULT.match(line)
        words = DIED.match(line)
        if result:
            self.counts[result.group(1).strip()] += 1
        elif words:
            self.words.append(words.group(1))
        elif TOTALS.match(line):
            self.totals = line
            return
        print(line, flush=True)

    def run(self, argv):
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", preexec_fn=die_with_us) as process:
            for line in process.stdout:
                self.line(line.rstrip("\n"))
        self.status = process.returncode

    def complaint(self):
        """What is wrong with the guest as a whole, or None."""
        if self.status == 125 or self.words:
            return "; ".join(self.words) or "no guest"
        counted = "{ok} passed, {FAIL} failed, {skip} skipped".format(**self.counts)
        if self.totals != counted:
            return f"it says {self.totals}, heard were {counted}"
        return None


def unreachable(series):
    """Why there is no such kernel here, or None."""
    fetch = subprocess.run([HERE / "fetch", series.removesuffix("-kprobe")], capture_output=True, text=True,
                           check=False)
    return (fetch.stderr.strip().splitlines() or ["no kernel"])[-1] if fetch.returncode else None


def title(series):
    """The kernel, and the engine that `auto` means there."""
    kernel, _, without_lsm = series.partition("-")
    return f"vm-{kernel} ({without_lsm or 'lsm'})"


def run(runner, series, programs, build):
    """How many of each."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    why = programs and unreachable(series)
    if why:
        runner.counts["skip"] += 1
        print(f"skip vm-{series}:guest/kernel: {why}", flush=True)
        return {**counts, "skip": 1}
    if not programs:
        print(f"     vm-{series}: none of these runs in a guest", flush=True)
        return counts
    results = runner.logs / f"vm-{series}"
    paths = [program.path for program in programs]
    longest = max(program.timeout_s for program in programs) * SLOWER
    argv = [HERE / "run", "--kernel", series, "--smp", "2", "--mem", "3072",
            "--timeout", str(sum(program.timeout_s for program in programs) * SLOWER + 120),
            "--silence", str(longest + 60), "--results", results, "--console", results / "console",
            "--see", build, "--see", runner.cache, "--see", sys.base_prefix, "--env", f"MCPFLOOR_CACHE={runner.cache}",
            "--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "FULL", "--",
            "tools/run-tests", "-B", build, "--logs", f"{RESULTS}/logs", *paths]
    for attempt in (1, 2):
        shutil.rmtree(results, ignore_errors=True)
        os.makedirs(results)
        guest = Guest(series, results)
        guest.run([str(word) for word in argv])
        complaint = guest.complaint()
        if guest.status != 125 or TOO_LONG in complaint or attempt == 2:
            break
        print(f"     vm-{series}: once more", flush=True)  # two emulated processors: it happens
    guest.counts["FAIL" if complaint else "ok"] += 1
    print(f"FAIL vm-{series}:guest/kernel: {complaint}" if complaint else
          f"ok   vm-{series}:guest/kernel: had nothing to warn of", flush=True)
    for verdict, count in guest.counts.items():
        runner.counts[verdict] += count
    return guest.counts
