# SPDX-License-Identifier: BSD-2-Clause
"""A session of tests/e2e/servers/asker.py under a policy in enforce mode, as far as the engine can refuse."""
import json
import os

import floor

SRC = os.path.realpath(os.environ.get("MCPFLOOR_SRC", "."))
SERVER = f"{SRC}/tests/e2e/servers/asker.py"
PYTHON = "/usr/bin/python3"
BASE = """version 1
default deny
base
  include runtime/python
  read {server}
"""
TOOL = """tool do
  read    {files}/seen
  write   {files}/out
  deny    {files}/out/secret
  exec    /usr/bin/true
  connect 127.0.0.1:9
  listen  127.0.0.1:0
"""
EPERM = "EPERM"
os.environ["MCPFLOOR_POLICY_PATH"] = f"{SRC}/policies"


class Enforced:
    """A place with a policy, and files: seen (a file), out (a directory), kept (a file), dir (a directory)."""

    def __init__(self, text=TOOL):
        self.text = text

    def __enter__(self):
        self.place = floor.Place().__enter__()
        for name in ("seen", "kept"):
            self.place.path(name, name)
        for name in ("out", "dir"):
            os.mkdir(self.place.path(name))
        for name in ("mine", "secret"):
            self.place.path(f"out/{name}", name)
        text = (BASE + self.text).format(server=SERVER, files=self.place.files)
        self.policy = self.place.path("the.policy", text)
        return self

    def __exit__(self, *why):
        return self.place.__exit__(*why)

    def path(self, name):
        return self.place.path(name)

    def session(self, *options):
        return floor.Session([PYTHON, SERVER], self.place, "--policy", self.policy, "--mode", "enforce", "--engine-floor", "partial",
                             *options)


def ask(session, *acts, req_id=None, **more):
    """What became of each act."""
    reply = session.call(list(acts), req_id, 60, **more)
    return json.loads(reply["result"]["content"][0]["text"])
