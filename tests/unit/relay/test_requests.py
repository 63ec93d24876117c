# SPDX-License-Identifier: BSD-2-Clause
"""What begins and ends requests, as the page and the journal tell it."""

import json
import time

import relayed
import tap
from relayed import ECHO, Relayed, call, python, result

# reads N lines, then writes what its argument says
SCRIPTED = """
import sys
for part in {parts!r}:
    if isinstance(part, int):
        for _ in range(part):
            sys.stdin.buffer.readline()
    else:
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


def scripted(*parts):
    return python(SCRIPTED.format(parts=parts))


@tap.test("F12 ids of every kind pair with their own answers, as they were written")
def _():
    long_id = b'"' + b"k" * 10240 + b'"'
    ids = [b"0", b'""', b'"0"', b"-1", b"1.5", b"9007199254740993", b"9007199254740992", long_id,
           b'"\\u0031"', b'"1"', b"1", b"1e2", b"123456789012345678901234567890"]
    replies = [result(i, "for " + i.decode()[:40]) for i in ids]
    with Relayed(scripted(len(ids), b"".join(reversed(replies)))) as r:
        r.send(b"".join(call(i) for i in ids))
        assert b"".join(r.line() for _ in ids) == b"".join(reversed(replies))
        begins = {b["ordinal"]: b["id"] for b in r.guard.wait("begin", len(ids))}
        assert list(begins.values()) == ids
        for end in r.guard.wait("end", len(ids)):
            assert end["end"] == "response" and end["outcome"] == "result"
            assert end["text"] == b"for " + begins[end["ordinal"]][:40], (begins[end["ordinal"]], end)
        assert r.guard.stamp()[1] == 0


@tap.test("F12 a number answered in another spelling still ends its request")
def _():
    with Relayed(scripted(2, b'{"result":{},"id":1}\n{"result":{},"id":9007199254740992}\n')) as r:
        r.send(call(b"1.0") + call(b"9007199254740993"))
        ends = r.guard.wait("end", 2)
        assert [(e["ordinal"], e["end"]) for e in ends] == [(1, "response"), (2, "response")]


@tap.test("F13 a call without id, or with null, is a request until the server exits")
def _():
    with Relayed(python("import sys; sys.stdin.read()")) as r:
        r.send(call(None) + call(b"null") + call(b"1"))
        begins = r.guard.wait("begin", 3)
        assert [b["flags"] for b in begins] == [{"id_missing"}, {"id_null"}, set()]
        assert r.guard.stamp() == (3, 3)
        r.finish()
        assert {e["end"] for e in r.guard.wait("end", 3)} == {"server-exit"}


@tap.test("F14 the same id twice: both stay in flight until both are answered, and say so")
def _():
    server = scripted(2, result(b"2", "b"), 1, result(b"2", "a"))
    with Relayed(server) as r:
        r.send(call(b"2", "A") + call(b"2", "B"))
        assert r.line() == result(b"2", "b")
        assert r.guard.stamp()[1] == 2 and not r.guard.of("end")
        r.send(b'{"method":"notifications/go"}\n')
        assert r.line() == result(b"2", "a")
        ends = r.guard.wait("end", 2)
        assert all(e["end"] == "response" and "id_shared" in e["flags"] for e in ends)
        # whose text it was is not known, so it is nobody's
        assert all(e["text"] == b"" and e["outcome"] == "result" for e in ends)


@tap.test("a request that is not a call shares its id honestly too")
def _():
    server = scripted(2, b'{"result":{"tools":[]},"id":2}\n', 1, result(b"2"))
    with Relayed(server) as r:
        r.send(call(b"2") + b'{"id":2,"method":"tools/list"}\n')
        r.line()
        assert r.guard.stamp()[1] == 1
        r.send(b'{"method":"notifications/go"}\n')
        r.line()
        assert r.guard.wait("end")[0]["flags"] == {"id_shared"}


@tap.test("a cancelled request stays in flight until an answer, and then ends as cancelled")
def _():
    server = scripted(2, b'{"method":"notifications/message"}\n', 1, result(b"5"))
    with Relayed(server) as r:
        r.send(call(b"5") + b'{"method":"notifications/cancelled","params":{"requestId":5}}\n')
        r.line()
        assert r.guard.wait("cancel")[0]["ordinal"] == 1
        assert r.guard.stamp()[1] == 1
        r.send(b'{"method":"notifications/go"}\n')
        r.line()
        assert r.guard.wait("end")[0]["end"] == "cancelled"


@tap.test("the page shows a request before the server has its line, and no more once it is answered")
def _():
    with Relayed(python(ECHO)) as r:
        for i in range(200):
            r.send(call(str(i).encode()))
            r.line()
            assert r.guard.stamp() == (2 * i + 2, 0)
        r.guard.wait("end", 200)
        epochs = [e["epoch"] for e in r.guard.entries if e["kind"] in ("begin", "end")]
        assert epochs == list(range(1, 401))


@tap.test("a task stays in flight until its terminal status, by tasks/get or a notification")
def _():
    task = b'{"result":{"task":{"taskId":"%s","status":"working"}},"id":%s}\n'
    server = scripted(
        3, task % (b"t1", b"1"), task % (b"t2", b"2"), task % (b"t3", b"3"),
        1, b'{"result":{"taskId":"t1","status":"working"},"id":10}\n',
        1, b'{"result":{"taskId":"t1","status":"completed"},"id":11}\n',
        b'{"method":"notifications/tasks/status","params":{"taskId":"t2","status":"failed"}}\n',
        1, b'{"result":{"content":[{"type":"text","text":"late"}],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t3"}}},"id":12}\n')
    with Relayed(server) as r:
        r.send(call(b"1") + call(b"2") + call(b"3"))
        for _ in range(3):
            r.line()
        r.send(b'{"id":10,"method":"tasks/get","params":{"taskId":"t1"}}\n')
        r.line()
        assert r.guard.stamp()[1] == 3
        r.send(b'{"id":11,"method":"tasks/get","params":{"taskId":"t1"}}\n')
        r.line()
        r.line()
        r.send(b'{"id":12,"method":"tasks/result","params":{"taskId":"t3"}}\n')
        r.line()
        ends = r.guard.wait("end", 3)
        assert [(e["ordinal"], e["end"]) for e in ends] == [(1, "task"), (2, "task"), (3, "task")]
        assert all("task" in e["flags"] for e in ends) and ends[2]["text"] == b"late"


@tap.test("batches: each element counts, both ways")
def _():
    batch = b"[" + call(b"1")[:-1] + b"," + call(b"2")[:-1] + b"]\n"
    reply = b"[" + result(b"2")[:-1] + b"," + result(b"1")[:-1] + b"]\n"
    with Relayed(scripted(1, reply)) as r:
        r.send(batch)
        assert r.line() == reply
        assert all(b["flags"] == {"batch"} for b in r.guard.wait("begin", 2))
        assert [e["ordinal"] for e in r.guard.wait("end", 2)] == [2, 1]


@tap.test("duplicate and case-variant keys are read and flagged")
def _():
    lines = [b'{"id":1,"Method":"tools/call","params":{"name":"x"}}\n',
             b'{"id":2,"method":"ping","METHOD":"tools/call","params":{"name":"x"}}\n',
             b'{"id":3,"method":"tools/call","params":{"name":"x","Name":"y","arguments":{},"arguments":[1]}}\n',
             '{"id":4,"method":"tools/call","paramſ":{"name":"x"}}\n'.encode()]
    with Relayed(["cat"]) as r:
        r.send(b"".join(lines))
        begins = r.guard.wait("begin", 4)
        assert all("dup_keys" in b["flags"] and b["tool"] == b"x" for b in begins), begins
        assert begins[2]["args"] == b"[1]"


@tap.test("a million open brackets pass, and make one unreadable request")
def _():
    line = b"[" * 1000000 + b"\n"
    with Relayed(["cat"]) as r:
        r.send(line)
        assert r.line() == line
        assert r.guard.wait("begin")[0]["method"] == "unreadable"


@tap.test("tool definitions with digests and hints, and the server's name, reach the journal")
def _():
    import hashlib
    tool = b'{"name":"del", "annotations":{"readOnlyHint":true,"destructiveHint":false}}'
    server = scripted(
        1, b'{"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"crm","version":"1.2"}},"id":0}\n',
        1, b'{"result":{"tools":[ ' + tool + b' , {"name":"b"}]},"id":1}\n')
    with Relayed(server) as r:
        r.send(b'{"id":0,"method":"initialize"}\n')
        r.line()
        r.send(b'{"id":1,"method":"tools/list"}\n')
        r.line()
        found = r.guard.wait("tool", 2)
        assert found[0]["sha256"] == hashlib.sha256(tool).hexdigest()
        assert found[0]["hints"] == (2, 1, 0, 0) and found[1]["name"] == b"b"
        server = r.guard.of("server")[0]
        assert (server["name"], server["version"], server["protocol"]) == (b"crm", b"1.2", b"2025-11-25")


@tap.test("errors, tool errors, trace context, resources and prompts are told as they are")
def _():
    server = scripted(3, b'{"error":{"code":-1,"message":"no \\u00fc"},"id":1}\n'
                      b'{"result":{"isError":true,"content":[{"type":"text","text":"bad"}]},"id":2}\n'
                      b'{"result":{"contents":[{"uri":"u","text":"content"}]},"id":3}\n{"result":{},"id":99}\n')
    with Relayed(server) as r:
        r.send(call(b"1", _meta={"traceparent": "00-ab-cd-01"}) +
               b'{"id":2,"method":"prompts/get","params":{"name":"p"}}\n'
               b'{"id":3,"method":"resources/read","params":{"uri":"file:///x"}}\n')
        ends = r.guard.wait("end", 3)
        assert [(e["outcome"], e["text"]) for e in ends] == [
            ("rpc-error", "no ü".encode()), ("tool-error", b"bad"), ("result", b"content")]
        begins = r.guard.of("begin")
        assert begins[0]["trace"] == b"00-ab-cd-01"
        assert [(b["method"], b["tool"]) for b in begins[1:]] == [
            ("prompts/get", b"p"), ("resources/read", b"file:///x")]
        for _ in range(4):
            r.line()
        r.finish()
        r.guard.wait("exit")
        assert r.guard.of("counters")[-1]["unmatched"] == 1


@tap.test("F07 a call whose line another process ate is delivered once and stays in flight")
def _():
    server = ["sh", "-c", "read a; sh -c 'read x'; read b"]
    with Relayed(server) as r:
        r.send(call(b"1") + call(b"2") + call(b"3"))
        r.guard.wait("begin", 3)
        r.finish()
        assert {e["end"] for e in r.guard.wait("end", 3)} == {"server-exit"}


@tap.test("digest only: neither arguments nor texts leave, their digests do")
def _():
    import os
    with Relayed(python(ECHO), env={**os.environ, "RELAY_DIGEST_ONLY": "1"}) as r:
        r.send(call(b"1", arguments={"secret": "s3"}))
        r.line()
        end, begin = r.guard.wait("end")[0], r.guard.of("begin")[0]
        assert begin["args"] == b"" and begin["total"] == 16 and "digest_only" in begin["flags"]
        assert end["text"] == b"" and "digest_only" in end["flags"]


tap.main()
