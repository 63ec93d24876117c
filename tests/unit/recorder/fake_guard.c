/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"

static int memory_file(size_t size)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void *map(int fd, size_t size)
{
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(mapped != MAP_FAILED);
	return mapped;
}

void fake_guard_make(struct fake_guard *guard)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t counters = MF_SESSIONS_MAX * sizeof(struct mf_session_counters);
	char query[100];
	int pair[2];
	uint8_t *ring;

	*guard = (struct fake_guard){ .path = "/tmp/mcpfloor-rec-XXXXXX" };
	assert_non_null(mkdtemp(guard->path));
	guard->dir_fd = open(guard->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	guard->guard = pair[0];
	guard->options.guard_fd = pair[1];
	guard->options.ring_fd = memory_file(2 * page + 2 * FAKE_RING_BYTES);
	guard->options.ring_bytes = FAKE_RING_BYTES;
	ring = map(guard->options.ring_fd, 2 * page + 2 * FAKE_RING_BYTES);
	guard->consumer = (unsigned long *)ring;
	guard->producer = (unsigned long *)(ring + page);
	guard->data = ring + 2 * page;
	guard->options.counters_fd = memory_file(counters);
	guard->counters = map(guard->options.counters_fd, counters);
	guard->options.state_dir_fd = fcntl(guard->dir_fd, F_DUPFD_CLOEXEC, 3);
	snprintf(query, sizeof(query), "%s/query", guard->path);
	guard->options.query_fd = ipc_listen(query, SOCK_STREAM, 0600);
	assert_true(guard->options.query_fd >= 0);
}

void fake_guard_free(struct fake_guard *guard)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	DIR *dir = opendir(guard->path);
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		unlinkat(guard->dir_fd, entry->d_name, 0);
	closedir(dir);
	close_fd(guard->dir_fd);
	assert_int_equal(rmdir(guard->path), 0);
	close_fd(guard->guard);
	munmap(guard->consumer, 2 * page + 2 * FAKE_RING_BYTES);
	munmap(guard->counters, MF_SESSIONS_MAX * sizeof(struct mf_session_counters));
}

static void close_recorders_ends(struct fake_guard *guard)
{
	close_fd(guard->options.guard_fd);
	close_fd(guard->options.ring_fd);
	close_fd(guard->options.counters_fd);
	close_fd(guard->options.state_dir_fd);
	close_fd(guard->options.query_fd);
}

void fake_guard_start(struct fake_guard *guard)
{
	fflush(NULL);
	guard->pid = fork();
	assert_true(guard->pid >= 0);
	if (!guard->pid)
		_exit(recorder_main(&guard->options));
	close_recorders_ends(guard);
}

static void send_token(struct fake_guard *guard, uint32_t kind, uint64_t token)
{
	struct mf_r_token packet = { .head = { MF_ABI_VERSION, kind }, .token = token };

	assert_int_equal(ipc_send(guard->guard, &packet, sizeof(packet), NULL), 0);
}

int fake_guard_stop(struct fake_guard *guard, bool by_dying)
{
	int status;

	if (by_dying)
		guard->guard = close_fd(guard->guard);
	else
		send_token(guard, MF_R_QUIT, 0);
	assert_int_equal(waitpid(guard->pid, &status, 0), guard->pid);
	return status;
}

static int introduce(struct fake_guard *guard, const struct mf_r_session *said)
{
	struct mf_r_session info = *said;
	struct ipc_fds fds = IPC_FDS_NONE;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fds.fd[0] = pair[1];
	fds.count = 1;
	assert_int_equal(ipc_send(guard->guard, &info, sizeof(info), &fds), 0);
	close_fd(pair[1]);
	return pair[0];
}

int fake_guard_session(struct fake_guard *guard, uint64_t id, uint32_t user)
{
	struct mf_r_session info = story_session();

	info.session = id;
	info.uid = user;
	return introduce(guard, &info);
}

int fake_guard_resume(struct fake_guard *guard, uint64_t id)
{
	struct mf_r_session info = story_session();

	info.session = id;
	info.flags |= MF_RS_RESUMED;
	return introduce(guard, &info);
}

void fake_guard_gone(struct fake_guard *guard, uint64_t id, bool relay_died)
{
	struct mf_r_gone gone = { .head = { MF_ABI_VERSION, MF_R_GONE },
				  .session = id,
				  .relay_died = relay_died };

	assert_int_equal(ipc_send(guard->guard, &gone, sizeof(gone), NULL), 0);
}

/* The next packet of a kind; others are passed over. */
static void await(struct fake_guard *guard, uint32_t kind, void *packet, size_t size)
{
	struct pollfd watch = { .fd = guard->guard, .events = POLLIN };
	struct mf_recorder_head *head = packet;

	do {
		assert_int_equal(poll(&watch, 1, 20000), 1);
		assert_true(ipc_recv(guard->guard, packet, size, NULL) > 0);
	} while (head->kind != kind);
}

void fake_guard_barrier(struct fake_guard *guard)
{
	struct mf_r_token packet;

	await(guard, MF_R_BARRIER, &packet, sizeof(packet));
	send_token(guard, MF_R_BARRIER, packet.token);
}

struct mf_stats fake_guard_stats(struct fake_guard *guard)
{
	struct mf_r_stats packet;

	send_token(guard, MF_R_STATS, 1);
	await(guard, MF_R_STATS, &packet, sizeof(packet));
	return packet.stats;
}

/* The data is mapped twice in a real ring; here both copies are written. */
static void put(struct fake_guard *guard, uint64_t at, const void *bytes, size_t size)
{
	at &= FAKE_RING_BYTES - 1;
	memcpy(guard->data + at, bytes, size);
	for (size_t i = 0; i < size; i++) {
		uint64_t other = at + i < FAKE_RING_BYTES ? at + i + FAKE_RING_BYTES
							  : at + i - FAKE_RING_BYTES;

		guard->data[other] = ((const uint8_t *)bytes)[i];
	}
}

void fake_guard_event(struct fake_guard *guard, const struct story_event *event, bool submitted)
{
	uint32_t head[2] = { event->head.size | (submitted ? 0 : BPF_RINGBUF_BUSY_BIT), 0 };
	uint64_t at = *guard->producer;
	uint64_t next = at + ((event->head.size + 8 + 7) & ~7ULL);

	while (next - __atomic_load_n(guard->consumer, __ATOMIC_ACQUIRE) > FAKE_RING_BYTES)
		poll(NULL, 0, 1); /* the recorder gives room on its tick */
	put(guard, at + 8, event, event->head.size);
	put(guard, at, head, sizeof(head));
	__atomic_store_n(guard->producer, next, __ATOMIC_RELEASE);
}

void fake_guard_submit(struct fake_guard *guard)
{
	for (size_t at = 0; at < *guard->producer; at += 8) {
		uint32_t *head = (uint32_t *)(guard->data + at);

		if (*head & BPF_RINGBUF_BUSY_BIT)
			__atomic_and_fetch(head, ~BPF_RINGBUF_BUSY_BIT, __ATOMIC_RELEASE);
	}
}

void fake_guard_journal(int journal, const struct story_packet *packet)
{
	assert_int_equal(ipc_send(journal, packet->bytes, packet->size, NULL), 0);
}

int fake_guard_begin(void **state)
{
	struct fake_guard *guard = calloc(1, sizeof(*guard));

	fake_guard_make(guard);
	fake_guard_start(guard);
	*state = guard;
	return 0;
}

int fake_guard_end(void **state)
{
	struct fake_guard *guard = *state;

	fake_guard_free(guard);
	free(guard);
	return 0;
}

char *fake_guard_entry(struct fake_guard *guard, enum log_type type, const char *text)
{
	struct log_source *source;
	char *found = NULL;
	uint64_t give_up = clock_mono_ns() + 20 * NS_PER_S;

	assert_int_equal(log_source_dir(guard->dir_fd, &source), 0);
	while (!found && clock_mono_ns() < give_up) {
		struct log_entry entry;
		int got = log_source_next(source, &entry);

		assert_true(got >= 0);
		if (got && entry.type == type && memmem(entry.json, entry.size, text, strlen(text)))
			found = strndup(entry.json, entry.size);
		else if (!got)
			poll(NULL, 0, 2);
	}
	log_source_free(source);
	assert_non_null(found);
	return found;
}

void fake_guard_finish(struct fake_guard *guard, int journal)
{
	struct story_packet packet;

	story_exit(&packet, 0);
	fake_guard_journal(journal, &packet);
	close_fd(journal);
	fake_guard_gone(guard, STORY_SESSION, false);
}

int fake_guard_ask(struct fake_guard *guard, uint32_t flags, struct log_source **source)
{
	struct mf_query query = { .version = MF_ABI_VERSION, .flags = flags };
	char path[100];

	snprintf(path, sizeof(path), "%s/query", guard->path);
	return log_source_socket(ipc_connect(path, SOCK_STREAM), &query, source);
}
