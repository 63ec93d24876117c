/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of a running session that somebody else than its owner asks for: another mode, or that it
 * reads its policy again. Whoever is in a session may not, whatever its user is.
 */

#include <errno.h>

#include "guard/control.h"
#include "guard/state.h"

static struct session *find(const struct connection *connection, uint64_t id)
{
	struct session *session = connection->guard->sessions;

	while (session && (session->id != id || !control_may_see(connection, session)))
		session = session->next;
	return session && session->phase == SESSION_LIVE ? session : NULL;
}

/* The owner reads it and brings it, or says that it is bad: `ps` tells which. */
static int ask_owner(struct session *session, const struct mf_c_mode *asked, uint32_t *ret_detail)
{
	if (session->policy.fd < 0) {
		*ret_detail = MF_D_NO_POLICY;
		return -ENODATA;
	}
	session->policy.error = 0;
	return session->owner ? ipc_send(session->owner->source.fd, asked, sizeof(*asked), NULL)
			      : -ENOTCONN;
}

static int carry_out(const struct connection *connection, const struct mf_c_mode *asked,
		     uint32_t *ret_detail)
{
	struct session *session = find(connection, asked->session);

	if (connection->in_session) {
		*ret_detail = MF_D_IN_SESSION;
		return -EPERM;
	}
	if (!session) {
		*ret_detail = MF_D_NO_SESSION;
		return -ESRCH;
	}
	return asked->head.kind == MF_C_MODE ? policy_mode(session, asked, ret_detail)
					     : ask_owner(session, asked, ret_detail);
}

int control_change(struct connection *connection, const struct mf_c_mode *asked)
{
	struct mf_control reply = { .version = MF_ABI_VERSION, .kind = asked->head.kind };

	reply.error = carry_out(connection, asked, &reply.detail);
	return control_send(connection, &reply, sizeof(reply), NULL);
}
