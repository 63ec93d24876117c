/* SPDX-License-Identifier: BSD-2-Clause */
#include "recorder/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "base/clock.h"
#include "recorder/run.h"
#include "recorder/sandbox.h"
#include "recorder/state.h"

#define EVENTS_MAX 64
#define FLUSH_NS (250 * NS_PER_MS)
#define BUSY_NS (200 * NS_PER_MS)
#define QUIT_NS NS_PER_S

/* How long the loop may sleep: the ring's producer wakes it only when much has gathered. */
static int tick_ms(const struct recorder *recorder)
{
	uint64_t log_due = log_due_ns(recorder->log);
	uint64_t now = recorder->now_ns;
	int ms = -1;
	bool in_flight = false;
	bool waits = recorder->strangers.first != NULL;

	for (const struct live *live = recorder->live; live; live = live->next) {
		in_flight |= live->session->requests_count > 0;
		waits |= live->held.first || live->session->ended_first || live->gone;
		ms = 50;
	}
	if (in_flight)
		ms = now - recorder->active_ns < BUSY_NS ? 3 : 20;
	if (waits || recorder->quit)
		ms = 1;
	if (log_due != UINT64_MAX) {
		int due = log_due <= now ? 0 : (int)((log_due - now) / NS_PER_MS) + 1;

		if (ms < 0 || due < ms)
			ms = due;
	}
	return ms;
}

static void watch_once(struct recorder *recorder, int timeout)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(recorder->epoll, events, EVENTS_MAX, timeout);

	recorder->now_ns = clock_mono_ns();
	/* the guard first: it introduces the sessions that the rest is about. Sessions are freed
	 * in closing_step() only, so the pointers hold */
	link_read_guard(recorder);
	for (int i = 0; i < count; i++) {
		struct live *live = events[i].data.ptr;

		if (live)
			link_read_journal(live);
	}
}

static void flush_batches(struct recorder *recorder)
{
	if (recorder->now_ns - recorder->flushed_ns < FLUSH_NS)
		return;
	recorder->flushed_ns = recorder->now_ns;
	for (struct live *live = recorder->live; live; live = live->next)
		session_flush(live->session, recorder->now_ns, false);
}

/* A loss belongs to what had begun before it: that is read before later requests count from here. */
static void settle_losses(struct live *live)
{
	uint64_t lost[MF_LOSS_MAX];

	if (session_losing(live->session, lost) && link_read_journal(live))
		session_settle(live->session, lost);
}

static void step(struct recorder *recorder)
{
	size_t events;
	int err;

	events = feed_ring(recorder);
	for (struct live *live = recorder->live; live; live = live->next)
		if (live->held.first)
			feed_held(live, false);
	if (recorder->strangers.first)
		feed_strangers(recorder);
	closing_step(recorder);
	flush_batches(recorder);
	for (struct live *live = recorder->live; live; live = live->next)
		settle_losses(live);
	err = log_tick(recorder->log, recorder->now_ns, false);
	link_report_log(recorder, err);
	if (recorder->trim && !events) {
		recorder->trim = false;
		malloc_trim(0);
	}
}

/* Told to finish: what is still open is over for us. */
static void abandon(struct recorder *recorder)
{
	for (struct live *live = recorder->live; live; live = live->next) {
		if (live->gone)
			continue;
		live->gone = true;
		live->gone_at = ring_produced(recorder->ring);
		live->gone_ns = recorder->now_ns;
	}
}

static void loop(struct recorder *recorder)
{
	uint64_t quit_ns = 0;
	int timeout = 0;

	for (;;) {
		watch_once(recorder, timeout);
		step(recorder);
		if (recorder->quit && !quit_ns) {
			quit_ns = recorder->now_ns;
			abandon(recorder);
		}
		if ((recorder->quit || recorder->guard_dead) && !recorder->live)
			break;
		if (quit_ns && recorder->now_ns - quit_ns > 2 * QUIT_NS)
			break;
		timeout = tick_ms(recorder);
		if (ring_consumed(recorder->ring) < ring_produced(recorder->ring))
			timeout = timeout < 0 || timeout > 1 ? 1 : timeout;
	}
	feed_ring(recorder);
}

static int open_all(struct recorder *recorder)
{
	const struct recorder_options *options = &recorder->options;
	struct log_options log = { .dir_fd = options->state_dir_fd };
	struct epoll_event watch = { .events = EPOLLIN };
	void *mapped;
	int err;

	recorder->packet = malloc(MF_JOURNAL_PACKET);
	recorder->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!recorder->packet || recorder->epoll < 0)
		return -ENOMEM;
	if (getrandom(&recorder->seed, sizeof(recorder->seed), 0) < 0)
		return -errno;
	err = ring_open(options->ring_fd, options->ring_bytes, &recorder->ring);
	if (err)
		return err;
	if (options->counters_fd >= 0) {
		mapped = mmap(NULL, MF_SESSIONS_MAX * sizeof(struct mf_session_counters), PROT_READ,
			      MAP_SHARED, options->counters_fd, 0);
		if (mapped == MAP_FAILED)
			return -errno;
		recorder->counters = mapped;
	}
	if (fcntl(options->guard_fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(recorder->epoll, EPOLL_CTL_ADD, options->guard_fd, &watch) < 0)
		return -errno;
	/* a ring says when much has gathered; a test's memory file cannot, the tick is enough */
	if (epoll_ctl(recorder->epoll, EPOLL_CTL_ADD, options->ring_fd, &watch) < 0 &&
	    errno != EPERM)
		return -errno;
	return log_open(&log, &recorder->log);
}

static void close_all(struct recorder *recorder)
{
	query_stop(recorder->queries);
	while (recorder->live)
		link_forget(recorder, recorder->live);
	log_close(recorder->log);
	held_free(&recorder->strangers);
	ring_close(recorder->ring);
	if (recorder->counters)
		munmap((void *)recorder->counters,
		       MF_SESSIONS_MAX * sizeof(struct mf_session_counters));
	buf_free(&recorder->scratch);
	free(recorder->packet);
	close_fd(recorder->epoll);
	close_fd(recorder->options.guard_fd);
	close_fd(recorder->options.ring_fd);
	close_fd(recorder->options.counters_fd);
	close_fd(recorder->options.state_dir_fd);
	close_fd(recorder->options.query_fd);
}

int recorder_run(const struct recorder_options *options, bool sandboxed)
{
	struct recorder recorder = { .options = *options, .epoll = -1 };
	int err = 0;

	/* segments are made by who will read them: the identity comes first */
	if (sandboxed)
		err = sandbox_drop_identity();
	if (!err)
		err = open_all(&recorder);
	if (!err && options->query_fd >= 0)
		err = query_start(take_fd(&recorder.options.query_fd), options->state_dir_fd,
				  &recorder.queries);
	if (!err && sandboxed)
		err = sandbox_restrict(options->state_dir_fd);
	if (!err)
		loop(&recorder);
	close_all(&recorder);
	return err;
}

int recorder_main(const struct recorder_options *options)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGXFSZ, SIGTSTP };
	const int fds[] = { options->guard_fd, options->ring_fd, options->counters_fd,
			    options->state_dir_fd, options->query_fd };
	sigset_t none;
	int err;

	/* the guard decides when its recorder ends; a Ctrl-C is not meant for the audit */
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "mcpfloor-record", 0, 0, 0);
	mallopt(M_ARENA_MAX, 1);
	err = sandbox_keep_fds(fds, ARRAY_LEN(fds));
	if (!err)
		err = recorder_run(options, true);
	return err ? 1 : 0;
}
