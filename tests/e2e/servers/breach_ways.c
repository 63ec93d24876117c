/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways out: mounts, namespaces, devices, the kernel's own doors. Each by itself in a child process, so
 * that one which is open does not change what the next one finds. */
#include "breach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

static int failed(long result)
{
	return result == -1 ? -1 : 0;
}

static int do_mount(char **args)
{
	return failed(mount("none", in(args[0], "dir"), "tmpfs", 0, NULL));
}

static int do_bind(char **args)
{
	return failed(mount(in(args[0], "dir"), in(args[0], "out"), NULL, MS_BIND, NULL));
}

static int do_umount(char **args)
{
	return failed(umount2(args[1], MNT_DETACH));
}

static int do_remount(char **args)
{
	long fd = syscall(SYS_fspick, AT_FDCWD, args[1], 0);

	if (fd < 0)
		return -1;
	return failed(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static int do_fsmount(char **args)
{
	long fd = syscall(SYS_fsopen, "tmpfs", 0);

	(void)args;
	if (fd < 0 || syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return failed(syscall(SYS_fsmount, fd, 0, 0));
}

/* What is read through a copy of the mount, which hangs nowhere */
static int do_open_tree(char **args)
{
	long fd = syscall(SYS_open_tree, AT_FDCWD, args[0], 1 /* OPEN_TREE_CLONE */);

	return fd < 0 ? -1 : failed(openat((int)fd, "kept", O_RDONLY));
}

static int do_move_mount(char **args)
{
	long fd = syscall(SYS_open_tree, AT_FDCWD, in(args[0], "dir"), 1);

	if (fd < 0)
		return -1;
	return failed(syscall(SYS_move_mount, fd, "", AT_FDCWD, in(args[0], "out"),
			      MOVE_MOUNT_F_EMPTY_PATH));
}

static int do_pivot(char **args)
{
	return failed(syscall(SYS_pivot_root, in(args[0], "out"), in(args[0], "out")));
}

static int do_chroot(char **args)
{
	return failed(chroot(in(args[0], "out")));
}

static int do_userns(char **args)
{
	(void)args;
	return failed(unshare(CLONE_NEWUSER));
}

static int do_clone(char **args)
{
	(void)args;
	return failed(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int do_unshare(char **args)
{
	(void)args;
	return failed(unshare(CLONE_NEWNS));
}

static int do_setns(char **args)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)args;
	return failed(setns(fd, CLONE_NEWNET));
}

/* E23, E41: DIR MOUNT, which is one that may be looked at */
static void mounts(char **args)
{
	said_child("mount", do_mount, args);
	said_child("bind", do_bind, args);
	said_child("umount", do_umount, args);
	said_child("remount", do_remount, args);
	said_child("fsmount", do_fsmount, args);
	said_child("open-tree", do_open_tree, args);
	said_child("move-mount", do_move_mount, args);
	said_child("pivot-root", do_pivot, args);
	said_child("chroot", do_chroot, args);
}

/* E23 */
static void namespaces(char **args)
{
	said_child("user", do_userns, args);
	said_child("clone", do_clone, args);
	said_child("unshare", do_unshare, args);
	said_child("setns", do_setns, args);
}

static int do_block_device(char **args)
{
	return failed(mknod(in(args[0], "out/block"), S_IFBLK | 0600, makedev(7, 0)));
}

static int do_character_device(char **args)
{
	return failed(mknod(in(args[0], "out/mem"), S_IFCHR | 0600, makedev(1, 1)));
}

static int do_fifo(char **args)
{
	return failed(mknod(in(args[0], "out/fifo"), S_IFIFO | 0600, 0));
}

static int do_dev_mem(char **args)
{
	(void)args;
	return failed(open("/dev/mem", O_RDONLY));
}

/* Types into the terminal that it controls. */
static int do_type(char **args)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY), other;

	(void)args;
	if (fd < 0 || grantpt(fd) || unlockpt(fd))
		return -1;
	setsid();
	other = open(ptsname(fd), O_RDWR);
	if (other < 0 || ioctl(other, TIOCSCTTY, 0))
		return -1;
	return failed(ioctl(other, TIOCSTI, "x"));
}

/* E24: DIR */
static void devices(char **args)
{
	said_child("block", do_block_device, args);
	said_child("character", do_character_device, args);
	said_child("fifo", do_fifo, args);
	said_child("dev-mem", do_dev_mem, args);
	said_child("tiocsti", do_type, args);
}

static int do_bpf(char **args)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	(void)args;
	return failed(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int do_perf(char **args)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_DUMMY };

	(void)args;
	return failed(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

/* No module: it is refused before that is found out. */
static int do_init_module(char **args)
{
	char image[512] = "\177ELF";

	(void)args;
	return failed(syscall(SYS_init_module, image, sizeof(image), ""));
}

static int do_finit_module(char **args)
{
	int fd = open(in(args[0], "seen"), O_RDONLY | O_CLOEXEC);

	return failed(syscall(SYS_finit_module, fd, "", 0));
}

static int do_kexec(char **args)
{
	(void)args;
	return failed(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static int do_add_key(char **args)
{
	(void)args;
	return failed(
		syscall(SYS_add_key, "user", "mcpfloor:breach", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int do_user_keys(char **args)
{
	char text[256];

	(void)args;
	return failed(syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_USER_KEYRING, text, sizeof(text)));
}

static int do_userfaultfd(char **args)
{
	(void)args;
	return failed(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

static int do_uring(char **args)
{
	struct io_uring_params params = {};

	(void)args;
	return failed(syscall(SYS_io_uring_setup, 4, &params));
}

/* E31, E34: DIR */
static void doors(char **args)
{
	said_child("bpf", do_bpf, args);
	said_child("perf", do_perf, args);
	said_child("init-module", do_init_module, args);
	said_child("finit-module", do_finit_module, args);
	said_child("kexec", do_kexec, args);
	said_child("add-key", do_add_key, args);
	said_child("user-keys", do_user_keys, args);
	said_child("userfaultfd", do_userfaultfd, args);
	said_child("uring", do_uring, args);
}

/* E33 */
static void settings(char **args)
{
	(void)args;
	said_fd("core-pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
	said_fd("modprobe", open("/proc/sys/kernel/modprobe", O_WRONLY | O_CLOEXEC));
	said_fd("sysrq", open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC));
	said_fd("uevent", open("/sys/kernel/uevent_helper", O_WRONLY | O_CLOEXEC));
}

const struct verb way_verbs[] = {
	{ "mounts", 2, mounts }, { "namespaces", 0, namespaces }, { "devices", 1, devices },
	{ "doors", 1, doors },	 { "settings", 0, settings },	  { 0 },
};
