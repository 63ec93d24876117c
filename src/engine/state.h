/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The inside of the engine, shared by its files and by nobody else.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/types.h>

#include "abi/event.h"
#include "abi/page.h"
#include "base/aside.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "bpf/shared.h"
#include "engine/engine.h"
#include "engine/pages.h"
#include "policy/tables.h"

struct mcpfloor_bpf;
struct dir_cache;
struct bpf_link;

enum hook_id {
	HOOK_TASK_NEWTASK,
	HOOK_PROCESS_EXEC,
	HOOK_PROCESS_EXIT,
	HOOK_CONNECT4,
	HOOK_CONNECT6,
	HOOK_SENDMSG4,
	HOOK_SENDMSG6,
	HOOK_BIND4,
	HOOK_BIND6,
	HOOK_SOCK_STATE,
	HOOK_FILE_QUESTION,
	HOOK_CHANGE_WHO,
	HOOK_EVENT_PASS,
	HOOK_ENGINE_LEVEL,
	HOOK_SESSION_TASKS,
	HOOK_FILE_QUESTION_ITER,
	HOOK_CHANGE_WHO_ITER,
	HOOK_CHANGE_GONE,
	HOOK_TASK_ALLOC,
	HOOK_FILE_OPEN,
	HOOK_PROBE_FILE_OPEN,
	HOOK_PATH_MKNOD,
	HOOK_PROBE_PATH_MKNOD,
	HOOK_PATH_MKDIR,
	HOOK_PROBE_PATH_MKDIR,
	HOOK_PATH_SYMLINK,
	HOOK_PROBE_PATH_SYMLINK,
	HOOK_PATH_LINK,
	HOOK_PROBE_PATH_LINK,
	HOOK_PATH_UNLINK,
	HOOK_PROBE_PATH_UNLINK,
	HOOK_PATH_RMDIR,
	HOOK_PROBE_PATH_RMDIR,
	HOOK_PATH_RENAME,
	HOOK_PROBE_PATH_RENAME,
	HOOK_INODE_CREATE,
	HOOK_PROBE_INODE_CREATE,
	HOOK_INODE_MKNOD,
	HOOK_PROBE_INODE_MKNOD,
	HOOK_INODE_MKDIR,
	HOOK_PROBE_INODE_MKDIR,
	HOOK_INODE_SYMLINK,
	HOOK_PROBE_INODE_SYMLINK,
	HOOK_INODE_LINK,
	HOOK_PROBE_INODE_LINK,
	HOOK_INODE_UNLINK,
	HOOK_PROBE_INODE_UNLINK,
	HOOK_INODE_RMDIR,
	HOOK_PROBE_INODE_RMDIR,
	HOOK_INODE_RENAME,
	HOOK_PROBE_INODE_RENAME,
	HOOK_PATH_CHMOD,
	HOOK_PROBE_PATH_CHMOD,
	HOOK_PATH_CHOWN,
	HOOK_PROBE_PATH_CHOWN,
	HOOK_INODE_SETXATTR,
	HOOK_PROBE_INODE_SETXATTR,
	HOOK_INODE_REMOVEXATTR,
	HOOK_PROBE_INODE_REMOVEXATTR,
	HOOK_VFS_UTIMES,
	HOOK_PROBE_VFS_UTIMES,
	HOOK_INODE_SETATTR,
	HOOK_PATH_TRUNCATE,
	HOOK_PROBE_PATH_TRUNCATE,
	HOOK_FILE_TRUNCATE,
	HOOK_PROBE_FILE_TRUNCATE,
	HOOK_INODE_SET_ACL,
	HOOK_PROBE_INODE_SET_ACL,
	HOOK_INODE_REMOVE_ACL,
	HOOK_PROBE_INODE_REMOVE_ACL,
	HOOK_SOCKET_CONNECT,
	HOOK_PROBE_SOCKET_CONNECT,
	HOOK_SOCKET_SENDMSG,
	HOOK_PROBE_SOCKET_SENDMSG,
	HOOK_SOCKET_BIND,
	HOOK_PROBE_SOCKET_BIND,
	HOOK_SOCKET_LISTEN,
	HOOK_SOCKET_ACCEPT,
	HOOK_UNIX_STREAM_CONNECT,
	HOOK_UNIX_MAY_SEND,
	HOOK_SOCKET_CREATE,
	HOOK_SB_MOUNT,
	HOOK_MOVE_MOUNT,
	HOOK_SB_PIVOTROOT,
	HOOK_PATH_CHROOT,
	HOOK_USERNS_CREATE,
	HOOK_PTRACE_ACCESS_CHECK,
	HOOK_TASK_KILL,
	HOOK_BPF,
	HOOK_KERNEL_MODULE_REQUEST,
	HOOK_KERNEL_READ_FILE,
	HOOK_PERF_EVENT_OPEN,
	HOOK_URING_OVERRIDE_CREDS,
	HOOK_URING_SQPOLL,
	HOOK_URING_CMD,
	HOOK_FILE_RECEIVE,
	HOOK_TASK_ALLOC_ELSEWHERE,
	HOOK_SB_UMOUNT,
	HOOK_KERNEL_LOAD_DATA,
	HOOK_KEY_ALLOC,
	HOOK_KEY_PERMISSION,
	HOOK_INODE_INIT_SECURITY_ANON,
	HOOK_FILE_IOCTL,
	HOOK_FILE_IOCTL_COMPAT,
	HOOK_SOCKET_SETSOCKOPT,
	HOOK_SOCKET_SENDMSG_CONTROL,
	HOOK_FILE_SEND_SIGIOTASK,
	HOOK_FILE_MPROTECT,
	HOOK_MMAP_FILE,
	HOOK_PROBE_MMAP_FILE,
	HOOK_TCP_CONNECT,
	HOOK_PROBE_TCP_CONNECT,
	HOOK_DECISION_ASK,
	HOOK_MAX,
};

enum hook_kind {
	HOOK_TRACING, /* attached while a session lives: tp_btf, fentry, lsm, kprobe */
	HOOK_CGROUP, /* attached to the uppermost cgroup while a session lives */
	HOOK_RUN, /* run by the engine */
	HOOK_ITER,
};

enum {
	ENGINE_TRACE = 1 << MF_ENGINE_TRACE,
	ENGINE_LSM = 1 << MF_ENGINE_LSM,
	ENGINE_KPROBE = 1 << MF_ENGINE_KPROBE,
	ENGINES_ALL = ENGINE_TRACE | ENGINE_LSM | ENGINE_KPROBE,
};

struct hook {
	uint32_t engines; /* ENGINE_*: of which it is a part */
	const char *program; /* its name in the object */
	const char *hook;
	const char *what;
	const char *consequence;
	const char *remedy;
	enum hook_kind kind;
	bool required;
};

extern const struct hook hooks[HOOK_MAX];

#define CGROUP_LINKS 6
#define SESSION_SBS_MAX 64

/* a superblock of a session's mounts, for the names of changed files */
struct session_sb {
	uint64_t fsid;
	int fd; /* O_PATH, the root directory of one of its mounts */
	uint32_t id; /* of that mount */
	bool top; /* it is the root directory of the mount namespace */
	bool whole; /* that is the root directory of the file system too */
};

struct mount_id {
	uint32_t id;
	bool watched;
	uint64_t hash;
	uint64_t dev; /* hash of its device */
};

struct session {
	uint64_t id;
	uint32_t slot;
	uint64_t stamp_lo; /* its stamp when the notification queue was last seen empty */
	uint64_t stamp_seen; /* scratch for that */
	uint64_t search_ns; /* when the time that mounts_search() took is paid for */
	uint64_t mounts_lo; /* its stamp when the mount table was last looked at */
	struct mf_page *page;
	int page_fd;
	int root_fd; /* O_PATH, the root directory of its mount namespace; -1: none */
	int mountinfo_fd; /* its mount table, to read and to be told of changes */
	int mounts_wake_fd; /* the same, in the engine's epoll: see mounts_check() */
	struct bpf_link *cgroup_links[CGROUP_LINKS]; /* where the top takes none */
	struct session_sb sbs[SESSION_SBS_MAX];
	size_t sbs_count;
	struct mount_id *mount_ids; /* that have been looked at */
	size_t mount_ids_count;
	struct mf_unit *policy_units; /* mapped; NULL: it has none */
	size_t policy_size;
	uint32_t policy_generation;
	bool processes_answer; /* for paths there: look-ups may wait for them */
	uint32_t mounts;
	uint32_t mounts_unmarked;
};

/* a superblock with a notification mark, shared by sessions */
struct marked_sb {
	uint64_t fsid;
	uint32_t users;
};

struct engine {
	enum mf_engine kind;
	bool syn_by_kprobe;
	bool policies; /* sessions may have one */
	struct mcpfloor_bpf *bpf;
	struct pages pages;
	uint32_t ring_bytes;
	char error[512];
	int hook_error[HOOK_MAX]; /* 0: loaded; -ENOENT: another engine's */
	int program_fds[HOOK_MAX]; /* of the object */
	struct bpf_link *links[HOOK_MAX]; /* of the tracing hooks */
	struct bpf_link *leaving[HOOK_MAX]; /* those that `detaching` takes away */
	struct aside detaching;
	atomic_bool leaving_stop;
	struct bpf_link *top_links[CGROUP_LINKS]; /* at the uppermost cgroup, which is this one: */
	dev_t top_dev;
	ino_t top_ino;
	struct mf_session_counters *counters; /* mapped */
	int epoll_fd;
	int opens_fd; /* permission group; -1: none */
	int changes_fd; /* notification group; -1: none */
	int opens_error;
	int changes_error;
	struct session *sessions[MF_SESSIONS_MAX]; /* by slot */
	uint32_t sessions_count;
	uint32_t sessions_top; /* no session has this slot or a higher one */
	uint32_t slot_next; /* where the next session looks for a free slot */
	struct dir_cache *dirs;
	bool ask_by_iter; /* the kernel cannot look a task up in a `syscall` program */
	bool skip_devices; /* see opens_open() */
	struct marked_sb *marked;
	size_t marked_count;
	uint64_t changes_empty_ns; /* when the notification queue was last seen empty */
	uint64_t changes_empty_dead; /* dead_count at that moment */
	uint64_t misses[HOOK_MAX]; /* of each program, when last looked at */
	struct mf_stats stats;
};

/* load.c */
void engine_say(struct engine *engine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int engine_load(struct engine *engine, uint32_t *ret_detail);
/* `pages_fd`: the table of pages; -1: one of its own. */
int engine_load_some(const bool *use, uint32_t ring_bytes, int pages_fd,
		     struct mcpfloor_bpf **ret_bpf);
bool engine_has(enum mf_engine kind, enum hook_id id);

int engine_check_btf(struct engine *engine, uint32_t *ret_detail);
void engine_quiet_libbpf(void);
int engine_program_fd(const struct engine *engine, enum hook_id id);
int engine_run(struct engine *engine, enum hook_id id, void *ctx, size_t size);

/* ask.c */
void ask_probe(struct engine *engine, bool by_iter);
int ask_file(struct engine *engine, struct mf_question *q);
int ask_who(struct engine *engine, struct mf_change_question *q);

/* choice.c */
/* To be tried when this one cannot be loaded; 0: none is left. */
enum mf_engine engine_next_best(enum mf_engine kind);

/* hooks.c */
/* All of those that refuse ways out are attached: one that this kernel has not leaves one open. */
bool hooks_stand_at_ways_out(const struct engine *engine);
/* MF_COV_* of what is attached for the whole machine */
uint32_t hooks_coverage(const struct engine *engine);
int hooks_attach(struct engine *engine);
/* Waits until those that are to go are gone. */
void hooks_settle(struct engine *engine);
void hooks_detach(struct engine *engine);
int hooks_attach_cgroup(struct engine *engine, struct session *session, int cgroup_fd);
void hooks_detach_cgroup(struct session *session);

/* session.c */
struct session *session_find(const struct engine *engine, uint64_t id);
uint64_t session_stamp(const struct session *session);
void session_lose(struct engine *engine, const struct session *session, enum mf_loss reason);
void session_lose_many(struct engine *engine, const struct session *session, enum mf_loss reason,
		       uint64_t count);

/* policies.c */
/* Whether the kernel's side decides. Else a policy is not put there, and only the recorder decides. */
bool policies_decide(const struct engine *engine);
int policies_set(struct engine *engine, struct session *session,
		 const struct engine_policy *policy);
/* MF_COV_REFUSES_* of a session with a policy, and that coverage */
uint32_t policies_refuse(const struct engine *engine, const struct session *session,
			 uint32_t coverage);
/* MF_TAGF_POLICY, where its policy is decided by the kernel's side */
uint32_t policies_flags(const struct engine *engine, const struct session *session);
/* MF_POL_OBSERVE without one */
enum mf_pol_mode policies_mode(const struct session *session);
void policies_drop(struct session *session);
void policies_clear(struct engine *engine, struct session *session);

/* misses.c */
/* Counts what programs have missed since this was called last, against the sessions that there are. */
void misses_count(struct engine *engine);

/* opens.c */
int opens_open(struct engine *engine);
int opens_mark(struct engine *engine, int mount_fd, bool add);
int opens_dispatch(struct engine *engine);

/* changes.c */
int changes_open(struct engine *engine);
int changes_mark(struct engine *engine, struct session *session, const struct session_sb *mount);
void changes_unmark(struct engine *engine, struct session *session);
int changes_dispatch(struct engine *engine, bool until_empty);
int event_pass(struct engine *engine, const struct session *session, const void *event,
	       uint32_t size);

/* mounts.c */
int mounts_mark(struct engine *engine, struct session *session, bool later);
bool mounts_are_own(pid_t pid);
int mounts_check(struct engine *engine);
/* What the path leads to below `root_fd`, without links, as an O_PATH descriptor or -errno. `cached`:
 * -EAGAIN where a file system would have to be asked about the path. */
int mounts_open_path(int root_fd, const char *path, bool cached);
/* Appends such a table, and a NUL */
int mounts_read_table(int fd, struct buf *buf);
/* Whether a file system of this type is one whose server is a process, which may let us wait */
bool mounts_answered_by_process(const char *type);
/* mounts_ours.c: a directory of this device by a mount of our own namespace, which nobody watches: an O_PATH
 * descriptor, or -errno. */
int mounts_of_ours(dev_t dev);
/* Whether this mount was there when the table was last looked at */
bool mounts_has(const struct session *session, uint32_t id);
/* Calls `try` with the mounts of this file system until it returns true. Not at all where there are
 * very many mounts, or where this session's searches have had their share of the guard's time. */
void mounts_search(struct session *session, uint64_t fsid,
		   bool (*try)(const struct session *session, const struct session_sb *sb,
			       void *data),
		   void *data);
void mounts_unmark(struct engine *engine, struct session *session);
