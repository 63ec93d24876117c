/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and closing the engine, and what its descriptor has to say.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "engine/dir_cache.h"
#include "engine/state.h"
#include "engine/watch.h"
#include "mcpfloor.skel.h"

#define RING_BYTES_DEFAULT (4U << 20)
#define COUNTERS_BYTES (MF_SESSIONS_MAX * sizeof(struct mf_session_counters))

/* why the last engine_open() failed: there is no engine to ask then */
static char open_error[sizeof(((struct engine *)0)->error)];

static void cleanup_engine(struct engine **slot)
{
	engine_close(*slot);
}

static int map_counters(struct engine *engine)
{
	void *map = mmap(NULL, COUNTERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			 engine_counters_fd(engine), 0);

	if (map == MAP_FAILED)
		return -errno;
	engine->counters = map;
	return 0;
}

int engine_watch(struct engine *engine, int fd, uint32_t events, enum watch_kind kind,
		 uint32_t slot)
{
	struct epoll_event event = { .events = events, .data.u64 = watch_key(kind, slot) };

	return epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/*
 * A thread that waits for an answer to its open pins its file system's mark of the other group too
 * (fsnotify_prepare_user_wait()), and that group's end waits for it (fsnotify_destroy_group()).
 * When we are killed, both groups are closed by our exit, the highest descriptor first (task_work
 * is last in, first out): the group that answers must come first, or the thread and our corpse wait
 * for each other for ever.
 */
static void order_groups(struct engine *engine)
{
	int fd;

	if (engine->opens_fd > engine->changes_fd)
		return;
	fd = fcntl(engine->opens_fd, F_DUPFD_CLOEXEC, engine->changes_fd + 1);
	if (fd < 0)
		return;
	close_fd(engine->opens_fd);
	engine->opens_fd = fd;
}

/* Files are optional: what cannot be opened is told by coverage and doctor. */
static int open_groups(struct engine *engine)
{
	int error;

	if (engine->kind != MF_ENGINE_TRACE) {
		engine->changes_error = engine->opens_error = -ENOENT;
		return 0;
	}
	engine->changes_error = changes_open(engine);
	engine->opens_error = opens_open(engine);
	if (!engine->opens_error)
		order_groups(engine);
	if (!engine->opens_error) {
		error = engine_watch(engine, engine->opens_fd, EPOLLIN, WATCH_OPENS, 0);
		if (error)
			return error;
	}
	if (!engine->changes_error) {
		error = engine_watch(engine, engine->changes_fd, EPOLLIN, WATCH_CHANGES, 0);
		if (error)
			return error;
	}
	return 0;
}

static int engine_start(struct engine *engine, const struct engine_options *options,
			uint32_t *ret_detail)
{
	uint64_t ctx = 0;
	int id, error;

	*ret_detail = MF_D_ENGINE;
	engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll_fd < 0) {
		error = -errno;
		engine_say(engine, "epoll: %s", strerror(-error));
		return error;
	}
	error = pages_open(&engine->pages, options ? options->expected : 0);
	if (error) {
		engine_say(engine, "BPF maps cannot be made: %s%s", strerror(-error),
			   error == -EPERM ? "; run as root" : "");
		return error;
	}
	error = engine_load(engine, ret_detail);
	if (error)
		return error;
	for (id = 0; id < HOOK_MAX; id++)
		engine->program_fds[id] = engine_program_fd(engine, id);
	error = map_counters(engine);
	if (error) {
		engine_say(engine, "the counters cannot be mapped: %s", strerror(-error));
		return error;
	}
	engine_run(engine, HOOK_ENGINE_LEVEL, &ctx, sizeof(ctx)); /* else level 0 */
	ask_probe(engine, options && options->ask_by_iter);
	error = open_groups(engine);
	if (error)
		engine_say(engine, "the file watch cannot be set up: %s", strerror(-error));
	return error;
}

static int open_kind(const struct engine_options *options, enum mf_engine kind,
		     struct engine **ret_engine, uint32_t *ret_detail)
{
	_cleanup_(cleanup_engine) struct engine *engine = calloc(1, sizeof(*engine));
	uint32_t detail;
	int error;

	if (!engine)
		return -ENOMEM;
	engine->epoll_fd = engine->opens_fd = engine->changes_fd = -1;
	engine->kind = kind;
	engine->syn_by_kprobe = options && options->syn_by_kprobe;
	engine->policies = options && options->policies;
	engine->pages = PAGES_NONE;
	engine->ring_bytes = options && options->ring_bytes ? options->ring_bytes
							    : RING_BYTES_DEFAULT;
	error = engine_start(engine, options, &detail);
	if (error) {
		memcpy(open_error, engine->error, sizeof(open_error));
		*ret_detail = detail;
		return error;
	}
	*ret_engine = take_ptr(engine);
	return 0;
}

int engine_open(const struct engine_options *options, struct engine **ret_engine,
		uint32_t *ret_detail)
{
	enum mf_engine kind = options ? options->kind : 0;
	uint32_t detail = MF_D_ENGINE;
	int error;

	if (kind)
		return open_kind(options, kind, ret_engine, ret_detail);
	kind = engine_best();
	do {
		error = open_kind(options, kind, ret_engine, &detail);
		kind = engine_next_best(kind);
	} while (error && error != -EPERM && detail == MF_D_ENGINE && kind);
	if (error)
		*ret_detail = detail;
	return error;
}

void engine_close(struct engine *engine)
{
	uint32_t slot;

	if (!engine)
		return;
	for (slot = 0; slot < MF_SESSIONS_MAX; slot++) {
		if (engine->sessions[slot])
			engine_session_remove(engine, engine->sessions[slot]->id);
	}
	hooks_settle(engine);
	close_fd(engine->opens_fd);
	close_fd(engine->changes_fd);
	close_fd(engine->epoll_fd);
	if (engine->counters)
		munmap(engine->counters, COUNTERS_BYTES);
	pages_close(&engine->pages);
	mcpfloor_bpf__destroy(engine->bpf);
	dir_cache_free(engine->dirs);
	free(engine->marked);
	free(engine);
}

enum mf_engine engine_kind(const struct engine *engine)
{
	return engine->kind;
}

const char *engine_strerror(const struct engine *engine)
{
	return engine ? engine->error : open_error;
}

int engine_ring_fd(const struct engine *engine)
{
	return bpf_map__fd(engine->bpf->maps.ring);
}

uint32_t engine_ring_bytes(const struct engine *engine)
{
	return engine->ring_bytes;
}

int engine_counters_fd(const struct engine *engine)
{
	return bpf_map__fd(engine->bpf->maps.counters);
}

int engine_fd(const struct engine *engine)
{
	return engine->epoll_fd;
}

static int dispatch_one(struct engine *engine, uint64_t key)
{
	switch (watch_kind_of(key)) {
	case WATCH_OPENS:
		return opens_dispatch(engine);
	case WATCH_CHANGES:
		return changes_dispatch(engine, false);
	case WATCH_MOUNTS: /* only wakes: mounts_check() looks */
		return 0;
	}
	return -EINVAL;
}

int engine_dispatch(struct engine *engine)
{
	struct epoll_event events[16];
	int i, count, error, first = 0;

	count = epoll_wait(engine->epoll_fd, events, ARRAY_LEN(events), 0);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < count; i++) {
		error = dispatch_one(engine, events[i].data.u64);
		if (error && !first)
			first = error;
	}
	error = mounts_check(engine);
	return first ? first : error;
}

int engine_drain(struct engine *engine)
{
	int error = mounts_check(engine);
	int changes = engine->changes_fd < 0 ? 0 : changes_dispatch(engine, true);

	misses_count(engine);
	return error ? error : changes;
}

void engine_stats(const struct engine *engine, struct mf_stats *stats)
{
	stats->file_questions += engine->stats.file_questions;
	stats->file_untagged += engine->stats.file_untagged;
	stats->notifications += engine->stats.notifications;
	stats->notifications_untagged += engine->stats.notifications_untagged;
	stats->notify_overflows += engine->stats.notify_overflows;
	stats->mounts_unmarked += engine->stats.mounts_unmarked;
}
