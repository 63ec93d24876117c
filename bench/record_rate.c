/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * record_rate DIR: how many events a second go from the ring through records into the log. A
 * producer fills a ring laid out like a BPF ring buffer as fast as it finds room; the recorder runs
 * as it does in production, in a process of its own, sandboxed, writing segments below DIR.
 * Calls of CALL_EVENTS events follow one another, so that records are built, closed and written all
 * the time. What was put in is compared with what the recorder says that it read.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/journal.h"
#include "abi/page.h"
#include "abi/recorder.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "recorder/recorder.h"

#define RING_BYTES (4U << 20) /* the engine's default */
#define EVENTS 4000000U
#define CALL_EVENTS 2000U
#define SESSION 7

struct stage {
	unsigned long *consumer, *producer;
	uint8_t *data; /* mapped twice, as in the kernel */
	int guard, journal;
	pid_t recorder;
	uint64_t waited; /* times that the ring was full */
};

static void die(const char *what)
{
	fprintf(stderr, "record_rate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *map_at(void *where, size_t size, int fd, off_t offset)
{
	void *got = mmap(where, size, PROT_READ | PROT_WRITE, MAP_SHARED | (where ? MAP_FIXED : 0),
			 fd, offset);

	if (got == MAP_FAILED)
		die("mmap");
	return got;
}

/*
 * A memory file cannot be mapped twice over by the recorder's one mmap(), so the file holds the data
 * twice and the producer writes records that lie in the second half's reach into both: only the one
 * record that wraps around needs it, since reads go on behind the end in the second copy.
 */
static int make_ring(struct stage *stage)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ring", MFD_CLOEXEC);
	uint8_t *all;

	if (fd < 0 || ftruncate(fd, (off_t)(2 * page + 2 * (size_t)RING_BYTES)) < 0)
		die("ring");
	all = map_at(NULL, 2 * page + 2 * (size_t)RING_BYTES, fd, 0);
	stage->consumer = (unsigned long *)all;
	stage->producer = (unsigned long *)(all + page);
	stage->data = all + 2 * page;
	return fd;
}

static int make_counters(void)
{
	int fd = memfd_create("counters", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, MF_SESSIONS_MAX * sizeof(struct mf_session_counters)) < 0)
		die("counters");
	return fd;
}

static void start(struct stage *stage, const char *dir)
{
	struct recorder_options options = { .ring_bytes = RING_BYTES, .query_fd = -1 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	stage->guard = pair[0];
	options.guard_fd = pair[1];
	options.ring_fd = make_ring(stage);
	options.counters_fd = make_counters();
	options.state_dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (options.state_dir_fd < 0)
		die(dir);
	stage->recorder = fork();
	if (stage->recorder < 0)
		die("fork");
	if (!stage->recorder)
		_exit(recorder_main(&options));
	close_fd(options.guard_fd);
	close_fd(options.ring_fd);
	close_fd(options.counters_fd);
	close_fd(options.state_dir_fd);
}

static void introduce(struct stage *stage)
{
	struct mf_r_session info = { .head = { MF_ABI_VERSION, MF_R_SESSION },
				     .session = SESSION,
				     .started_ns = clock_real_ns(),
				     .started_mono_ns = clock_mono_ns(),
				     .root_start_ns = 1000,
				     .root_pid = 100,
				     .engine = MF_ENGINE_TRACE,
				     .coverage = 63,
				     .name = "bench" };
	struct ipc_fds fds = IPC_FDS_NONE;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	fds.fd[0] = pair[1];
	fds.count = 1;
	if (ipc_send(stage->guard, &info, sizeof(info), &fds) < 0)
		die("session");
	close_fd(pair[1]);
	stage->journal = pair[0];
}

static void say(struct stage *stage, uint16_t kind, uint64_t ordinal, uint64_t stamp)
{
	struct {
		struct mf_journal_entry head;
		union {
			struct mf_j_begin begin;
			struct mf_j_end end;
			struct mf_j_exit exit;
			char text[sizeof(struct mf_j_begin) + 8];
		};
	} packet = { .head = { .kind = kind,
			       .version = MF_ABI_VERSION,
			       .t_ns = clock_mono_ns(),
			       .ordinal = ordinal,
			       .stamp = stamp } };

	packet.head.size = sizeof(packet.head) + sizeof(packet.exit);
	if (kind == MF_J_BEGIN) {
		packet.begin.method = MF_M_TOOLS_CALL;
		packet.begin.id_len = 1;
		packet.begin.tool_len = 4;
		memcpy(packet.text + sizeof(packet.begin), "7read", 5);
		packet.head.size = sizeof(packet.head) + sizeof(packet.begin) + 8;
	} else if (kind == MF_J_END) {
		packet.end.end = MF_END_RESPONSE;
		packet.end.outcome = MF_OUT_RESULT;
		packet.head.size = sizeof(packet.head) + sizeof(packet.end);
	}
	if (ipc_send(stage->journal, &packet, packet.head.size, NULL) < 0)
		die("journal");
}

/* Answers what the recorder asks; returns the statistics when they come. */
static bool answer(struct stage *stage, struct mf_stats *ret_stats, int timeout_ms)
{
	struct pollfd watch = { .fd = stage->guard, .events = POLLIN };
	struct mf_r_stats packet;

	if (poll(&watch, 1, timeout_ms) <= 0 ||
	    ipc_recv(stage->guard, &packet, sizeof(packet), NULL) <= 0)
		return false;
	if (packet.head.kind == MF_R_BARRIER &&
	    ipc_send(stage->guard, &packet, sizeof(struct mf_r_token), NULL) < 0)
		die("barrier");
	if (packet.head.kind != MF_R_STATS)
		return false;
	*ret_stats = packet.stats;
	return true;
}

/* An open as the engine reports it; every path of a call is another one, nothing is folded. */
static size_t make_event(uint8_t *out, uint64_t number, uint64_t stamp)
{
	struct mf_event *head = (struct mf_event *)(out + 8);
	struct mf_ev_file *file = (struct mf_ev_file *)(head + 1);
	char *path = (char *)(file + 1);
	int length = snprintf(path, 64, "/srv/app/data/customers/region/file-%07" PRIu64 ".db",
			      number % CALL_EVENTS);

	*head = (struct mf_event){ .version = MF_ABI_VERSION,
				   .kind = MF_EV_OPEN,
				   .size = (uint32_t)(sizeof(*head) + sizeof(*file) +
						      (size_t)length),
				   .t_ns = clock_mono_ns(),
				   .session = SESSION,
				   .stamp = stamp,
				   .stamp_lo = stamp,
				   .start_ns = 1000,
				   .pid = 100,
				   .tid = 100,
				   .comm = "node" };
	*file = (struct mf_ev_file){ .open_flags = O_CLOEXEC,
				     .how = MF_OPEN_FLAGS_KNOWN,
				     .mode = S_IFREG | 0644,
				     .path_len = (uint16_t)length };
	((uint32_t *)out)[0] = head->size;
	((uint32_t *)out)[1] = 0;
	return (8 + head->size + 7) & ~(size_t)7;
}

static void put(struct stage *stage, const uint8_t *record, size_t size)
{
	uint64_t at = *stage->producer;
	size_t offset = at & (RING_BYTES - 1);
	size_t first = RING_BYTES - offset < size ? RING_BYTES - offset : size;
	struct mf_stats ignored;

	while (at + size - __atomic_load_n(stage->consumer, __ATOMIC_ACQUIRE) > RING_BYTES) {
		stage->waited++;
		answer(stage, &ignored, 0);
	}
	memcpy(stage->data + offset, record, size); /* runs on into the second copy */
	memcpy(stage->data, record + first, size - first);
	__atomic_store_n(stage->producer, at + size, __ATOMIC_RELEASE);
}

static void produce(struct stage *stage)
{
	uint64_t epoch = 0;
	struct mf_stats ignored;
	uint8_t record[512];

	for (uint64_t number = 0; number < EVENTS; number++) {
		if (number % CALL_EVENTS == 0) {
			if (number)
				say(stage, MF_J_END, number / CALL_EVENTS, MF_STAMP(epoch + 1, 0));
			say(stage, MF_J_BEGIN, number / CALL_EVENTS + 1,
			    MF_STAMP(epoch + (number ? 2 : 1), 1));
			epoch += number ? 2 : 1;
			while (answer(stage, &ignored, 0))
				;
		}
		put(stage, record, make_event(record, number, MF_STAMP(epoch, 1)));
	}
	say(stage, MF_J_END, EVENTS / CALL_EVENTS, MF_STAMP(epoch + 1, 0));
}

static struct mf_stats wait_for_records(struct stage *stage)
{
	struct mf_r_token question = { .head = { MF_ABI_VERSION, MF_R_STATS } };
	uint64_t give_up = clock_mono_ns() + 60 * NS_PER_S;
	struct mf_stats stats = { 0 };

	while (stats.rec_records < EVENTS / CALL_EVENTS && clock_mono_ns() < give_up) {
		if (ipc_send(stage->guard, &question, sizeof(question), NULL) < 0)
			die("stats");
		while (!answer(stage, &stats, 100) && clock_mono_ns() < give_up)
			;
	}
	return stats;
}

int main(int argc, char **argv)
{
	struct mf_r_token quit = { .head = { MF_ABI_VERSION, MF_R_QUIT } };
	struct stage stage = { 0 };
	struct mf_stats stats;
	struct rusage usage;
	double seconds, cpu;
	uint64_t begun;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: record_rate DIR\n");
		return 2;
	}
	start(&stage, argv[1]);
	introduce(&stage);
	begun = clock_mono_ns();
	produce(&stage);
	stats = wait_for_records(&stage);
	seconds = (double)(clock_mono_ns() - begun) / NS_PER_S;
	if (ipc_send(stage.guard, &quit, sizeof(quit), NULL) < 0 ||
	    wait4(stage.recorder, &status, 0, &usage) < 0)
		die("recorder");
	cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	printf("%u events of %u distinct paths a call, put into a %u MiB ring by one producer as "
	       "fast as there\n"
	       "is room; sandboxed recorder, records closed by barrier, log on disk.\n\n",
	       EVENTS, CALL_EVENTS, RING_BYTES >> 20);
	printf("| events/s | recorder CPU per event | records | log | recorder RSS, largest | lost "
	       "|\n"
	       "|---|---|---|---|---|---|\n"
	       "| %.0f | %.0f ns | %" PRIu64 " | %.0f MB | %.1f MB | %" PRId64 " |\n",
	       EVENTS / seconds, cpu * 1e9 / EVENTS, (uint64_t)stats.rec_records,
	       (double)stats.rec_bytes / 1e6, (double)usage.ru_maxrss / 1024,
	       (int64_t)EVENTS - (int64_t)stats.rec_events);
	return stats.rec_events == EVENTS && stats.rec_records == EVENTS / CALL_EVENTS &&
			       !stats.rec_rows_capped && !status
		       ? 0
		       : 1;
}
