# SPDX-License-Identifier: BSD-2-Clause
"""Holds the labels of a session's log against what the server says that it did.

The puppet's own diary tells, for every operation, the interval in which it happened and the process
that did it; its path or port tells which request caused it. The relay's window of a request lies
between two others that this side knows:

    certain   the server has the request and has not begun to reply   (inside the relay's window)
    outer     from before the client sent it until after it had the reply   (around it)

A label is a false statement only when it contradicts what is certain.
"""
import collections
import os
import re

NUMBERED = re.compile(r"/truth/([^/]+)/req-(\d+)/([^/]+)$")
PORT_BASE = 10000

# The kernel's quick clock and the process's differ while a tick is late, as an emulated one often is
SKEW_NS = 5_000_000 if os.environ.get("MCPFLOOR_VM") else 50_000


def mode_address(modes, mode):
    """Each mode has a loopback address of its own for its connections."""
    return f"127.77.0.{modes.index(mode) + 1}"


class Diary:
    def __init__(self, path):
        self.begin, self.reply, self.forks, self.ops = {}, {}, {}, []
        self.root = None
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                word, *rest = line.split()
                if word == "START":
                    self.root = int(rest[0])
                elif word == "BEGIN":
                    self.begin[int(rest[1])] = int(rest[0])
                elif word == "REPLY":
                    self.reply[int(rest[1])] = int(rest[0])
                elif word == "FORK":
                    self.forks[int(rest[3])] = (int(rest[0]), int(rest[1]), int(rest[2]))
                elif word == "OP":
                    self.ops.append({"t0": int(rest[0]), "t1": int(rest[1]), "pid": int(rest[2]),
                                     "tid": int(rest[3]), "verb": rest[4], "object": rest[5:]})


class Sighting:
    """One event of the log with the request whose entry it stands in (None: background)."""

    def __init__(self, event, owner, entry):
        self.event, self.owner, self.entry = event, owner, entry
        self.label = event["label"]
        self.late = bool(event.get("late"))


def sightings(entries, modes, number_of_uid):
    """(kind class, mode, truth, name) → sightings. Kind class: file or net."""
    found = collections.defaultdict(list)
    by_address = {mode_address(modes, mode): mode for mode in modes}
    for kind, entry in entries:
        if kind not in ("request", "late", "background"):
            continue
        for event in entry.get("events", []):
            # a record is about one request; an entry of late events names one for each event
            owner = number_of_uid.get(entry.get("uid", event.get("request")))
            where = None
            if event["kind"] in ("open", "create", "delete"):
                hit = NUMBERED.search(event.get("path", ""))
                if hit:
                    where = ("file", hit[1], int(hit[2]), hit[3])
            elif event["kind"] in ("connect", "send") and event.get("dst_ip") in by_address:
                where = ("net", by_address[event["dst_ip"]], event["dst_port"] - PORT_BASE, "")
            if where:
                found[where].append(Sighting(event, owner, kind))
    return found


def op_key(op, modes):
    """The same key for an operation of the diary; None: none of those that carry their truth."""
    if op["verb"] in ("touch", "open", "unlink"):
        hit = NUMBERED.search(op["object"][0])
        return ("file", hit[1], int(hit[2]), hit[3]) if hit else None
    if op["verb"] in ("vexec", "exec") and len(op["object"]) > 1:
        hit = NUMBERED.search(op["object"][-1])
        return ("file", hit[1], int(hit[2]), hit[3]) if hit else None
    if op["verb"] in ("connect", "send"):
        for mode in modes:
            if op["object"][0] == mode_address(modes, mode):
                return ("net", mode, int(op["object"][1]) - PORT_BASE, "")
    return None


class Judge:
    """Collects false statements (faults) and the shares of right requests per label."""

    def __init__(self, diary, sent, received, number_of_uid):
        self.diary, self.sent, self.received = diary, sent, received
        self.number = number_of_uid
        self.faults = []
        self.shares = collections.Counter()  # (label, mode, outcome) → sightings
        self.sure = []  # (kind, label, mode, outcome) of what happened before the reply

    def certain(self, request, t0, t1):
        """The request was in flight all the time from t0 to t1."""
        return (request in self.diary.begin and self.diary.begin[request] <= t0
                and t1 <= self.diary.reply.get(request, 0))

    def possible(self, request, t0, t1):
        """The request may have been in flight at some time from t0 to t1."""
        return (self.sent.get(request, t1 + 1) <= t1
                and t0 <= self.received.get(request, t0))

    def others_certain(self, request, t0, t1):
        return [other for other in self.diary.begin
                if other != request and self.certain(other, t0, t1)]

    def birth(self, pid):
        return self.diary.forks.get(pid)

    def judge(self, key, op, seen):
        named = sorted(self.number.get(uid, -1) for uid in seen.event.get("candidates", []))
        where = f"{key} {seen.event['kind']} label {seen.label} of {seen.owner} late {seen.late}"
        t0, t1, truth = op["t0"], op["t1"], key[2]
        check = getattr(self, "is_" + seen.label, None)
        if not check:
            self.faults.append(f"{where}: no such label")
            return
        for fault in check(seen, op, named):
            self.faults.append(f"{where}: {fault}")
        if seen.late and seen.owner is not None and self.certain(seen.owner, t0, t1):
            self.faults.append(f"{where}: late, but the request had not been answered")
        stamp = self.entry_time(seen)
        if stamp and seen.event["kind"] == "open" and not t0 - SKEW_NS <= stamp <= t1 + SKEW_NS:
            self.faults.append(f"{where}: its time is {stamp - t0} ns off the operation's start")
        outcome = self.count(seen, truth, named, key[1])
        if not key[1].startswith("after"):
            self.sure.append((seen.event["kind"], seen.label, key[1], outcome))

    def entry_time(self, seen):
        return seen.event.get("_mono_ns")

    def count(self, seen, truth, named, mode):
        if seen.label == "candidates":
            outcome = "right" if truth in named else "other"
        elif seen.label == "background":
            outcome = "none"
        else:
            outcome = "right" if seen.owner == truth else "other"
        label = seen.label + (" late" if seen.late and seen.label == "lineage" else "")
        self.shares[(label, mode, outcome)] += 1
        return outcome

    def is_exclusive(self, seen, op, named):
        if seen.owner is None:
            yield "in no request's record"
        elif not self.possible(seen.owner, op["t0"], op["t1"]):
            yield "the request was not in flight"
        others = self.others_certain(seen.owner, op["t0"], op["t1"])
        if others:
            yield f"{others} were in flight too"

    def is_lineage(self, seen, op, named):
        born = self.birth(op["pid"])
        chain = 0
        if not born and op["verb"] not in ("vexec", "exec"):
            yield "the process was not born in the session's time"
            return
        while born and self.diary.forks.get(born[2]) and chain < 8:
            born, chain = self.diary.forks[born[2]], chain + 1  # the first process born inside
        t0, t1 = (born[0], born[1]) if born else (op["t0"], op["t1"])
        if not self.possible(seen.owner, t0, t1):
            yield "the process was not born while the request was in flight"
        others = self.others_certain(seen.owner, t0, t1)
        if others:
            yield f"the process was born while {others} were in flight too"

    def is_candidates(self, seen, op, named):
        if not named:
            yield "names nobody"
        if seen.owner is not None and seen.owner not in named:
            yield f"stands in the record of a request that is not among {named}"
        for request in self.diary.begin:
            # in flight all the time, by a process of whatever birth: it must be among them,
            # unless the process was born in others that still are
            if (self.certain(request, op["t0"], op["t1"]) and request not in named
                    and not self.birth(op["pid"]) and op["verb"] not in ("vexec", "exec")):
                yield f"{request} was in flight and is not among {named}"

    def is_background(self, seen, op, named):
        others = self.others_certain(None, op["t0"], op["t1"])
        if others:
            yield f"{others} were in flight"


# The tables of docs/attribution.md: a row for each label in each round, and for each doer; a column for each engine.
ENGINES = ("lsm", "kprobe", "trace")
UNSEEN = "–"
OUTCOMES = ("right", "other", "none")


def by_label(rounds):
    """(round, label) → outcome → events"""
    total = collections.defaultdict(collections.Counter)
    for title, shares in rounds:
        for (label, _, outcome), count in shares.items():
            total[(title, f"`{label}`")][outcome] += count
    return total


def by_doer(rounds):
    """(who did it, label) → outcome → events"""
    total = collections.defaultdict(collections.Counter)
    for _, shares in rounds:
        for (label, mode, outcome), count in shares.items():
            total[(mode, f"`{label}`")][outcome] += count
    return total


def share_cell(counts):
    """events: percent that names the right request, another one, nobody"""
    every = sum(counts.values())
    return f"{every}: " + " / ".join(f"{100 * counts[outcome] / every:.1f}" for outcome in OUTCOMES)


def count_cell(counts):
    return " / ".join(str(counts[outcome]) for outcome in OUTCOMES)


def rows_of(text, heads):
    """What a table says that begins with these heads: (first cell, second cell) → engine → cell."""
    found = {}
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("| " + " | ".join(heads)):
            break
    next(lines, None)
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 2 + len(ENGINES):
            break
        found[tuple(cells[:2])] = dict(zip(ENGINES, cells[2:]))
    return found


HEADS = {"label": ("in flight", "label"), "doer": ("who did it", "label")}


def tables(text, columns):
    """Markdown of both tables: what `text` says, with the columns {engine: rounds} in place of its own."""
    parts = []
    for kind, collect, cell in (("label", by_label, share_cell), ("doer", by_doer, count_cell)):
        rows = rows_of(text, HEADS[kind])
        for engine, rounds in columns.items():
            for row in rows.values():
                row[engine] = UNSEEN
            for key, counts in collect(rounds).items():
                rows.setdefault(key, dict.fromkeys(ENGINES, UNSEEN))[engine] = cell(counts)
        order = [title for title, _ in next(iter(columns.values()))]
        lines = ["| " + " | ".join((*HEADS[kind], *(f"`{engine}`" for engine in ENGINES))) + " |",
                 "|---" * (2 + len(ENGINES)) + "|"]
        for key in sorted(rows, key=lambda key: (order.index(key[0]) if key[0] in order else 0, key[0], key[1].strip("`"))):
            cells = [rows[key][engine] for engine in ENGINES]
            if set(cells) != {UNSEEN}:
                lines.append("| " + " | ".join((*key, *cells)) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
