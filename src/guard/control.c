/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/disposal.h"
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
					  .engine = guard->engine ? engine_kind(guard->engine) : 0,
					  .private_guard = guard->private_guard };

	strncpy(reply.release, MCPFLOOR_VERSION, sizeof(reply.release) - 1);
	if (guard->log_fd < 0) { /* said early: nothing can be recorded */
		reply.head.error = guard->log_fd;
		reply.head.detail = guard_log_detail(guard);
	}
	return control_send(connection, &reply, sizeof(reply), NULL);
}

/* Whoever is to fork a server has to know whether its mounts will be watched. */
static int prepare(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	struct mf_c_hello_reply reply = { .head = head_of(MF_C_PREPARE) };

	reply.engine = guard_settle_engine(connection->guard);
	return control_send(connection, &reply, sizeof(reply), NULL);
}

bool control_name_ok(const char name[MF_NAME_LEN], bool may_be_empty)
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

	if (control_name_ok(open->name, false) && control_name_ok(open->tenant, true) &&
	    !(open->flags & ~(MF_OPEN_MNTNS | MF_OPEN_USERNS | MF_OPEN_DIGEST_ONLY)))
		err = session_open(connection->guard, connection, &connection->peer, open,
				   fds->fd[0], &opened, &detail);
	if (err) {
		reply.head.error = err;
		reply.head.detail = detail;
		return control_send(connection, &reply, sizeof(reply), NULL);
	}
	fds->fd[0] = close_fd(fds->fd[0]); /* a pidfd, as it turned out */
	connection->session = opened.session;
	connection->state = CONN_OWNER;
	given = (struct ipc_fds){ .fd = { opened.page_fd, opened.journal_fd, -1, -1 }, .count = 2 };
	reply.session = opened.session->id;
	reply.engine = engine_kind(connection->guard->engine);
	reply.coverage = opened.session->coverage;
	reply.slot = opened.session->engine.slot;
	reply.mounts = opened.session->engine.mounts;
	reply.mounts_unmarked = opened.session->engine.mounts_unmarked;
	/* a client that is not there to take it is closed, and with it goes the session */
	err = control_send(connection, &reply, sizeof(reply), &given);
	if (!err && connection->guard->recorder.log_error)
		session_say_log(opened.session);
	return err;
}

static int take_policy(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	struct mf_control reply = head_of(MF_C_POLICY);

	if (connection->session)
		reply.error = policy_replace(connection->session, packet, &fds->fd[0]);
	else
		reply.error = policy_take(&connection->policy, packet, &fds->fd[0]);
	reply.detail = reply.error ? MF_D_POLICY : MF_D_NONE;
	connection->guard->policy_brought |= !reply.error;
	return control_send(connection, &reply, sizeof(reply), NULL);
}

static int note_bad_policy(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	policy_note_bad(connection->session, -EINVAL);
	return 0;
}

static int change(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	return control_change(connection, packet);
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

bool control_may_see(const struct connection *connection, const struct session *session)
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
		if (control_may_see(connection, session) && index-- == 0)
			break;
	}
	if (session)
		session_describe(session, &reply);
	else
		reply.head.error = -ENOENT;
	return control_send(connection, &reply, sizeof(reply), NULL);
}

static int stats(struct connection *connection, const void *packet, struct ipc_fds *fds)
{
	return control_stats(connection);
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
	{ MF_C_PREPARE, sizeof(struct mf_c_hello), 0, WHO_ANYONE, CONN_FRESH, prepare },
	{ MF_C_POLICY, sizeof(struct mf_c_policy), 1, WHO_ANYONE, CONN_FRESH | CONN_OWNER,
	  take_policy },
	{ MF_C_POLICY_BAD, sizeof(struct mf_c_hello), 0, WHO_OWNER, CONN_OWNER, note_bad_policy },
	{ MF_C_MODE, sizeof(struct mf_c_mode), 0, WHO_ANYONE, CONN_ANY, change },
	{ MF_C_RELOAD, sizeof(struct mf_c_mode), 0, WHO_ANYONE, CONN_ANY, change },
};

#define PACKET_MAX sizeof(struct mf_c_open)
_Static_assert(ARRAY_LEN(requests) == MF_C_RELOAD - 2,
	       "every request has its row; two are the guard's own");
_Static_assert(sizeof(struct mf_c_open) >= sizeof(struct mf_c_end) &&
		       sizeof(struct mf_c_open) >= sizeof(struct mf_c_list) &&
		       sizeof(struct mf_c_open) >= sizeof(struct mf_c_policy) &&
		       sizeof(struct mf_c_open) >= sizeof(struct mf_c_mode) &&
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

/* Root may make the guard wait, others may not. */
static void drop_fd(int fd, void *data)
{
	const uid_t *uid = data;

	if (*uid)
		disposal_close(fd, *uid);
	else
		close_fd(fd);
}

static void drop_connection(int sock, uid_t uid)
{
	shutdown(sock, SHUT_RDWR); /* the peer knows at once */
	if (uid)
		disposal_close(sock, DISPOSAL_NOBODY);
	else
		close_fd(sock);
}

static void connection_ready(struct source *source, uint32_t events)
{
	struct connection *connection = source_owner(source, struct connection, source);
	uid_t uid = connection->peer.uid;
	struct ipc_fds fds = IPC_FDS_NONE;
	union {
		struct mf_control head;
		unsigned char bytes[PACKET_MAX];
	} packet;
	ssize_t size;

	(void)events;
	if (uid && disposal_under_way(uid) >= DISPOSAL_PER_USER) {
		refuse(connection);
		return;
	}
	size = ipc_recv_dropping(source->fd, &packet, sizeof(packet), drop_fd, &uid, &fds);
	if (size == -EAGAIN)
		return;
	if (size > 0)
		control_packet(connection, &packet, (size_t)size, &fds);
	else if (size == -EMSGSIZE)
		refuse(connection);
	else
		control_close(connection);
	for (size_t i = 0; i < fds.count; i++)
		drop_fd(fds.fd[i], &uid);
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

/* What a session may do is nothing that it says itself. A process that is in none when it comes never
 * will be. */
static bool is_in_session(const struct guard *guard, int sock)
{
	_cleanup_fd_ int pidfd = -1;

	if (!guard->engine)
		return false;
	pidfd = peer_pidfd(sock);
	/* of the dead nothing is known: looked up while it lived, it was alive afterwards */
	return pidfd < 0 || engine_has_task(guard->engine, pidfd) != 0 || !pidfd_alive(pidfd);
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
	connection->policy = POLICY_NOT_BROUGHT;
	err = peer_read(sock, &connection->peer);
	if (err)
		return err;
	if (!room_for(guard, connection->peer.uid)) {
		guard->stats.clients_refused++;
		return -EUSERS;
	}
	connection->in_session = is_in_session(guard, sock);
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
	drop_connection(sock, connection->peer.uid);
	close_fd(connection->policy.fd);
	free(connection);
	if (session) {
		session->owner = NULL;
		session_end(session, true);
	}
}

/* While too much waits to be closed, or nothing can be opened, whoever comes waits in the backlog. */
static void accept_pause(struct guard *guard)
{
	guard->accept_at_ns = clock_mono_ns() + ACCEPT_PAUSE_NS;
	loop_rewatch(guard->epoll, &guard->control_listener, 0);
}

static uint64_t accept_tick(struct guard *guard, uint64_t now_ns)
{
	if (!guard->accept_at_ns || guard->accept_at_ns > now_ns)
		return guard->accept_at_ns;
	guard->accept_at_ns = 0;
	if (guard->spare_fd < 0)
		guard->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (guard->control_listener.fd >= 0)
		loop_rewatch(guard->epoll, &guard->control_listener, EPOLLIN);
	return 0;
}

/* Without descriptors a connection can be neither taken nor refused, and the loop would spin. */
static void refuse_without_fd(struct guard *guard, int listener)
{
	int sock;

	guard->spare_fd = close_fd(guard->spare_fd);
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock >= 0)
		drop_connection(sock, DISPOSAL_NOBODY);
	accept_pause(guard);
	guard->stats.clients_refused++;
}

void control_accept(struct source *source, uint32_t events)
{
	struct guard *guard = source_owner(source, struct guard, control_listener);
	int sock;

	(void)events;
	if (disposal_waiting() >= DISPOSAL_BUSY) {
		accept_pause(guard);
		return;
	}
	sock = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock < 0) {
		if (errno == EMFILE || errno == ENFILE)
			refuse_without_fd(guard, source->fd);
		return;
	}
	if (control_adopt(guard, sock, guard->private_guard ? CONN_ASKING : CONN_FRESH, NULL))
		drop_connection(sock, DISPOSAL_NOBODY);
}

uint64_t control_tick(struct guard *guard, uint64_t now_ns)
{
	uint64_t accept_ns = accept_tick(guard, now_ns),
		 stats_ns = control_stats_tick(guard, now_ns);

	if (!accept_ns || !stats_ns)
		return accept_ns ? accept_ns : stats_ns;
	return accept_ns < stats_ns ? accept_ns : stats_ns;
}
