# SPDX-License-Identifier: BSD-2-Clause
"""One guest: QEMU, the virtiofsd of each share, and the ports that its command speaks through.

Nothing of it outlives this process, whatever becomes of that: the children die with it, sockets and
the initramfs have no name anywhere, and the mounts are of a namespace that ends with virtiofsd.
"""
import ctypes
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time

import kernel

QEMU = "qemu-system-x86_64"
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
COVERED = ("/tmp", "/var/tmp", "/run", "/root", "/var/lib", "/dev/shm")  # by memory: init does it
RESULTS = "/run/mcpfloor-vm/results"
BOOT_MAX_S = 120
OFF_MAX_S = 10
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x20000
MS_PRIVATE = 1 << 18
SYS_MOUNT_SETATTR = 442
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = -100, 0x8000, 1
libc = ctypes.CDLL(None, use_errno=True)


def hidden(paths):
    """Those that memory covers, without what lies below another."""
    result = []
    for path in sorted(map(os.path.realpath, paths)):
        inside = any(path.startswith(f"{place}/") for place in COVERED)
        if inside and not (result and f"{path}/".startswith(f"{result[-1]}/")):
            result.append(path)
    return result


class Outcome:
    def __init__(self, status, reason, console):
        self.status = status  # of the command; None: reason says what became of the guest
        self.reason = reason
        self.console = console


def die_with(parent):
    """In a child before exec: it dies with the process that started it."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def see_all_read_only():
    """In a child before exec: every mount is read-only to it, whatever the guest tries."""
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, 0)
    if libc.unshare(CLONE_NEWNS) or libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, attributes,
                                                 ctypes.sizeof(attributes)):
        raise OSError(ctypes.get_errno(), "a read-only view of the root")


def memory_file(name, content=b""):
    """An open file without a name."""
    fd = os.memfd_create(name)
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    return fd


class Guest:
    def __init__(self, tree, options, environment):
        for program, package in ((VIRTIOFSD, "qemu-system-common"), (f"/usr/bin/{QEMU}", "qemu-system-x86"),
                                 (kernel.BUSYBOX, "busybox-static")):
            if not os.access(program, os.X_OK):
                raise kernel.Unable(f"{package} is missing: tools/setup vm")
        if os.geteuid():
            raise kernel.Unable("only root can share this machine's root with a guest")
        self.options = options
        self.vmlinuz = next(tree.glob("boot/vmlinuz-*"))
        self.shares = {"hostroot": "/"}
        if options.results:
            os.makedirs(options.results, exist_ok=True)
            self.shares["results"] = os.path.realpath(options.results)
        see = hidden([os.getcwd(), kernel.HERE.parent.parent, *options.see])
        words = {"command": options.command, "environment": [f"{k}={v}" for k, v in environment.items()]}
        files = {name: b"".join(os.fsencode(word) + b"\0" for word in value)
                 for name, value in words.items()}
        files["see"] = "".join(f"{path}\n" for path in see).encode()
        files["shares"] = " ".join(self.shares).encode()
        self.initramfs = kernel.build(tree, files)

    def run(self):
        """Boots it, runs the command, and returns when all is over."""
        self.children, self.fds, self.passed = [], [], []
        self.console = memory_file("console")
        self.ports = {}
        try:
            self.start()
            return self.watch(self.children[-1])
        finally:
            for child in self.children:
                child.kill()
            for child in self.children:
                child.wait()
            for end in (*self.ports.values(), *self.fds):
                end.close()
            os.close(self.console)

    def child(self, argv, fds, before=None, **more):
        parent = os.getpid()

        def prepare():
            die_with(parent)
            if not self.options.shell:
                os.setpgid(0, 0)  # the terminal's ^C is for us, who end it
            if before:
                before()

        with open(f"/proc/self/fd/{self.console}", "ab") as console:
            self.children.append(subprocess.Popen(argv, pass_fds=fds, preexec_fn=prepare, stderr=console,
                                                  **more))

    def share(self, tag, source):
        """Starts the share's server; QEMU's words for it."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(b"")  # a name that nobody knows, and that ends with the socket
        listening.listen(1)
        ours = socket.socket(socket.AF_UNIX)
        ours.connect(listening.getsockname())
        self.fds += [listening, ours]
        read_only = source == "/"
        argv = [VIRTIOFSD, f"--fd={listening.fileno()}", "-f", "-o", f"source={source}",
                "-o", f"cache={'always' if read_only else 'auto'}", "-o", "sandbox=chroot", "-o", "log_level=err"]
        self.child(argv, [listening.fileno()], see_all_read_only if read_only else None,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.passed.append(ours.fileno())
        return ["-chardev", f"socket,id={tag},fd={ours.fileno()}",
                "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]

    def port(self, name):
        ours, theirs = socket.socketpair()
        self.ports[name] = ours
        self.fds.append(theirs)
        self.passed.append(theirs.fileno())
        return ["-chardev", f"socket,id={name},fd={theirs.fileno()}",
                "-device", f"virtserialport,chardev={name},name={name}"]

    def start(self):
        options = self.options
        initramfs = memory_file("initramfs", self.initramfs)
        words = f"console=ttyS0 panic=-1 loglevel=5 {options.append}"
        argv = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
                "-cpu", "max", "-smp", str(options.smp), "-m", str(options.mem),
                "-accel", "tcg" if options.icount else "tcg,thread=multi",
                "-kernel", str(self.vmlinuz), "-initrd", f"/proc/self/fd/{initramfs}",
                "-append", words.strip(),
                "-object", f"memory-backend-memfd,id=mem,size={options.mem}M,share=on",
                "-numa", "node,memdev=mem",
                "-chardev", f"file,id=console,path=/proc/self/fd/{self.console},append=on",
                "-serial", "chardev:console"]
        if options.icount:
            argv += ["-icount", "shift=0,sleep=off"]
        for tag, source in self.shares.items():
            argv += self.share(tag, source)
        argv += ["-device", "virtio-serial-pci"]
        for name in ("control", "stdout", "stderr"):
            argv += self.port(name)
        if options.shell:
            argv += ["-chardev", "stdio,id=terminal,signal=off", "-serial", "chardev:terminal"]
        try:
            self.child(argv, [initramfs, self.console, *self.passed],
                       stdin=None if options.shell else subprocess.DEVNULL)
        finally:
            os.close(initramfs)
            for end in self.fds:
                end.close()

    def watch(self, qemu):
        """Copies the ports until the guest is off or the time is over."""
        out = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
        now = time.monotonic()
        silence = self.options.silence or float("inf")
        ends = {"all": now + self.options.timeout, "boot": now + BOOT_MAX_S}
        if self.options.shell:
            ends = {"never": float("inf")}
        heard = b""
        terminal = select.poll()
        if self.options.shell:
            terminal.register(0, 0)
        with selectors.DefaultSelector() as selector:
            for name, ours in self.ports.items():
                selector.register(ours, selectors.EVENT_READ, name)
            while selector.get_map() and time.monotonic() < min(ends.values()):
                if terminal.poll(0):  # hung up: its signal goes to make alone, which waits for us
                    sys.exit(128 + signal.SIGHUP)
                for key, _ in selector.select(min(1, max(0, min(ends.values()) - time.monotonic()))):
                    data = key.fileobj.recv(1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data == "control":
                        heard += data
                        ends.pop("boot", None)
                        ends["silence"] = time.monotonic() + silence
                        if b"exit" in heard:
                            ends.setdefault("off", time.monotonic() + OFF_MAX_S)
                    else:
                        out[key.data].write(data)
                        out[key.data].flush()
                        ends["silence"] = time.monotonic() + silence
            hangs = bool(selector.get_map())
        self.silent = ends.get("silence", float("inf")) <= time.monotonic()
        return self.judge(heard.decode(errors="replace").split(), hangs, qemu)

    def judge(self, heard, hangs, qemu):
        os.lseek(self.console, 0, os.SEEK_SET)
        with open(self.console, "rb", closefd=False) as file:
            console = file.read()
        if "exit" in heard and heard.index("exit") + 1 < len(heard):
            return Outcome(int(heard[heard.index("exit") + 1]), "", console)
        if self.options.shell and not hangs:
            return Outcome(0, "", console)
        panic = next((line for line in console.decode(errors="replace").splitlines()
                      if "Kernel panic" in line), None)
        if panic:
            reason = f"the guest panicked ({panic.strip()})"
        elif hangs and heard and self.silent:
            reason = f"nothing was heard from the command for {self.options.silence:g} s"
        elif hangs and heard:
            reason = f"the command had not ended after {self.options.timeout:g} s"
        elif hangs:
            reason = f"the guest had not come up after {min(BOOT_MAX_S, self.options.timeout):g} s"
        else:
            reason = f"the guest went off before the command ended (QEMU's exit status {qemu.wait()})"
        return Outcome(None, reason, console)
