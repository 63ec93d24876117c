/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/disposal.h"
#include "base/ipc.h"
#include "guard/control.h"
#include "guard/proc.h"
#include "guard/session.h"
#include "guard/state.h"
#include "recorder/recorder.h"

#define ERRNO_MAX 4095 /* include/linux/err.h */
#define HAND_OVER_MAGIC 0x6d66686f

struct hand_over { /* + 2 fds: ring, counters */
	uint32_t magic;
	uint32_t ring_bytes;
};

struct packet {
	struct packet *next;
	size_t size;
	struct ipc_fds fds;
	unsigned char bytes[];
};

static void queue_drop(struct recorder_process *recorder)
{
	while (recorder->queue) {
		struct packet *packet = recorder->queue;

		recorder->queue = packet->next;
		for (size_t i = 0; i < packet->fds.count;
		     i++) /* a journal: its relay has the end */
			disposal_close(packet->fds.fd[i], DISPOSAL_NOBODY);
		free(packet);
	}
	recorder->queue_tail = &recorder->queue;
	recorder->queued = 0;
}

/* --- the child --- */

/* Puts `fds` at 3, 4, … and closes everything else. */
static int keep_only(int *fds, size_t count)
{
	int base = 3 + (int)count;

	/* first out of the way, so that no target is another's source */
	for (size_t i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, base);
		if (fds[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0 && dup3(fds[i], 3 + (int)i, O_CLOEXEC) < 0)
			return -errno;
		if (fds[i] < 0)
			close(3 + (int)i);
		else
			fds[i] = 3 + (int)i;
	}
	return close_range((unsigned)base, ~0U, 0) < 0 ? -errno : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++) {
		if (signo != SIGKILL && signo != SIGSTOP)
			signal(signo, SIG_DFL);
	}
	/* a terminal's or a service's end is the guard's business; the recorder follows the guard */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit that stays is a write error, and told as one */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static __attribute__((noreturn)) void recorder_child(int link, int log_fd, int query_fd)
{
	struct recorder_options options = { 0 };
	struct ipc_fds got = IPC_FDS_NONE;
	int fds[] = { link, log_fd, query_fd };
	struct hand_over hand_over;

	disposal_forked();
	reset_signals();
	prctl(PR_SET_NAME, "mcpfloor-record");
	if (keep_only(fds, ARRAY_LEN(fds)))
		_exit(1);
	if (ipc_recv(fds[0], &hand_over, sizeof(hand_over), &got) != sizeof(hand_over))
		_exit(0); /* the guard is gone, or never needed a recorder */
	if (hand_over.magic != HAND_OVER_MAGIC || got.count != 2)
		_exit(1);
	options = (struct recorder_options){ .guard_fd = fds[0],
					     .ring_fd = got.fd[0],
					     .ring_bytes = hand_over.ring_bytes,
					     .counters_fd = got.fd[1],
					     .state_dir_fd = fds[1],
					     .query_fd = fds[2] };
	_exit(recorder_main(&options));
}

/* --- what it says --- */

static void answer_barrier(struct guard *guard, const struct mf_r_token *asked)
{
	int err = guard->engine ? engine_drain(guard->engine) : 0;

	/* answered whatever came of it: the loss is in the session's counters, and a record that
	 * never closes would be the worse one */
	if (err)
		guard->engine_errors++;
	recorder_send(guard, asked, sizeof(*asked), NULL);
}

static void take_state(struct guard *guard, uint64_t error)
{
	int now = error <= ERRNO_MAX ? -(int)error : -EIO;

	if (now == guard->recorder.log_error)
		return;
	guard->recorder.log_error = now;
	for (struct session *session = guard->sessions; session; session = session->next)
		session_say_log(session);
}

static void take_token(struct guard *guard, const void *packet)
{
	const struct mf_r_token *token = packet;

	if (token->head.kind == MF_R_BARRIER)
		answer_barrier(guard, token);
	else
		take_state(guard, token->token);
}

static void take_stats(struct guard *guard, const void *packet)
{
	const struct mf_r_stats *stats = packet;

	guard->recorder.stats = stats->stats;
	control_stats_ready(guard, stats->token);
}

/* The recorder parses what the MCP peers wrote, so the guard believes it no more than a client. */
static const struct {
	uint32_t kind;
	size_t size;
	void (*take)(struct guard *guard, const void *packet);
} said[] = {
	{ MF_R_BARRIER, sizeof(struct mf_r_token), take_token },
	{ MF_R_STATE, sizeof(struct mf_r_token), take_token },
	{ MF_R_STATS, sizeof(struct mf_r_stats), take_stats },
};

static int take_packet(struct guard *guard, const void *packet, size_t size)
{
	const struct mf_recorder_head *head = packet;

	if (size < sizeof(*head) || head->version != MF_ABI_VERSION)
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		if (said[i].kind == head->kind && said[i].size == size) {
			said[i].take(guard, packet);
			return 0;
		}
	}
	return -EPROTO;
}

static int flush(struct guard *guard)
{
	struct recorder_process *recorder = &guard->recorder;

	while (recorder->queue) {
		struct packet *packet = recorder->queue;
		int err = ipc_send(recorder->link.fd, packet->bytes, packet->size, &packet->fds);

		if (err)
			return err == -EAGAIN ? 0 : err;
		recorder->queue = packet->next;
		if (!recorder->queue)
			recorder->queue_tail = &recorder->queue;
		recorder->queued--;
		ipc_fds_close(&packet->fds);
		free(packet);
	}
	return loop_rewatch(guard->epoll, &recorder->link, EPOLLIN);
}

static void drop_link(struct guard *guard)
{
	int link = guard->recorder.link.fd;

	loop_unwatch(guard->epoll, &guard->recorder.link);
	close_fd(link);
}

static void link_ready(struct source *source, uint32_t events)
{
	struct guard *guard = source_owner(source, struct guard, recorder.link);
	union {
		struct mf_recorder_head head;
		struct mf_r_stats stats;
	} packet;
	ssize_t size;

	if (events & EPOLLOUT && flush(guard))
		goto broken;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	size = ipc_recv(source->fd, &packet, sizeof(packet), NULL);
	if (size == -EAGAIN)
		return;
	if (size > 0 && take_packet(guard, &packet, (size_t)size) == 0)
		return;
broken:
	/* its death, which follows, is handled in one place */
	if (!guard->recorder.quitting)
		pidfd_signal(guard->recorder.death.fd, SIGKILL);
	drop_link(guard);
}

/* --- birth and death --- */

static void forget(struct guard *guard)
{
	struct recorder_process *recorder = &guard->recorder;
	int pidfd = recorder->death.fd;

	drop_link(guard);
	loop_unwatch(guard->epoll, &recorder->death);
	close_fd(pidfd);
	if (recorder->pid)
		waitpid(recorder->pid, NULL, 0);
	recorder->pid = 0;
	recorder->ready = false;
	recorder->log_error = 0;
	queue_drop(recorder);
}

/* One more death; whether there were too many of them lately. */
static bool dies_too_often(struct recorder_process *recorder)
{
	uint64_t now = clock_mono_ns();
	uint64_t *slot = &recorder->deaths[recorder->death_count++ % RECORDER_DEATHS_MAX];
	uint64_t earliest;

	*slot = now;
	if (recorder->death_count < RECORDER_DEATHS_MAX)
		return false;
	earliest = recorder->deaths[recorder->death_count % RECORDER_DEATHS_MAX];
	return now - earliest < RECORDER_DEATHS_NS;
}

/* A query that nobody will take must not wait for ever. */
static void refuse_query(struct source *source, uint32_t events)
{
	(void)events;
	disposal_close(accept4(source->fd, NULL, NULL, SOCK_CLOEXEC), DISPOSAL_NOBODY);
}

static void give_up(struct guard *guard)
{
	guard->recorder.given_up = true;
	if (guard->query_fd >= 0)
		loop_watch(guard->epoll, &guard->query_refusals, guard->query_fd, EPOLLIN,
			   refuse_query);
}

static void recorder_died(struct source *source, uint32_t events)
{
	struct guard *guard = source_owner(source, struct guard, recorder.death);

	(void)events;
	forget(guard);
	guard->stats.recorder_restarts++;
	if (dies_too_often(&guard->recorder) || recorder_start(guard) ||
	    (guard->engine && recorder_hand_over(guard)))
		give_up(guard);
	else
		session_resume_all(guard);
	control_stats_ready(guard, 0);
}

static int watch(struct guard *guard, pid_t pid, int *link)
{
	_cleanup_fd_ int pidfd = pidfd_of(pid);
	int err;

	if (pidfd < 0)
		return pidfd;
	err = loop_watch(guard->epoll, &guard->recorder.death, pidfd, EPOLLIN, recorder_died);
	if (err)
		return err;
	take_fd(&pidfd);
	err = loop_watch(guard->epoll, &guard->recorder.link, *link, EPOLLIN, link_ready);
	if (err)
		return err;
	take_fd(link);
	return 0;
}

int recorder_start(struct guard *guard)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2], err;
	pid_t pid;

	if (guard->recorder.pid)
		return 0;
	if (guard->log_fd < 0)
		return guard->log_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if (guard->engine)
		engine_settle(guard->engine); /* a fork has no threads but its own */
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		recorder_child(theirs, guard->log_fd, guard->query_fd);
	loop_unwatch(guard->epoll, &guard->query_refusals);
	guard->recorder.pid = pid;
	guard->recorder.queue_tail = &guard->recorder.queue;
	err = watch(guard, pid, &ours);
	if (err) {
		kill(pid, SIGKILL); /* our own child, not reaped yet */
		forget(guard);
	}
	return err;
}

int recorder_hand_over(struct guard *guard)
{
	struct hand_over hand_over = { .magic = HAND_OVER_MAGIC };
	struct ipc_fds fds = IPC_FDS_NONE;
	int err;

	if (!guard->recorder.pid || guard->recorder.link.fd < 0)
		return -ENOTCONN;
	if (guard->recorder.ready)
		return 0;
	hand_over.ring_bytes = engine_ring_bytes(guard->engine);
	fds.fd[0] = engine_ring_fd(guard->engine);
	fds.fd[1] = engine_counters_fd(guard->engine);
	fds.count = 2;
	err = ipc_send(guard->recorder.link.fd, &hand_over, sizeof(hand_over), &fds);
	if (!err)
		guard->recorder.ready = true;
	return err;
}

static int enqueue(struct guard *guard, const void *bytes, size_t size, const struct ipc_fds *fds)
{
	struct recorder_process *recorder = &guard->recorder;
	_cleanup_free_ struct packet *packet = NULL;

	if (recorder->queued >= RECORDER_QUEUE_MAX)
		return -ENOBUFS;
	packet = malloc(sizeof(*packet) + size);
	if (!packet)
		return -ENOMEM;
	*packet = (struct packet){ .size = size, .fds = IPC_FDS_NONE };
	memcpy(packet->bytes, bytes, size);
	while (fds && packet->fds.count < fds->count) {
		int fd = fcntl(fds->fd[packet->fds.count], F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			int err = -errno;

			ipc_fds_close(&packet->fds);
			return err;
		}
		packet->fds.fd[packet->fds.count++] = fd;
	}
	*recorder->queue_tail = packet;
	recorder->queue_tail = &packet->next;
	recorder->queued++;
	take_ptr(packet);
	return loop_rewatch(guard->epoll, &recorder->link, EPOLLIN | EPOLLOUT);
}

int recorder_send(struct guard *guard, const void *packet, size_t size, const struct ipc_fds *fds)
{
	struct recorder_process *recorder = &guard->recorder;
	int err = -EAGAIN;

	if (!recorder->ready || recorder->link.fd < 0)
		return -ENOTCONN;
	if (!recorder->queue) /* else it would overtake */
		err = ipc_send(recorder->link.fd, packet, size, fds);
	if (err == -EAGAIN)
		err = enqueue(guard, packet, size, fds);
	if (err)
		guard->stats.recorder_dropped++;
	return err;
}

void recorder_stop(struct guard *guard)
{
	struct recorder_process *recorder = &guard->recorder;
	struct mf_r_token quit = { .head = { MF_ABI_VERSION, MF_R_QUIT } };
	uint64_t until = clock_mono_ns() + RECORDER_QUIT_NS;

	if (!recorder->pid)
		return;
	recorder->quitting = true;
	if (recorder->ready)
		recorder_send(guard, &quit, sizeof(quit), NULL);
	else /* it waits for the hand-over and ends with its socket */
		drop_link(guard);
	/* its own handlers would start a successor, so the socket is served here */
	while (clock_mono_ns() < until) {
		struct pollfd fds[] = {
			{ .fd = recorder->death.fd, .events = POLLIN },
			{ .fd = recorder->link.fd,
			  .events = (short)(POLLIN | (recorder->queue ? POLLOUT : 0)) },
		};

		if (poll(fds, 2, 100) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents)
			link_ready(&recorder->link, (uint32_t)fds[1].revents);
	}
	if (pidfd_alive(recorder->death.fd))
		pidfd_signal(recorder->death.fd, SIGKILL);
	forget(guard);
}
