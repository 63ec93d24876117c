/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/disposal.h"
#include "base/ipc.h"
#include "recorder/state.h"

#define JOURNAL_BURST 256 /* packets of one journal before others get their turn */

struct live *link_find(struct recorder *recorder, uint64_t session)
{
	struct live *live = recorder->last;

	if (live && live->session->info.session == session)
		return live;
	live = recorder->buckets[session % LIVE_BUCKETS];
	while (live && live->session->info.session != session)
		live = live->next_in_bucket;
	if (live)
		recorder->last = live;
	return live;
}

/* It is closed beside us, maybe when `live` is gone: until then epoll would tell of it. */
static void drop_journal(struct live *live)
{
	if (live->journal < 0)
		return;
	epoll_ctl(live->recorder->epoll, EPOLL_CTL_DEL, live->journal, NULL);
	disposal_close(live->journal, DISPOSAL_NOBODY);
	live->journal = -1;
}

void link_forget(struct recorder *recorder, struct live *live)
{
	struct live **at = &recorder->live;

	while (*at != live)
		at = &(*at)->next;
	*at = live->next;
	at = &recorder->buckets[live->session->info.session % LIVE_BUCKETS];
	while (*at != live)
		at = &(*at)->next_in_bucket;
	*at = live->next_in_bucket;
	recorder->live_count--;
	if (recorder->last == live)
		recorder->last = NULL;
	held_free(&live->held);
	drop_journal(live); /* what was sent and not read goes with it */
	session_free(live->session);
	free(live);
}

static void emit_entry(void *data, enum log_type type, const struct buf *json)
{
	struct recorder *recorder = data;

	if (buf_size(json) > (1U << 20))
		recorder->trim = true;
	log_append(recorder->log, type, buf_bytes(json), buf_size(json));
}

/* The guard has checked it; it is checked again, as whatever comes from outside. */
static int read_policy(const struct session_policy_said *said, int fd,
		       struct session_policy **ret_policy)
{
	_cleanup_free_ void *bytes = NULL;
	struct policy view;
	int err = fd < 0 ? -EBADMSG : policy_read_handed(fd, MF_POLICY_BYTES_MAX, &bytes, &view);

	return err ? err : session_policy_new(said, &view, take_ptr(bytes), ret_policy);
}

static int read_first_policy(const struct mf_r_session *info, int fd,
			     struct session_policy **ret_policy)
{
	struct session_policy_said said = { .generation = info->policy_generation,
					    .mode = info->policy_mode,
					    .name = info->policy_name };

	return read_policy(&said, fd, ret_policy);
}

static int begin_session(struct recorder *recorder, const struct mf_r_session *info,
			 struct ipc_fds *fds)
{
	int *journal = &fds->fd[0];
	struct session_setup setup = {
		.info = info,
		.seed = recorder->seed,
		.stats = &recorder->session_stats,
		.scratch = &recorder->scratch,
		.emit = emit_entry,
		.emit_data = recorder,
	};
	struct epoll_event watch = { .events = EPOLLIN };
	struct live *live;
	int err;

	if (!info->session || link_find(recorder, info->session) || *journal < 0)
		return -EBADMSG;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	if (recorder->counters && info->slot < MF_SESSIONS_MAX)
		setup.mapped = &recorder->counters[info->slot];
	/* without it the session says that it could not be read */
	if (info->flags & MF_RS_POLICY && read_first_policy(info, fds->fd[1], &setup.policy))
		recorder->stats.rec_journal_bad++;
	err = session_new(&setup, &live->session);
	if (err) {
		session_policy_free(setup.policy);
		free(live);
		return err;
	}
	live->recorder = recorder;
	live->journal = take_fd(journal);
	live->next = recorder->live;
	recorder->live = live;
	live->next_in_bucket = recorder->buckets[info->session % LIVE_BUCKETS];
	recorder->buckets[info->session % LIVE_BUCKETS] = live;
	recorder->live_count++;
	watch.data.ptr = live;
	/* read until it is empty: a journal that blocks would hold up every session */
	if (fcntl(live->journal, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(recorder->epoll, EPOLL_CTL_ADD, live->journal, &watch) < 0)
		return -errno;
	return 0;
}

static int take_policy(struct recorder *recorder, const struct mf_r_policy *packet, int fd)
{
	struct live *live = link_find(recorder, packet->session);
	struct session_policy_said said = { .generation = packet->generation,
					    .since_ns = packet->since_ns,
					    .mode = packet->mode,
					    .name = packet->name };
	struct session_policy *loaded = NULL;
	int err = 0;

	if (!live)
		return -EBADMSG;
	if (packet->change == MF_RP_LOADED)
		err = read_policy(&said, fd, &loaded);
	session_take_policy(live->session, packet, loaded);
	/* what the kernel decided by the one before is in the ring by now */
	live->policy_at = ring_produced(recorder->ring);
	live->policy_due = true;
	return err;
}

static void mark_gone(struct recorder *recorder, const struct mf_r_gone *gone)
{
	struct live *live = link_find(recorder, gone->session);

	if (!live || live->gone)
		return;
	live->gone = true;
	live->gone_told = true;
	live->gone_info = *gone;
	live->gone_at = ring_produced(recorder->ring);
	live->gone_ns = recorder->now_ns;
}

static void barrier_answered(struct recorder *recorder, uint64_t token)
{
	uint64_t produced = ring_produced(recorder->ring);

	if (token > recorder->token)
		return; /* never asked */
	recorder->answered = token;
	for (struct live *live = recorder->live; live; live = live->next) {
		struct request *request = live->session->ended_first;

		for (; request; request = request->next_ended) {
			if (request->drained || !request->barrier || request->barrier > token)
				continue;
			request->drained = true;
			request->close_at = produced;
		}
	}
}

static void send_guard(struct recorder *recorder, const void *packet, size_t size)
{
	int err = recorder->guard_dead ? 0
				       : ipc_send(recorder->options.guard_fd, packet, size, NULL);

	if (err && err != -EAGAIN)
		link_guard_died(recorder);
}

static void send_stats(struct recorder *recorder, uint64_t token)
{
	struct mf_r_stats packet = { .head = { MF_ABI_VERSION, MF_R_STATS },
				     .token = token,
				     .stats = recorder->stats };
	struct mf_stats *stats = &packet.stats;
	struct log_counts counts;

	log_count(recorder->log, &counts);
	stats->rec_folded = recorder->session_stats.folded;
	stats->rec_rows_capped = recorder->session_stats.capped;
	stats->rec_journal_entries = recorder->session_stats.journal_entries;
	stats->rec_journal_bad += recorder->session_stats.journal_bad;
	stats->rec_records = recorder->session_stats.records;
	stats->rec_epoch_unknown = recorder->session_stats.epoch_unknown;
	stats->rec_entries = counts.entries;
	stats->rec_bytes = counts.bytes;
	stats->rec_write_errors = counts.write_errors;
	stats->rec_queries = query_count(recorder->queries);
	send_guard(recorder, &packet, sizeof(packet));
}

union guard_packet {
	struct mf_recorder_head head;
	struct mf_r_session session;
	struct mf_r_gone gone;
	struct mf_r_policy policy;
	struct mf_r_token token;
};

/* By kind: its exact size. */
static const size_t packet_sizes[] = {
	[MF_R_SESSION] = sizeof(struct mf_r_session),
	[MF_R_GONE] = sizeof(struct mf_r_gone),
	[MF_R_BARRIER] = sizeof(struct mf_r_token),
	[MF_R_STATS] = sizeof(struct mf_r_token),
	[MF_R_STATE] = 0,
	[MF_R_QUIT] = sizeof(struct mf_r_token),
	[MF_R_POLICY] = sizeof(struct mf_r_policy),
};

static int handle(struct recorder *recorder, const union guard_packet *packet, size_t size,
		  struct ipc_fds *fds)
{
	uint32_t kind = packet->head.kind;

	if (size < sizeof(packet->head) || packet->head.version != MF_ABI_VERSION ||
	    kind >= ARRAY_LEN(packet_sizes) || size != packet_sizes[kind])
		return -EBADMSG;
	switch (kind) {
	case MF_R_SESSION:
		return begin_session(recorder, &packet->session, fds);
	case MF_R_GONE:
		mark_gone(recorder, &packet->gone);
		return 0;
	case MF_R_POLICY:
		return take_policy(recorder, &packet->policy, fds->fd[0]);
	case MF_R_BARRIER:
		barrier_answered(recorder, packet->token.token);
		return 0;
	case MF_R_STATS:
		send_stats(recorder, packet->token.token);
		return 0;
	default:
		recorder->quit = true;
		return 0;
	}
}

void link_read_guard(struct recorder *recorder)
{
	bool began = false;

	while (!recorder->guard_dead) {
		_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;
		union guard_packet packet;
		ssize_t got = ipc_recv(recorder->options.guard_fd, &packet, sizeof(packet), &fds);

		if (got == -EAGAIN)
			break;
		if (got <= 0 && got != -EMSGSIZE) {
			link_guard_died(recorder);
			break;
		}
		if (got < 0 || handle(recorder, &packet, (size_t)got, &fds) < 0)
			recorder->stats.rec_journal_bad++;
		else
			began |= packet.head.kind == MF_R_SESSION;
	}
	if (began && recorder->strangers.first)
		feed_strangers(recorder);
}

uint64_t link_ask_barrier(struct recorder *recorder)
{
	struct mf_r_token packet = { .head = { MF_ABI_VERSION, MF_R_BARRIER },
				     .token = recorder->token + 1 };
	int err = ipc_send(recorder->options.guard_fd, &packet, sizeof(packet), NULL);

	if (err == -EAGAIN)
		return 0;
	if (err) {
		link_guard_died(recorder);
		return 0;
	}
	return ++recorder->token;
}

void link_report_log(struct recorder *recorder, int error)
{
	struct mf_r_token packet = { .head = { MF_ABI_VERSION, MF_R_STATE },
				     .token = (uint64_t)-error };

	if (error == recorder->log_error)
		return;
	recorder->log_error = error;
	send_guard(recorder, &packet, sizeof(packet));
}

/* The hooks went with it: nothing that happens from now on is seen. */
void link_guard_died(struct recorder *recorder)
{
	if (recorder->guard_dead)
		return;
	recorder->guard_dead = true;
	recorder->options.guard_fd = close_fd(recorder->options.guard_fd);
	for (struct live *live = recorder->live; live; live = live->next) {
		if (live->gone)
			continue;
		session_taint(live->session, INC_GUARD_DIED);
	}
}

static void journal_ended(struct live *live)
{
	drop_journal(live);
	live->journal_end_ns = live->recorder->now_ns;
	live->session->journal_over = true;
	/* without a last word the relay was killed, or its session was */
	for (struct request *request = live->session->oldest; request; request = request->newer)
		session_end_request(live->session, request,
				    live->session->exited ? MF_END_SERVER_EXIT : MF_END_RELAY_GONE,
				    clock_mono_ns());
}

bool link_read_journal(struct live *live)
{
	struct recorder *recorder = live->recorder;

	for (int i = 0; i < JOURNAL_BURST && live->journal >= 0; i++) {
		/* A journal carries no descriptors. Those that come are not received: their close
		 * can take as long as the sender likes. */
		bool brings_fds = false;
		ssize_t got = ipc_peek(live->journal, NULL, 0, &brings_fds);

		if (got >= 0 && !brings_fds)
			got = ipc_recv(live->journal, recorder->packet, MF_JOURNAL_PACKET, NULL);
		if (got == -EAGAIN)
			return true;
		recorder->active_ns = recorder->now_ns;
		recorder->stats.rec_journal_bad += brings_fds;
		if (brings_fds || got <= 0 ||
		    session_journal(live->session, recorder->packet, (size_t)got) < 0)
			journal_ended(live);
	}
	return live->journal < 0;
}
