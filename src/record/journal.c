/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/journal.h"

#include <errno.h>

#include "base/cleanup.h"

static const size_t body_sizes[] = {
	[MF_J_BEGIN] = sizeof(struct mf_j_begin),	[MF_J_END] = sizeof(struct mf_j_end),
	[MF_J_CANCEL] = sizeof(struct mf_j_ref),	[MF_J_IDENTIFY] = sizeof(struct mf_j_begin),
	[MF_J_TOOL] = sizeof(struct mf_j_tool),		[MF_J_SERVER] = sizeof(struct mf_j_server),
	[MF_J_COUNTERS] = sizeof(struct mf_j_counters), [MF_J_EXIT] = sizeof(struct mf_j_exit),
	[MF_J_RESUME] = sizeof(struct mf_j_begin),	[MF_J_GRANTS] = sizeof(struct mf_j_grants),
};

static void text_sizes(struct journal_view *entry)
{
	const struct mf_j_begin *begin = entry->body;
	const struct mf_j_end *end = entry->body;
	const struct mf_j_tool *tool = entry->body;
	const struct mf_j_server *server = entry->body;
	const struct mf_j_grants *grants = entry->body;
	size_t *size = entry->text_size;

	switch (entry->head->kind) {
	case MF_J_BEGIN:
	case MF_J_IDENTIFY:
	case MF_J_RESUME:
		size[0] = begin->id_len;
		size[1] = begin->tool_len;
		size[2] = begin->args_len;
		size[3] = begin->trace_len;
		size[4] = begin->method_len;
		break;
	case MF_J_GRANTS:
		size[0] = grants->image_len;
		break;
	case MF_J_END:
		size[0] = end->text_len;
		break;
	case MF_J_TOOL:
		size[0] = tool->name_len;
		break;
	case MF_J_SERVER:
		size[0] = server->name_len;
		size[1] = server->version_len;
		size[2] = server->protocol_len;
		break;
	default:
		break;
	}
}

int journal_next(const void *packet, size_t size, size_t *offset, struct journal_view *ret_entry)
{
	struct journal_view entry = { .head = (const void *)((const char *)packet + *offset) };
	const struct mf_journal_entry *head = entry.head;
	const char *text;
	size_t left;

	if (*offset == size)
		return 0;
	if (*offset > size || size - *offset < sizeof(*head))
		return -EBADMSG;
	if (head->version != MF_ABI_VERSION || head->kind >= ARRAY_LEN(body_sizes) ||
	    !body_sizes[head->kind])
		return -EBADMSG;
	if (head->size % 8 || head->size > size - *offset ||
	    head->size < sizeof(*head) + body_sizes[head->kind])
		return -EBADMSG;
	entry.body = head + 1;
	text_sizes(&entry);
	text = (const char *)entry.body + body_sizes[head->kind];
	left = head->size - sizeof(*head) - body_sizes[head->kind];
	for (size_t i = 0; i < JOURNAL_TEXTS; i++) {
		if (entry.text_size[i] > left)
			return -EBADMSG;
		entry.text[i] = text;
		text += entry.text_size[i];
		left -= entry.text_size[i];
	}
	*offset += head->size;
	*ret_entry = entry;
	return 1;
}
