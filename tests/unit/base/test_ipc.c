/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ipc.h"

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void a_packet_arrives_whole_with_its_descriptor(void **state)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_ipc_fds_ struct ipc_fds got = IPC_FDS_NONE;
	struct ipc_fds sent = { .fd = { null }, .count = 1 };
	char bytes[8];
	int pair[2];

	make_pair(pair);
	assert_int_equal(ipc_send(pair[0], "hello", 5, &sent), 0);
	assert_int_equal(ipc_recv(pair[1], bytes, sizeof(bytes), &got), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(got.count, 1);
	assert_true(fcntl(got.fd[0], F_GETFD) & FD_CLOEXEC);
	close(pair[0]);
	close(pair[1]);
}

static void a_packet_that_is_too_long_is_refused_not_cut(void **state)
{
	struct ipc_fds got = IPC_FDS_NONE;
	char bytes[4];
	int pair[2];

	make_pair(pair);
	assert_int_equal(ipc_send(pair[0], "hello", 5, NULL), 0);
	assert_int_equal(ipc_recv(pair[1], bytes, sizeof(bytes), &got), -EMSGSIZE);
	close(pair[0]);
	close(pair[1]);
}

static void a_look_tells_whether_descriptors_come_and_takes_nothing(void **state)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ipc_fds sent = { .fd = { null }, .count = 1 };
	static const int types[] = { SOCK_SEQPACKET, SOCK_STREAM };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		_cleanup_ipc_fds_ struct ipc_fds got = IPC_FDS_NONE;
		bool brings = false;
		char bytes[8];
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(ipc_send(pair[0], "a", 1, NULL), 0);
		assert_int_equal(ipc_peek(pair[1], bytes, 1, &brings), 1);
		assert_false(brings);
		assert_int_equal(ipc_send(pair[0], "b", 1, &sent), 0);
		if (types[i] == SOCK_SEQPACKET) {
			assert_int_equal(ipc_peek(pair[1], NULL, 0, &brings), 0);
			assert_false(brings);
			assert_int_equal(ipc_recv(pair[1], bytes, 1, NULL), 1);
			assert_int_equal(ipc_peek(pair[1], NULL, 0, &brings), 0);
		} else {
			assert_int_equal(ipc_peek(pair[1], bytes, sizeof(bytes), &brings), 2);
			assert_int_equal(recv(pair[1], bytes, 1, 0), 1);
		}
		assert_true(brings);
		assert_int_equal(ipc_recv(pair[1], bytes, sizeof(bytes), &got), 1);
		assert_int_equal(got.count, 1);
		close(pair[0]);
		close(pair[1]);
	}
}

/* Where the kernel can: else the peek is what there is. */
static void what_refuses_descriptors_hands_that_on_to_what_it_accepts(void **state)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ipc_fds sent = { .fd = { null }, .count = 1 };
	char dir[] = "/tmp/mcpfloor-ipc-XXXXXX", path[64];
	_cleanup_fd_ int listener = -1, client = -1, taken = -1;
	int on = 1;
	socklen_t size = sizeof(on);

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	listener = ipc_listen(path, SOCK_STREAM, 0600);
	assert_true(listener >= 0);
	ipc_refuse_fds(listener);
	client = ipc_connect(path, SOCK_STREAM);
	unlink(path);
	rmdir(dir);
	if (getsockopt(listener, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &on, &size) < 0) {
		print_message("# skip: the kernel has no SO_PASSRIGHTS (Linux 6.16)\n");
		skip();
	}
	assert_int_equal(on, 0);
	assert_int_equal(ipc_send(client, "x", 1, &sent), -EPERM); /* waits in the backlog */
	taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(ipc_send(client, "x", 1, &sent), -EPERM);
	assert_int_equal(ipc_send(client, "x", 1, NULL), 0);
}

static void the_end_of_the_peer_is_told_and_raises_no_signal(void **state)
{
	struct ipc_fds got = IPC_FDS_NONE;
	char bytes[4];
	int pair[2];

	make_pair(pair);
	close(pair[0]);
	assert_int_equal(ipc_recv(pair[1], bytes, sizeof(bytes), &got), 0);
	assert_int_equal(ipc_send(pair[1], "x", 1, NULL), -EPIPE);
	close(pair[1]);
}

static void a_listener_that_accepts_nothing_is_not_waited_for_for_ever(void **state)
{
	char dir[] = "/tmp/ipc-test-XXXXXX", path[64];
	_cleanup_fd_ int listener = -1;
	int queued[256], sock = 0;
	size_t count = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	listener = ipc_listen(path, SOCK_SEQPACKET, 0600);
	assert_true(listener >= 0);
	assert_int_equal(listen(listener, 1), 0);
	while (count < ARRAY_LEN(queued) && (sock = ipc_connect(path, SOCK_SEQPACKET)) >= 0)
		queued[count++] = sock;
	assert_int_equal(sock, -ETIMEDOUT);
	while (count)
		close(queued[--count]);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_arrives_whole_with_its_descriptor),
		cmocka_unit_test(a_packet_that_is_too_long_is_refused_not_cut),
		cmocka_unit_test(a_look_tells_whether_descriptors_come_and_takes_nothing),
		cmocka_unit_test(what_refuses_descriptors_hands_that_on_to_what_it_accepts),
		cmocka_unit_test(the_end_of_the_peer_is_told_and_raises_no_signal),
		cmocka_unit_test(a_listener_that_accepts_nothing_is_not_waited_for_for_ever),
	};

	return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
