/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/question.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define BIT_RW (MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE))
#define SOCKET_TYPE 0xf /* of SOCK_… | SOCK_NONBLOCK … */

static void ask(struct question *question, const struct policy_access *access)
{
	question->access[question->count++] = *access;
}

/* The text is what the kernel calls the object: absolute, or it is no path. */
static void ask_path(struct question *question, const struct event_view *event, int text,
		     uint32_t path_flags, uint8_t verbs)
{
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = verbs,
					.name = event->text[text],
					.name_size = event->text_size[text] };
	uint32_t pid = event->head->flags & MF_EVF_PROC_UNKNOWN ? 0 : event->head->pid;
	char *own = question->own[question->count];

	if (path_flags & (MF_PATH_CUT | MF_PATH_UNRESOLVED | MF_PATH_ANON) || !access.name_size ||
	    access.name[0] != '/') {
		question->no_path = true;
		return;
	}
	if (policy_proc_self(access.name, access.name_size, pid, own, &access.name_size))
		access.name = own;
	ask(question, &access);
}

static void ask_escape(struct question *question, enum mf_pol_escape escape)
{
	const struct policy_access access = { .kind = POLICY_ACCESS_ESCAPE, .escape = escape };

	ask(question, &access);
}

/* Code is asked for by its path; what has none (any more) is a way out by itself. */
static void ask_code(struct question *question, const struct event_view *event, uint32_t path_flags)
{
	if (path_flags & (MF_PATH_ANON | MF_PATH_DELETED))
		ask_escape(question, MF_POL_ANONYMOUS_EXEC);
	else
		ask_path(question, event, 0, path_flags, MF_POL_BIT(MF_POL_EXEC));
}

static void ask_open(struct question *question, const struct event_view *event)
{
	static const uint8_t by_mode[] = { MF_POL_BIT(MF_POL_READ), MF_POL_BIT(MF_POL_WRITE),
					   BIT_RW, BIT_RW };
	const struct mf_ev_file *file = event->body;
	uint32_t flags = file->how & MF_OPEN_FLAGS_KNOWN ? file->open_flags : O_RDONLY;
	uint8_t verbs = by_mode[flags & O_ACCMODE];

	/* a descriptor that nothing can be read from or written to: what is done by it has events */
	if (flags & O_PATH)
		return;
	/* pipes, sockets and memory that a process opens again through /proc are its own already */
	if (file->path_flags & MF_PATH_ANON)
		return;
	if (flags & (O_CREAT | O_TRUNC))
		verbs |= MF_POL_BIT(MF_POL_WRITE);
	/* what nobody can tell may be both, as it is taken where it is refused (bpf/decide_open.h) */
	question->flags_unknown = !(file->how & (MF_OPEN_FLAGS_KNOWN | MF_OPEN_IOURING));
	if (question->flags_unknown || file->how & MF_OPEN_IOURING)
		verbs = BIT_RW;
	ask_path(question, event, 0, file->path_flags, verbs);
}

static void ask_open_exec(struct question *question, const struct event_view *event)
{
	ask_code(question, event, ((const struct mf_ev_file *)event->body)->path_flags);
}

static void ask_exec(struct question *question, const struct event_view *event)
{
	ask_code(question, event, ((const struct mf_ev_exec *)event->body)->path_flags);
}

static void ask_map(struct question *question, const struct event_view *event)
{
	ask_code(question, event, ((const struct mf_ev_act *)event->body)->path_flags);
}

static void ask_change(struct question *question, const struct event_view *event)
{
	const struct mf_ev_change *change = event->body;

	ask_path(question, event, 0, change->path_flags, MF_POL_BIT(MF_POL_WRITE));
}

/* What has two names may be a directory, which the event does not say; by the new one what was under
 * the old one is read. */
static void ask_both(struct question *question, const struct event_view *event,
		     const uint8_t verbs[2])
{
	const struct mf_ev_change *change = event->body;

	ask_path(question, event, 0, change->path_flags, verbs[0]);
	if (change->path2_len || change->path2_flags)
		ask_path(question, event, 1, change->path2_flags, verbs[1]);
	for (size_t i = 0; i < question->count; i++)
		question->access[i].whole_tree = true;
}

static void ask_rename(struct question *question, const struct event_view *event)
{
	ask_both(question, event, (const uint8_t[]){ BIT_RW, MF_POL_BIT(MF_POL_WRITE) });
}

/* The second name is what a link is of, where the engine tells. */
static void ask_create(struct question *question, const struct event_view *event)
{
	const struct mf_ev_change *change = event->body;

	if (change->path2_len || change->path2_flags)
		ask_both(question, event, (const uint8_t[]){ MF_POL_BIT(MF_POL_WRITE), BIT_RW });
	else
		ask_change(question, event);
}

static void ask_address(struct question *question, const struct event_view *event, uint8_t verbs)
{
	const struct mf_ev_net *net = event->body;
	struct policy_access access = { .kind = POLICY_ACCESS_ADDRESS,
					.verbs = verbs,
					.family = net->family == 6 ? 6 : 4,
					.port = net->port };

	memcpy(access.addr, net->addr, access.family == 6 ? 16 : 4);
	ask(question, &access);
}

static void ask_connect(struct question *question, const struct event_view *event)
{
	ask_address(question, event, MF_POL_BIT(MF_POL_CONNECT));
}

static void ask_bind(struct question *question, const struct event_view *event)
{
	ask_address(question, event, MF_POL_BIT(MF_POL_LISTEN));
}

/* One that is bound was asked about then. One that is not has no port yet: this binds it to any. */
static void ask_listen(struct question *question, const struct event_view *event)
{
	const struct mf_ev_net *net = event->body;

	if (!net->port)
		ask_bind(question, event);
}

static void ask_abstract(struct question *question, const struct event_view *event, uint8_t verbs)
{
	const struct policy_access abstract = { .kind = POLICY_ACCESS_ABSTRACT,
						.verbs = verbs,
						.name = event->text[1],
						.name_size = event->text_size[1] };

	ask(question, &abstract);
}

static void ask_unix_bind(struct question *question, const struct event_view *event)
{
	ask_abstract(question, event, MF_POL_BIT(MF_POL_LISTEN));
}

static void ask_unix(struct question *question, const struct event_view *event)
{
	const struct mf_ev_act *act = event->body;

	if (act->name_len)
		ask_abstract(question, event, MF_POL_BIT(MF_POL_CONNECT));
	else if (act->path_len)
		ask_path(question, event, 0, act->path_flags, MF_POL_BIT(MF_POL_CONNECT));
	/* neither: a pair, or a peer without a name, which the process was handed */
}

static void ask_socket(struct question *question, const struct event_view *event)
{
	const struct mf_ev_act *act = event->body;
	bool internet = act->number == AF_INET || act->number == AF_INET6;
	uint32_t type = act->value >> 32 & SOCKET_TYPE, protocol = (uint32_t)act->value;
	bool raw = act->number == AF_PACKET || act->number == AF_XDP ||
		   (internet &&
		    (type == SOCK_RAW || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6));

	ask_escape(question, raw ? MF_POL_RAW_SOCKETS : MF_POL_OTHER_SOCKETS);
}

/* A kind that is not here is not decided about: a fork, an exit, what was asked about when it was
 * begun (accept, tcp-open, tcp-fail), a file that was handed over. */
static const struct {
	void (*ask)(struct question *question, const struct event_view *event);
	enum mf_pol_escape escape; /* where is_escape */
	bool is_escape;
} kinds[MF_EV_KIND_MAX] = {
	[MF_EV_EXEC] = { .ask = ask_exec },
	[MF_EV_OPEN] = { .ask = ask_open },
	[MF_EV_OPEN_EXEC] = { .ask = ask_open_exec },
	[MF_EV_CREATE] = { .ask = ask_create },
	[MF_EV_DELETE] = { .ask = ask_change },
	[MF_EV_RENAME] = { .ask = ask_rename },
	[MF_EV_ATTRIB] = { .ask = ask_change },
	[MF_EV_TRUNCATE] = { .ask = ask_change },
	[MF_EV_CONNECT] = { .ask = ask_connect },
	[MF_EV_SEND] = { .ask = ask_connect },
	[MF_EV_SEND_ON] = { .ask = ask_connect },
	[MF_EV_BIND] = { .ask = ask_bind },
	[MF_EV_LISTEN] = { .ask = ask_listen },
	[MF_EV_TCP_SYN] = { .ask = ask_connect },
	[MF_EV_MAP_EXEC] = { .ask = ask_map },
	[MF_EV_UNIX_CONNECT] = { .ask = ask_unix },
	[MF_EV_UNIX_SEND] = { .ask = ask_unix },
	[MF_EV_SOCKET] = { .ask = ask_socket },
	[MF_EV_MOUNT] = { .escape = MF_POL_MOUNT, .is_escape = true },
	[MF_EV_MOVE_MOUNT] = { .escape = MF_POL_MOUNT, .is_escape = true },
	[MF_EV_PIVOT_ROOT] = { .escape = MF_POL_MOUNT, .is_escape = true },
	[MF_EV_CHROOT] = { .escape = MF_POL_CHROOT, .is_escape = true },
	[MF_EV_USERNS] = { .escape = MF_POL_NAMESPACES, .is_escape = true },
	[MF_EV_PTRACE] = { .escape = MF_POL_PTRACE, .is_escape = true },
	[MF_EV_KILL] = { .escape = MF_POL_SIGNAL, .is_escape = true },
	[MF_EV_BPF] = { .escape = MF_POL_BPF, .is_escape = true },
	[MF_EV_MODULE] = { .escape = MF_POL_MODULES, .is_escape = true },
	[MF_EV_KERNEL_READ] = { .escape = MF_POL_MODULES, .is_escape = true },
	[MF_EV_PERF] = { .escape = MF_POL_PERF, .is_escape = true },
	[MF_EV_URING] = { .escape = MF_POL_IO_URING, .is_escape = true },
	[MF_EV_UMOUNT] = { .escape = MF_POL_MOUNT, .is_escape = true },
	[MF_EV_NAMESPACES] = { .escape = MF_POL_NAMESPACES, .is_escape = true },
	[MF_EV_CGROUP] = { .escape = MF_POL_CGROUP, .is_escape = true },
	[MF_EV_KEYS] = { .escape = MF_POL_KEYS, .is_escape = true },
	[MF_EV_USERFAULTFD] = { .escape = MF_POL_USERFAULTFD, .is_escape = true },
	[MF_EV_DEVICE] = { .escape = MF_POL_HANDLES, .is_escape = true },
	[MF_EV_TERMINAL] = { .escape = MF_POL_SIGNAL, .is_escape = true },
	[MF_EV_SOURCE_ROUTE] = { .escape = MF_POL_RAW_SOCKETS, .is_escape = true },
	[MF_EV_UNIX_BIND] = { .ask = ask_unix_bind },
};

void question_of(const struct event_view *event, struct question *ret_question)
{
	unsigned kind = event->head->kind;

	ret_question->count = 0;
	ret_question->no_path = ret_question->flags_unknown = false;
	if (kind >= ARRAY_LEN(kinds))
		return;
	if (kinds[kind].ask)
		kinds[kind].ask(ret_question, event);
	else if (kinds[kind].is_escape)
		ask_escape(ret_question, kinds[kind].escape);
}

static void keep_stricter(struct answer *answer, const struct policy_decision *decision,
			  uint8_t reason)
{
	if (answer->reason && answer->decision.verdict <= decision->verdict)
		return;
	answer->decision = *decision;
	answer->reason = reason;
}

/* No line can be about it, so none allows it: as what no line allows is, by the block's mode. */
static void decide_no_path(const struct policy *policy, const struct policy_state *state,
			   struct answer *answer)
{
	const struct policy_access access = { .kind = POLICY_ACCESS_ESCAPE,
					      .escape = MF_POL_ESCAPE_MAX }; /* no line allows it */
	struct policy_decision decision;

	policy_decide(policy, state, &access, &decision);
	decision.rule = 0;
	keep_stricter(answer, &decision, QUESTION_NO_PATH);
}

static void answer_of_anybody(const struct policy *policy, const struct policy_state *state,
			      const struct question *question, struct answer *answer)
{
	struct policy_state nobody = *state;
	struct policy_weights weights;

	nobody.request_count = 0;
	for (size_t i = 0; i < question->count; i++) {
		policy_weigh(policy, &nobody, &question->access[i], &weights);
		if (weights.denial.reason && weights.denial.verdict <= MF_WOULD_DENY)
			keep_stricter(answer, &weights.denial, (uint8_t)weights.denial.reason);
		if (weights.ceiling.reason && weights.ceiling.verdict <= MF_WOULD_DENY)
			keep_stricter(answer, &weights.ceiling, (uint8_t)weights.ceiling.reason);
	}
	if (!answer->reason && (question->count || question->no_path))
		answer->reason = QUESTION_NO_CALL;
}

void question_answer(const struct policy *policy, const struct policy_state *state,
		     const struct question *question, bool calls_known, struct answer *ret_answer)
{
	struct answer answer = { .decision.verdict = MF_OBSERVED, .decision.request = UINT32_MAX };
	struct policy_decision decision;

	if (!calls_known) {
		answer_of_anybody(policy, state, question, &answer);
		*ret_answer = answer;
		return;
	}
	for (size_t i = 0; i < question->count; i++) {
		policy_decide(policy, state, &question->access[i], &decision);
		keep_stricter(&answer, &decision, (uint8_t)decision.reason);
	}
	if (question->no_path)
		decide_no_path(policy, state, &answer);
	*ret_answer = answer;
}
