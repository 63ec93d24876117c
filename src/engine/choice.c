/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which engine this kernel can run. Asked of the kernel, never of its version.
 */

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine/state.h"

#define NO_SUCH_TYPE 0x7ffffff /* no kernel has that many */
#define LSM_LIST "lsm"
#define KPROBE_PMU "/sys/bus/event_source/devices/kprobe/type"

/*
 * Whether programs may hang on BPF trampolines at all: a kernel that forbids it says EPERM before it
 * looks at anything else; another one misses the function.
 */
static bool has_trampolines(void)
{
	const struct bpf_insn nothing[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
					    { .code = BPF_JMP | BPF_EXIT } };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_LSM_MAC,
		    .attach_btf_id = NO_SUCH_TYPE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_LSM, "mf_probe", "GPL", nothing, ARRAY_LEN(nothing),
			       &opts);

	if (fd < 0)
		return errno != EPERM && errno != EACCES && errno != EOPNOTSUPP;
	close_fd(fd);
	return true;
}

/* securityfs, which need not be mounted anywhere */
static int open_securityfs(void)
{
	_cleanup_fd_ int context = (int)syscall(SYS_fsopen, "securityfs", FSOPEN_CLOEXEC);
	int fd;

	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	return fd < 0 ? -errno : fd;
}

/* A program on a hook of a module that is not active is never asked, and nothing says so. */
static bool bpf_is_active(void)
{
	_cleanup_fd_ int top = open_securityfs(), fd = -1;
	char list[512], *rest = list, *name;
	ssize_t size;

	fd = top < 0 ? open("/sys/kernel/security/" LSM_LIST, O_RDONLY | O_CLOEXEC)
		     : openat(top, LSM_LIST, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, list, sizeof(list) - 1);
	if (size < 0)
		return false;
	list[size] = '\0';
	while ((name = strsep(&rest, ",\n"))) {
		if (!strcmp(name, "bpf"))
			return true;
	}
	return false;
}

static bool has_kprobes(void)
{
	return !access(KPROBE_PMU, F_OK);
}

enum mf_engine engine_best(void)
{
	if (has_trampolines() && bpf_is_active())
		return MF_ENGINE_LSM;
	return has_kprobes() ? MF_ENGINE_KPROBE : MF_ENGINE_TRACE;
}

enum mf_engine engine_next_best(enum mf_engine kind)
{
	if (kind == MF_ENGINE_LSM && has_kprobes())
		return MF_ENGINE_KPROBE;
	return kind == MF_ENGINE_TRACE ? 0 : MF_ENGINE_TRACE;
}
