/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * F37: an engine in a pid namespace of its own. Its events have the initial namespace's pids, and what
 * it is told to act on has its own.
 */
#include "scene.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct engine_task listed;

static void list_task(const struct engine_task *task, void *data)
{
	(void)data;
	listed = *task;
}

static int body_leftover(struct notes *notes)
{
	int pid;

	scene_act(notes);
	pid = fork();
	if (!pid) {
		if (mkdir(in_dir("made"), 0700))
			_exit(1);
		for (;;)
			pause();
	}
	notes->value[0] = (uint64_t)pid;
	while (access(in_dir("made"), F_OK))
		usleep(1000);
	return 0;
}

/* programs: engine_level */
static void f37_what_is_left_is_found_by_the_pid_that_the_engine_can_signal(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_fork *born;
	struct mf_event *event;
	pid_t pid;

	scene->keep = true;
	scene_play(scene, body_leftover);
	scene->keep = false;
	assert_int_equal(scene->status, 0);
	pid = (pid_t)scene->notes->value[0];
	assert_int_equal(engine_session_tasks(scene->engine, scene->id, list_task, NULL), 1);
	assert_int_equal(listed.pid, pid);
	assert_string_equal(listed.comm, "actor");
	born = body_of(scene_event(scene, MF_EV_FORK, 0, 0));
	assert_true(born->child_pid != (uint32_t)pid);
	if (scene->session.coverage & MF_COV_CHANGES) {
		event = scene_path(scene, MF_EV_CREATE, in_dir("made"));
		assert_non_null(event);
		assert_int_equal(event->pid, born->child_pid);
		assert_int_equal(event->start_ns, born->child_start_ns);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(engine_session_tasks(scene->engine, scene->id, list_task, NULL), 0);
	engine_session_remove(scene->engine, scene->id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(f37_what_is_left_is_found_by_the_pid_that_the_engine_can_signal),
	};
	int pid, status;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS)) {
		printf("1..0 # SKIP pid namespaces, or not root\n");
		return 0;
	}
	pid = fork();
	if (!pid) {
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "/proc", "proc", 0, NULL))
			_exit(99);
		_exit(cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir));
	}
	/* no thread of ours can be made any more, a sanitizer's neither */
	_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
