# SPDX-License-Identifier: BSD-2-Clause
"""TAP for test programs in Python; see tests/README.md.

    import tap

    @tap.test("a reply reaches the client unchanged")
    def _():
        assert relay(b"x\n") == b"x\n"

    tap.main()
"""
import os
import sys
import time
import traceback

_tests = []


class Skip(Exception):
    """Raised by skip(): the test cannot run here, and why."""


def skip(reason):
    raise Skip(reason)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}", flush=True)
    sys.exit(0)


def test(name):
    def register(function):
        _tests.append((name, function))
        return function

    return register


def diag(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def wait_for(seconds, predicate, what="the condition"):
    """Returns the first true value of predicate(); AssertionError when the time is over."""
    seconds *= 4 if os.environ.get("MCPFLOOR_VM") else 1  # a guest emulates
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def main():
    print(f"1..{len(_tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(_tests, 1):
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # every failure of a test is a result, not the end of the run
            failed += 1
            diag(traceback.format_exc(limit=-1))
            print(f"not ok {number} - {name}", flush=True)
    sys.exit(1 if failed else 0)
