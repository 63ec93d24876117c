/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/ending.h"

static struct ending fresh(void)
{
	return (struct ending){ .grace_ns = 100, .deadline_ns = UINT64_MAX };
}

static void a_client_that_is_done_leads_to_term_and_then_kill(void **state)
{
	struct ending ending = fresh();

	assert_int_equal(ending_step(&ending, ENDING_CLIENT_DONE, 1000), ENDING_CLOSE_STDIN);
	assert_int_equal(ending.deadline_ns, 1100);
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 1100), ENDING_TERM_ROOT);
	assert_int_equal(ending.deadline_ns, 1200);
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 1200), ENDING_KILL_SESSION);
	assert_int_equal(ending.phase, ENDING_KILLED);
	/* what does not die is killed again */
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 1300), ENDING_KILL_SESSION);
}

static void a_signal_leads_to_kill_and_more_of_them_do_not_put_it_off(void **state)
{
	struct ending ending = fresh();

	assert_int_equal(ending_step(&ending, ENDING_SIGNAL, 1000), ENDING_NOTHING);
	assert_int_equal(ending_step(&ending, ENDING_SIGNAL, 1090), ENDING_NOTHING);
	assert_int_equal(ending_step(&ending, ENDING_CLIENT_DONE, 1095), ENDING_CLOSE_STDIN);
	assert_int_equal(ending.deadline_ns, 1100);
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 1100), ENDING_KILL_SESSION);
}

static void the_grace_after_eof_begins_when_the_hold_is_over(void **state)
{
	struct ending ending = fresh();

	ending_hold(&ending, true, 900); /* nothing to hold yet */
	assert_int_equal(ending_step(&ending, ENDING_CLIENT_DONE, 1000), ENDING_CLOSE_STDIN);
	ending_hold(&ending, true, 1000);
	assert_true(ending.deadline_ns == UINT64_MAX);
	ending_hold(&ending, false, 5000);
	ending_hold(&ending, false, 5050);
	assert_int_equal(ending.deadline_ns, 5100);
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 5100), ENDING_TERM_ROOT);
}

static void a_hold_is_nothing_to_a_signal(void **state)
{
	struct ending ending = fresh();

	ending_step(&ending, ENDING_CLIENT_DONE, 1000);
	ending_hold(&ending, true, 1000);
	ending_step(&ending, ENDING_SIGNAL, 2000);
	ending_hold(&ending, true, 2050);
	assert_int_equal(ending.deadline_ns, 2100);
	assert_int_equal(ending_step(&ending, ENDING_DEADLINE, 2100), ENDING_KILL_SESSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_that_is_done_leads_to_term_and_then_kill),
		cmocka_unit_test(a_signal_leads_to_kill_and_more_of_them_do_not_put_it_off),
		cmocka_unit_test(the_grace_after_eof_begins_when_the_hold_is_over),
		cmocka_unit_test(a_hold_is_nothing_to_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
