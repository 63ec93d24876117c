/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "policy/proc_self.h"

#define BIT_RW (MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE))
#define ACCESSES_MAX 2 /* of one event: both names of a rename */

int session_policy_new(const struct mf_r_session *said, const struct policy *view, void *bytes,
		       struct session_policy **ret_policy)
{
	struct session_policy *policy = calloc(1, sizeof(*policy));

	if (!policy) {
		free(bytes);
		return -ENOMEM;
	}
	policy->view = *view;
	policy->bytes = bytes;
	/* nothing here refuses anything */
	policy->mode = said->policy_mode > MF_POL_AUDIT ? MF_POL_AUDIT
							: (enum mf_pol_mode)said->policy_mode;
	policy->generation = said->policy_generation;
	memcpy(policy->name, said->policy_name, sizeof(policy->name) - 1);
	*ret_policy = policy;
	return 0;
}

void session_policy_free(struct session_policy *policy)
{
	if (!policy)
		return;
	free(policy->bytes);
	free(policy);
}

/* What an event asks of a policy: some accesses, all of which must be allowed; or nothing. */
struct question {
	struct policy_access access[ACCESSES_MAX];
	size_t count;
	bool no_path; /* its object has none */
};

static void ask(struct question *question, const struct policy_access *access)
{
	question->access[question->count++] = *access;
}

/* The text is what the kernel calls the object: absolute, or it is no path. */
static void ask_path(struct question *question, const char *path, size_t size, uint32_t path_flags,
		     uint8_t verbs)
{
	const struct policy_access access = {
		.kind = POLICY_ACCESS_PATH, .verbs = verbs, .name = path, .name_size = size
	};

	if (path_flags & (MF_PATH_CUT | MF_PATH_UNRESOLVED | MF_PATH_ANON) || !size ||
	    path[0] != '/')
		question->no_path = true;
	else
		ask(question, &access);
}

static void ask_escape(struct question *question, enum mf_pol_escape escape)
{
	const struct policy_access access = { .kind = POLICY_ACCESS_ESCAPE, .escape = escape };

	ask(question, &access);
}

static uint8_t open_verbs(const struct mf_ev_file *file)
{
	static const uint8_t by_mode[] = { MF_POL_BIT(MF_POL_READ), MF_POL_BIT(MF_POL_WRITE),
					   BIT_RW, BIT_RW };
	uint32_t flags = file->open_flags;

	if (file->how & MF_OPEN_IOURING)
		return BIT_RW;
	if (!(file->how & MF_OPEN_FLAGS_KNOWN)) /* what is not known is not guessed */
		return MF_POL_BIT(MF_POL_READ);
	return by_mode[flags & O_ACCMODE] |
	       (flags & (O_CREAT | O_TRUNC) ? MF_POL_BIT(MF_POL_WRITE) : 0);
}

static void ask_open(struct question *question, const struct event_view *event)
{
	const struct mf_ev_file *file = event->body;
	uint8_t verbs = event->head->kind == MF_EV_OPEN_EXEC ? MF_POL_BIT(MF_POL_EXEC)
							     : open_verbs(file);

	/* a descriptor that nothing can be read from or written to: what is done by it has events */
	if (file->how & MF_OPEN_FLAGS_KNOWN && file->open_flags & O_PATH)
		return;
	/* pipes, sockets and memory that a process opens again through /proc are its own already */
	if (file->path_flags & MF_PATH_ANON && event->head->kind == MF_EV_OPEN)
		return;
	ask_path(question, event->text[0], event->text_size[0], file->path_flags, verbs);
}

static void ask_exec(struct question *question, const struct event_view *event)
{
	const struct mf_ev_exec *exec = event->body;

	if (exec->path_flags & (MF_PATH_ANON | MF_PATH_DELETED))
		ask_escape(question, MF_POL_ANONYMOUS_EXEC);
	else
		ask_path(question, event->text[0], event->text_size[0], exec->path_flags,
			 MF_POL_BIT(MF_POL_EXEC));
}

static void ask_change(struct question *question, const struct event_view *event)
{
	const struct mf_ev_change *change = event->body;

	if (event->head->kind == MF_EV_MOUNT_GAP)
		return;
	ask_path(question, event->text[0], event->text_size[0], change->path_flags,
		 MF_POL_BIT(MF_POL_WRITE));
	if (!change->path2_len)
		return;
	ask_path(question, event->text[1], event->text_size[1], change->path2_flags,
		 MF_POL_BIT(MF_POL_WRITE));
	/* what moved may be a directory: the event does not say */
	for (size_t i = 0; i < question->count; i++)
		question->access[i].whole_tree = true;
}

static void ask_net(struct question *question, const struct event_view *event)
{
	const struct mf_ev_net *net = event->body;
	bool local = event->head->kind == MF_EV_BIND || event->head->kind == MF_EV_LISTEN;
	struct policy_access access = { .kind = POLICY_ACCESS_ADDRESS,
					.verbs = MF_POL_BIT(local ? MF_POL_LISTEN : MF_POL_CONNECT),
					.family = net->family,
					.port = net->port };

	/* asked about when it was: what came in, what a connection came to */
	if (event->head->kind == MF_EV_ACCEPT || event->head->kind == MF_EV_TCP_OPEN ||
	    event->head->kind == MF_EV_TCP_FAIL)
		return;
	memcpy(access.addr, net->addr, sizeof(access.addr));
	ask(question, &access);
}

static void ask_unix(struct question *question, const struct event_view *event)
{
	const struct mf_ev_act *act = event->body;
	const struct policy_access abstract = { .kind = POLICY_ACCESS_ABSTRACT,
						.verbs = MF_POL_BIT(MF_POL_CONNECT),
						.name = event->text[1],
						.name_size = event->text_size[1] };

	if (act->name_len)
		ask(question, &abstract);
	else if (act->path_len)
		ask_path(question, event->text[0], event->text_size[0], act->path_flags,
			 MF_POL_BIT(MF_POL_CONNECT));
	/* neither: a pair, or a peer without a name, which the process was handed */
}

static void ask_socket(struct question *question, const struct event_view *event)
{
	const struct mf_ev_act *act = event->body;
	bool raw = act->number == AF_INET || act->number == AF_INET6 || act->number == AF_PACKET ||
		   act->number == AF_XDP;

	ask_escape(question, raw ? MF_POL_RAW_SOCKETS : MF_POL_OTHER_SOCKETS);
}

static void ask_map(struct question *question, const struct event_view *event)
{
	const struct mf_ev_act *act = event->body;

	if (act->path_flags & (MF_PATH_ANON | MF_PATH_DELETED))
		ask_escape(question, MF_POL_ANONYMOUS_EXEC);
	else
		ask_path(question, event->text[0], event->text_size[0], act->path_flags,
			 MF_POL_BIT(MF_POL_EXEC));
}

/* A kind that is not here is not decided about. */
static const struct {
	void (*ask)(struct question *question, const struct event_view *event);
	enum mf_pol_escape escape; /* without `ask` */
} kinds[MF_EV_KIND_MAX] = {
	[MF_EV_EXEC] = { .ask = ask_exec },
	[MF_EV_OPEN] = { .ask = ask_open },
	[MF_EV_OPEN_EXEC] = { .ask = ask_open },
	[MF_EV_CREATE] = { .ask = ask_change },
	[MF_EV_DELETE] = { .ask = ask_change },
	[MF_EV_RENAME] = { .ask = ask_change },
	[MF_EV_ATTRIB] = { .ask = ask_change },
	[MF_EV_TRUNCATE] = { .ask = ask_change },
	[MF_EV_CONNECT] = { .ask = ask_net },
	[MF_EV_SEND] = { .ask = ask_net },
	[MF_EV_SEND_ON] = { .ask = ask_net },
	[MF_EV_BIND] = { .ask = ask_net },
	[MF_EV_LISTEN] = { .ask = ask_net },
	[MF_EV_TCP_SYN] = { .ask = ask_net },
	[MF_EV_MAP_EXEC] = { .ask = ask_map },
	[MF_EV_UNIX_CONNECT] = { .ask = ask_unix },
	[MF_EV_UNIX_SEND] = { .ask = ask_unix },
	[MF_EV_SOCKET] = { .ask = ask_socket },
	[MF_EV_MOUNT] = { .escape = MF_POL_MOUNT },
	[MF_EV_MOVE_MOUNT] = { .escape = MF_POL_MOUNT },
	[MF_EV_PIVOT_ROOT] = { .escape = MF_POL_MOUNT },
	[MF_EV_CHROOT] = { .escape = MF_POL_CHROOT },
	[MF_EV_USERNS] = { .escape = MF_POL_NAMESPACES },
	[MF_EV_PTRACE] = { .escape = MF_POL_PTRACE },
	[MF_EV_KILL] = { .escape = MF_POL_SIGNAL },
	[MF_EV_BPF] = { .escape = MF_POL_BPF },
	[MF_EV_MODULE] = { .escape = MF_POL_MODULES },
	[MF_EV_KERNEL_READ] = { .escape = MF_POL_MODULES },
	[MF_EV_PERF] = { .escape = MF_POL_PERF },
	[MF_EV_URING] = { .escape = MF_POL_IO_URING },
};

static bool is_act(unsigned kind)
{
	return kind >= MF_EV_MOUNT && kind <= MF_EV_URING;
}

static struct verdict of_decision(const struct policy_decision *decision)
{
	return (struct verdict){ .verdict = (uint8_t)decision->verdict,
				 .reason = (uint8_t)decision->reason,
				 .verb = decision->verb,
				 .rule = decision->rule,
				 .block = decision->block };
}

/* No line can be about it, so none allows it: as what no line allows is, by the block's mode. */
static struct verdict of_no_path(const struct session_policy *policy,
				 const struct policy_state *state)
{
	const struct policy_access access = { .kind = POLICY_ACCESS_ESCAPE,
					      .escape = MF_POL_ESCAPE_MAX }; /* no line allows it */
	struct policy_decision decision;
	struct verdict verdict;

	policy_decide(&policy->view, state, &access, &decision);
	verdict = of_decision(&decision);
	verdict.reason = VERDICT_NO_PATH;
	verdict.rule = 0;
	return verdict;
}

/* A path in the process's own /proc is decided as one in /proc/self. */
static void decide_one(const struct session_policy *policy, const struct policy_state *state,
		       const struct mf_event *head, struct policy_access access,
		       struct policy_decision *ret_decision)
{
	char own[POLICY_PROC_SELF_MAX];
	uint32_t pid = head->flags & MF_EVF_PROC_UNKNOWN ? 0 : head->pid;

	if (access.kind == POLICY_ACCESS_PATH &&
	    policy_proc_self(access.name, access.name_size, pid, own, &access.name_size))
		access.name = own;
	policy_decide(&policy->view, state, &access, ret_decision);
}

struct verdict verdict_of(const struct session_policy *policy, const struct event_view *event,
			  const struct policy_request *requests, size_t count)
{
	const struct policy_state state = { .requests = requests,
					    .request_count = count,
					    .mode = policy->mode };
	unsigned kind = event->head->kind;
	struct question question = { .count = 0 };
	struct verdict verdict = VERDICT_NONE;
	struct policy_decision decision;

	if (kinds[kind].ask)
		kinds[kind].ask(&question, event);
	else if (is_act(kind))
		ask_escape(&question, kinds[kind].escape);
	for (size_t i = 0; i < question.count; i++) {
		decide_one(policy, &state, event->head, question.access[i], &decision);
		if (!i || decision.verdict < verdict.verdict)
			verdict = of_decision(&decision);
	}
	if (question.no_path && (!question.count || verdict.verdict > MF_WOULD_DENY))
		verdict = of_no_path(policy, &state);
	return verdict;
}
