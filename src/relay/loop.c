/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "relay/session.h"

/*
 * poll() rather than epoll: there are ten descriptors, and the client's may be regular files,
 * which epoll refuses. A descriptor that is at its end leaves the set, so that POLLHUP, which
 * cannot be masked, costs no time.
 */

/* Gives up the client's descriptor without leaving the number free. */
static void stdio_drop(struct channel *channel)
{
	int null;

	if (channel->fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup3(null, channel->fd, O_CLOEXEC);
	else
		close(channel->fd);
	close_fd(null);
	channel->fd = -1;
}

void session_recorder_gone(struct session *session)
{
	if (session->traffic.journal.fd < 0)
		return;
	journal_close(&session->traffic.journal);
	say(&session->say, "the recorder is gone; this session goes on, its records will say so");
}

void session_send(struct session *session)
{
	if (traffic_flush(&session->traffic) == -EPIPE)
		session_recorder_gone(session);
}

static void act(struct session *session, enum ending_action action)
{
	switch (action) {
	case ENDING_NOTHING:
		break;
	case ENDING_CLOSE_STDIN:
		session->last_input = true;
		break;
	case ENDING_TERM_ROOT:
		session->exit_flags |= MF_EXIT_TERM_SENT;
		kill(session->launch.pid, SIGTERM);
		break;
	case ENDING_KILL_SESSION:
		if (!(session->exit_flags & MF_EXIT_KILL_SENT))
			say(&session->say,
			    "the server did not end when asked to: killing process %d and its "
			    "descendants",
			    session->launch.pid);
		session->exit_flags |= MF_EXIT_KILL_SENT;
		guard_link_kill(&session->guard);
		kill(session->launch.pid, SIGKILL);
		break;
	}
}

static void client_done(struct session *session)
{
	if (session->client_done)
		return;
	session->client_done = true;
	act(session, ending_step(&session->ending, ENDING_CLIENT_DONE, clock_mono_ns()));
}

static void close_server_stdin(struct session *session)
{
	session->launch.to_server = close_fd(session->launch.to_server);
	session->up.out.fd = -1;
}

/* Nobody reads the client's end any more; the server finds out as it would without us. */
static void client_vanished(struct session *session)
{
	session->down.released = 0;
	buf_reset(&session->down.data, 0);
	stdio_drop(&session->down.out);
	session->launch.from_server = close_fd(session->launch.from_server);
	session->down.in.fd = -1;
	session->down.ended = true;
	client_done(session);
}

/* The server closed its stdin; the client finds out as it would without us. */
static void server_stdin_vanished(struct session *session)
{
	close_server_stdin(session);
	session->up.released = 0;
	buf_reset(&session->up.data, 0);
	stdio_drop(&session->up.in);
	session->up.ended = true;
}

static void write_server(struct session *session)
{
	struct stream *up = &session->up;
	int err;

	if (up->out.fd < 0)
		return;
	err = stream_write(up);
	if (err && err != -EAGAIN) {
		server_stdin_vanished(session);
		return;
	}
	if (up->ended && !up->released)
		close_server_stdin(session);
}

static void read_client(struct session *session)
{
	struct stream *up = &session->up;
	size_t held = buf_size(&up->data) - up->released;
	const uint8_t *bytes;
	ssize_t got = stream_read(up, &bytes);

	if (got == -EAGAIN && !session->last_input)
		return;
	if (got > 0) {
		size_t released = traffic_from_client(&session->traffic, bytes, (size_t)got, held);

		session_send(session);
		up->released += released;
	} else {
		traffic_client_end(&session->traffic);
		session_send(session);
		up->released = buf_size(&up->data);
		up->ended = true;
		client_done(session);
	}
	write_server(session);
}

void session_write_client(struct session *session)
{
	struct stream *down = &session->down;
	int err = stream_write(down);

	if (err && err != -EAGAIN) {
		client_vanished(session);
		return;
	}
	if (down->ended && !down->released)
		stdio_drop(&down->out);
}

void session_read_server(struct session *session)
{
	struct stream *down = &session->down;
	const uint8_t *bytes;
	ssize_t got = stream_read(down, &bytes);

	if (got == -EAGAIN)
		return;
	if (got > 0) {
		traffic_from_server(&session->traffic, bytes, (size_t)got);
	} else {
		traffic_server_end(&session->traffic);
		session->launch.from_server = close_fd(session->launch.from_server);
		down->in.fd = -1;
		down->ended = true;
	}
	session_send(session);
	down->released = buf_size(&down->data);
	session_write_client(session);
}

/* Signals that ask for an end start the clock; all are passed on to the root process. */
static bool ends(int signo)
{
	return signo == SIGTERM || signo == SIGINT || signo == SIGQUIT;
}

static void read_signals(struct session *session)
{
	struct signalfd_siginfo info;

	while (read(session->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		/* from the terminal's keyboard: the server has it already */
		if (info.ssi_code != SI_KERNEL)
			kill(session->launch.pid, signo);
		if (!ends(signo) || sigismember(&session->ignored, signo))
			continue;
		session->signalled = true;
		act(session, ending_step(&session->ending, ENDING_SIGNAL, clock_mono_ns()));
	}
}

/* Whether its session is recorded is the user's business while it lasts. */
void session_log_news(struct session *session)
{
	int error = session->guard.log_error;

	if (error && !session->log_error)
		say(&session->say,
		    "the log cannot be written (%s): this session goes on, what it does may not be "
		    "recorded",
		    strerror(-error));
	else if (!error && session->log_error)
		say(&session->say, "the log can be written again; it says what is missing");
	session->log_error = error;
}

/* Where nothing is refused any more that has to be, nothing may go on. */
static void guard_gone(struct session *session)
{
	if (session->guard.mode != MF_POL_ENFORCE) {
		say(&session->say,
		    "the guard is gone; this session goes on without being recorded");
		return;
	}
	say(&session->say, "the guard is gone, and with it what refuses: this session is ended");
	act(session, ending_step(&session->ending, ENDING_GUARD_GONE, clock_mono_ns()));
	stray_kill(&session->stray);
}

static void read_guard(struct session *session)
{
	if (guard_link_read(&session->guard) < 0)
		guard_gone(session);
	reload_heard(&session->reload);
	session_send(session); /* what the calls in flight are granted anew */
	session_log_news(session);
	if (session->guard.new_journal < 0)
		return;
	say(&session->say, "a new recorder took over");
	traffic_resume(&session->traffic, take_fd(&session->guard.new_journal));
	session_send(session);
}

static uint64_t counters_sum(const struct mf_j_counters *counters)
{
	const uint64_t *at = (const uint64_t *)counters;
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(*counters) / sizeof(*at); i++)
		sum += at[i];
	return sum;
}

/* About every second, when something changed. Returns when to look again. */
static uint64_t tell_counters(struct session *session, uint64_t now_ns)
{
	struct traffic *traffic = &session->traffic;
	uint64_t sum;

	traffic->counters.messages_dropped = session->say.dropped;
	sum = counters_sum(&traffic->counters);
	if (sum == session->counters_sum)
		return UINT64_MAX;
	if (now_ns < session->counters_ns + NS_PER_S)
		return session->counters_ns + NS_PER_S;
	traffic_counters(traffic);
	session->counters_ns = now_ns;
	session->counters_sum = counters_sum(&traffic->counters);
	session_send(session);
	return UINT64_MAX;
}

/* A client that is done sending may still read: what it asked for is given to it. */
static bool answer_awaited(const struct session *session)
{
	return session->down.in.fd >= 0 && session->down.out.fd >= 0 &&
	       pending_awaited(session->traffic.pending);
}

/* What is due by time. Returns the milliseconds to the next. */
static int do_timers(struct session *session)
{
	uint64_t now_ns = clock_mono_ns(), next_ns, pending_ns, reload_ns;

	ending_hold(&session->ending, answer_awaited(session), now_ns);
	if (session->ending.deadline_ns <= now_ns)
		act(session, ending_step(&session->ending, ENDING_DEADLINE, now_ns));
	if (pending_deadline_ns(session->traffic.pending) <= now_ns) {
		traffic_expire(&session->traffic, now_ns);
		session_send(session);
	}
	next_ns = tell_counters(session, now_ns);
	reload_ns = reload_tick(&session->reload, now_ns);
	if (reload_ns < next_ns)
		next_ns = reload_ns;
	pending_ns = pending_deadline_ns(session->traffic.pending);
	if (session->ending.deadline_ns < next_ns)
		next_ns = session->ending.deadline_ns;
	if (pending_ns < next_ns)
		next_ns = pending_ns;
	if (next_ns == UINT64_MAX)
		return -1;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / NS_PER_MS) + 1;
}

enum poll_slot {
	POLL_CLIENT_IN,
	POLL_CLIENT_OUT,
	POLL_SERVER_IN,
	POLL_SERVER_OUT,
	POLL_ROOT,
	POLL_SIGNALS,
	POLL_GUARD,
	POLL_JOURNAL,
	POLL_POLICY_FILES,
	POLL_COMPILER,
	POLL_SLOTS,
};

static struct pollfd watch(int fd, bool in, bool out)
{
	return (struct pollfd){ .fd = fd,
				.events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)) };
}

static void watch_all(struct session *session, struct pollfd *slots)
{
	struct stream *up = &session->up, *down = &session->down;
	struct journal *journal = &session->traffic.journal;

	slots[POLL_CLIENT_IN] = watch(stream_wants_input(up) ? up->in.fd : -1, true, false);
	slots[POLL_CLIENT_OUT] = watch(down->out.fd, false, down->released > 0);
	slots[POLL_SERVER_IN] = watch(up->out.fd, false, up->released > 0);
	slots[POLL_SERVER_OUT] = watch(stream_wants_input(down) ? down->in.fd : -1, true, false);
	slots[POLL_ROOT] = watch(session->launch.pidfd, true, false);
	slots[POLL_SIGNALS] = watch(session->signal_fd, true, false);
	slots[POLL_GUARD] = watch(session->guard.control, true, false);
	slots[POLL_JOURNAL] = watch(journal->fd, false, journal_waiting(journal));
	slots[POLL_POLICY_FILES] = watch(session->reload.watch, true, false);
	slots[POLL_COMPILER] = watch(session->reload.compiler.pidfd, true, false);
}

static void reap_root(struct session *session)
{
	pid_t pid;

	do {
		pid = waitpid(session->launch.pid, &session->root_status, 0);
	} while (pid < 0 && errno == EINTR);
	session->root_gone = true;
}

/* A peer that closed its side shows as POLLERR on a pipe, as POLLHUP on a socket. */
static bool broken(const struct pollfd *slot)
{
	return slot->revents & (POLLERR | POLLHUP | POLLNVAL);
}

/* After the client went: what it had sent still counts, but is not waited for. */
static bool reads_last(const struct session *session)
{
	return session->last_input && stream_wants_input(&session->up);
}

static void serve(struct session *session, const struct pollfd *slots)
{
	if (slots[POLL_SIGNALS].revents)
		read_signals(session);
	/* of the journal that was waited for: the guard may bring another */
	if (broken(&slots[POLL_JOURNAL]))
		session_recorder_gone(session);
	else if (slots[POLL_JOURNAL].revents)
		session_send(session);
	if (slots[POLL_GUARD].revents)
		read_guard(session);
	if (slots[POLL_SERVER_OUT].revents)
		session_read_server(session);
	if (broken(&slots[POLL_CLIENT_OUT]) && session->down.out.fd >= 0)
		client_vanished(session);
	else if (slots[POLL_CLIENT_OUT].revents)
		session_write_client(session);
	if (slots[POLL_CLIENT_IN].revents || reads_last(session))
		read_client(session);
	if (broken(&slots[POLL_SERVER_IN]) && session->up.out.fd >= 0)
		server_stdin_vanished(session);
	else
		write_server(session);
	if (slots[POLL_POLICY_FILES].revents)
		reload_looked(&session->reload);
	if (slots[POLL_COMPILER].revents) {
		reload_compiled(&session->reload);
		session_send(session);
	}
	if (slots[POLL_ROOT].revents)
		reap_root(session);
}

int session_loop(struct session *session)
{
	while (!session->root_gone) {
		struct pollfd slots[POLL_SLOTS];
		int timeout_ms = do_timers(session);

		if (reads_last(session))
			timeout_ms = 0;
		watch_all(session, slots);
		if (poll(slots, POLL_SLOTS, timeout_ms) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		serve(session, slots);
	}
	return 0;
}
