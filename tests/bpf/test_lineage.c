/* SPDX-License-Identifier: BSD-2-Clause */
/* Lineage: fork, exec of the tag, exit. */
#include "scene.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int body_fork(struct notes *notes)
{
	int pid, status;

	prctl(PR_SET_NAME, "forker");
	notes->page->stamp = MF_STAMP(7, 0);
	pid = fork();
	if (!pid)
		_exit(3);
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return 5;
}

static void fork_and_exit_are_told(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_fork *fork_body;
	struct mf_event *event;
	uint32_t child;

	scene_play(scene, body_fork);
	child = (uint32_t)scene->notes->value[0];
	event = scene_fork_of(scene, child);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "forker");
	assert_int_equal(event->stamp, MF_STAMP(7, 0));
	assert_int_equal(event->stamp_lo, MF_STAMP(7, 0));
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	fork_body = body_of(event);
	assert_int_equal(fork_body->child_birth, MF_STAMP(7, 0));
	assert_int_equal(fork_body->clone_flags & CLONE_THREAD, 0);
	event = scene_event(scene, MF_EV_EXIT, child, 0);
	check_head(scene, event, child, child, "forker");
	assert_int_equal(event->start_ns, fork_body->child_start_ns);
	assert_int_equal(((struct mf_ev_exit *)body_of(event))->code, 3 << 8);
	event = scene_event(scene, MF_EV_EXIT, (uint32_t)scene->pid, 0);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "forker");
	assert_int_equal(((struct mf_ev_exit *)body_of(event))->code, 5 << 8);
	assert_int_equal(scene->counters.tasks, 0);
	assert_int_equal(scene->status, 5 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_and_exit_are_told),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
