/* SPDX-License-Identifier: BSD-2-Clause */
#include "recorder/query.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "abi/limits.h"
#include "abi/query.h"
#include "base/buf.h"
#include "base/disposal.h"
#include "base/ipc.h"
#include "record/reader.h"

#define CLIENTS_MAX 32
#define CLIENTS_OF_USER 8 /* at once; root has what is left, and never less than a few */
#define CLIENTS_OF_USERS (CLIENTS_MAX - 4)
#define FOLLOW_MS 100 /* how often followers are served what is new */
#define SLICE 64 /* entries that one client may skip before others get their turn */

struct client {
	int fd; /* -1: free */
	uint32_t user;
	bool asked;
	struct mf_query query;
	size_t query_got;
	struct log_source *source;
	bool at_end;
	bool answered; /* the end of the answer was put out */
	struct buf out;
};

struct query_server {
	int listen_fd, dir_fd, stop;
	pthread_t thread;
	uint64_t count;
	struct client clients[CLIENTS_MAX];
};

static void drop_client(struct client *client)
{
	shutdown(client->fd, SHUT_RDWR); /* the asker knows at once */
	disposal_close(client->fd, client->user);
	log_source_free(client->source);
	buf_free(&client->out);
	*client = (struct client){ .fd = -1 };
}

/* Nobody keeps others from asking by holding connections open. */
static bool has_room(const struct query_server *server, uint32_t user)
{
	size_t of_user = user ? disposal_under_way(user) : 0;
	size_t of_users = 0;

	for (size_t i = 0; user && i < CLIENTS_MAX; i++) {
		const struct client *client = &server->clients[i];

		of_users += client->fd >= 0 && client->user;
		of_user += client->fd >= 0 && client->user == user;
	}
	return of_user < CLIENTS_OF_USER && of_users < CLIENTS_OF_USERS;
}

static void take_client(struct query_server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer = { .uid = DISPOSAL_NOBODY };
	socklen_t size = sizeof(peer);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    !has_room(server, peer.uid)) {
		disposal_close(fd, DISPOSAL_NOBODY);
		return;
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &server->clients[i];

		if (client->fd >= 0)
			continue;
		client->fd = fd;
		client->user = peer.uid;
		return;
	}
	disposal_close(
		fd,
		DISPOSAL_NOBODY); /* too many at once: the client sees an end at once and may come again */
}

static int begin_answer(struct query_server *server, struct client *client)
{
	const struct mf_query *query = &client->query;

	if (query->version != MF_ABI_VERSION ||
	    (query->flags & ~(uint32_t)(MF_Q_FOLLOW | MF_Q_NO_PAST)))
		return -EBADMSG;
	client->asked = true;
	client->query.name[MF_NAME_LEN - 1] = '\0';
	__atomic_add_fetch(&server->count, 1, __ATOMIC_RELAXED);
	return query->flags & MF_Q_NO_PAST
		       ? log_source_dir_from_now(server->dir_fd, &client->source)
		       : log_source_dir(server->dir_fd, &client->source);
}

/* Reads the question; what comes behind it is not looked at. A question has no descriptors: the
 * kernel would close them within this thread's receive, which can wait. */
static int read_client(struct query_server *server, struct client *client)
{
	char rest[256];
	char *to = client->asked ? rest : (char *)&client->query + client->query_got;
	size_t size = client->asked ? sizeof(rest) : sizeof(client->query) - client->query_got;
	bool brings_fds;
	ssize_t got = ipc_peek(client->fd, to, size, &brings_fds);

	if (got == -EAGAIN)
		return 0;
	if (got <= 0 || brings_fds)
		return -ECONNRESET;
	got = recv(client->fd, to, (size_t)got, 0);
	if (got <= 0)
		return -ECONNRESET;
	if (client->asked)
		return 0;
	client->query_got += (size_t)got;
	return client->query_got == sizeof(client->query) ? begin_answer(server, client) : 0;
}

static bool may_see(const struct client *client, const struct log_entry *entry)
{
	struct entry_facts facts;
	char wanted[20];

	if (entry_facts(entry->json, entry->size, &facts) < 0)
		return false;
	if (!facts.session[0])
		/* about the log as a whole: a gap is everyone's, the rest is of no use */
		return entry->type == LOG_GAP || (!client->user && entry->type == LOG_SEGMENT &&
						  !client->query.session && !client->query.name[0]);
	if (client->user && facts.user != client->user)
		return false;
	if (client->query.name[0] && strcmp(client->query.name, facts.name))
		return false;
	snprintf(wanted, sizeof(wanted), "%016llx", (unsigned long long)client->query.session);
	return !client->query.session || !strcmp(wanted, facts.session);
}

static int put_entry(struct client *client, const struct log_entry *entry)
{
	struct log_head head = { .length = (uint32_t)entry->size,
				 .type = (uint16_t)entry->type,
				 .seq = entry->seq,
				 .time_ns = entry->time_ns };
	uint8_t encoded[LOG_HEAD_BYTES];
	int err;

	log_head_encode(&head, entry->json, encoded);
	err = buf_append(&client->out, encoded, sizeof(encoded));
	return err ? err : buf_append(&client->out, entry->json, entry->size);
}

static int put_end(struct client *client)
{
	static const char nothing[] = "{}";
	struct log_entry end = { .type = LOG_ANSWER_END, .json = nothing, .size = 2 };

	client->answered = true;
	return put_entry(client, &end);
}

/* Fills the empty out buffer with the next entry that the client may see. */
static int fill_client(struct client *client)
{
	struct log_entry entry;

	for (int i = 0; i < SLICE; i++) {
		int got = log_source_next(client->source, &entry);

		if (got < 0)
			return got;
		if (!got) {
			client->at_end = true;
			return client->query.flags & MF_Q_FOLLOW ? 0 : put_end(client);
		}
		client->at_end = false;
		if (may_see(client, &entry))
			return put_entry(client, &entry);
	}
	return 0;
}

static int write_client(struct client *client)
{
	while (buf_size(&client->out)) {
		ssize_t put = send(client->fd, buf_bytes(&client->out), buf_size(&client->out),
				   MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == EAGAIN ? 0 : -errno;
		buf_consume(&client->out, (size_t)put);
	}
	buf_reset(&client->out, 64 << 10);
	return 0;
}

static int serve_client(struct client *client)
{
	int err = write_client(client);

	if (err || !client->source || buf_size(&client->out))
		return err;
	if (client->answered)
		return -ENODATA;
	err = fill_client(client);
	return err ? err : write_client(client);
}

/* What to wait for; returns how long at most. */
static int prepare(const struct query_server *server, struct pollfd *watch)
{
	int timeout = -1;

	watch[0] = (struct pollfd){ .fd = server->stop, .events = POLLIN };
	watch[1] = (struct pollfd){ .fd = server->listen_fd, .events = POLLIN };
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &server->clients[i];
		struct pollfd *at = &watch[2 + i];

		*at = (struct pollfd){ .fd = client->fd, .events = POLLIN };
		if (client->fd < 0 || !client->source)
			continue;
		if (buf_size(&client->out))
			at->events |= POLLOUT;
		else if (client->at_end && !client->answered)
			timeout = timeout < 0 ? FOLLOW_MS : timeout;
		else
			timeout = 0;
	}
	return timeout;
}

static void *serve(void *data)
{
	struct query_server *server = data;
	struct pollfd watch[2 + CLIENTS_MAX];

	for (;;) {
		int timeout = prepare(server, watch);

		if (poll(watch, 2 + CLIENTS_MAX, timeout) < 0 && errno != EINTR)
			break;
		if (watch[0].revents)
			break;
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			struct client *client = &server->clients[i];
			int err = 0;

			if (client->fd < 0 || watch[2 + i].fd != client->fd)
				continue;
			if (watch[2 + i].revents & (POLLIN | POLLHUP | POLLERR))
				err = read_client(server, client);
			if (!err)
				err = serve_client(client);
			if (err)
				drop_client(client);
		}
		if (watch[1].revents & POLLIN)
			take_client(server);
	}
	return NULL;
}

int query_start(int listen_fd, int dir_fd, struct query_server **ret_server)
{
	_cleanup_fd_ int owned = listen_fd;
	struct query_server *server = calloc(1, sizeof(*server));
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	if (!server)
		return -ENOMEM;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		server->clients[i].fd = -1;
	server->listen_fd = listen_fd;
	server->dir_fd = dir_fd;
	server->stop = eventfd(0, EFD_CLOEXEC);
	if (server->stop < 0) {
		err = -errno;
		free(server);
		return err;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 << 10);
	err = -pthread_create(&server->thread, &attr, serve, server);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		close_fd(server->stop);
		free(server);
		return err;
	}
	take_fd(&owned);
	*ret_server = server;
	return 0;
}

void query_stop(struct query_server *server)
{
	uint64_t one = 1;

	if (!server)
		return;
	if (write(server->stop, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return; /* cannot be: an eventfd takes one */
	pthread_join(server->thread, NULL);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (server->clients[i].fd >= 0)
			drop_client(&server->clients[i]);
	disposal_close(server->listen_fd, DISPOSAL_NOBODY);
	close_fd(server->stop);
	free(server);
}

uint64_t query_count(const struct query_server *server)
{
	return server ? __atomic_load_n(&server->count, __ATOMIC_RELAXED) : 0;
}
