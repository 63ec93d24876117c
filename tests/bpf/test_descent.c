/* SPDX-License-Identifier: BSD-2-Clause */
/* Descent: what is born in a session is the session's, whatever it does to get away. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int code_of(struct scene *scene, uint32_t pid)
{
	struct mf_event *event = scene_event(scene, MF_EV_EXIT, pid, 0);

	assert_non_null(event);
	assert_null(scene_event(scene, MF_EV_EXIT, pid, 1));
	return (int)((struct mf_ev_exit *)body_of(event))->code;
}

static struct mf_ev_fork *fork_body_of(struct scene *scene, uint32_t child, uint32_t parent)
{
	struct mf_event *event = scene_fork_of(scene, child);

	assert_non_null(event);
	if (parent)
		assert_int_equal(event->pid, parent);
	return body_of(event);
}

static int body_vfork(struct notes *notes)
{
	int status, pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return status;
}

static void vfork_is_a_fork(void **state)
{
	struct scene *scene = *state;
	uint32_t child;

	scene_play(scene, body_vfork);
	child = (uint32_t)scene->notes->value[0];
	assert_true(fork_body_of(scene, child, (uint32_t)scene->pid)->clone_flags & CLONE_VFORK);
	assert_non_null(scene_event(scene, MF_EV_EXEC, child, 0));
	assert_int_equal(code_of(scene, child), 0);
}

/* E26: the root is the subreaper, the grandchild leaves its session and parent */
static int body_daemon(struct notes *notes)
{
	int status, pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	notes->page->stamp = MF_STAMP(1, 1);
	pid = fork();
	if (!pid) {
		setsid();
		if (!fork()) {
			notes->value[0] = (uint64_t)getpid();
			notes->value[1] = open("/etc/hostname", O_RDONLY) >= 0;
			_exit(6);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		;
	return 0;
}

static void e26_a_double_forked_daemon_is_the_sessions(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	uint32_t pid;

	scene_play(scene, body_daemon);
	pid = (uint32_t)scene->notes->value[0];
	assert_int_equal(code_of(scene, pid), 6 << 8);
	assert_int_equal(fork_body_of(scene, pid, 0)->child_birth, MF_STAMP(1, 1));
	if (!(scene->session.coverage & MF_COV_FILES))
		return;
	event = scene_path(scene, MF_EV_OPEN, "/etc/hostname");
	assert_non_null(event);
	assert_int_equal(event->pid, pid);
	assert_int_equal(event->birth, MF_STAMP(1, 1));
}

static int clone_parent_child(void *data)
{
	((struct notes *)data)->value[1] = (uint64_t)getppid();
	return 8;
}

static int body_clone_parent(struct notes *notes)
{
	static char stack[65536] __attribute__((aligned(16)));
	int pid = fork(), status;

	if (!pid) {
		notes->value[2] = (uint64_t)getpid();
		pid = clone(clone_parent_child, stack + sizeof(stack), CLONE_PARENT | SIGCHLD,
			    notes);
		notes->value[0] = (uint64_t)pid;
		_exit(pid < 0);
	}
	while (wait(&status) > 0)
		;
	return 0;
}

static void e26_clone_parent_is_told_in_the_context_of_its_maker(void **state)
{
	struct scene *scene = *state;
	uint32_t pid;

	scene_play(scene, body_clone_parent);
	pid = (uint32_t)scene->notes->value[0];
	assert_int_equal(scene->notes->value[1], scene->pid);
	fork_body_of(scene, pid, (uint32_t)scene->notes->value[2]);
	assert_int_equal(code_of(scene, pid), 8 << 8);
}

static int body_pidns(struct notes *notes)
{
	int status, pid;

	if (unshare(CLONE_NEWPID))
		return 77;
	pid = fork();
	if (!pid) {
		notes->value[1] = (uint64_t)getpid(); /* 1 */
		mkdir("/tmp/mf-lineage-pidns", 0700);
		rmdir("/tmp/mf-lineage-pidns");
		_exit(open("/etc/hostname", O_RDONLY) < 0);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return status;
}

/* F37 */
static void f37_pids_are_the_initial_namespaces(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	uint32_t pid;

	scene_play(scene, body_pidns);
	if (scene->status == 77 << 8)
		skip_because("pid namespaces");
	pid = (uint32_t)scene->notes->value[0];
	assert_int_equal(scene->notes->value[1], 1);
	fork_body_of(scene, pid, (uint32_t)scene->pid);
	assert_int_equal(code_of(scene, pid), 0);
	if (scene->session.coverage & MF_COV_FILES)
		assert_int_equal(scene_path(scene, MF_EV_OPEN, "/etc/hostname")->pid, pid);
	if (scene->session.coverage & MF_COV_CHANGES) {
		event = scene_path(scene, MF_EV_CREATE, "/tmp/mf-lineage-pidns");
		assert_non_null(event);
		assert_int_equal(event->pid, pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vfork_is_a_fork),
		cmocka_unit_test(e26_a_double_forked_daemon_is_the_sessions),
		cmocka_unit_test(e26_clone_parent_is_told_in_the_context_of_its_maker),
		cmocka_unit_test(f37_pids_are_the_initial_namespaces),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
