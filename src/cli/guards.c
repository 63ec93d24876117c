/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/guards.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/engines.h"
#include "base/ipc.h"

#define ANSWER_TIMEOUT_S 5

static const char *const state_names[] = {
	[MF_S_OBSERVING] = "observing",
	[MF_S_AUDIT_FAILURE] = "audit-failure",
	[MF_S_NO_RECORDER] = "no-recorder",
	[MF_S_ENDING] = "ending",
};

const char *guards_state_name(unsigned state)
{
	const char *name = state < ARRAY_LEN(state_names) ? state_names[state] : NULL;

	return name ? name : "unknown";
}

const char *guards_engine_name(unsigned engine)
{
	const char *word = engine ? engine_word(engine) : NULL;

	return word ? word : "none";
}

/* Every reply begins with struct mf_control; a shorter, longer or different one is none. */
static int ask(int sock, const void *request, size_t request_size, void *reply, size_t reply_size)
{
	_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;
	const struct mf_control *asked = request;
	const struct mf_control *head = reply;
	ssize_t size;
	int r = ipc_send(sock, request, request_size, NULL);

	if (r < 0)
		return r;
	size = ipc_recv(sock, reply, reply_size, &fds);
	if (size == 0)
		return -ECONNRESET;
	if (size < 0)
		return size == -EAGAIN ? -ETIMEDOUT : (int)size;
	if ((size_t)size < sizeof(*head) || head->version != MF_ABI_VERSION ||
	    head->kind != asked->kind)
		return -EPROTO;
	if (head->error)
		return head->error < 0 ? head->error : -EPROTO;
	return (size_t)size == reply_size ? 0 : -EPROTO;
}

static int ask_stats(int sock, const struct mf_c_hello_reply *guard, const struct guards_walk *walk)
{
	struct mf_c_list request = { .head = { MF_ABI_VERSION, MF_C_STATS, 0, 0 } };
	struct mf_c_stats_reply stats;
	int r = ask(sock, &request, sizeof(request), &stats, sizeof(stats));

	return r < 0 ? r : walk->guard(guard, &stats, walk->data);
}

static int ask_sessions(int sock, const struct mf_c_hello_reply *guard,
			const struct guards_walk *walk, size_t *sessions)
{
	for (unsigned index = 0; index < MF_SESSIONS_MAX; index++) {
		struct mf_c_list request = { .head = { MF_ABI_VERSION, MF_C_LIST, 0, 0 },
					     .index = index };
		struct mf_c_list_reply session;
		int r = ask(sock, &request, sizeof(request), &session, sizeof(session));

		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		/* the guard terminates them; a wrong guard must not make us read on */
		session.name[sizeof(session.name) - 1] = '\0';
		session.tenant[sizeof(session.tenant) - 1] = '\0';
		(*sessions)++;
		r = walk->session(guard, &session, walk->data);
		if (r < 0)
			return r;
	}
	return 0;
}

/* 1 asked, 0 nobody there, -errno. */
static int ask_guard(const char *path, const struct guards_walk *walk, size_t *sessions)
{
	const struct mf_c_hello hello = { .head = { MF_ABI_VERSION, MF_C_HELLO, 0, 0 } };
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	_cleanup_fd_ int sock = ipc_connect(path, SOCK_SEQPACKET);
	struct mf_c_hello_reply guard = { 0 };
	int r;

	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return 0;
	if (sock == -EACCES && geteuid() != 0) /* another user's private guard */
		return 0;
	if (sock < 0)
		return sock;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	r = ask(sock, &hello, sizeof(hello), &guard, sizeof(guard));
	if (r == -ECONNRESET) /* a private guard that was just ending */
		return 0;
	if (r < 0 && (guard.head.detail == MF_D_STATE_DIR ||
		      guard.head.detail == MF_D_LOG_FOREIGN)) /* it cannot record, but it answers */
		r = 0;
	if (r >= 0 && walk->guard)
		r = ask_stats(sock, &guard, walk);
	if (r >= 0 && walk->session)
		r = ask_sessions(sock, &guard, walk, sessions);
	return r < 0 ? r : 1;
}

/* A directory's name may hold what a pattern would take for its own. */
static int quote_pattern(struct buf *out, const char *path)
{
	int err = 0;

	for (; *path && !err; path++) {
		if (strchr("*?[\\", *path))
			err = buf_append_str(out, "\\");
		if (!err)
			err = buf_append(out, path, 1);
	}
	return err ? err : buf_append(out, "", 1);
}

int guards_ask(const char *run_dir, const struct guards_walk *walk, size_t *ret_sessions)
{
	static const char *const patterns[] = { "control.sock", "guard-*.sock" };
	_cleanup_buf_ struct buf quoted = { 0 };
	glob_t found = { 0 };
	size_t sessions = 0;
	int guards = 0, error = 0;

	if (quote_pattern(&quoted, run_dir) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		_cleanup_free_ char *pattern = NULL;

		if (asprintf(&pattern, "%s/%s", (const char *)buf_bytes(&quoted), patterns[i]) <
			    0 ||
		    glob(pattern, i ? GLOB_APPEND : 0, NULL, &found) == GLOB_NOSPACE) {
			globfree(&found);
			return -ENOMEM;
		}
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int r = ask_guard(found.gl_pathv[i], walk, &sessions);

		if (r < 0)
			error = r;
		else
			guards += r;
	}
	globfree(&found);
	if (error)
		return error;
	*ret_sessions = sessions;
	return guards;
}

/* --- one session --- */

struct finding {
	const char *run_dir, *wanted;
	struct guards_found *found;
	size_t count;
};

static int take_if_wanted(const struct mf_c_hello_reply *guard,
			  const struct mf_c_list_reply *session, void *data)
{
	struct finding *finding = data;
	struct guards_found *found = finding->found;
	char id[24];
	int size;

	snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)session->session);
	if (strcmp(finding->wanted, id) != 0 && strcmp(finding->wanted, session->name) != 0)
		return 0;
	finding->count++;
	found->session = *session;
	if (guard->private_guard)
		size = snprintf(found->path, sizeof(found->path), "%s/guard-%u.sock",
				finding->run_dir, guard->guard_pid);
	else
		size = snprintf(found->path, sizeof(found->path), "%s/control.sock",
				finding->run_dir);
	return size < (int)sizeof(found->path) ? 0 : -ENAMETOOLONG;
}

int guards_find(const char *run_dir, const char *wanted, struct guards_found *ret_found)
{
	struct finding finding = { .run_dir = run_dir, .wanted = wanted, .found = ret_found };
	struct guards_walk walk = { .session = take_if_wanted, .data = &finding };
	size_t sessions;
	int r = guards_ask(run_dir, &walk, &sessions);

	if (finding.count > 1)
		return -ENOTUNIQ;
	if (finding.count == 1)
		return 0;
	return r < 0 ? r : -ENOENT;
}

int guards_change(const struct guards_found *found, const struct mf_c_mode *request,
		  uint32_t *ret_detail)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	_cleanup_fd_ int sock = ipc_connect(found->path, SOCK_SEQPACKET);
	struct mf_control reply = { 0 };
	int r;

	*ret_detail = MF_D_NONE;
	if (sock < 0)
		return sock;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	r = ask(sock, request, sizeof(*request), &reply, sizeof(reply));
	*ret_detail = reply.detail;
	return r;
}
