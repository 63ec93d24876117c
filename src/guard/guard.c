/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/disposal.h"
#include "guard/control.h"
#include "guard/directory.h"
#include "guard/session.h"
#include "guard/state.h"
#include "guard/sweep.h"
#include "recorder/recorder.h"

#define ENGINE_ERRORS_MAX 64 /* dispatches in a row that failed */
#define SWEEP_DELAY_NS (100 * NS_PER_MS) /* off the way of the first session */
#define SWEEP_AGAIN_NS (20 * NS_PER_MS)
#define SWEEPS_MAX 50

#define FDS_MIN 65536 /* each session costs some */

/*
 * Limits are the caller's word about the server, which is the relay's child and keeps them. A guard
 * or recorder under them would lose what it is there for: at RLIMIT_FSIZE the log ends.
 */
static void lift_limits(void)
{
	static const struct {
		int kind;
		rlim_t wanted;
	} rows[] = {
		{ RLIMIT_FSIZE, RLIM_INFINITY }, { RLIMIT_CPU, RLIM_INFINITY },
		{ RLIMIT_AS, RLIM_INFINITY },	 { RLIMIT_DATA, RLIM_INFINITY },
		{ RLIMIT_NOFILE, FDS_MIN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rlimit now, limit = { rows[i].wanted, rows[i].wanted };

		if (getrlimit(rows[i].kind, &now) < 0 || now.rlim_cur >= limit.rlim_cur)
			continue;
		if (now.rlim_max > limit.rlim_max)
			limit.rlim_max = now.rlim_max;
		if (setrlimit(rows[i].kind, &limit) == 0)
			continue;
		now.rlim_cur = now.rlim_max; /* without CAP_SYS_RESOURCE no more than that */
		setrlimit(rows[i].kind, &now);
	}
}

int guard_prepare(struct guard *guard, const struct guard_options *options, bool private_guard)
{
	uid_t uid = 0;
	gid_t gid = 0;

	*guard = (struct guard){ .epoll = epoll_create1(EPOLL_CLOEXEC),
				 .private_guard = private_guard,
				 .engine_source = SOURCE_NONE,
				 .ring_bytes = options->ring_bytes,
				 .engine_wanted = options->engine,
				 .syn_by_kprobe = options->syn_by_kprobe,
				 .recorder = { .death = SOURCE_NONE, .link = SOURCE_NONE },
				 .log_fd = -1,
				 .control_listener = SOURCE_NONE,
				 .query_fd = -1,
				 .query_refusals = SOURCE_NONE,
				 .spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
				 .sweep_at_ns = clock_mono_ns() + SWEEP_DELAY_NS };
	recorder_identity(&uid, &gid);
	guard->log_fd = directory_open_log(options->state_dir, uid, gid, &guard->log_foreign);
	guard->sessions_tail = &guard->sessions;
	guard->recorder.queue_tail = &guard->recorder.queue;
	if (guard->epoll < 0)
		return -errno;
	lift_limits();
	return 0;
}

static void engine_ready(struct source *source, uint32_t events)
{
	struct guard *guard = source_owner(source, struct guard, engine_source);
	int err = engine_dispatch(guard->engine);

	(void)events;
	if (err >= 0) {
		guard->engine_errors = 0;
		return;
	}
	/* An engine that fails for good would leave the sessions' opens waiting for an answer for
	 * ever. Ending lets the kernel allow them; the relays see the guard go and say so. */
	if (++guard->engine_errors >= ENGINE_ERRORS_MAX) {
		guard->failure = err;
		guard->stopping = true;
	}
}

uint32_t guard_log_detail(const struct guard *guard)
{
	return guard->log_foreign ? MF_D_LOG_FOREIGN : MF_D_STATE_DIR;
}

int guard_open_engine(struct guard *guard, uint32_t *ret_detail)
{
	struct engine_options options = {
		.kind = guard->engine_wanted,
		.syn_by_kprobe = guard->syn_by_kprobe,
		.ring_bytes = guard->ring_bytes,
		/* takes time to load, and a private guard has one session only */
		.policies = !guard->private_guard || guard->policy_brought
	};
	struct engine *engine = NULL;
	int err;

	if (guard->engine)
		return 0;
	/* the recorder is forked first, so that it starts without the engine in its memory */
	err = recorder_start(guard);
	if (err) {
		*ret_detail = guard->log_fd < 0 ? guard_log_detail(guard) : MF_D_RECORDER;
		return err;
	}
	session_expect(guard); /* else the first session waits for its page */
	options.expected = guard->expected_id;
	err = engine_open(&options, &engine, ret_detail);
	if (err)
		return err;
	err = loop_watch(guard->epoll, &guard->engine_source, engine_fd(engine), EPOLLIN,
			 engine_ready);
	if (err) {
		engine_close(engine);
		*ret_detail = MF_D_ENGINE;
		return err;
	}
	guard->engine = engine;
	malloc_trim(0); /* loading took megabytes that are not needed again */
	return 0;
}

enum mf_engine guard_settle_engine(struct guard *guard)
{
	enum mf_engine kind = guard->engine_wanted ? guard->engine_wanted : engine_best();
	uint32_t detail;

	/* a session of `trace` loads while other things go on */
	if (!guard->engine && kind != MF_ENGINE_TRACE)
		guard_open_engine(guard, &detail);
	return guard->engine ? engine_kind(guard->engine) : kind;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static uint64_t sweep_tick(struct guard *guard, uint64_t now_ns)
{
	bool again = false;
	int removed;

	if (!guard->sweep_at_ns || guard->sweep_at_ns > now_ns)
		return guard->sweep_at_ns;
	removed = sweep_cgroups(&again);
	if (removed > 0)
		guard->stats.cgroups_swept += (uint64_t)removed;
	guard->sweep_at_ns = again && ++guard->sweeps < SWEEPS_MAX ? now_ns + SWEEP_AGAIN_NS : 0;
	return guard->sweep_at_ns;
}

static bool done(const struct guard *guard)
{
	return guard->stopping || (guard->private_guard && !guard->primary && !guard->sessions);
}

int guard_turn(struct guard *guard, uint64_t until_ns)
{
	uint64_t now = clock_mono_ns();

	until_ns = sooner(until_ns, session_tick(guard, now));
	until_ns = sooner(until_ns, control_tick(guard, now));
	until_ns = sooner(until_ns, sweep_tick(guard, now));
	return done(guard) ? 0 : loop_step(guard->epoll, until_ns);
}

int guard_loop(struct guard *guard)
{
	uint64_t orphaned_ns = 0;

	while (!done(guard)) {
		int err;

		if (guard->private_guard && !guard->primary) {
			uint64_t now = clock_mono_ns();

			/* a process that cannot be killed must not keep the guard for ever; its cgroup
			 * is left to the next sweep */
			orphaned_ns = orphaned_ns ? orphaned_ns : now;
			if (now - orphaned_ns > GUARD_ORPHAN_NS)
				break;
		}
		err = guard_turn(guard, 0);
		if (err)
			return err;
	}
	return guard->failure;
}

void guard_release(struct guard *guard)
{
	int control = guard->control_listener.fd;

	if (guard->engine && guard->sessions)
		engine_drain(guard->engine);
	loop_unwatch(guard->epoll, &guard->control_listener);
	disposal_close(control,
		       DISPOSAL_NOBODY); /* connections wait in it, and what they brought */
	session_abandon_all(guard);
	while (guard->connections) {
		guard->connections->session = NULL;
		control_close(guard->connections);
	}
	recorder_stop(guard);
	if (guard->engine) {
		loop_unwatch(guard->epoll, &guard->engine_source);
		engine_close(guard->engine);
		guard->engine = NULL;
	}
	loop_unwatch(guard->epoll, &guard->query_refusals);
	disposal_close(guard->query_fd, DISPOSAL_NOBODY);
	close_fd(guard->log_fd);
	close_fd(guard->spare_fd);
	guard->epoll = close_fd(guard->epoll);
}
