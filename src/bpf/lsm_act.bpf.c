// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Local sockets, sockets of other families, and what leads out of the session: mounts, namespaces,
 * other processes, the kernel's own doors. By the LSM hooks; these programs only look.
 */

#include "say_act.h"

/* include/linux/socket.h */
#define AF_UNIX 1
/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_TYPE_MASK 0xf
/* include/linux/ptrace.h */
#define PTRACE_MODE_ATTACH 0x02

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect, struct sock *sk, struct sock *other)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act_unix(&act, other);
	act_say(&act, MF_EV_UNIX_CONNECT);
	return 0;
}

SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send, struct socket *sock, struct socket *other)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act_unix(&act, BPF_CORE_READ(other, sk));
	act_say(&act, MF_EV_UNIX_SEND);
	return 0;
}

/* TCP, UDP and local sockets say by their connections what they are for. */
static __always_inline bool is_plain_socket(int family, int type)
{
	if (family == AF_UNIX)
		return true;
	return (family == AF_INET || family == AF_INET6) &&
	       (type == SOCK_STREAM || type == SOCK_DGRAM);
}

SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kern)
{
	struct act_place act;

	if (kern || is_plain_socket(family, type & SOCK_TYPE_MASK) || !act_begins(&act))
		return 0;
	act.body->number = family;
	act.body->value = (__u64)(type & SOCK_TYPE_MASK) << 32 | (__u32)protocol;
	act_say(&act, MF_EV_SOCKET);
	return 0;
}

SEC("lsm/sb_mount")
int BPF_PROG(sb_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act_path(&act, path);
	act_name(&act, type);
	act.body->value = flags;
	act_say(&act, MF_EV_MOUNT);
	return 0;
}

static __always_inline int path_act(const struct path *path, __u16 kind)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act_path(&act, path);
	act_say(&act, kind);
	return 0;
}

SEC("lsm/move_mount")
int BPF_PROG(move_mount, const struct path *from, const struct path *to)
{
	return path_act(to, MF_EV_MOVE_MOUNT);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(sb_pivotroot, const struct path *old, const struct path *new)
{
	return path_act(new, MF_EV_PIVOT_ROOT);
}

SEC("lsm/path_chroot")
int BPF_PROG(path_chroot, const struct path *path)
{
	return path_act(path, MF_EV_CHROOT);
}

static __always_inline int number_act(__u32 number, __u16 kind)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act.body->number = number;
	act_say(&act, kind);
	return 0;
}

SEC("lsm/userns_create")
int BPF_PROG(userns_create, const struct cred *cred)
{
	return number_act(0, MF_EV_USERNS);
}

/* The session's own business, which its forks tell already */
static __always_inline bool is_own(struct task_struct *task)
{
	struct mf_tag *own = tag_of_current();
	struct mf_tag *other;

	if (!own)
		return true;
	other = tag_of(task);
	return other && other->session == own->session;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	struct act_place act;

	if (is_own(child) && !(mode & PTRACE_MODE_ATTACH))
		return 0;
	if (!act_begins(&act))
		return 0;
	act_target(&act, child);
	act.body->number = mode;
	act_say(&act, MF_EV_PTRACE);
	return 0;
}

SEC("lsm/task_kill")
int BPF_PROG(task_kill, struct task_struct *task, void *info, int sig)
{
	struct act_place act;

	if (is_own(task) || !act_begins(&act))
		return 0;
	act_target(&act, task);
	act.body->number = sig;
	act_say(&act, MF_EV_KILL);
	return 0;
}

SEC("lsm/bpf")
int BPF_PROG(bpf, int cmd)
{
	return number_act(cmd, MF_EV_BPF);
}

SEC("lsm/kernel_module_request")
int BPF_PROG(kernel_module_request, char *name)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	act_name(&act, name);
	act_say(&act, MF_EV_MODULE);
	return 0;
}

SEC("lsm/kernel_read_file")
int BPF_PROG(kernel_read_file, struct file *file, int id)
{
	struct act_place act;

	if (!act_begins(&act))
		return 0;
	if (file)
		act_path(&act, path_in(file));
	act.body->number = id;
	act_say(&act, MF_EV_KERNEL_READ);
	return 0;
}

/* Asked before the attributes are copied: what is to be measured is not known yet. */
SEC("lsm/perf_event_open")
int BPF_PROG(perf_event_open, void *attr)
{
	return number_act(0, MF_EV_PERF);
}

SEC("lsm/uring_override_creds")
int BPF_PROG(uring_override_creds, const struct cred *cred)
{
	return number_act(MF_URING_OVERRIDE_CREDS, MF_EV_URING);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(uring_sqpoll)
{
	return number_act(MF_URING_SQPOLL, MF_EV_URING);
}

SEC("lsm/uring_cmd")
int BPF_PROG(uring_cmd, void *command)
{
	return number_act(MF_URING_CMD, MF_EV_URING);
}

SEC("lsm/file_receive")
int BPF_PROG(file_receive, struct file *file)
{
	return path_act(path_in(file), MF_EV_FILE_RECEIVE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
