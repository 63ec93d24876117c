# SPDX-License-Identifier: BSD-2-Clause
"""Attacks as tools of an MCP server, and what their records must have; docs/evasions.md has a row for each."""
import contextlib
import os
import pathlib
import re
import struct

import floor
import tap

SRC = pathlib.Path(os.environ.get("MCPFLOOR_SRC", "."))
ENGINES = ("trace", "lsm", "kprobe")  # columns of docs/evasions.md
REFUSING = ("trace", "lsm")  # the columns behind them: where a policy is enforced
ATTACK = f"{floor.BUILD}/tests/e2e/servers/attack"
WANTED = os.environ.get("MCPFLOOR_TEST_ENGINE")
ROUNDS = 200 if os.environ.get("MCPFLOOR_VM") else 2000
CROWD = 200 if os.environ.get("MCPFLOOR_VM") else 2000
LOOPBACK = "127.0.0.9"
NOBODY = 65534


class Scene:
    """One session; request 1 is somebody else's, the attack is request 2."""

    def __init__(self):
        self.place = floor.Place()
        self.report = self.place.path("report", "")
        os.chmod(self.report, 0o666)
        os.chmod(self.place.files, 0o777)
        options = ["--engine", WANTED] if WANTED else []
        self.session = floor.Session(floor.puppet(), self.place, *options)
        self.engine = None

    def path(self, name, text=None):
        return self.place.path(name, text)

    def begin(self):
        self.session.call("touch " + self.path("before"), 1)
        return self

    def attack(self, *words, req_id=2, program=ATTACK):
        """The report's lines, after a skip where the kernel lacks something."""
        self.session.call(" ".join(["exec", program, self.report, *map(str, words)]), req_id, seconds=40)
        lines = pathlib.Path(self.report).read_text().splitlines()
        for line in lines:
            if line.startswith("absent") and "cgroup" not in line:
                tap.skip(line)
        if lines == ["tries"]:
            tap.skip("32-bit system calls: the kernel has none")
        assert lines and lines[-1] == "done", lines
        return lines

    def records(self):
        """What request 2 did; that request 1's record has nothing of it is for the caller."""
        assert self.session.close() == 0, self.session.stderr()
        record = self.place.record(req_id=2)
        self.engine = record["engine"]
        return record, self.place.record(req_id=1)

    def close(self):
        self.session.__exit__()
        self.place.__exit__()


@contextlib.contextmanager
def scene():
    one = Scene()
    try:
        yield one.begin()
    finally:
        one.close()


def need_files(record):
    if "files" not in record["coverage"]:
        tap.skip("opens of files are not covered here")


def status_of(row, engine):
    """What docs/evasions.md says of it."""
    match = re.search(rf"^\| {row} \|.*", (SRC / "docs/evasions.md").read_text(), re.MULTILINE)
    return [cell.strip() for cell in match[0].strip("|").split("|")][2 + ENGINES.index(engine)]


def refused_of(row, engine):
    """What docs/evasions.md says of it where a policy is enforced."""
    match = re.search(rf"^\| {row} \|.*", (SRC / "docs/evasions.md").read_text(), re.MULTILINE)
    cells = [cell.strip() for cell in match[0].strip("|").split("|")]
    return cells[2 + len(ENGINES) + REFUSING.index(engine)] if engine in REFUSING else "–"


def need_engine(row, record, *engines):
    if record["engine"] not in engines:
        assert status_of(row, record["engine"]) != "seen", f"docs/evasions.md says that {row} is seen"
        tap.skip(f"the engine {record['engine']} has no hook for it: {' or '.join(engines)}")


def interpreter_of(program):
    """Of an ELF file: its PT_INTERP."""
    data = pathlib.Path(program).read_bytes()
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, at + number * size)
        if kind == 3:
            return data[offset:offset + length - 1].decode()
    raise AssertionError(program)


def times(record, kind, **fields):
    return sum(e.get("count", 1) for e in floor.events(record, kind, **fields))


def seen(record, kind, **fields):
    """It is there, said with certainty to be this request's."""
    found = floor.events(record, kind, **fields)
    assert found, (kind, fields, [(e["kind"], e.get("path", e.get("dst_port"))) for e in record["events"]])
    for event in found:
        assert event["label"] in ("exclusive", "lineage") and not event.get("late"), event
    return found


def unseen(record, path):
    mine = [e for e in record["events"] if e.get("path") == path or e.get("path2") == path]
    assert not mine, mine


def seen_to(record, kind, port, **fields):
    return seen(record, kind, dst_ip=LOOPBACK, dst_port=port, **fields)


def net_is_covered(record):
    if "net" not in record["coverage"]:
        tap.skip("the network is not covered here")
