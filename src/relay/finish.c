/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/escape.h"
#include "guard/guard.h"
#include "relay/session.h"

#define JOURNAL_LAST_MS 1000
/* A client that reads nothing for so long, although it keeps its end open, is given up. */
#define CLIENT_LAST_MS 30000

/*
 * What is in the pipe at the root's exit, and no more: descendants that hold the other end may
 * write on for ever, or never close it.
 */
static void drain_server(struct session *session)
{
	int left = 0;

	if (session->down.in.fd < 0 || ioctl(session->down.in.fd, FIONREAD, &left) < 0)
		return;
	while (left > 0 && session->down.in.fd >= 0) {
		uint64_t before = session->traffic.counters.bytes_out;

		session_read_server(session);
		if (session->traffic.counters.bytes_out == before)
			return;
		left -= (int)(session->traffic.counters.bytes_out - before);
	}
}

static void name_leftovers(struct session *session, const struct mf_c_end_reply *reply)
{
	uint32_t named = reply->killed < MF_LEFTOVERS_MAX ? reply->killed : MF_LEFTOVERS_MAX;

	for (uint32_t i = 0; i < named; i++) {
		const struct mf_leftover *left = &reply->leftovers[i];
		_cleanup_buf_ struct buf exe = { 0 };
		char born[256];

		born_text(&session->traffic.born, left->birth, born, sizeof(born));
		if (escape_text(&exe, left->exe, strnlen(left->exe, sizeof(left->exe))) < 0)
			continue;
		say(&session->say, "killed what the server left running: %.*s (pid %u, born %s)",
		    (int)buf_size(&exe), (const char *)buf_bytes(&exe), left->pid, born);
	}
	if (reply->killed > named)
		say(&session->say, "killed %u more", reply->killed - named);
	if (reply->survived)
		say(&session->say, "%u processes of the session could not be killed",
		    reply->survived);
}

/* A guard that died does not kill what is left: what is found without it, we do. */
static int end_session(struct session *session, struct mf_c_end_reply *ret_reply)
{
	bool known = session->guard.control < 0;
	int err = guard_link_end(&session->guard, (uint32_t)session->root_status,
				 session->exit_flags, ret_reply);

	if (err && !known)
		say(&session->say, "the guard is gone; the end of this session is not recorded");
	return err ? guard_end_orphan(session->guard.session.session, ret_reply) : 0;
}

static int patience_ms(const struct session *session)
{
	return session->signalled ? (int)(session->ending.grace_ns / NS_PER_MS) : CLIENT_LAST_MS;
}

static void write_rest(struct session *session)
{
	struct stream *down = &session->down;

	down->ended = true;
	session_write_client(session);
	while (down->out.fd >= 0 && down->released) {
		struct pollfd slots[] = { { .fd = down->out.fd, .events = POLLOUT },
					  { .fd = session->signal_fd, .events = POLLIN } };
		int ready = poll(slots, 2, patience_ms(session));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || slots[1].revents) {
			say(&session->say, "%zu bytes of the server's output were never read",
			    down->released);
			return;
		}
		session_write_client(session);
	}
}

void session_conclude(struct session *session)
{
	struct traffic *traffic = &session->traffic;
	struct mf_c_end_reply reply = { 0 };

	drain_server(session);
	traffic_server_end(traffic);
	if (end_session(session, &reply) == 0)
		name_leftovers(session, &reply);
	session_log_news(session);
	/* one that took over meanwhile must learn of the exit too */
	if (session->guard.new_journal >= 0)
		traffic_resume(traffic, take_fd(&session->guard.new_journal));
	/* only now is it certain that nothing works on a request any more */
	traffic_server_exit(traffic);
	traffic->counters.messages_dropped = session->say.dropped;
	traffic_counters(traffic);
	traffic_exit(traffic, (uint32_t)session->root_status, reply.killed, session->exit_flags);
	traffic->journal.stalled = false;
	(void)journal_flush(&traffic->journal, JOURNAL_LAST_MS);
	journal_close(&traffic->journal);
	guard_link_close(&session->guard);
	write_rest(session);
}
