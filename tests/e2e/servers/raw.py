#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""MCP servers that are odd on the wire: raw.py MODE [ARG]. Lines are bytes; ids are answered as they stand."""
import os
import re
import sys
import time

ID = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)')


def lines():
    parts = []  # joined once: a line of 64 MiB comes in thousands of reads
    while True:
        data = os.read(0, 1 << 20)
        if not data:
            return
        first, *more = data.split(b"\n")
        parts.append(first)
        if more:
            yield b"".join(parts)
            yield from more[:-1]
            parts = [more[-1]]


def out(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]


def answer(line, text=b"completed successfully"):
    found = ID.search(line)
    return (b'{"jsonrpc":"2.0","id":' + (found[1] if found else b"null") +
            b',"result":{"content":[{"type":"text","text":"' + text + b'"}]}}\n')


def separators():
    """Line separators that are none, in the reply's text."""
    for line in lines():
        out(answer(line, b"a\xe2\x80\xa8b\xe2\x80\xa9c\xc2\x85d\x0be\x0cf"))


def bytewise():
    """One byte per write, with a four-byte character in it."""
    for line in lines():
        for byte in answer(line, "𝄞 done".encode()):
            out(bytes([byte]))
            time.sleep(0.001)


def large(size, pause):
    """Reads nothing for a while, then answers each line with `size` bytes."""
    time.sleep(float(pause))
    for line in lines():
        out(answer(line, b"%d:" % len(line) + b"x" * int(size)))


def noisy(size):
    """Writes to stderr before each answer."""
    for line in lines():
        left = int(size)
        while left:
            left -= os.write(2, b"e" * min(left, 4096))
        out(answer(line))


def banners():
    out("⚡ läuft\n".encode() + b"{ no json\n" + b"\n\r\n" + b"\xef\xbb\xbf{}\n" + b"\xff\xfe broken\n")
    for line in lines():
        out(b"debug: got a line\r\n" + answer(line)[:-1] + b"\r\n")


def reverse(count):
    """Waits for `count` lines, then answers the last one first."""
    waiting = []
    for line in lines():
        waiting.append(line)
        if len(waiting) == int(count):
            for number in reversed(range(len(waiting))):
                out(answer(waiting[number], b"answer %d" % number))
            waiting.clear()


def sampling():
    """Tool A asks its client something and waits; everything else is answered at once."""
    asking = None
    for line in lines():
        if b'"name":"A"' in line:
            asking = line
            out(b'{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"messages":[]}}\n')
        elif b'"id":"s1"' in line:
            out(answer(asking))
        else:
            out(answer(line))


def changing():
    """The definition of its one tool changes with every tools/list."""
    version = 0
    for line in lines():
        if b"tools/list" in line:
            version += 1
            found = ID.search(line)
            out(b'{"jsonrpc":"2.0","id":' + found[1] + b',"result":{"tools":[{"name":"t","description":"v%d",'
                b'"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":%s}}]}}\n'
                % (version, b"true" if version == 1 else b"false"))
        else:
            out(answer(line))
            if b'"changed"' in line:
                out(b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n')


{f.__name__: f for f in (separators, bytewise, large, noisy, banners, reverse, sampling, changing)}[sys.argv[1]](
    *sys.argv[2:])
