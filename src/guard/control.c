/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guard/state.h"

/* --- replies --- */

static struct mf_control head_of(uint32_t kind)
{
	return (struct mf_control){ .version = MF_ABI_VERSION, .kind = kind };
}

int control_send(struct connection *connection, const void *packet, size_t size,
		 const struct ipc_fds *fds)
{
	int err = ipc_send(connection->source.fd, packet, size, fds);

	if (err) {
		connection->guard->stats.clients_dropped++;
		control_close(connection);
	}
	return err;
}

/* --- handlers: 0, or <0 when the connection is closed --- */

static int hello(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	const struct guard *guard = connection->guard;
	struct mf_c_hello_reply reply = { .head = head_of(MF_C_HELLO),
					  .guard_pid = (uint32_t)getpid(),
					  .recorder_pid = (uint32_t)guard->recorder.pid,
					  .engine = guard->engine ? MF_ENGINE_TRACE : 0,
					  .private_guard = guard->private_guard };

	strncpy(reply.release, MCPFLOOR_VERSION, sizeof(reply.release) - 1);
	if (guard->log_fd < 0) { /* said early: nothing can be recorded */
		reply.head.error = guard->log_fd;
		reply.head.detail = MF_D_STATE_DIR;
	}
	return control_send(connection, &reply, sizeof(reply), NULL);
}

static bool name_ok(const char name[MF_NAME_LEN], bool may_be_empty)
{
	return memchr(name, '\0', MF_NAME_LEN) && (may_be_empty || name[0]);
}

static int open_session(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	const struct mf_c_open *open = packet;
	struct mf_c_open_reply reply = { .head = head_of(MF_C_OPEN) };
	struct session_opened opened = { .page_fd = -1, .journal_fd = -1 };
	_cleanup_ipc_fds_ struct ipc_fds given = IPC_FDS_NONE;
	uint32_t detail = MF_D_NONE;
	int err = -EINVAL;

	if (name_ok(open->name, false) && name_ok(open->tenant, true) &&
	    !(open->flags & ~(MF_OPEN_MNTNS | MF_OPEN_USERNS | MF_OPEN_DIGEST_ONLY)))
		err = session_open(connection->guard, connection, &connection->peer, open,
				   fds->fd[0], &opened, &detail);
	if (err) {
		reply.head.error = err;
		reply.head.detail = detail;
		return control_send(connection, &reply, sizeof(reply), NULL);
	}
	connection->session = opened.session;
	connection->state = CONN_OWNER;
	given = (struct ipc_fds){ .fd = { opened.page_fd, opened.journal_fd, -1, -1 }, .count = 2 };
	reply.session = opened.session->id;
	reply.engine = MF_ENGINE_TRACE;
	reply.coverage = opened.session->coverage;
	reply.slot = opened.session->engine.slot;
	reply.mounts = opened.session->engine.mounts;
	reply.mounts_unmarked = opened.session->engine.mounts_unmarked;
	/* a client that is not there to take it is closed, and with it goes the session */
	return control_send(connection, &reply, sizeof(reply), &given);
}

static int end_session(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	connection->state = CONN_ENDING;
	session_end(connection->session, false);
	return 0; /* control_ended() answers, and may have closed the connection already */
}

void control_ended(struct session *session)
{
	struct connection *owner = session->owner;
	struct mf_c_end_reply reply = { .head = head_of(MF_C_END) };

	session->owner = NULL;
	if (!owner)
		return;
	owner->session = NULL;
	owner->state = CONN_ENDED;
	reply.killed = (uint32_t)session->left.count;
	reply.survived = (uint32_t)session->survived;
	memcpy(reply.leftovers, session->left.name, sizeof(reply.leftovers));
	control_send(owner, &reply, sizeof(reply), NULL);
}

static int signal_session(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	const struct mf_c_signal *asked = packet;
	struct mf_control reply = head_of(MF_C_SIGNAL);

	if (asked->signo == SIGTERM || asked->signo == SIGKILL)
		reply.error = session_signal(connection->session, (int)asked->signo);
	else
		reply.error = -EINVAL;
	return control_send(connection, &reply, sizeof(reply), NULL);
}

static bool may_see(const struct connection *connection, const struct session *session)
{
	return connection->peer.uid == 0 || connection->peer.uid == session->uid;
}

static int list(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	const struct mf_c_list *asked = packet;
	struct mf_c_list_reply reply = { .head = head_of(MF_C_LIST) };
	struct session *session = connection->guard->sessions;
	uint32_t index = asked->index;

	for (; session; session = session->next) {
		if (may_see(connection, session) && index-- == 0)
			break;
	}
	if (session)
		session_describe(session, &reply);
	else
		reply.head.error = -ENOENT;
	return control_send(connection, &reply, sizeof(reply), NULL);
}

/* --- statistics: the recorder's part is asked for, and not waited for --- */

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
	struct mf_c_stats_reply reply = { .head = head_of(MF_C_STATS), .stats = guard->stats };
	uint64_t own = 0;

	connection->stats_until_ns = 0;
	connection->guard->stats_waiting--;
	if (guard->engine)
		engine_stats(guard->engine, &reply.stats);
	take_recorder_part(&reply.stats, &guard->recorder.stats);
	for (const struct session *s = guard->sessions; s; s = s->next)
		own += may_see(connection, s);
	reply.stats.sessions_live = own;
	if (connection->peer.uid != 0)
		reply.stats = for_user(&reply.stats);
	return control_send(connection, &reply, sizeof(reply), NULL);
}

static int stats(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	struct guard *guard = connection->guard;
	struct mf_r_token ask = { .head = { MF_ABI_VERSION, MF_R_STATS },
				  .token = ++guard->stats_token };

	if (!connection->stats_until_ns)
		guard->stats_waiting++;
	connection->stats_until_ns = clock_mono_ns() + STATS_WAIT_NS;
	connection->stats_token = ask.token;
	if (recorder_send(guard, &ask, sizeof(ask), -1))
		return answer_stats(connection);
	return 0;
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

uint64_t control_tick(struct guard *guard, uint64_t now_ns)
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

/* --- the table --- */

enum who {
	WHO_ANYONE,
	WHO_OWNER, /* of a session, over this connection */
	WHO_ROOT,
};

#define CONN_ANY (CONN_FRESH | CONN_OWNER | CONN_ENDED | CONN_ASKING)

static const struct request {
	uint32_t kind;
	uint32_t size; /* exactly */
	uint32_t fds; /* exactly */
	enum who who;
	uint32_t states; /* enum connection_state */
	int (*handle)(struct connection *connection, const void *packet, struct ipc_fds *fds);
} requests[] = {
	{ MF_C_HELLO, sizeof(struct mf_c_hello), 0, WHO_ANYONE, CONN_ANY, hello },
	{ MF_C_OPEN, sizeof(struct mf_c_open), 1, WHO_ANYONE, CONN_FRESH, open_session },
	{ MF_C_END, sizeof(struct mf_c_end), 0, WHO_OWNER, CONN_OWNER, end_session },
	{ MF_C_LIST, sizeof(struct mf_c_list), 0, WHO_ANYONE, CONN_ANY, list },
	{ MF_C_STATS, sizeof(struct mf_c_list), 0, WHO_ANYONE, CONN_ANY, stats },
	{ MF_C_SIGNAL, sizeof(struct mf_c_signal), 0, WHO_OWNER, CONN_OWNER, signal_session },
};

#define PACKET_MAX sizeof(struct mf_c_open)
_Static_assert(ARRAY_LEN(requests) == MF_C_JOURNAL - 1, "every request has its row");
_Static_assert(sizeof(struct mf_c_open) >= sizeof(struct mf_c_end) &&
		       sizeof(struct mf_c_open) >= sizeof(struct mf_c_list) &&
		       sizeof(struct mf_c_open) >= sizeof(struct mf_c_signal),
	       "the largest request");

static bool allowed(const struct request *request, const struct connection *connection)
{
	if (!(request->states & connection->state))
		return false;
	if (request->who == WHO_OWNER)
		return connection->session != NULL;
	return request->who != WHO_ROOT || connection->peer.uid == 0;
}

static const struct request *row_for(const struct connection *connection, const void *packet,
				     size_t size, const struct ipc_fds *fds)
{
	const struct mf_control *head = packet;

	if (size < sizeof(*head) || head->version != MF_ABI_VERSION)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const struct request *request = &requests[i];

		if (request->kind == head->kind)
			return request->size == size && request->fds == fds->count &&
					       allowed(request, connection)
				       ? request
				       : NULL;
	}
	return NULL;
}

static int refuse(struct connection *connection)
{
	connection->guard->stats.control_rejected++;
	control_close(connection);
	return -EPROTO;
}

int control_packet(struct connection *connection, const void *packet, size_t size,
		   struct ipc_fds *fds)
{
	const struct request *request = row_for(connection, packet, size, fds);

	return request ? request->handle(connection, packet, fds) : refuse(connection);
}

/* --- connections --- */

static void connection_ready(struct source *source, uint32_t events)
{
	struct connection *connection = source_owner(source, struct connection, source);
	_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;
	union {
		struct mf_control head;
		unsigned char bytes[PACKET_MAX];
	} packet;
	ssize_t size = ipc_recv(source->fd, &packet, sizeof(packet), &fds);

	(void)events;
	if (size == -EAGAIN)
		return;
	if (size > 0)
		control_packet(connection, &packet, (size_t)size, &fds);
	else if (size == -EMSGSIZE)
		refuse(connection);
	else
		control_close(connection);
}

static bool room_for(const struct guard *guard, uid_t uid)
{
	size_t own = 0;

	if (guard->connection_count >= CONNECTIONS_MAX)
		return false;
	if (uid == 0)
		return true;
	for (const struct connection *c = guard->connections; c; c = c->next)
		own += c->peer.uid == uid;
	return own < CONNECTIONS_PER_USER &&
	       guard->connection_count < CONNECTIONS_MAX - CONNECTIONS_FOR_ROOT;
}

int control_adopt(struct guard *guard, int sock, enum connection_state state,
		  struct connection **ret_connection)
{
	_cleanup_free_ struct connection *connection = calloc(1, sizeof(*connection));
	int err;

	if (!connection)
		return -ENOMEM;
	connection->guard = guard;
	connection->state = state;
	err = peer_read(sock, &connection->peer);
	if (err)
		return err;
	if (!room_for(guard, connection->peer.uid)) {
		guard->stats.clients_refused++;
		return -EUSERS;
	}
	if (fcntl(sock, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	err = loop_watch(guard->epoll, &connection->source, sock, EPOLLIN, connection_ready);
	if (err)
		return err;
	connection->next = guard->connections;
	guard->connections = connection;
	guard->connection_count++;
	if (ret_connection)
		*ret_connection = connection;
	take_ptr(connection);
	return 0;
}

void control_close(struct connection *connection)
{
	struct guard *guard = connection->guard;
	struct connection **slot = &guard->connections;
	struct session *session = connection->session;
	int sock = connection->source.fd;

	while (*slot != connection)
		slot = &(*slot)->next;
	*slot = connection->next;
	guard->connection_count--;
	if (guard->primary == connection)
		guard->primary = NULL;
	if (connection->stats_until_ns)
		guard->stats_waiting--;
	loop_unwatch(guard->epoll, &connection->source);
	close_fd(sock);
	free(connection);
	if (session) {
		session->owner = NULL;
		session_end(session, true);
	}
}

/* Without descriptors a connection can be neither taken nor refused, and the loop would spin. */
static void refuse_without_fd(struct guard *guard, int listener)
{
	guard->spare_fd = close_fd(guard->spare_fd);
	close_fd(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	guard->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	guard->stats.clients_refused++;
}

void control_accept(struct source *source, uint32_t events)
{
	struct guard *guard = source_owner(source, struct guard, control_listener);
	_cleanup_fd_ int sock = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (sock < 0) {
		if (errno == EMFILE || errno == ENFILE)
			refuse_without_fd(guard, source->fd);
		return;
	}
	if (!control_adopt(guard, sock, guard->private_guard ? CONN_ASKING : CONN_FRESH, NULL))
		take_fd(&sock);
}
