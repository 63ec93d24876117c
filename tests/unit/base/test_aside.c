/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/aside.h"

struct job {
	int gate[2]; /* it waits until a byte comes */
	int done;
	bool signals_blocked;
	pthread_t thread;
};

static int wait_at_gate(void *data)
{
	struct job *job = data;
	sigset_t blocked;
	char byte;

	job->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	job->signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
	if (read(job->gate[0], &byte, 1) != 1)
		return -1;
	return ++job->done;
}

static void a_job_runs_beside_its_caller_and_takes_no_signals(void **state)
{
	struct job job = { 0 };
	struct aside aside = { 0 };

	(void)state;
	assert_int_equal(pipe(job.gate), 0);
	aside_start(&aside, wait_at_gate, &job); /* would hang here if it ran in this thread */
	assert_int_equal(write(job.gate[1], "x", 1), 1);
	assert_int_equal(aside_wait(&aside), 1);
	assert_true(job.signals_blocked);
	assert_false(pthread_equal(job.thread, pthread_self()));
	close(job.gate[0]);
	close(job.gate[1]);
}

static void the_next_job_starts_after_the_one_before(void **state)
{
	struct job job = { 0 };
	struct aside aside = { 0 };

	(void)state;
	assert_int_equal(pipe(job.gate), 0);
	assert_int_equal(write(job.gate[1], "xx", 2), 2);
	aside_start(&aside, wait_at_gate, &job);
	aside_start(&aside, wait_at_gate, &job);
	assert_int_equal(aside_wait(&aside), 2);
	assert_int_equal(aside_wait(&aside), 2); /* asked again: the same */
	close(job.gate[0]);
	close(job.gate[1]);
}

static void without_any_job_there_is_nothing_to_wait_for(void **state)
{
	struct aside aside = { 0 };

	(void)state;
	assert_int_equal(aside_wait(&aside), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_runs_beside_its_caller_and_takes_no_signals),
		cmocka_unit_test(the_next_job_starts_after_the_one_before),
		cmocka_unit_test(without_any_job_there_is_nothing_to_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
