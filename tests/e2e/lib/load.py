# SPDX-License-Identifier: BSD-2-Clause
"""Sessions that call and call, in threads; what the kernel said meanwhile; tasks that hang."""
import os
import pathlib
import random
import sys
import threading
import time

import floor

sys.path.insert(0, os.environ.get("MCPFLOOR_SRC", ".") + "/tests/vm")
import complaints

# of a puppet: files, programs, processes, the network
ACTS = ("touch {f}", "touch {f} ; unlink {f}", "child touch {f}", "vexec touch {f}", "daemon touch {f}",
        "connect 127.0.0.1 9", "send 127.0.0.1 9", "pool touch {f}", "hold 5", "later 5 touch {f}")


NOT_OPENED = 125


class Load:
    """`count` clients: each has a session for some calls, then the next one. A session that could not be opened, as
    its guard went away just then, is refused (exit status 125), which is no failure."""

    def __init__(self, place, count, *options, seed=1, pause_s=0):
        self.place, self.options, self.pause_s = place, options, pause_s
        self.stopping = threading.Event()
        self.calls, self.sessions, self.refused, self.failures, self.longest_s = 0, 0, 0, [], 0.0
        self.threads = [threading.Thread(target=self.client, args=(random.Random(seed + number), number))
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def client(self, dice, number):
        while not self.stopping.is_set():
            try:
                with floor.Session(floor.puppet(), self.place, "--name", f"load{number}", *self.options) as session:
                    self.work(session, dice, number)
                self.sessions += session.process.returncode != NOT_OPENED
                self.refused += session.process.returncode == NOT_OPENED
            except (AssertionError, OSError, ValueError) as error:
                self.failures.append(f"client {number}: {error}"[:600])
                time.sleep(0.5)

    def work(self, session, dice, number):
        for call in range(dice.randrange(1, 40)):
            do = " ; ".join(dice.sample(ACTS, 3)).format(f=self.place.path(f"load{number}"))
            started = time.monotonic()
            try:
                session.call(do, call, seconds=60)
            except (AssertionError, OSError):
                if call == 0 and session.wait(60) == NOT_OPENED:
                    return
                raise
            self.longest_s = max(self.longest_s, time.monotonic() - started)
            self.calls += 1
            if self.stopping.wait(self.pause_s):
                break
        session.close(60)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class KernelLog:
    """What the kernel prints from now on."""

    def __init__(self):
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            self.fd = -1

    def warnings(self):
        found = []
        while self.fd >= 0:
            try:
                line = os.read(self.fd, 8192).decode(errors="replace").partition(";")[2].splitlines()[0]
            except BlockingIOError:
                break
            except (BrokenPipeError, IndexError):  # lines that were overwritten, or are empty
                continue
            except OSError:
                break
            if complaints.SIGNS.search(line):
                found.append(line)
        return found


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def stuck(seconds=5):
    """Tasks that cannot be woken, not even to be killed, all of that time: pid → where in the kernel."""
    def now():
        return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and state_of(pid) == "D"}

    waiting, end = now(), time.monotonic() + seconds
    while waiting and time.monotonic() < end:
        time.sleep(0.1)
        waiting &= now()
    return {pid: pathlib.Path(f"/proc/{pid}/wchan").read_text() for pid in waiting}
