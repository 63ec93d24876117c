# SPDX-License-Identifier: BSD-2-Clause
"""A server behind the relay, with the fake guard of fake_guard.py, seen from the client's side."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(SOURCE), str(SOURCE.parents[1] / "e2e/lib")]
sys.dont_write_bytecode = True

from fake_guard import Guard  # noqa: E402

DRIVER = sys.argv[1]
# answers every line that has an id; what a test server needs more stands in its own text
ECHO = """
import sys, json
for line in sys.stdin.buffer:
    m = json.loads(line)
    if "id" in m and "method" in m:
        r = {"jsonrpc": "2.0", "result": {"content": [{"type": "text", "text": "done"}]}, "id": m["id"]}
        sys.stdout.buffer.write(json.dumps(r).encode() + b"\\n")
        sys.stdout.buffer.flush()
"""


def python(text):
    return [sys.executable, "-u", "-c", text]


def call(req_id, name="echo", arguments=None, **more):
    """One tools/call line; req_id is JSON text, None: no id."""
    head = b'{"jsonrpc":"2.0",'
    if req_id is not None:
        head += b'"id":' + req_id + b","
    params = {"name": name, "arguments": arguments or {}, **more}
    return head + b'"method":"tools/call","params":' + json.dumps(params).encode() + b"}\n"


def result(req_id, text="done"):
    content = json.dumps([{"type": "text", "text": text}]).encode()
    return b'{"jsonrpc":"2.0","result":{"content":' + content + b'},"id":' + req_id + b"}\n"


class Relayed:
    """with Relayed(argv) as r: r.send(line); r.line(); r.guard.of("begin")"""

    def __init__(self, argv, grace_ms=300, guard=None, **more):
        self.dir = tempfile.mkdtemp(dir=os.environ.get("MCPFLOOR_TMP"))
        self.guard = Guard(self.dir, **(guard or {}))
        more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        self.process = subprocess.Popen([DRIVER, self.dir, str(grace_ms), *argv], bufsize=0, **more)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.guard.close()
        shutil.rmtree(self.dir)

    def send(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view):]

    def line(self):
        while b"\n" not in self.buffer:
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, f"the stream ended: {self.buffer!r:.200}"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line + b"\n"

    def rest(self):
        data, self.buffer = self.buffer, b""
        while more := os.read(self.process.stdout.fileno(), 1 << 20):
            data += more
        return data

    def finish(self):
        """The client is done: returns (rest of stdout, exit status, stderr)."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        rest = self.rest()
        status = self.process.wait(timeout=30)
        return rest, status, self.process.stderr.read() if self.process.stderr else b""
