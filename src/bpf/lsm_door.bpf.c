// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Doors that other hooks do not stand at: mounts that are taken away, code and keys that the kernel is
 * handed, terminals, routes. By the LSM hooks.
 */

#include "say_act.h"

/* include/uapi/linux/in.h, in6.h */
#define IPPROTO_IP 0
#define IPPROTO_IPV6 41
#define IP_OPTIONS 4
#define IP_RETOPTS 7
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#define IPV6_RTHDR 57
/* include/uapi/asm-generic/ioctls.h, linux/tiocl.h */
#define TIOCSTI 0x5412
#define TIOCLINUX 0x541c
/* include/uapi/linux/fs.h, fscrypt.h, fsverity.h */
#define FS_IOC_SETFLAGS 0x40086602
#define FS_IOC32_SETFLAGS 0x40046602
#define FS_IOC_FSSETXATTR 0x401c5820
#define FS_IOC_SET_ENCRYPTION_POLICY 0x800c6613
#define FS_IOC_ENABLE_VERITY 0x40806685

/* include/uapi/linux/sched.h; a user namespace has a hook of its own */
#define CLONE_NEW_ANY 0x6e020080UL
#define CLONE_INTO_CGROUP 0x200000000UL

/* A child that is born in another place. The tag is lsm_task.bpf.c's. */
SEC("lsm/task_alloc")
int BPF_PROG(task_alloc_elsewhere, struct task_struct *child, unsigned long flags)
{
	bool leaves = flags & CLONE_INTO_CGROUP;
	struct act_place act;

	if (!(flags & (CLONE_NEW_ANY | CLONE_INTO_CGROUP)))
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	act.body->value = flags;
	return act_escape(&act, leaves ? MF_EV_CGROUP : MF_EV_NAMESPACES,
			  leaves ? MF_POL_CGROUP : MF_POL_NAMESPACES);
}

SEC("lsm/sb_umount")
int BPF_PROG(sb_umount, struct vfsmount *mnt, int flags)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_path_at(&act, mnt, BPF_CORE_READ(mnt, mnt_root), false);
	act.body->number = flags;
	return act_escape(&act, MF_EV_UMOUNT, MF_POL_MOUNT);
}

/* From memory: init_module(), kexec_load() */
SEC("lsm/kernel_load_data")
int BPF_PROG(kernel_load_data, int id)
{
	return number_act(id, MF_EV_KERNEL_READ, MF_POL_MODULES);
}

SEC("lsm/key_alloc")
int BPF_PROG(key_alloc, void *key)
{
	return number_act(0, MF_EV_KEYS, MF_POL_KEYS);
}

SEC("lsm/key_permission")
int BPF_PROG(key_permission, void *key_ref, const struct cred *cred, int need)
{
	return number_act(need, MF_EV_KEYS, MF_POL_KEYS);
}

/* What userfaultfd() and io_uring_setup() make is told apart by its name. */
SEC("lsm/inode_init_security_anon")
int BPF_PROG(inode_init_security_anon, struct inode *inode, const struct qstr *name)
{
	struct act_place act;
	char begin[5] = {};

	if (is_stranger(bpf_get_current_task_btf()))
		return 0;
	bpf_probe_read_kernel(begin, sizeof(begin), BPF_CORE_READ(name, name));
	if (begin[1] == 'u' && begin[2] == 's' && begin[3] == 'e' && begin[4] == 'r')
		return number_act(0, MF_EV_USERFAULTFD, MF_POL_USERFAULTFD);
	if (begin[1] != 'i' || begin[2] != 'o' || begin[3] != '_')
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	act.body->number = MF_URING_RING;
	return act_escape_again(&act, MF_EV_URING, MF_POL_IO_URING);
}

static __always_inline bool changes_the_file(unsigned int cmd)
{
	return cmd == FS_IOC_SETFLAGS || cmd == FS_IOC32_SETFLAGS || cmd == FS_IOC_FSSETXATTR ||
	       cmd == FS_IOC_SET_ENCRYPTION_POLICY || cmd == FS_IOC_ENABLE_VERITY;
}

static __always_inline int say_ioctl(struct file *file, unsigned int cmd)
{
	struct mf_ev_change body = { .mask = 0x00000004 /* FAN_ATTRIB */ };
	bool types = cmd == TIOCSTI || cmd == TIOCLINUX;
	struct act_place act;
	int verdict;

	if ((!types && !changes_the_file(cmd)) || is_stranger(bpf_get_current_task_btf()))
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	if (types) {
		act_path(&act, path_in(file));
		act.body->number = cmd;
		return act_escape(&act, MF_EV_TERMINAL, MF_POL_SIGNAL);
	}
	place_walk(act.place, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry),
		   false, act.actor.tag);
	access_path(&act.place->deciding, &act.place->walk, MF_POL_BIT(MF_POL_WRITE));
	place_decide(act.place, &act.actor);
	body.path_len = path_length(&act.place->walk);
	body.path_flags = act.place->walk.flags;
	path_say(act.place, MF_EV_ATTRIB, &body, sizeof(body), MF_EVF_ASKED, &act.actor);
	verdict = place_verdict(act.place);
	place_leave(act.place);
	return verdict;
}

SEC("lsm/file_ioctl")
int BPF_PROG(file_ioctl, struct file *file, unsigned int cmd)
{
	return say_ioctl(file, cmd);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(file_ioctl_compat, struct file *file, unsigned int cmd)
{
	return say_ioctl(file, cmd);
}

/* A route leads a packet to another address than the one that is asked about. */
static __always_inline int say_route(__u32 level, __u32 option)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act.body->number = level;
	act.body->value = option;
	return act_escape(&act, MF_EV_SOURCE_ROUTE, MF_POL_RAW_SOCKETS);
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(socket_setsockopt, struct socket *sock, int level, int option)
{
	if (!(level == IPPROTO_IP && option == IP_OPTIONS) &&
	    !(level == IPPROTO_IPV6 &&
	      (option == IPV6_RTHDR || option == IPV6_2292RTHDR || option == IPV6_2292PKTOPTIONS)))
		return 0;
	if (is_stranger(bpf_get_current_task_btf()))
		return 0;
	return say_route(level, option);
}

#define CONTROLS_MAX 16

struct control {
	unsigned long len;
	int level;
	int type;
};

/* The same with a message. What has more parts than are looked at is taken for one. */
SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg_control, struct socket *sock, struct msghdr *msg)
{
	unsigned long left = BPF_CORE_READ(msg, msg_controllen);
	void *at = BPF_CORE_READ(msg, msg_control);
	struct control control;
	int i;

	if (!left || is_stranger(bpf_get_current_task_btf()))
		return 0;
	for (i = 0; i < CONTROLS_MAX; i++) {
		if (left < sizeof(control) ||
		    bpf_probe_read_kernel(&control, sizeof(control), at) ||
		    control.len < sizeof(control) || control.len > left)
			return 0; /* the protocol takes none of it */
		if ((control.level == IPPROTO_IP && control.type == IP_RETOPTS) ||
		    (control.level == IPPROTO_IPV6 &&
		     (control.type == IPV6_RTHDR || control.type == IPV6_2292RTHDR)))
			return say_route(control.level, control.type);
		control.len = (control.len + 7) & ~7UL;
		if (control.len >= left)
			return 0;
		left -= control.len;
		at += control.len;
	}
	return say_route(0, 0);
}

/* A signal that comes of what is done to a file: see F_SETOWN in fcntl(2). */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(file_send_sigiotask, struct task_struct *task, void *owner, int sig)
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";
