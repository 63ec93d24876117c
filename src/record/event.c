/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/event.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const struct event_kind kinds[] = {
	[MF_EV_FORK] = { "fork", BODY_FORK },
	[MF_EV_EXEC] = { "exec", BODY_EXEC },
	[MF_EV_EXIT] = { "exit", BODY_EXIT },
	[MF_EV_OPEN] = { "open", BODY_FILE },
	[MF_EV_OPEN_EXEC] = { "open-exec", BODY_FILE },
	[MF_EV_CREATE] = { "create", BODY_CHANGE },
	[MF_EV_DELETE] = { "delete", BODY_CHANGE },
	[MF_EV_RENAME] = { "rename", BODY_CHANGE },
	[MF_EV_ATTRIB] = { "attrib", BODY_CHANGE },
	[MF_EV_CONNECT] = { "connect", BODY_NET },
	[MF_EV_SEND] = { "send", BODY_NET },
	[MF_EV_BIND] = { "bind", BODY_NET },
	[MF_EV_LISTEN] = { "listen", BODY_NET },
	[MF_EV_TCP_SYN] = { "tcp-syn", BODY_NET },
	[MF_EV_TCP_OPEN] = { "tcp-open", BODY_NET },
	[MF_EV_TCP_FAIL] = { "tcp-fail", BODY_NET },
	[MF_EV_MOUNT_GAP] = { "mount-gap", BODY_CHANGE },
	[MF_EV_TRUNCATE] = { "truncate", BODY_CHANGE },
	[MF_EV_MAP_EXEC] = { "map-exec", BODY_ACT },
	[MF_EV_UNIX_CONNECT] = { "unix-connect", BODY_ACT },
	[MF_EV_UNIX_SEND] = { "unix-send", BODY_ACT },
	[MF_EV_ACCEPT] = { "accept", BODY_NET },
	[MF_EV_SOCKET] = { "socket", BODY_ACT },
	[MF_EV_MOUNT] = { "mount", BODY_ACT },
	[MF_EV_MOVE_MOUNT] = { "move-mount", BODY_ACT },
	[MF_EV_PIVOT_ROOT] = { "pivot-root", BODY_ACT },
	[MF_EV_CHROOT] = { "chroot", BODY_ACT },
	[MF_EV_USERNS] = { "userns", BODY_ACT },
	[MF_EV_PTRACE] = { "ptrace", BODY_ACT },
	[MF_EV_KILL] = { "kill", BODY_ACT },
	[MF_EV_BPF] = { "bpf", BODY_ACT },
	[MF_EV_MODULE] = { "module", BODY_ACT },
	[MF_EV_KERNEL_READ] = { "kernel-read", BODY_ACT },
	[MF_EV_PERF] = { "perf", BODY_ACT },
	[MF_EV_URING] = { "io-uring", BODY_ACT },
	[MF_EV_FILE_RECEIVE] = { "file-receive", BODY_ACT },
	[MF_EV_SEND_ON] = { "send", BODY_SEND_ON },
	[MF_EV_UMOUNT] = { "umount", BODY_ACT },
	[MF_EV_NAMESPACES] = { "namespaces", BODY_ACT },
	[MF_EV_CGROUP] = { "cgroup", BODY_ACT },
	[MF_EV_KEYS] = { "keys", BODY_ACT },
	[MF_EV_USERFAULTFD] = { "userfaultfd", BODY_ACT },
	[MF_EV_DEVICE] = { "device", BODY_ACT },
	[MF_EV_TERMINAL] = { "terminal", BODY_ACT },
	[MF_EV_SOURCE_ROUTE] = { "source-route", BODY_ACT },
	[MF_EV_UNIX_BIND] = { "unix-bind", BODY_ACT },
};
_Static_assert(ARRAY_LEN(kinds) == MF_EV_KIND_MAX, "a row for every kind");

/* of each body: its size, and the byte ranges that two equal events have in common */
static const struct body_layout {
	size_t size;
	struct {
		size_t from, size;
	} same[4];
} bodies[] = {
	[BODY_FORK] = { sizeof(struct mf_ev_fork), { { 0, sizeof(struct mf_ev_fork) } } },
	[BODY_EXEC] = { sizeof(struct mf_ev_exec),
			{ { offsetof(struct mf_ev_exec, argv_total),
			    sizeof(struct mf_ev_exec) -
				    offsetof(struct mf_ev_exec, argv_total) } } },
	[BODY_EXIT] = { sizeof(struct mf_ev_exit), { { 0, sizeof(struct mf_ev_exit) } } },
	[BODY_FILE] = { sizeof(struct mf_ev_file),
			{ { offsetof(struct mf_ev_file, open_flags),
			    sizeof(struct mf_ev_file) -
				    offsetof(struct mf_ev_file, open_flags) } } },
	[BODY_CHANGE] = { sizeof(struct mf_ev_change), { { 0, sizeof(struct mf_ev_change) } } },
	[BODY_ACT] = { sizeof(struct mf_ev_act), { { 0, sizeof(struct mf_ev_act) } } },
	[BODY_NET] = { sizeof(struct mf_ev_net),
		       { { offsetof(struct mf_ev_net, addr), 16 },
			 { offsetof(struct mf_ev_net, port), 2 },
			 { offsetof(struct mf_ev_net, family), 4 } } },
	[BODY_SEND_ON] = { sizeof(struct mf_ev_send_on),
			   { { offsetof(struct mf_ev_net, addr), 16 },
			     { offsetof(struct mf_ev_net, port), 2 },
			     { offsetof(struct mf_ev_net, family), 4 },
			     { sizeof(struct mf_ev_net),
			       sizeof(struct mf_ev_send_on) - sizeof(struct mf_ev_net) } } },
};
_Static_assert(offsetof(struct mf_ev_send_on, net) == 0, "a net, and more");

const struct event_kind *event_kind(unsigned kind)
{
	return kind < ARRAY_LEN(kinds) && kinds[kind].name ? &kinds[kind] : NULL;
}

static void text_sizes(enum event_body kind, const void *body, size_t *first, size_t *second)
{
	const struct mf_ev_exec *exec = body;
	const struct mf_ev_file *file = body;
	const struct mf_ev_change *change = body;
	const struct mf_ev_act *act = body;

	*first = *second = 0;
	switch (kind) {
	case BODY_EXEC:
		*first = exec->exe_len;
		*second = exec->argv_len;
		break;
	case BODY_FILE:
		*first = file->path_len;
		break;
	case BODY_CHANGE:
		*first = change->path_len;
		*second = change->path2_len;
		break;
	case BODY_ACT:
		*first = act->path_len;
		*second = act->name_len;
		break;
	case BODY_FORK:
	case BODY_EXIT:
	case BODY_NET:
	case BODY_SEND_ON:
		break;
	}
}

int event_parse(const void *record, size_t size, struct event_view *ret_event)
{
	const struct mf_event *head = record;
	struct event_view event = { .head = head };
	const struct event_kind *kind;
	size_t left;

	if (size < sizeof(*head))
		return -EBADMSG;
	if (head->version != MF_ABI_VERSION)
		return -ENOTSUP;
	kind = event_kind(head->kind);
	if (!kind)
		return -ENOTSUP;
	if (head->size > size || head->size < sizeof(*head))
		return -EBADMSG;
	event.body = head + 1;
	event.body_size = bodies[kind->body].size;
	left = head->size - sizeof(*head);
	if (left < event.body_size)
		return -EBADMSG;
	left -= event.body_size;
	text_sizes(kind->body, event.body, &event.text_size[0], &event.text_size[1]);
	if (event.text_size[0] > left || event.text_size[1] > left - event.text_size[0])
		return -EBADMSG;
	event.text[0] = (const char *)event.body + event.body_size;
	event.text[1] = event.text[0] + event.text_size[0];
	*ret_event = event;
	return 0;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xe7037ed1a0b428dbULL);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
	const uint8_t *at = bytes;
	uint64_t hash = mix(seed, size);
	uint64_t word;

	for (; size >= 8; size -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash = mix(hash, word);
	}
	if (size) {
		word = 0;
		memcpy(&word, at, size);
		hash = mix(hash, word);
	}
	return hash;
}

uint64_t event_hash(const struct event_view *event, uint64_t seed)
{
	const struct body_layout *layout = &bodies[kinds[event->head->kind].body];
	uint64_t hash = mix(seed, event->head->kind);

	for (size_t i = 0; i < ARRAY_LEN(layout->same) && layout->same[i].size; i++)
		hash = hash_bytes((const char *)event->body + layout->same[i].from,
				  layout->same[i].size, hash);
	return hash_bytes(event->text[0], event->text_size[0] + event->text_size[1], hash);
}

bool event_same(const struct event_view *event, const void *body, const char *texts)
{
	const struct body_layout *layout = &bodies[kinds[event->head->kind].body];

	/* the lengths of the texts lie in a compared range: they are equal when the texts are
	 * looked at */
	for (size_t i = 0; i < ARRAY_LEN(layout->same) && layout->same[i].size; i++)
		if (memcmp((const char *)event->body + layout->same[i].from,
			   (const char *)body + layout->same[i].from, layout->same[i].size))
			return false;
	return !memcmp(event->text[0], texts, event->text_size[0] + event->text_size[1]);
}

void event_texts(unsigned kind, const void *body, size_t *ret_body_size, size_t *ret_first,
		 size_t *ret_second)
{
	*ret_body_size = bodies[kinds[kind].body].size;
	text_sizes(kinds[kind].body, body, ret_first, ret_second);
}
