/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What leads out of the session, each by its program: mounts and roots, namespaces, other
 * processes, the kernel's own doors.
 */
#include "scene.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* sys/mount.h and linux/mount.h do not go together */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);

#define NOT_HERE 77
/* include/linux/ptrace.h */
#define PTRACE_MODE_READ 0x01
#define PTRACE_MODE_ATTACH 0x02
#define PTRACE_MODE_FSCREDS 0x08
#define PTRACE_MODE_REALCREDS 0x10
/* include/linux/kernel_read_file.h */
#define READING_MODULE 2

/* Plays it where the engine can tell; it must end well. */
static void play(struct scene *scene, int (*body)(struct notes *notes), const char *feature)
{
	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body);
	if (feature && scene->status == NOT_HERE << 8)
		skip_because(feature);
	assert_int_equal(scene->status, 0);
}

static int body_mount(struct notes *notes)
{
	if (mkdir(in_dir("at"), 0700))
		return 1;
	scene_act(notes);
	return mount("none", in_dir("at"), "tmpfs", MS_NOSUID | MS_NODEV, NULL);
}

/* programs: sb_mount */
static void e23_e41_sb_mount_tells_where_type_and_flags(void **state)
{
	struct scene *scene = *state;

	play(scene, body_mount, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_MOUNT,
					    .path = in_dir("at"),
					    .name = "tmpfs",
					    .value = MS_NOSUID | MS_NODEV });
	assert_int_equal(scene_count(scene, MF_EV_MOUNT, 0), 1);
}

static int body_move_mount(struct notes *notes)
{
	int tree;

	if (mkdir(in_dir("from"), 0700) || mkdir(in_dir("to"), 0700))
		return 1;
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, in_dir("from"), OPEN_TREE_CLONE);
	if (tree < 0)
		return NOT_HERE;
	scene_act(notes);
	return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, in_dir("to"),
			    MOVE_MOUNT_F_EMPTY_PATH);
}

/* programs: move_mount */
static void e23_move_mount_tells_where_to(void **state)
{
	struct scene *scene = *state;

	play(scene, body_move_mount, "open_tree()");
	check_act(scene, (struct act_want){ .kind = MF_EV_MOVE_MOUNT, .path = in_dir("to") });
	assert_int_equal(scene_count(scene, MF_EV_MOVE_MOUNT, 0), 1);
}

static int body_pivot(struct notes *notes)
{
	if (mkdir(in_dir("root"), 0700) || mount("none", in_dir("root"), "tmpfs", 0, NULL) ||
	    mkdir(in_dir("root/old"), 0700))
		return 1;
	scene_act(notes);
	return (int)syscall(SYS_pivot_root, in_dir("root"), in_dir("root/old"));
}

/* programs: sb_pivotroot */
static void e23_sb_pivotroot_tells_the_new_root(void **state)
{
	struct scene *scene = *state;

	play(scene, body_pivot, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_PIVOT_ROOT, .path = in_dir("root") });
}

static int body_chroot(struct notes *notes)
{
	if (mkdir(in_dir("jail"), 0700))
		return 1;
	scene_act(notes);
	return chroot(in_dir("jail"));
}

/* programs: path_chroot */
static void e23_path_chroot_tells_the_root(void **state)
{
	struct scene *scene = *state;

	play(scene, body_chroot, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_CHROOT, .path = in_dir("jail") });
	assert_int_equal(scene_count(scene, MF_EV_CHROOT, 0), 1);
}

static int body_userns(struct notes *notes)
{
	scene_act(notes);
	return unshare(CLONE_NEWUSER);
}

/* programs: userns_create */
static void e23_userns_create_tells_that_one_is_made(void **state)
{
	struct scene *scene = *state;

	play(scene, body_userns, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_USERNS });
	assert_int_equal(scene_count(scene, MF_EV_USERNS, 0), 1);
}

/* Reads a byte of the test's own process, which is of no session. */
static int body_outside(struct notes *notes)
{
	char path[32], byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };
	struct iovec from = { .iov_base = scene_dir, .iov_len = 1 };
	int pid = getppid();

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	scene_act(notes);
	return process_vm_readv(pid, &to, 1, &from, 1, 0) != 1 || open(path, O_RDONLY) < 0;
}

/* programs: ptrace_access_check */
static void e12_ptrace_access_check_tells_the_other_process_and_the_mode(void **state)
{
	struct scene *scene = *state;

	play(scene, body_outside, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_PTRACE,
					    .nth = SCENE_PTRACES,
					    .target_pid = (uint32_t)getpid(),
					    .target_start_ns = start_of(getpid()),
					    .number = PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS });
	check_act(scene, (struct act_want){ .kind = MF_EV_PTRACE,
					    .nth = SCENE_PTRACES + 1,
					    .target_pid = (uint32_t)getpid(),
					    .target_start_ns = start_of(getpid()),
					    .number = PTRACE_MODE_READ | PTRACE_MODE_FSCREDS });
	assert_int_equal(scene_count(scene, MF_EV_PTRACE, 0), SCENE_PTRACES + 2);
}

/* Its own child: to look at it is nothing, to take it over is told. */
static int body_own_child(struct notes *notes)
{
	int pid, status, fd;
	char path[32];

	scene_act(notes);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	notes->value[0] = (uint64_t)pid;
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || kill(pid, SIGSTOP) || ptrace(PTRACE_SEIZE, pid, NULL, NULL) ||
	    kill(pid, SIGKILL))
		return 1;
	while (waitpid(pid, &status, 0) == pid && !WIFSIGNALED(status))
		;
	return 0;
}

static void of_the_sessions_own_only_the_attach_is_told(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_fork *fork;
	uint32_t child;

	play(scene, body_own_child, NULL);
	child = (uint32_t)scene->notes->value[0];
	fork = body_of(scene_fork_of(scene, child));
	check_act(scene, (struct act_want){ .kind = MF_EV_PTRACE,
					    .nth = SCENE_PTRACES,
					    .target_pid = child,
					    .target_start_ns = fork->child_start_ns,
					    .number = PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS });
	assert_int_equal(scene_count(scene, MF_EV_PTRACE, 0), SCENE_PTRACES + 1);
	assert_int_equal(scene_count(scene, MF_EV_KILL, 0), 0);
}

static int body_signal(struct notes *notes)
{
	scene_act(notes);
	return kill(getppid(), SIGURG);
}

/* programs: task_kill */
static void e32_task_kill_tells_the_other_process_and_the_signal(void **state)
{
	struct scene *scene = *state;

	play(scene, body_signal, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_KILL,
					    .target_pid = (uint32_t)getpid(),
					    .target_start_ns = start_of(getpid()),
					    .number = SIGURG });
	assert_int_equal(scene_count(scene, MF_EV_KILL, 0), 1);
}

static int body_bpf(struct notes *notes)
{
	union bpf_attr attr = {};

	scene_act(notes);
	return (int)syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr));
}

/* programs: bpf */
static void e31_bpf_tells_the_command(void **state)
{
	struct scene *scene = *state;

	play(scene, body_bpf, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_BPF, .number = BPF_MAP_GET_NEXT_ID });
	assert_int_equal(scene_count(scene, MF_EV_BPF, 0), 1);
}

#define AF_NOBODYS 9 /* X.25: the kernel looks for a module of this name */

static int body_module(struct notes *notes)
{
	scene_act(notes);
	return socket(AF_NOBODYS, SOCK_SEQPACKET, 0) >= 0 ? NOT_HERE : 0;
}

/* programs: kernel_module_request */
static void kernel_module_request_tells_the_name(void **state)
{
	struct scene *scene = *state;

	play(scene, body_module, "a family that is not there");
	check_act(scene, (struct act_want){ .kind = MF_EV_MODULE, .name = "net-pf-9" });
	assert_int_equal(scene_count(scene, MF_EV_MODULE, 0), 1);
}

static int body_load(struct notes *notes)
{
	int fd = open(in_dir("module.ko"), O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "no module", 9) != 9 || close(fd))
		return 1;
	fd = open(in_dir("module.ko"), O_RDONLY);
	scene_act(notes);
	return syscall(SYS_finit_module, fd, "", 0) != -1;
}

/* programs: kernel_read_file */
static void e34_kernel_read_file_tells_the_path_and_what_for(void **state)
{
	struct scene *scene = *state;

	play(scene, body_load, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_KERNEL_READ,
					    .path = in_dir("module.ko"),
					    .number = READING_MODULE });
	assert_int_equal(scene_count(scene, MF_EV_KERNEL_READ, 0), 1);
}

static int body_perf(struct notes *notes)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.exclude_kernel = 1 };

	scene_act(notes);
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0;
}

/* programs: perf_event_open */
static void perf_event_open_tells_that_it_is_asked_for(void **state)
{
	struct scene *scene = *state;

	play(scene, body_perf, NULL);
	check_act(scene, (struct act_want){ .kind = MF_EV_PERF });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e23_e41_sb_mount_tells_where_type_and_flags),
		cmocka_unit_test(e23_move_mount_tells_where_to),
		cmocka_unit_test(e23_sb_pivotroot_tells_the_new_root),
		cmocka_unit_test(e23_path_chroot_tells_the_root),
		cmocka_unit_test(e23_userns_create_tells_that_one_is_made),
		cmocka_unit_test(e12_ptrace_access_check_tells_the_other_process_and_the_mode),
		cmocka_unit_test(of_the_sessions_own_only_the_attach_is_told),
		cmocka_unit_test(e32_task_kill_tells_the_other_process_and_the_signal),
		cmocka_unit_test(e31_bpf_tells_the_command),
		cmocka_unit_test(kernel_module_request_tells_the_name),
		cmocka_unit_test(e34_kernel_read_file_tells_the_path_and_what_for),
		cmocka_unit_test(perf_event_open_tells_that_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir);
}
