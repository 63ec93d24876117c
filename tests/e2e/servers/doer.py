#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An MCP server whose tool does one behaviour (tests/e2e/lib/behaviours.py): {"number": N, "dir": D, "first": bool}.
The behaviour is done in a child, what must have been done before by the server itself."""
import json
import os
import sys

sys.path.insert(0, os.environ["MCPFLOOR_SRC"] + "/tests/e2e/lib")
import behaviours


def in_child(act, folder):
    """What went wrong, as text; "": nothing."""
    here, there = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(here)
        said = ""
        try:
            act(folder)
        except behaviours.Absent as reason:
            said = f"absent: {reason}"
        except BaseException as error:  # the child ends here, whatever it was
            said = f"failed: {error!r}"
        os.write(there, said.encode())
        os._exit(0)
    os.close(there)
    with os.fdopen(here, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    return said


def do(arguments):
    behaviour = behaviours.ALL[arguments["number"]]
    if arguments["first"]:
        behaviours.BEFORE[behaviour.before](arguments["dir"])
        return ""
    return in_child(behaviour.act, arguments["dir"])


for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") != "tools/call":
        continue
    text = do(message["params"]["arguments"])
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"],
                      "result": {"content": [{"type": "text", "text": text}]}}), flush=True)
