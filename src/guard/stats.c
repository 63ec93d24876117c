/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MF_C_STATS: the recorder's part is asked for, and not waited for.
 */
#include "abi/recorder.h"
#include "base/clock.h"
#include "guard/control.h"
#include "guard/state.h"

/* What is not the doing of other users: faults and losses of the machinery itself. */
static struct mf_stats for_user(const struct mf_stats *all)
{
	return (struct mf_stats){ .sessions_live = all->sessions_live,
				  .notify_overflows = all->notify_overflows,
				  .mounts_unmarked = all->mounts_unmarked,
				  .recorder_restarts = all->recorder_restarts,
				  .rec_bad_events = all->rec_bad_events,
				  .rec_write_errors = all->rec_write_errors,
				  .rec_epoch_unknown = all->rec_epoch_unknown,
				  .recorder_dropped = all->recorder_dropped,
				  .cgroups_missing = all->cgroups_missing,
				  .survivors = all->survivors };
}

/* The recorder sets the rec_ fields only, whatever else it sends. */
static void take_recorder_part(struct mf_stats *stats, const struct mf_stats *recorder)
{
	stats->rec_events = recorder->rec_events;
	stats->rec_bad_events = recorder->rec_bad_events;
	stats->rec_unknown_session = recorder->rec_unknown_session;
	stats->rec_folded = recorder->rec_folded;
	stats->rec_rows_capped = recorder->rec_rows_capped;
	stats->rec_journal_entries = recorder->rec_journal_entries;
	stats->rec_journal_bad = recorder->rec_journal_bad;
	stats->rec_records = recorder->rec_records;
	stats->rec_entries = recorder->rec_entries;
	stats->rec_bytes = recorder->rec_bytes;
	stats->rec_write_errors = recorder->rec_write_errors;
	stats->rec_queries = recorder->rec_queries;
	stats->rec_epoch_unknown = recorder->rec_epoch_unknown;
}

static int answer_stats(struct connection *connection)
{
	const struct guard *guard = connection->guard;
	struct mf_c_stats_reply reply = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_STATS },
					  .stats = guard->stats };
	uint64_t own = 0;

	connection->stats_until_ns = 0;
	connection->guard->stats_waiting--;
	if (guard->engine)
		engine_stats(guard->engine, &reply.stats);
	take_recorder_part(&reply.stats, &guard->recorder.stats);
	for (const struct session *s = guard->sessions; s; s = s->next)
		own += control_may_see(connection, s);
	reply.stats.sessions_live = own;
	if (connection->peer.uid != 0)
		reply.stats = for_user(&reply.stats);
	return control_send(connection, &reply, sizeof(reply), NULL);
}

/* One question to the recorder is under way at most, whoever asks meanwhile waits for its answer:
 * its socket and queue are for what is not to be lost. */
static int ask_recorder(struct guard *guard, uint64_t now_ns)
{
	struct mf_r_token ask = { .head = { MF_ABI_VERSION, MF_R_STATS } };
	int err;

	if (guard->stats_waiting && now_ns < guard->stats_asked_ns + STATS_WAIT_NS)
		return 0;
	ask.token = guard->stats_token + 1;
	err = recorder_send(guard, &ask, sizeof(ask), NULL);
	if (err)
		return err;
	guard->stats_token = ask.token;
	guard->stats_asked_ns = now_ns;
	return 0;
}

int control_stats(struct connection *connection)
{
	struct guard *guard = connection->guard;
	uint64_t now_ns = clock_mono_ns();
	int err = ask_recorder(guard, now_ns);

	if (!connection->stats_until_ns)
		guard->stats_waiting++;
	connection->stats_until_ns = now_ns + STATS_WAIT_NS;
	connection->stats_token = guard->stats_token;
	return err ? answer_stats(connection) : 0;
}

void control_stats_ready(struct guard *guard, uint64_t token)
{
	struct connection *next;

	for (struct connection *c = guard->connections; c && guard->stats_waiting; c = next) {
		next = c->next;
		if (c->stats_until_ns && (!token || c->stats_token <= token))
			answer_stats(c);
	}
}

uint64_t control_stats_tick(struct guard *guard, uint64_t now_ns)
{
	uint64_t next_ns = 0;
	struct connection *next;

	for (struct connection *c = guard->connections; c && guard->stats_waiting; c = next) {
		next = c->next;
		if (!c->stats_until_ns)
			continue;
		if (c->stats_until_ns <= now_ns)
			answer_stats(c);
		else if (!next_ns || c->stats_until_ns < next_ns)
			next_ns = c->stats_until_ns;
	}
	return next_ns;
}
