/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "recorder/state.h"

#define BARRIER_NS (2 * NS_PER_S) /* a guard that does not answer does not keep records open */
#define JOURNAL_NS NS_PER_S /* how long a journal may stay open behind its session */

/* One barrier for all requests that ended since the last one. */
static void ask_barrier(struct recorder *recorder)
{
	uint64_t token = 0;

	if (recorder->answered != recorder->token && !recorder->guard_dead) {
		/* one is under way: what ended meanwhile shares the next */
		return;
	}
	for (struct live *live = recorder->live; live; live = live->next) {
		struct request *request = live->session->ended_first;

		for (; request; request = request->next_ended) {
			if (request->barrier || request->drained || recorder->guard_dead)
				continue;
			if (!token)
				token = link_ask_barrier(recorder);
			if (!token)
				return;
			request->barrier = token;
			request->asked_ns = recorder->now_ns;
		}
	}
}

/* Without an answer the record is closed where the ring is now, and says so. */
static void give_up_barrier(struct recorder *recorder, struct request *request)
{
	bool dead = recorder->guard_dead;

	if (request->drained)
		return;
	if (!dead && (!request->barrier || recorder->now_ns - request->asked_ns < BARRIER_NS))
		return;
	request->incomplete |= dead ? INC_GUARD_DIED : INC_BARRIER;
	request->drained = true;
	request->close_at = ring_produced(recorder->ring);
	if (!dead && recorder->answered < request->barrier)
		recorder->answered = request->barrier;
}

static void close_ended(struct recorder *recorder, struct live *live)
{
	while (live->session->ended_first) {
		struct request *request = live->session->ended_first;

		give_up_barrier(recorder, request);
		if (!request->drained || ring_consumed(recorder->ring) < request->close_at ||
		    live->held.first)
			break;
		session_close_first(live->session);
	}
}

static const char *how_it_ended(const struct live *live)
{
	if (live->gone_told && live->gone_info.relay_died)
		return "relay-died";
	if (live->session->exited)
		return "exit";
	if (live->gone_told)
		return "relay-died";
	return "guard-died";
}

/* Whether everything that can be known of the session is known. */
static bool session_is_over(const struct recorder *recorder, const struct live *live)
{
	bool journal_over = live->journal < 0;

	if (recorder->guard_dead && !live->gone)
		return journal_over &&
		       ring_consumed(recorder->ring) >= ring_produced(recorder->ring);
	if (!live->gone || ring_consumed(recorder->ring) < live->gone_at)
		return false;
	return journal_over || recorder->now_ns - live->gone_ns >= JOURNAL_NS;
}

static void finish_session(struct recorder *recorder, struct live *live)
{
	struct session *session = live->session;
	bool relay_died = live->gone_told ? live->gone_info.relay_died : !session->exited;

	feed_held(live, true);
	for (struct request *request = session->oldest; request; request = request->newer)
		session_end_request(session, request,
				    relay_died ? MF_END_RELAY_GONE : MF_END_SERVER_EXIT,
				    recorder->now_ns);
	/* nothing of it is alive, and the ring was read past its end: no barrier is needed */
	while (session->ended_first)
		session_close_first(session);
	session_finish(session, live->gone_told ? &live->gone_info : NULL, how_it_ended(live),
		       recorder->now_ns);
	log_tick(recorder->log, recorder->now_ns, true);
	link_forget(recorder, live);
	recorder->trim = true;
}

static void settle_policies(struct recorder *recorder, struct live *live)
{
	if (!live->policy_due || ring_consumed(recorder->ring) < live->policy_at ||
	    live->held.first)
		return;
	live->policy_due = false;
	session_settle_policies(live->session);
}

void closing_step(struct recorder *recorder)
{
	struct live *next;

	ask_barrier(recorder);
	for (struct live *live = recorder->live; live; live = next) {
		next = live->next;
		close_ended(recorder, live);
		settle_policies(recorder, live);
		if (session_is_over(recorder, live))
			finish_session(recorder, live);
	}
}
