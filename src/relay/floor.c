/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that a seccomp filter refuses. */

#include "relay/floor.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "abi/control.h"
#include "base/cleanup.h"

/* Newer than this libseccomp, or than the headers; numbers are the same on every architecture. */
#define NR_FCHMODAT2 452
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_OPEN_TREE_ATTR 467
#define NR_FILE_SETATTR 469

#define CALLS(...)             \
	.calls = (const int[]) \
	{                      \
		__VA_ARGS__, 0 \
	}
#define CALL(name) __SNR_##name
#define NEWER(...)             \
	.newer = (const int[]) \
	{                      \
		__VA_ARGS__, 0 \
	}

/* read(2) is number 0 on x86_64 and never refused, so that 0 ends a list. */
static const struct way {
	const int *calls;
	const int *newer;
} ways[MF_POL_ESCAPE_MAX] = {
	[MF_POL_MOUNT] = { CALLS(CALL(mount), CALL(umount), CALL(umount2), CALL(pivot_root),
				 CALL(move_mount), CALL(open_tree), CALL(fsopen), CALL(fsconfig),
				 CALL(fsmount), CALL(fspick), CALL(mount_setattr)),
			   NEWER(NR_OPEN_TREE_ATTR) },
	[MF_POL_NAMESPACES] = { CALLS(CALL(setns)) },
	[MF_POL_CHROOT] = { CALLS(CALL(chroot)) },
	[MF_POL_BPF] = { CALLS(CALL(bpf)) },
	[MF_POL_MODULES] = { CALLS(CALL(init_module), CALL(finit_module), CALL(delete_module),
				   CALL(kexec_load), CALL(kexec_file_load)) },
	[MF_POL_PERF] = { CALLS(CALL(perf_event_open)) },
	[MF_POL_KEYS] = { CALLS(CALL(add_key), CALL(request_key), CALL(keyctl)) },
	[MF_POL_IO_URING] = { CALLS(CALL(io_uring_setup), CALL(io_uring_enter),
				    CALL(io_uring_register)) },
	[MF_POL_USERFAULTFD] = { CALLS(CALL(userfaultfd)) },
	[MF_POL_HANDLES] = { CALLS(CALL(open_by_handle_at)) },
};

/* Changes that are asked of a file and not of a name, which Landlock knows nothing of */
static const struct way attributes = {
	CALLS(CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL(chown), CALL(fchown), CALL(lchown),
	      CALL(fchownat), CALL(chown32), CALL(fchown32), CALL(lchown32), CALL(setxattr),
	      CALL(lsetxattr), CALL(fsetxattr), CALL(removexattr), CALL(lremovexattr),
	      CALL(fremovexattr)),
	NEWER(NR_FCHMODAT2, NR_SETXATTRAT, NR_REMOVEXATTRAT, NR_FILE_SETATTR),
};

/* Of arguments that the kernel takes as 32 bits, whatever stands above them */
#define ARG_IS(arg, mask, value) \
	SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value))
#define INT 0xffffffffULL
#define TYPES 0xf /* SOCK_TYPE_MASK of include/linux/net.h */

static int refuse_all(scmp_filter_ctx filter, const int *calls)
{
	int err = 0;

	for (; calls && *calls && !err; calls++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), *calls, 0);
	return err;
}

static int refuse_namespaces(scmp_filter_ctx filter)
{
	static const unsigned new[] = { CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					CLONE_NEWUSER, CLONE_NEWPID,	CLONE_NEWNET };
	/* its flags are in memory, where no filter sees them: every libc does without it */
	int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; i < ARRAY_LEN(new) && !err; i++) {
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				       ARG_IS(0, new[i], new[i]));
		if (!err)
			err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
					       ARG_IS(0, new[i], new[i]));
	}
	/* 0x80 is a signal to clone() */
	return err ? err
		   : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
				      ARG_IS(0, 0x80, 0x80));
}

#define ANY (-1)

static int refuse_socket(scmp_filter_ctx filter, int family, int type, int protocol)
{
	struct scmp_arg_cmp args[3];
	unsigned count = 0;

	args[count++] = ARG_IS(0, INT, family);
	if (type != ANY)
		args[count++] = ARG_IS(1, TYPES, type);
	if (protocol != ANY)
		args[count++] = ARG_IS(2, INT, protocol);
	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), count, args);
}

#define FAMILIES 64 /* more than there are */
#define SMC 256 /* IPPROTO_SMC */

static int refuse_raw(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int err = refuse_socket(filter, AF_PACKET, ANY, ANY);

	if (!err)
		err = refuse_socket(filter, AF_XDP, ANY, ANY);
	for (size_t i = 0; i < ARRAY_LEN(families) && !err; i++) {
		err = refuse_socket(filter, families[i], SOCK_RAW, ANY);
		if (!err)
			err = refuse_socket(filter, families[i], SOCK_PACKET, ANY);
		if (!err)
			err = refuse_socket(filter, families[i], ANY, IPPROTO_ICMP);
		if (!err)
			err = refuse_socket(filter, families[i], ANY, IPPROTO_ICMPV6);
	}
	return err;
}

/* What the kernel has of streams and datagrams besides TCP and UDP */
static int refuse_other_internet(scmp_filter_ctx filter, int family)
{
	static const int types[] = { SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP };
	static const int protocols[] = { IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_DCCP,
					 115 /* L2TP */, SMC };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(types) && !err; i++)
		err = refuse_socket(filter, family, types[i], ANY);
	for (size_t i = 0; i < ARRAY_LEN(protocols) && !err; i++)
		err = refuse_socket(filter, family, ANY, protocols[i]);
	return err;
}

static int refuse_other(scmp_filter_ctx filter)
{
	int err = refuse_other_internet(filter, AF_INET);

	if (!err)
		err = refuse_other_internet(filter, AF_INET6);
	for (int family = 0; family < FAMILIES && !err; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
		    family == AF_PACKET || family == AF_XDP)
			continue;
		err = refuse_socket(filter, family, ANY, ANY);
		if (!err)
			err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair),
					       1, ARG_IS(0, INT, family));
	}
	return err;
}

static int (*const refuse_more[MF_POL_ESCAPE_MAX])(scmp_filter_ctx filter) = {
	[MF_POL_NAMESPACES] = refuse_namespaces,
	[MF_POL_RAW_SOCKETS] = refuse_raw,
	[MF_POL_OTHER_SOCKETS] = refuse_other,
};

static void free_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}
#define _cleanup_filter_ _cleanup_(free_filter)

static int begin(scmp_filter_ctx *ret_filter)
{
	_cleanup_filter_ scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? 0 : -ENOMEM;

	if (!err) /* whether it is set is decided by who may do without */
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (!err) /* of an architecture that is not looked at: x32 is one */
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	if (!err)
		*ret_filter = take_ptr(filter);
	return err;
}

/* The second architecture whose programs the same kernel runs */
static int add_compat(scmp_filter_ctx filter)
{
#ifdef __x86_64__
	return seccomp_arch_add(filter, SCMP_ARCH_X86);
#elif defined(__aarch64__)
	return seccomp_arch_add(filter, SCMP_ARCH_ARM);
#else
	return 0;
#endif
}

static int put_on_filter(uint32_t refused, bool no_attributes)
{
	_cleanup_filter_ scmp_filter_ctx filter = NULL;
	int err = begin(&filter);

	if (!err)
		err = add_compat(filter);
	for (size_t i = 0; i < MF_POL_ESCAPE_MAX && !err; i++) {
		if (!(refused >> i & 1))
			continue;
		err = refuse_all(filter, ways[i].calls);
		if (!err && refuse_more[i])
			err = refuse_more[i](filter);
	}
	if (!err && no_attributes)
		err = refuse_all(filter, attributes.calls);
	return err ? err : seccomp_load(filter);
}

struct newer {
	struct sock_filter code[16];
	unsigned short count;
};

static void refuse_newer(struct newer *newer, const int *numbers)
{
	for (; numbers && *numbers; numbers++) {
		newer->code[newer->count++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*numbers, 0, 1);
		newer->code[newer->count++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
}

/* libseccomp takes no number that it has no name for, but of one architecture alone. */
static int put_on_newer(uint32_t refused, bool no_attributes)
{
	struct newer newer = { .code = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, nr)) },
			       .count = 1 };
	struct sock_fprog program = { .filter = newer.code };

	for (size_t i = 0; i < MF_POL_ESCAPE_MAX; i++)
		if (refused >> i & 1)
			refuse_newer(&newer, ways[i].newer);
	if (no_attributes)
		refuse_newer(&newer, attributes.newer);
	newer.code[newer.count++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = newer.count;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static bool is_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2] = { 0 };

	return syscall(SYS_capget, &header, have) == 0 && have[0].effective >> CAP_SYS_ADMIN & 1;
}

int floor_put_on(const struct policy_floor *floor, uint32_t *ret_held)
{
	uint32_t held = 0, refused = 0;
	bool no_attributes;
	int err;

	/* who may does without: set-user-ID programs go on as before */
	if (!is_admin() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	err = floor_files(floor, &held);
	if (err)
		return err;
	for (size_t i = 0; i < MF_POL_ESCAPE_MAX; i++)
		if (ways[i].calls || refuse_more[i])
			refused |= 1U << i;
	refused &= ~floor->ways;
	no_attributes = held & MF_FLOOR_ALL_CHANGES;
	if (refused || no_attributes)
		err = put_on_filter(refused, no_attributes);
	if (!err && (refused || no_attributes))
		err = put_on_newer(refused, no_attributes);
	if (!err)
		*ret_held = held | refused;
	return err;
}
