# SPDX-License-Identifier: BSD-2-Clause
"""A guest's kernel and its initramfs: busybox, what boots it, the modules without which 6.1 has no
virtiofs."""
import lzma
import pathlib
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = "/bin/busybox"
# In the order in which they are inserted; what a kernel has built in has no such file
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "fuse", "virtiofs", "virtio_console")


class Unable(Exception):
    """No guest can be started, and why."""


class Archive:
    """cpio, newc: what the kernel unpacks."""

    def __init__(self):
        self.data = bytearray()
        self.count = 0

    def entry(self, name, mode, content=b"", device=(0, 0)):
        self.count += 1
        path = name.encode() + b"\0"
        head = (self.count, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
        self.data += b"070701" + b"".join(b"%08x" % field for field in head)
        for part in (path, content):
            self.data += part
            self.data += bytes(-len(self.data) % 4)

    def folder(self, name):
        self.entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, content, mode=0o644):
        self.entry(name, stat.S_IFREG | mode, content)

    def finished(self):
        self.entry("TRAILER!!!", 0)
        return bytes(self.data)


def modules(kernel):
    """(name, content) of those that this kernel does not have built in."""
    for name in MODULES:
        for path in kernel.glob(f"lib/modules/*/kernel/**/{name}.ko*"):
            content = path.read_bytes()
            yield name, lzma.decompress(content) if path.suffix == ".xz" else content


def build(kernel, files):
    """kernel: an unpacked package. files: name → bytes, what init and session find in /boot."""
    archive = Archive()
    for folder in ("bin", "boot", "modules", "dev"):
        archive.folder(folder)
    archive.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), 0o755)
    archive.file("init", (HERE / "init").read_bytes(), 0o755)
    archive.file("boot/session", (HERE / "session").read_bytes(), 0o755)
    for number, (name, content) in enumerate(modules(kernel)):
        archive.file(f"modules/{number}-{name}", content)
    for name, content in files.items():
        archive.file(f"boot/{name}", content)
    return archive.finished()


def find(series):
    """The unpacked package; tests/vm/fetch gets it when the cache has none."""
    fetch = subprocess.run([HERE / "fetch", series], stdout=subprocess.PIPE, text=True)
    if fetch.returncode:
        raise Unable(f"no guest without a {series} kernel")
    return pathlib.Path(fetch.stdout.strip())
