/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks: what each is for, which engines use it, and what is missing without it.
 */

#include "engine/state.h"

#define NO_SESSION "no session can be opened"
#define NO_CHANGES "changes of files are not said to be covered"
#define NO_NET "the network is not said to be covered"
#define NOT_SEEN "not seen"
#define NEEDS_LSM \
	"a kernel with BPF trampolines, and bpf among the active security modules (lsm=…,bpf)"
#define NEEDS_KPROBE "a kernel with CONFIG_KPROBES"

#define OF_LSM(name, place, does, without)                                                 \
	{                                                                                  \
		.engines = ENGINE_LSM, .program = (name), .hook = (place), .what = (does), \
		.consequence = (without), .remedy = NEEDS_LSM                              \
	}
#define OF_KPROBE(name, place, does, without)                                                 \
	{                                                                                     \
		.engines = ENGINE_KPROBE, .program = (name), .hook = (place), .what = (does), \
		.consequence = (without), .remedy = NEEDS_KPROBE                              \
	}

const struct hook hooks[] = {
	[HOOK_TASK_NEWTASK] = { .engines = ENGINES_ALL,
				.program = "task_newtask",
				.hook = "tp_btf/task_newtask",
				.required = true,
				.what = "lineage: who was born of whom",
				.consequence = "no session can be opened",
				.remedy = "a kernel 5.12 or later with CONFIG_DEBUG_INFO_BTF and "
					  "CONFIG_BPF_EVENTS" },
	[HOOK_PROCESS_EXEC] = { .engines = ENGINES_ALL,
				.program = "sched_process_exec",
				.hook = "tp_btf/sched_process_exec",
				.required = true,
				.what = "exec: file and arguments",
				.consequence = "no session can be opened",
				.remedy = "as above" },
	[HOOK_PROCESS_EXIT] = { .engines = ENGINES_ALL,
				.program = "sched_process_exit",
				.hook = "tp_btf/sched_process_exit",
				.required = true,
				.what = "end of a process",
				.consequence = "no session can be opened",
				.remedy = "as above" },
	[HOOK_CONNECT4] = { .engines = ENGINE_TRACE,
			    .program = "connect4",
			    .hook = "cgroup/connect4",
			    .kind = HOOK_CGROUP,
			    .what = "connect() asked for, IPv4",
			    .consequence = "connections are seen only when a SYN leaves",
			    .remedy = "cgroup v2, and a kernel that lets its programs read task "
				      "storage: newer than 6.12; before, lsm or kprobe" },
	[HOOK_CONNECT6] = { .engines = ENGINE_TRACE,
			    .program = "connect6",
			    .hook = "cgroup/connect6",
			    .kind = HOOK_CGROUP,
			    .what = "connect() asked for, IPv6",
			    .consequence = "connections are seen only when a SYN leaves",
			    .remedy = "as above" },
	[HOOK_SENDMSG4] = { .engines = ENGINE_TRACE,
			    .program = "sendmsg4",
			    .hook = "cgroup/sendmsg4",
			    .kind = HOOK_CGROUP,
			    .what = "datagrams with an address, IPv4",
			    .consequence = "UDP without connect() is not seen",
			    .remedy = "as above" },
	[HOOK_SENDMSG6] = { .engines = ENGINE_TRACE,
			    .program = "sendmsg6",
			    .hook = "cgroup/sendmsg6",
			    .kind = HOOK_CGROUP,
			    .what = "datagrams with an address, IPv6",
			    .consequence = "UDP without connect() is not seen",
			    .remedy = "as above" },
	[HOOK_BIND4] = { .engines = ENGINE_TRACE,
			 .program = "bind4",
			 .hook = "cgroup/bind4",
			 .kind = HOOK_CGROUP,
			 .what = "bind(), IPv4",
			 .consequence = "bind() is not seen",
			 .remedy = "as above" },
	[HOOK_BIND6] = { .engines = ENGINE_TRACE,
			 .program = "bind6",
			 .hook = "cgroup/bind6",
			 .kind = HOOK_CGROUP,
			 .what = "bind(), IPv6",
			 .consequence = "bind() is not seen",
			 .remedy = "as above" },
	[HOOK_SOCK_STATE] = { .engines = ENGINES_ALL,
			      .program = "inet_sock_set_state",
			      .hook = "tp_btf/inet_sock_set_state",
			      .what = "what TCP really did: SYN, open, fail, listen",
			      .consequence = "whether a connection came about is not known",
			      .remedy = "" },
	[HOOK_FILE_QUESTION] = { .engines = ENGINE_TRACE,
				 .program = "file_question",
				 .hook = "syscall/file_question",
				 .kind = HOOK_RUN,
				 .what = "who opens a file",
				 .consequence = "a slower way is used: iter/task by tid",
				 .remedy = "a kernel 6.2 or later (bpf_task_from_pid)" },
	[HOOK_CHANGE_WHO] = { .engines = ENGINES_ALL,
			      .program = "change_who",
			      .hook = "syscall/change_who",
			      .kind = HOOK_RUN,
			      .what = "who changed a file",
			      .consequence = "a slower way is used: iter/task by tid",
			      .remedy = "a kernel 6.2 or later (bpf_task_from_pid)" },
	[HOOK_EVENT_PASS] = { .engines = ENGINE_TRACE,
			      .program = "event_pass",
			      .hook = "syscall/event_pass",
			      .kind = HOOK_RUN,
			      .what = "changes of files into the ring",
			      .consequence = "changes of files are not seen",
			      .remedy = "a kernel 5.14 or later" },
	[HOOK_ENGINE_LEVEL] = { .engines = ENGINES_ALL,
				.program = "engine_level",
				.hook = "syscall/engine_level",
				.kind = HOOK_RUN,
				.what = "the engine's pid namespace",
				.consequence =
					"the engine cannot run in a pid namespace of its own",
				.remedy = "a kernel 5.14 or later" },
	[HOOK_SESSION_TASKS] = { .engines = ENGINES_ALL,
				 .program = "session_tasks",
				 .hook = "iter/task",
				 .kind = HOOK_ITER,
				 .what = "finds what is left of a session",
				 .consequence =
					 "processes that left the session's cgroup outlive it",
				 .remedy = "" },
	[HOOK_FILE_QUESTION_ITER] = { .engines = ENGINE_TRACE,
				      .program = "file_question_iter",
				      .hook = "iter/task (open)",
				      .kind = HOOK_ITER,
				      .what = "who opens a file, where the kernel has no look-up "
					      "of tasks",
				      .consequence = "with syscall/file_question missing too, "
						     "opens are not seen",
				      .remedy = "a kernel 6.1 or later" },
	[HOOK_CHANGE_WHO_ITER] = { .engines = ENGINES_ALL,
				   .program = "change_who_iter",
				   .hook = "iter/task (change)",
				   .kind = HOOK_ITER,
				   .what = "who changed a file, where the kernel has no look-up of "
					   "tasks",
				   .consequence = "with syscall/change_who missing too, no session "
						  "can be opened",
				   .remedy = "a kernel 6.1 or later" },
	[HOOK_CHANGE_GONE] = { .engines = ENGINES_ALL,
			       .program = "change_gone",
			       .hook = "syscall/change_gone",
			       .kind = HOOK_RUN,
			       .what = "which dead process changed a file",
			       .consequence = "with syscall/change_who missing too, no session can "
					      "be opened",
			       .remedy = "a kernel 5.14 or later" },
	[HOOK_TASK_ALLOC] = { .engines = ENGINE_LSM,
			      .program = "task_alloc",
			      .hook = "lsm/task_alloc",
			      .required = true,
			      .what = "lineage: a child is tagged before it can run, or not born",
			      .consequence = NO_SESSION,
			      .remedy = NEEDS_LSM },
	[HOOK_FILE_OPEN] = { .engines = ENGINE_LSM,
			     .program = "file_open",
			     .hook = "lsm/file_open",
			     .required = true,
			     .what = "opens of files",
			     .consequence = NO_SESSION,
			     .remedy = NEEDS_LSM },
	[HOOK_PROBE_FILE_OPEN] = { .engines = ENGINE_KPROBE,
				   .program = "probe_file_open",
				   .hook = "kprobe/security_file_open",
				   .required = true,
				   .what = "opens of files",
				   .consequence = NO_SESSION,
				   .remedy = NEEDS_KPROBE },
	[HOOK_PATH_MKNOD] =
		OF_LSM("path_mknod", "lsm/path_mknod", "a file or node is to be made", NO_CHANGES),
	[HOOK_PROBE_PATH_MKNOD] = OF_KPROBE("probe_path_mknod", "kprobe/security_path_mknod",
					    "a file or node is to be made", NO_CHANGES),
	[HOOK_PATH_MKDIR] =
		OF_LSM("path_mkdir", "lsm/path_mkdir", "a directory is to be made", NO_CHANGES),
	[HOOK_PROBE_PATH_MKDIR] = OF_KPROBE("probe_path_mkdir", "kprobe/security_path_mkdir",
					    "a directory is to be made", NO_CHANGES),
	[HOOK_PATH_SYMLINK] =
		OF_LSM("path_symlink", "lsm/path_symlink", "a link is to be made", NO_CHANGES),
	[HOOK_PROBE_PATH_SYMLINK] = OF_KPROBE("probe_path_symlink", "kprobe/security_path_symlink",
					      "a link is to be made", NO_CHANGES),
	[HOOK_PATH_LINK] =
		OF_LSM("path_link", "lsm/path_link", "a further name is to be made", NO_CHANGES),
	[HOOK_PROBE_PATH_LINK] = OF_KPROBE("probe_path_link", "kprobe/security_path_link",
					   "a further name is to be made", NO_CHANGES),
	[HOOK_PATH_UNLINK] =
		OF_LSM("path_unlink", "lsm/path_unlink", "a name is to be deleted", NO_CHANGES),
	[HOOK_PROBE_PATH_UNLINK] = OF_KPROBE("probe_path_unlink", "kprobe/security_path_unlink",
					     "a name is to be deleted", NO_CHANGES),
	[HOOK_PATH_RMDIR] =
		OF_LSM("path_rmdir", "lsm/path_rmdir", "a directory is to be deleted", NO_CHANGES),
	[HOOK_PROBE_PATH_RMDIR] = OF_KPROBE("probe_path_rmdir", "kprobe/security_path_rmdir",
					    "a directory is to be deleted", NO_CHANGES),
	[HOOK_PATH_RENAME] =
		OF_LSM("path_rename", "lsm/path_rename", "a name is to be changed", NO_CHANGES),
	[HOOK_PROBE_PATH_RENAME] = OF_KPROBE("probe_path_rename", "kprobe/security_path_rename",
					     "a name is to be changed", NO_CHANGES),
	[HOOK_INODE_CREATE] =
		OF_LSM("inode_create", "lsm/inode_create", "a file is made", NO_CHANGES),
	[HOOK_PROBE_INODE_CREATE] = OF_KPROBE("probe_inode_create", "kprobe/security_inode_create",
					      "a file is made", NO_CHANGES),
	[HOOK_INODE_MKNOD] = OF_LSM("inode_mknod", "lsm/inode_mknod", "a node is made", NO_CHANGES),
	[HOOK_PROBE_INODE_MKNOD] = OF_KPROBE("probe_inode_mknod", "kprobe/security_inode_mknod",
					     "a node is made", NO_CHANGES),
	[HOOK_INODE_MKDIR] =
		OF_LSM("inode_mkdir", "lsm/inode_mkdir", "a directory is made", NO_CHANGES),
	[HOOK_PROBE_INODE_MKDIR] = OF_KPROBE("probe_inode_mkdir", "kprobe/security_inode_mkdir",
					     "a directory is made", NO_CHANGES),
	[HOOK_INODE_SYMLINK] =
		OF_LSM("inode_symlink", "lsm/inode_symlink", "a link is made", NO_CHANGES),
	[HOOK_PROBE_INODE_SYMLINK] = OF_KPROBE("probe_inode_symlink",
					       "kprobe/security_inode_symlink", "a link is made",
					       NO_CHANGES),
	[HOOK_INODE_LINK] =
		OF_LSM("inode_link", "lsm/inode_link", "a further name is made", NO_CHANGES),
	[HOOK_PROBE_INODE_LINK] = OF_KPROBE("probe_inode_link", "kprobe/security_inode_link",
					    "a further name is made", NO_CHANGES),
	[HOOK_INODE_UNLINK] =
		OF_LSM("inode_unlink", "lsm/inode_unlink", "a name is deleted", NO_CHANGES),
	[HOOK_PROBE_INODE_UNLINK] = OF_KPROBE("probe_inode_unlink", "kprobe/security_inode_unlink",
					      "a name is deleted", NO_CHANGES),
	[HOOK_INODE_RMDIR] =
		OF_LSM("inode_rmdir", "lsm/inode_rmdir", "a directory is deleted", NO_CHANGES),
	[HOOK_PROBE_INODE_RMDIR] = OF_KPROBE("probe_inode_rmdir", "kprobe/security_inode_rmdir",
					     "a directory is deleted", NO_CHANGES),
	[HOOK_INODE_RENAME] =
		OF_LSM("inode_rename", "lsm/inode_rename", "a name is changed", NO_CHANGES),
	[HOOK_PROBE_INODE_RENAME] = OF_KPROBE("probe_inode_rename", "kprobe/security_inode_rename",
					      "a name is changed", NO_CHANGES),
	[HOOK_PATH_CHMOD] = OF_LSM("path_chmod", "lsm/path_chmod", "chmod() asked for", NO_CHANGES),
	[HOOK_PROBE_PATH_CHMOD] = OF_KPROBE("probe_path_chmod", "kprobe/security_path_chmod",
					    "chmod() asked for", NO_CHANGES),
	[HOOK_PATH_CHOWN] = OF_LSM("path_chown", "lsm/path_chown", "chown() asked for", NO_CHANGES),
	[HOOK_PROBE_PATH_CHOWN] = OF_KPROBE("probe_path_chown", "kprobe/security_path_chown",
					    "chown() asked for", NO_CHANGES),
	[HOOK_INODE_SETXATTR] =
		OF_LSM("inode_setxattr", "lsm/inode_setxattr", "setxattr() asked for", NO_CHANGES),
	[HOOK_PROBE_INODE_SETXATTR] = OF_KPROBE("probe_inode_setxattr",
						"kprobe/security_inode_setxattr",
						"setxattr() asked for", NO_CHANGES),
	[HOOK_INODE_REMOVEXATTR] = OF_LSM("inode_removexattr", "lsm/inode_removexattr",
					  "removexattr() asked for", NO_CHANGES),
	[HOOK_PROBE_INODE_REMOVEXATTR] = OF_KPROBE("probe_inode_removexattr",
						   "kprobe/security_inode_removexattr",
						   "removexattr() asked for", NO_CHANGES),
	[HOOK_VFS_UTIMES] =
		OF_LSM("vfs_utimes", "fentry/vfs_utimes", "times to be set", NO_CHANGES),
	[HOOK_PROBE_VFS_UTIMES] =
		OF_KPROBE("probe_vfs_utimes", "kprobe/vfs_utimes", "times to be set", NO_CHANGES),
	[HOOK_PATH_TRUNCATE] =
		OF_LSM("path_truncate", "lsm/path_truncate", "truncate()", NO_CHANGES),
	[HOOK_PROBE_PATH_TRUNCATE] = OF_KPROBE(
		"probe_path_truncate", "kprobe/security_path_truncate", "truncate()", NO_CHANGES),
	[HOOK_FILE_TRUNCATE] = OF_LSM("file_truncate", "lsm/file_truncate", "ftruncate()",
				      "before 6.2: told by lsm/path_truncate"),
	[HOOK_PROBE_FILE_TRUNCATE] = OF_KPROBE("probe_file_truncate",
					       "kprobe/security_file_truncate", "ftruncate()",
					       "before 6.2: told by kprobe/security_path_truncate"),
	[HOOK_SOCKET_CONNECT] =
		OF_LSM("socket_connect", "lsm/socket_connect", "connect() asked for", NO_NET),
	[HOOK_PROBE_SOCKET_CONNECT] = OF_KPROBE("probe_socket_connect",
						"kprobe/security_socket_connect",
						"connect() asked for", NO_NET),
	[HOOK_SOCKET_SENDMSG] = OF_LSM("socket_sendmsg", "lsm/socket_sendmsg",
				       "datagrams with an address; TCP fast open", NO_NET),
	[HOOK_PROBE_SOCKET_SENDMSG] = OF_KPROBE("probe_socket_sendmsg",
						"kprobe/security_socket_sendmsg",
						"datagrams with an address; TCP fast open", NO_NET),
	[HOOK_SOCKET_BIND] = OF_LSM("socket_bind", "lsm/socket_bind", "bind()", NO_NET),
	[HOOK_PROBE_SOCKET_BIND] =
		OF_KPROBE("probe_socket_bind", "kprobe/security_socket_bind", "bind()", NO_NET),
	[HOOK_SOCKET_ACCEPT] =
		OF_LSM("socket_accept", "lsm/socket_accept", "accept asked for", NOT_SEEN),
	[HOOK_UNIX_STREAM_CONNECT] = OF_LSM("unix_stream_connect", "lsm/unix_stream_connect",
					    "connections to local sockets", NOT_SEEN),
	[HOOK_UNIX_MAY_SEND] = OF_LSM("unix_may_send", "lsm/unix_may_send",
				      "datagrams to local sockets", NOT_SEEN),
	[HOOK_SOCKET_CREATE] = OF_LSM("socket_create", "lsm/socket_create",
				      "sockets of other families, raw sockets", NOT_SEEN),
	[HOOK_SB_MOUNT] = OF_LSM("sb_mount", "lsm/sb_mount", "mount()", NOT_SEEN),
	[HOOK_MOVE_MOUNT] = OF_LSM("move_mount", "lsm/move_mount",
				   "mounts that are moved into the tree", NOT_SEEN),
	[HOOK_SB_PIVOTROOT] = OF_LSM("sb_pivotroot", "lsm/sb_pivotroot", "pivot_root()", NOT_SEEN),
	[HOOK_PATH_CHROOT] = OF_LSM("path_chroot", "lsm/path_chroot", "chroot()", NOT_SEEN),
	[HOOK_USERNS_CREATE] = OF_LSM("userns_create", "lsm/userns_create",
				      "user namespaces that are made", NOT_SEEN),
	[HOOK_PTRACE_ACCESS_CHECK] = OF_LSM("ptrace_access_check", "lsm/ptrace_access_check",
					    "what is done to other processes by ptrace and /proc",
					    NOT_SEEN),
	[HOOK_TASK_KILL] = OF_LSM("task_kill", "lsm/task_kill",
				  "signals to processes outside the session", NOT_SEEN),
	[HOOK_BPF] = OF_LSM("bpf", "lsm/bpf", "bpf()", NOT_SEEN),
	[HOOK_KERNEL_MODULE_REQUEST] = OF_LSM("kernel_module_request", "lsm/kernel_module_request",
					      "modules that the kernel asks for", NOT_SEEN),
	[HOOK_KERNEL_READ_FILE] = OF_LSM("kernel_read_file", "lsm/kernel_read_file",
					 "what the kernel reads: modules, firmware, kexec",
					 NOT_SEEN),
	[HOOK_PERF_EVENT_OPEN] =
		OF_LSM("perf_event_open", "lsm/perf_event_open", "perf_event_open()", NOT_SEEN),
	[HOOK_URING_OVERRIDE_CREDS] = OF_LSM("uring_override_creds", "lsm/uring_override_creds",
					     "io_uring with other credentials", NOT_SEEN),
	[HOOK_URING_SQPOLL] = OF_LSM("uring_sqpoll", "lsm/uring_sqpoll",
				     "io_uring with a polling thread", NOT_SEEN),
	[HOOK_URING_CMD] =
		OF_LSM("uring_cmd", "lsm/uring_cmd", "io_uring commands of devices", NOT_SEEN),
	[HOOK_FILE_RECEIVE] = OF_LSM("file_receive", "lsm/file_receive",
				     "files that come through sockets", NOT_SEEN),
	[HOOK_MMAP_FILE] =
		OF_LSM("mmap_file", "lsm/mmap_file", "files mapped to be executed", NOT_SEEN),
	[HOOK_PROBE_MMAP_FILE] = OF_KPROBE("probe_mmap_file", "kprobe/security_mmap_file",
					   "files mapped to be executed", NOT_SEEN),
	[HOOK_TCP_CONNECT] =
		OF_LSM("tcp_connect", "fentry/tcp_connect", "a SYN that leaves",
		       "a SYN is told by tp_btf/inet_sock_set_state, without the own address"),
	[HOOK_PROBE_TCP_CONNECT] =
		OF_KPROBE("probe_tcp_connect", "kprobe/tcp_connect", "a SYN that leaves",
			  "a SYN is told by tp_btf/inet_sock_set_state, without the own address"),
};

_Static_assert(ARRAY_LEN(hooks) == HOOK_MAX, "one row per hook");
