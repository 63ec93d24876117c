// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Local sockets, sockets of other families, and what leads out of the session: mounts, namespaces,
 * other processes, the kernel's own doors. By the LSM hooks.
 */

#include "say_act.h"

/* include/linux/socket.h */
#define AF_UNIX 1
/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_TYPE_MASK 0xf
#define SOCK_RAW 3
/* include/linux/socket.h */
#define AF_PACKET 17
#define AF_XDP 44
/* include/uapi/linux/in.h, in6.h */
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
/* include/linux/ptrace.h */
#define PTRACE_MODE_ATTACH 0x02

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect, struct sock *sk, struct sock *other)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_unix(&act, other);
	return act_say(&act, MF_EV_UNIX_CONNECT);
}

SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send, struct socket *sock, struct socket *other)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_unix(&act, BPF_CORE_READ(other, sk));
	return act_say(&act, MF_EV_UNIX_SEND);
}

static __always_inline bool is_internet(int family)
{
	return family == AF_INET || family == AF_INET6;
}

/* TCP, UDP and local sockets say by their connections what they are for. */
static __always_inline bool is_plain_socket(int family, int type, int protocol)
{
	if (family == AF_UNIX)
		return true;
	if (!is_internet(family))
		return false;
	if (type == SOCK_STREAM)
		return !protocol || protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
	return type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP);
}

/* Raw ones, and those of the kernel's echo requests */
static __always_inline bool is_raw_socket(int family, int type, int protocol)
{
	return family == AF_PACKET || family == AF_XDP ||
	       (is_internet(family) &&
		(type == SOCK_RAW || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6));
}

SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kern)
{
	struct act_place act;
	bool raw;

	type &= SOCK_TYPE_MASK;
	if (kern || is_plain_socket(family, type, protocol))
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	raw = is_raw_socket(family, type, protocol);
	act.body->number = family;
	act.body->value = (__u64)type << 32 | (__u32)protocol;
	return act_escape(&act, MF_EV_SOCKET, raw ? MF_POL_RAW_SOCKETS : MF_POL_OTHER_SOCKETS);
}

SEC("lsm/sb_mount")
int BPF_PROG(sb_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_path(&act, path);
	act_name(&act, type);
	act.body->value = flags;
	return act_escape(&act, MF_EV_MOUNT, MF_POL_MOUNT);
}

static __always_inline int path_act(const struct path *path, __u16 kind, enum mf_pol_escape escape)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_path(&act, path);
	return act_escape(&act, kind, escape);
}

SEC("lsm/move_mount")
int BPF_PROG(move_mount, const struct path *from, const struct path *to)
{
	return path_act(to, MF_EV_MOVE_MOUNT, MF_POL_MOUNT);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(sb_pivotroot, const struct path *old, const struct path *new)
{
	return path_act(new, MF_EV_PIVOT_ROOT, MF_POL_MOUNT);
}

SEC("lsm/path_chroot")
int BPF_PROG(path_chroot, const struct path *path)
{
	return path_act(path, MF_EV_CHROOT, MF_POL_CHROOT);
}

SEC("lsm/userns_create")
int BPF_PROG(userns_create, const struct cred *cred)
{
	return number_act(0, MF_EV_USERNS, MF_POL_NAMESPACES);
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	struct act_place act;

	bool own = is_own(child);

	if (own && !(mode & PTRACE_MODE_ATTACH))
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	act_target(&act, child);
	act.body->number = mode;
	if (own) {
		act_allow(&act);
		return act_say(&act, MF_EV_PTRACE);
	}
	return act_escape(&act, MF_EV_PTRACE, MF_POL_PTRACE);
}

SEC("lsm/task_kill")
int BPF_PROG(task_kill, struct task_struct *task, void *info, int sig)
{
	struct act_place act;

	if (is_own(task))
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	act_target(&act, task);
	act.body->number = sig;
	return act_escape(&act, MF_EV_KILL, MF_POL_SIGNAL);
}

SEC("lsm/bpf")
int BPF_PROG(bpf, int cmd)
{
	return number_act(cmd, MF_EV_BPF, MF_POL_BPF);
}

SEC("lsm/kernel_module_request")
int BPF_PROG(kernel_module_request, char *name)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_name(&act, name);
	return act_escape(&act, MF_EV_MODULE, MF_POL_MODULES);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(kernel_read_file, struct file *file, int id)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	if (file)
		act_path(&act, path_in(file));
	act.body->number = id;
	return act_escape(&act, MF_EV_KERNEL_READ, MF_POL_MODULES);
}

/* Asked before the attributes are copied: what is to be measured is not known yet. */
SEC("lsm/perf_event_open")
int BPF_PROG(perf_event_open, void *attr)
{
	return number_act(0, MF_EV_PERF, MF_POL_PERF);
}

SEC("lsm/uring_override_creds")
int BPF_PROG(uring_override_creds, const struct cred *cred)
{
	return number_act(MF_URING_OVERRIDE_CREDS, MF_EV_URING, MF_POL_IO_URING);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(uring_sqpoll)
{
	return number_act(MF_URING_SQPOLL, MF_EV_URING, MF_POL_IO_URING);
}

SEC("lsm/uring_cmd")
int BPF_PROG(uring_cmd, void *command)
{
	return number_act(MF_URING_CMD, MF_EV_URING, MF_POL_IO_URING);
}

SEC("lsm/file_receive")
int BPF_PROG(file_receive, struct file *file)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_path(&act, path_in(file));
	return act_say(&act, MF_EV_FILE_RECEIVE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
