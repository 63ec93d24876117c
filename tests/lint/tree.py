# SPDX-License-Identifier: BSD-2-Clause
"""What the lint tests share: the files of the tree, by kind."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get("MCPFLOOR_SRC") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("MCPFLOOR_BUILD") or ROOT / "build-asan")
sys.path.insert(0, str(ROOT / "tests/e2e/lib"))


def files():
    """Every file of the tree that git tracks or would add, as paths relative to the root."""
    out = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-co",
                          "--exclude-standard"], check=True, capture_output=True, text=True).stdout
    return [pathlib.Path(line) for line in sorted(set(out.splitlines()))
            if (ROOT / line).is_file()]


def c_files():
    return [path for path in files() if path.suffix in (".c", ".h")]


def text(path):
    return (ROOT / path).read_text(errors="replace")


def shell_scripts():
    for path in files():
        if path.suffix == ".sh":
            yield path
        elif path.suffix == "" and os.access(ROOT / path, os.X_OK):
            with open(ROOT / path, "rb") as file:
                first = file.readline(80)
            if first.startswith(b"#!") and (b"bash" in first or b"/sh" in first):
                yield path
