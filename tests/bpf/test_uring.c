/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * E01: what io_uring does for a process, in its own context, in a worker thread, and in a polling
 * thread, is the process's. By raw system calls; loopback only.
 */
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_URING 77

static char path[] = "/tmp/mf-uring-XXXXXX";

struct uring {
	int fd;
	bool polled;
	uint8_t *rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static void uring_open(struct uring *uring, unsigned flags)
{
	size_t size;

	*uring = (struct uring){ .params.flags = flags, .polled = flags & IORING_SETUP_SQPOLL };
	uring->params.sq_thread_idle = 1000;
	uring->fd = (int)syscall(SYS_io_uring_setup, 4, &uring->params);
	if (uring->fd < 0 || !(uring->params.features & IORING_FEAT_SINGLE_MMAP))
		_exit(NO_URING);
	size = uring->params.cq_off.cqes + uring->params.cq_entries * sizeof(struct io_uring_cqe) +
	       4096;
	uring->rings =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, uring->fd, IORING_OFF_SQ_RING);
	uring->sqes = mmap(NULL, uring->params.sq_entries * sizeof(*uring->sqes),
			   PROT_READ | PROT_WRITE, MAP_SHARED, uring->fd, IORING_OFF_SQES);
	if (uring->rings == MAP_FAILED || uring->sqes == MAP_FAILED)
		_exit(NO_URING);
}

/* One request; returns its result. */
static int uring_do(struct uring *uring, const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *sq = &uring->params.sq_off;
	const struct io_cqring_offsets *cq = &uring->params.cq_off;
	uint32_t *tail = (void *)(uring->rings + sq->tail);
	uint32_t *head = (void *)(uring->rings + cq->head);
	uint32_t at = *tail & (uring->params.sq_entries - 1);
	struct io_uring_cqe *cqe;
	unsigned flags = IORING_ENTER_GETEVENTS;

	uring->sqes[at] = *sqe;
	((uint32_t *)(void *)(uring->rings + sq->array))[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (uring->polled)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, uring->fd, 1, 1, flags, NULL, 0) < 0)
		return -errno;
	cqe = (void *)(uring->rings + cq->cqes);
	cqe += *head & (uring->params.cq_entries - 1);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

static int open_by(struct uring *uring, uint8_t flags)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT,
				    .flags = flags,
				    .fd = AT_FDCWD,
				    .addr = (uintptr_t)path,
				    .open_flags = O_RDWR };
	int fd = uring_do(uring, &sqe);

	return fd < 0 ? 1 : close(fd);
}

static int body_inline(struct notes *notes)
{
	struct uring uring;

	notes->page->stamp = MF_STAMP(1, 1);
	uring_open(&uring, 0);
	return open_by(&uring, 0);
}

static int body_worker(struct notes *notes)
{
	struct uring uring;

	notes->page->stamp = MF_STAMP(1, 1);
	uring_open(&uring, 0);
	return open_by(&uring, IOSQE_ASYNC);
}

static int body_polled(struct notes *notes)
{
	struct uring uring;

	notes->page->stamp = MF_STAMP(1, 1);
	uring_open(&uring, IORING_SETUP_SQPOLL);
	/* F73: set up in one request, used in another */
	notes->page->stamp = MF_STAMP(3, 1);
	return open_by(&uring, 0);
}

static struct mf_event *play_open(struct scene *scene, int (*body)(struct notes *notes))
{
	struct mf_event *event;

	scene_play(scene, body);
	if (scene->status == NO_URING << 8)
		skip_because("io_uring");
	need_files(scene);
	assert_int_equal(scene->status, 0);
	event = scene_path(scene, MF_EV_OPEN, path);
	assert_non_null(event);
	assert_int_equal(event->pid, scene->pid);
	assert_int_equal(event->start_ns, scene->session.root_start_ns);
	assert_int_equal(event->birth, 0);
	assert_int_equal(((struct mf_ev_file *)body_of(event))->how,
			 scene_engine() == MF_ENGINE_TRACE ? MF_OPEN_IOURING : MF_OPEN_FLAGS_KNOWN);
	assert_int_equal(scene_count(scene, MF_EV_FORK, 0), 0);
	assert_int_equal(scene->counters.tasks, 0);
	return event;
}

static void e01_an_open_in_its_own_context(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event = play_open(scene, body_inline);

	assert_int_equal(event->tid, scene->pid);
	assert_int_equal(event->flags, 0);
}

static void e01_an_open_by_a_worker_thread(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event = play_open(scene, body_worker);

	assert_true(event->tid != (uint32_t)scene->pid);
	assert_int_equal(event->flags, MF_EVF_KTHREAD);
}

static void f73_an_open_by_a_polling_thread_has_the_stamp_of_its_moment(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event = play_open(scene, body_polled);

	assert_true(event->tid != (uint32_t)scene->pid);
	assert_int_equal(event->flags, MF_EVF_KTHREAD);
	assert_int_equal(event->stamp, MF_STAMP(3, 1));
}

static int body_connect(struct notes *notes)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(to);
	struct uring uring;

	if (bind(server, (struct sockaddr *)&to, len) || listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&to, &len))
		return 1;
	notes->value[0] = ntohs(to.sin_port);
	uring_open(&uring, 0);
	return uring_do(&uring, &(struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
							.flags = IOSQE_ASYNC,
							.fd = fd,
							.addr = (uintptr_t)&to,
							.off = sizeof(to) });
}

static void e01_a_connect_by_a_worker_thread(void **state)
{
	struct scene *scene = *state;
	uint16_t kinds[] = { MF_EV_CONNECT, MF_EV_TCP_SYN, MF_EV_TCP_OPEN };
	size_t i;

	scene_play(scene, body_connect);
	if (scene->status == NO_URING << 8)
		skip_because("io_uring");
	assert_int_equal(scene->status, 0);
	for (i = scene->session.coverage & MF_COV_NET ? 0 : 1; i < 3; i++) {
		struct mf_event *event = scene_event(scene, kinds[i], 0, 0);

		assert_non_null(event);
		assert_int_equal(event->pid, scene->pid);
		assert_true(event->tid != (uint32_t)scene->pid);
		assert_int_equal(((struct mf_ev_net *)body_of(event))->port,
				 scene->notes->value[0]);
	}
}

static int body_sqpoll(struct notes *notes)
{
	struct uring uring;

	scene_act(notes);
	uring_open(&uring, IORING_SETUP_SQPOLL);
	return 0;
}

/* One request of a new ring, after which its result is the exit status */
static int do_one(struct notes *notes, struct io_uring_sqe *sqe, bool as_registered)
{
	struct uring uring;
	long id;

	uring_open(&uring, 0);
	if (as_registered) {
		id = syscall(SYS_io_uring_register, uring.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
		if (id < 0)
			return NO_URING;
		sqe->personality = (uint16_t)id;
	}
	scene_act(notes);
	return uring_do(&uring, sqe) != 0;
}

static int body_override_creds(struct notes *notes)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_NOP };

	return do_one(notes, &sqe, true);
}

/* The one device of every kernel that takes such commands, and ignores them */
static int body_command(struct notes *notes)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_URING_CMD,
				    .fd = open("/dev/null", O_RDWR | O_CLOEXEC) };

	return do_one(notes, &sqe, false);
}

static void check_uring(struct scene *scene, int (*body)(struct notes *notes), uint32_t number)
{
	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body);
	if (scene->status == NO_URING << 8)
		skip_because("io_uring");
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_URING, .number = number });
	assert_int_equal(scene_count(scene, MF_EV_URING, 0), 1);
}

/* programs: uring_sqpoll */
static void e01_a_polling_thread_that_is_asked_for_is_told(void **state)
{
	check_uring(*state, body_sqpoll, MF_URING_SQPOLL);
}

/* programs: uring_override_creds */
static void e01_a_request_with_other_credentials_is_told(void **state)
{
	check_uring(*state, body_override_creds, MF_URING_OVERRIDE_CREDS);
}

/* programs: uring_cmd */
static void e01_a_command_for_a_device_is_told(void **state)
{
	check_uring(*state, body_command, MF_URING_CMD);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 || close(fd) || scene_setup(state);
}

static int teardown(void **state)
{
	return unlink(path) || scene_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e01_an_open_in_its_own_context),
		cmocka_unit_test(e01_an_open_by_a_worker_thread),
		cmocka_unit_test(f73_an_open_by_a_polling_thread_has_the_stamp_of_its_moment),
		cmocka_unit_test(e01_a_connect_by_a_worker_thread),
		cmocka_unit_test(e01_a_polling_thread_that_is_asked_for_is_told),
		cmocka_unit_test(e01_a_request_with_other_credentials_is_told),
		cmocka_unit_test(e01_a_command_for_a_device_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
