/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the kernel side says to the recorder: one struct mf_event per ring buffer record, followed
 * by the body of its kind, followed by the strings whose lengths the body gives, in the order in
 * which the lengths stand, without NUL. `size` is all of that; the record may be longer, by room that
 * was not needed.
 *
 * Enums are append-only, with explicit numbers; a reader skips a kind that it does not know and
 * counts it.
 */

#include <linux/types.h>

#include "limits.h"

enum mf_kind {
	MF_EV_FORK = 1, /* struct mf_ev_fork, in the context of the parent */
	MF_EV_EXEC = 2, /* struct mf_ev_exec, after the point of no return */
	MF_EV_EXIT = 3, /* struct mf_ev_exit, the last thread is gone */
	MF_EV_OPEN = 4, /* struct mf_ev_file: an open is about to happen */
	MF_EV_OPEN_EXEC = 5, /* struct mf_ev_file: opened in order to be executed */
	MF_EV_CREATE = 6, /* struct mf_ev_change: create, mkdir, mknod, symlink, link (of path2) */
	MF_EV_DELETE = 7, /* struct mf_ev_change: unlink, rmdir */
	MF_EV_RENAME = 8, /* struct mf_ev_change, path → path2 */
	MF_EV_ATTRIB = 9, /* struct mf_ev_change: chmod, chown, xattr, times, link count */
	MF_EV_CONNECT = 10, /* struct mf_ev_net: connect() asked for */
	MF_EV_SEND = 11, /* struct mf_ev_net: datagram with an address, no connect */
	MF_EV_BIND = 12, /* struct mf_ev_net */
	MF_EV_LISTEN = 13, /* struct mf_ev_net: a TCP socket began to listen */
	MF_EV_TCP_SYN = 14, /* struct mf_ev_net: a SYN is about to leave */
	MF_EV_TCP_OPEN = 15, /* struct mf_ev_net: the handshake completed */
	MF_EV_TCP_FAIL = 16, /* struct mf_ev_net: refused, reset or timed out before it completed */
	MF_EV_MOUNT_GAP = 17, /* struct mf_ev_change: opens under path were not watched until now;
			       * mask is MF_GAP_* */
	MF_EV_TRUNCATE = 18, /* struct mf_ev_change: the size is set, not by an open */
	MF_EV_MAP_EXEC =
		19, /* struct mf_ev_act: a file mapped to be executed that the thread did not
			      * open just before */
	MF_EV_UNIX_CONNECT =
		20, /* struct mf_ev_act: path, or name where it is abstract; SOCK_ type */
	MF_EV_UNIX_SEND = 21, /* the same: a datagram */
	MF_EV_ACCEPT = 22, /* struct mf_ev_net: accept asked for; the own address */
	MF_EV_SOCKET =
		23, /* struct mf_ev_act: neither TCP, UDP nor AF_UNIX; AF_ family, SOCK_ type */
	MF_EV_MOUNT = 24, /* struct mf_ev_act: path, file system type, MS_ flags */
	MF_EV_MOVE_MOUNT = 25, /* struct mf_ev_act: path */
	MF_EV_PIVOT_ROOT = 26, /* struct mf_ev_act: path of the new root */
	MF_EV_CHROOT = 27, /* struct mf_ev_act: path */
	MF_EV_USERNS = 28, /* struct mf_ev_act: a user namespace is made */
	MF_EV_PTRACE = 29, /* struct mf_ev_act: target, PTRACE_MODE_ */
	MF_EV_KILL = 30, /* struct mf_ev_act: target outside the session, signal */
	MF_EV_BPF = 31, /* struct mf_ev_act: BPF_ command */
	MF_EV_MODULE = 32, /* struct mf_ev_act: name of a module that the kernel asks for */
	MF_EV_KERNEL_READ = 33, /* struct mf_ev_act: path of what the kernel reads, READING_ id */
	MF_EV_PERF = 34, /* struct mf_ev_act: perf_event_open() */
	MF_EV_URING = 35, /* struct mf_ev_act: enum mf_uring */
	MF_EV_FILE_RECEIVE = 36, /* struct mf_ev_act: path of a file that came through a socket */
	MF_EV_SEND_ON = 37, /* struct mf_ev_send_on: on a connection, the first since what is in
			     * flight changed */
	MF_EV_UMOUNT = 38, /* struct mf_ev_act: path of the mount, MNT_ flags */
	MF_EV_NAMESPACES = 39, /* struct mf_ev_act: a child in new ones; CLONE_ flags */
	MF_EV_CGROUP = 40, /* struct mf_ev_act: a child in another cgroup; CLONE_ flags */
	MF_EV_KEYS = 41, /* struct mf_ev_act: a key is used, KEY_NEED_ number, or made, 0 */
	MF_EV_USERFAULTFD = 42, /* struct mf_ev_act: userfaultfd() */
	MF_EV_DEVICE = 43, /* struct mf_ev_act: a node of a device: path, st_rdev */
	MF_EV_TERMINAL = 44, /* struct mf_ev_act: path of a terminal that is typed into; ioctl */
	MF_EV_SOURCE_ROUTE = 45, /* struct mf_ev_act: a route for packets; level, option */
	MF_EV_UNIX_BIND = 46, /* struct mf_ev_act: an abstract name, SOCK_ type */
	MF_EV_KIND_MAX = 47,
};

/* mf_event.flags */
enum {
	MF_EVF_LATE_SEEN = 1 << 0, /* a notification: it happened between stamp_lo and stamp */
	MF_EVF_PROC_UNKNOWN = 1 << 1, /* the task was gone: pid, tid and start are not known */
	MF_EVF_KTHREAD = 1 << 2, /* done by a kernel or io_uring worker thread */
	MF_EVF_THREAD_ONLY = 1 << 3, /* only the tid is known to belong to the process */
	MF_EVF_ASKED = 1 << 4, /* asked for; whether the file system did it is not known */
};

/*
 * What the policy says of an event, where the kernel's side has decided it. The rule in words is in
 * src/policy/decide.h.
 */
struct mf_decision {
	__u8 flags; /* MF_DECIDED_*; 0: nothing was decided, and the rest is 0 */
	__u8 verdict; /* enum mf_verdict */
	__u8 reason; /* enum mf_pol_reason */
	__u8 verb; /* enum mf_pol_verb */
	__u32 rule; /* the line that decides, as its index in the policy; 0: none, or a way out's */
	__u32 block;
	__u32 generation; /* of the policy */
};

enum {
	MF_DECIDED = 1 << 0,
	MF_DECIDED_REFUSED = 1 << 1, /* it was asked for and did not happen */
	MF_DECIDED_BY_GRANT = 1 << 2, /* an argument of the call allows or denies it, by `rule` */
};

/*
 * `birth` is the page's stamp at the moment the process was born, copied from its parent when the
 * parent was itself born inside a request (count > 0). Count 0: born while nothing was in flight.
 * A thread has its process's birth, whatever was in flight when the thread was made.
 */
struct mf_event {
	__u16 version; /* MF_ABI_VERSION */
	__u16 kind; /* enum mf_kind */
	__u32 size; /* bytes, this header, body and strings */
	__u64 t_ns; /* CLOCK_MONOTONIC */
	__u64 session;
	__u64 stamp; /* abi/page.h, when it happened (at the latest) */
	__u64 stamp_lo; /* the earliest; equals stamp unless MF_EVF_LATE_SEEN */
	__u64 birth;
	__u64 start_ns; /* start_boottime of the thread group leader; with pid: the stable id */
	__u32 pid; /* thread group, initial pid namespace */
	__u32 tid;
	__u32 uid;
	__u32 flags;
	char comm[MF_COMM_LEN];
	struct mf_decision decision;
};

struct mf_ev_fork {
	__u64 child_start_ns;
	__u64 child_birth;
	__u32 child_pid;
	__u32 pad;
	__u64 clone_flags;
};

struct mf_ev_exec {
	__u64 dev; /* of the executed file: kernel's internal dev_t, as in i_sb->s_dev */
	__u64 ino;
	__u32 argv_total; /* bytes of the whole argv, NULs included */
	__u32 argv_len; /* bytes kept here */
	__u16 exe_len; /* resolved path, from the kernel's file */
	__u16 path_flags; /* MF_PATH_* */
	__u32 ppid;
	/* exe, argv (NUL separated) follow */
};

struct mf_ev_exit {
	__u32 code; /* as in wait(2): exit status << 8 | signal */
	__u32 pad;
};

/* what is to be known about a path besides its bytes */
enum {
	MF_PATH_CUT = 1 << 0, /* longer than MF_PATH_MAX or too deep: a suffix is kept */
	MF_PATH_UNRESOLVED = 1 << 1, /* no path: only a name, or nothing */
	MF_PATH_DELETED = 1 << 2, /* the object has no name any more */
	MF_PATH_ANON = 1 << 3, /* memfd or the like: the name is not a path */
};

/* mf_ev_file.how */
enum {
	MF_OPEN_FLAGS_KNOWN = 1 << 0, /* open_flags are what the kernel uses */
	MF_OPEN_IOURING = 1 << 1, /* flags are elsewhere: read and write must be assumed */
};

struct mf_ev_file {
	__u64 dev;
	__u64 ino;
	__u32 open_flags; /* O_*, valid with MF_OPEN_FLAGS_KNOWN */
	__u32 how;
	__u32 mode; /* st_mode */
	__u16 path_len;
	__u16 path_flags;
};

struct mf_ev_change {
	__u32 mask; /* FAN_* bits of the notification */
	__u16 path_flags;
	__u16 path2_flags;
	__u16 path_len;
	__u16 path2_len;
	__u32 pad;
};

enum {
	MF_GAP_STAYS = 1 << 0, /* nor will they be */
};

enum mf_uring {
	MF_URING_OVERRIDE_CREDS = 1, /* runs with somebody else's credentials */
	MF_URING_SQPOLL = 2, /* a kernel thread polls for it */
	MF_URING_CMD = 3, /* a command of a device */
	MF_URING_RING = 4, /* a ring is made */
};

/* What has no body of its own. What each kind fills is told by enum mf_kind; the rest is 0. */
struct mf_ev_act {
	__u64 value; /* flags, type */
	__u64 target_start_ns; /* with target_pid: the stable id of the process it is done to */
	__u32 target_pid;
	__u32 number;
	__u16 path_len;
	__u16 path_flags; /* MF_PATH_* */
	__u16 name_len;
	__u16 pad;
	/* path, name */
};

struct mf_ev_net {
	__u8 addr[16]; /* network order; v4 in the first four bytes, v4-mapped counts as v4 */
	__u8 local[16]; /* as addr; zero when not known */
	__u16 port; /* host order */
	__u16 local_port;
	__u8 family; /* 4 or 6 */
	__u8 type; /* SOCK_STREAM, SOCK_DGRAM, … */
	__u16 proto; /* IPPROTO_* */
	__u32 pad;
	__u64 cookie; /* ties SYN, OPEN and FAIL of one socket together; 0: not known */
};

/* A connection that is used again, and who asked for it; opener_pid 0: not seen, so the rest is 0 */
struct mf_ev_send_on {
	struct mf_ev_net net; /* the peer */
	__u64 opened_ns; /* CLOCK_MONOTONIC */
	__u64 opened_stamp;
	__u64 opener_birth; /* as mf_event's birth */
	__u64 opener_start_ns;
	__u32 opener_pid;
	__u32 pad;
};

/*
 * Why an event, or a part of it, was lost. Counted per session, in the mapped counters.
 */
enum mf_loss {
	MF_LOSS_RING_FULL = 0, /* no room in the ring */
	MF_LOSS_RING_BULK = 1, /* held back so that fork, exec and exit find room */
	MF_LOSS_TAG = 2, /* a child could not be tagged: its events are lost */
	MF_LOSS_PATH_CUT = 3,
	MF_LOSS_PATH_FAULT = 4, /* the path could not be read */
	MF_LOSS_ARGV_FAULT = 5,
	MF_LOSS_NOTIFY_OVERFLOW = 6, /* the kernel's fanotify queue overflowed */
	MF_LOSS_NOTIFY_TASK = 7, /* a change by a task that could not be told any more */
	MF_LOSS_MOUNT_GAP = 8, /* a mount was there before its mark */
	MF_LOSS_FILE_EVENT = 9, /* a file event could not be passed to the ring */
	MF_LOSS_ENGINE = 10, /* hooks were detached while the session lived */
	MF_LOSS_FORK_REFUSED =
		11, /* a child could not be tagged, so it was not born: nothing is missing */
	MF_LOSS_SKIPPED = 12, /* a program was running already where it would have run again */
	MF_LOSS_TAG_BUSY = 13, /* whose it was could not be looked up at that moment */
	MF_LOSS_MAX = 16,
};

struct mf_session_counters {
	__u64 session; /* the slot's owner, 0 when free */
	__u64 events; /* submitted */
	__u64 tasks; /* tagged tasks alive */
	__u64 lost[MF_LOSS_MAX];
	__u64 mount_ns; /* inode of the mount namespace whose mounts are watched, 0: none is */
	__u64 reserved[12];
};

/* what a task of a session is told by; the value of the task storage map begins with it */
struct mf_tag {
	__u64 session;
	__u64 birth; /* stamp, see struct mf_event */
	__u64 request; /* the ordinal of the only request that was in flight at its birth; 0: none */
	__u32 slot; /* index into the counters and policies */
	__u32 flags;
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_event) == 104, "struct mf_event");
_Static_assert(sizeof(struct mf_decision) == 16, "struct mf_decision");
_Static_assert(sizeof(struct mf_ev_fork) == 32, "struct mf_ev_fork");
_Static_assert(sizeof(struct mf_ev_exec) == 32, "struct mf_ev_exec");
_Static_assert(sizeof(struct mf_ev_file) == 32, "struct mf_ev_file");
_Static_assert(sizeof(struct mf_ev_change) == 16, "struct mf_ev_change");
_Static_assert(sizeof(struct mf_ev_act) == 32, "struct mf_ev_act");
_Static_assert(sizeof(struct mf_ev_net) == 56, "struct mf_ev_net");
_Static_assert(sizeof(struct mf_ev_send_on) == 96, "struct mf_ev_send_on");
_Static_assert(sizeof(struct mf_session_counters) == 256, "struct mf_session_counters");
_Static_assert(sizeof(struct mf_tag) == 32, "struct mf_tag");
#endif
