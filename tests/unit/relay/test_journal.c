/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "base/clock.h"
#include "relay/journal.h"

static struct journal journal;
static int recorder = -1;

static int setup(void **state)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	journal_init(&journal);
	journal.fd = pair[0];
	recorder = pair[1];
	return 0;
}

static int teardown(void **state)
{
	journal_close(&journal);
	recorder = close_fd(recorder);
	return 0;
}

static void entries_of_one_turn_are_one_packet(void **state)
{
	uint64_t entry[4] = { 1, 2, 3, 4 }, got[100];

	for (int i = 0; i < 3; i++)
		journal_put(&journal, entry, sizeof(entry));
	assert_int_equal(journal_flush(&journal, 0), 0);
	assert_int_equal(recv(recorder, got, sizeof(got), MSG_DONTWAIT), 3 * sizeof(entry));
	assert_int_equal(recv(recorder, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void a_packet_never_passes_its_bound(void **state)
{
	static uint8_t entry[40000], got[MF_JOURNAL_PACKET + 1];

	for (int i = 0; i < 3; i++)
		journal_put(&journal, entry, sizeof(entry));
	assert_int_equal(journal_flush(&journal, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(recv(recorder, got, sizeof(got), MSG_DONTWAIT), sizeof(entry));
}

static void a_full_socket_is_waited_for_once_and_the_queue_is_bounded(void **state)
{
	static uint8_t entry[32768], got[MF_JOURNAL_PACKET];
	uint64_t start_ns, count = 0;
	size_t size = 0;

	for (int i = 0; i < 1000; i++)
		journal_put(&journal, entry, sizeof(entry));
	assert_true(journal_thin(&journal));
	assert_in_range(buf_size(&journal.queue), 1, JOURNAL_QUEUE_BYTES);
	assert_true(journal.lost > 0);
	start_ns = clock_mono_ns();
	assert_int_equal(journal_flush(&journal, 50), 0);
	assert_true(journal.stalled);
	assert_in_range(clock_mono_ns() - start_ns, 50 * NS_PER_MS, 5000 * NS_PER_MS);
	start_ns = clock_mono_ns();
	assert_int_equal(journal_flush(&journal, 5000), 0);
	assert_in_range(clock_mono_ns() - start_ns, 0, 4000 * NS_PER_MS);
	while (journal_waiting(&journal) || size) {
		ssize_t received = recv(recorder, got, sizeof(got), MSG_DONTWAIT);

		size = received > 0 ? (size_t)received : 0;
		count += size / sizeof(entry);
		assert_int_equal(journal_flush(&journal, 0), 0);
	}
	assert_int_equal(count + journal.lost, 1000);
	assert_false(journal.stalled);
}

static void a_recorder_that_is_gone_is_told(void **state)
{
	uint64_t entry[4] = { 0 };

	recorder = close_fd(recorder);
	journal_put(&journal, entry, sizeof(entry));
	assert_int_equal(journal_flush(&journal, 1000), -EPIPE);
	journal_close(&journal);
	journal_put(&journal, entry, sizeof(entry));
	assert_int_equal(journal.lost, 1);
	assert_int_equal(journal_flush(&journal, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_of_one_turn_are_one_packet, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_packet_never_passes_its_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_full_socket_is_waited_for_once_and_the_queue_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_recorder_that_is_gone_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
