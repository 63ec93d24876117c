/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/entries.h"

#include <string.h>

struct part {
	const void *data;
	size_t size;
};

static int entry_make(struct mf_journal_entry *head, const struct part *parts, size_t count,
		      struct buf *out)
{
	static const uint8_t zeros[8];
	size_t size = sizeof(*head), pad;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		size += parts[i].size;
	pad = -size & 7;
	head->version = MF_ABI_VERSION;
	head->size = (uint32_t)(size + pad);
	buf_reset(out, MF_JOURNAL_PACKET);
	err = buf_append(out, head, sizeof(*head));
	for (size_t i = 0; i < count && !err; i++)
		err = buf_append(out, parts[i].data, parts[i].size);
	return err ? err : buf_append(out, zeros, pad);
}

static const struct mcp_message nothing;

/* Whatever the sizes are, an entry fits a packet: the arguments give way. */
static size_t args_room(const struct mcp_message *message)
{
	size_t others = sizeof(struct mf_journal_entry) + sizeof(struct mf_j_begin) + 8 +
			message->id.raw.size + message->tool.size + message->traceparent.size +
			message->method_text.size;

	return MF_JOURNAL_PACKET - others;
}

int entry_begin(const struct entry_begin *begin, struct buf *out)
{
	const struct mcp_message *message = begin->message ? begin->message : &nothing;
	size_t room = args_room(message), args = message->args.size;
	struct mf_journal_entry head = { .kind = begin->kind,
					 .t_ns = begin->t_ns,
					 .ordinal = begin->ordinal,
					 .stamp = begin->stamp };
	struct mf_j_begin body = { .args_total = message->args_total,
				   .flags = begin->flags | message->flags,
				   .method = begin->method };

	if (args > room)
		args = room;
	if (begin->without_args || begin->digest_only)
		args = 0;
	if (begin->digest_only)
		body.flags |= MF_JF_DIGEST_ONLY;
	else if (args < message->args_total)
		body.flags |= MF_JF_ARGS_CUT;
	memcpy(body.args_sha256, message->args_sha256, sizeof(body.args_sha256));
	body.id_len = (uint16_t)message->id.raw.size;
	body.tool_len = (uint32_t)message->tool.size;
	body.args_len = (uint32_t)args;
	body.trace_len = (uint32_t)message->traceparent.size;
	body.method_len = (uint32_t)message->method_text.size;
	return entry_make(&head,
			  (const struct part[]){
				  { &body, sizeof(body) },
				  { message->id.raw.data, message->id.raw.size },
				  { message->tool.data, message->tool.size },
				  { message->args.data, args },
				  { message->traceparent.data, message->traceparent.size },
				  { message->method_text.data, message->method_text.size },
			  },
			  6, out);
}

int entry_grants(const struct entry_grants *grants, struct buf *out)
{
	const struct buf *image = grants->image;
	struct mf_journal_entry head = { .kind = MF_J_GRANTS,
					 .t_ns = grants->t_ns,
					 .ordinal = grants->ordinal,
					 .stamp = grants->stamp };
	size_t room = MF_JOURNAL_PACKET - sizeof(head) - sizeof(struct mf_j_grants) - 8;
	size_t size = image && buf_size(image) <= room ? buf_size(image) : 0;
	struct mf_j_grants body = { .image_len = (uint32_t)size, .parity = grants->parity };

	return entry_make(
		&head,
		(const struct part[]){ { &body, sizeof(body) },
				       { size ? (const void *)buf_bytes(image) : "", size } },
		2, out);
}

int entry_end(const struct pending_request *request, uint64_t t_ns, uint64_t stamp,
	      bool without_text, bool digest_only, struct buf *out)
{
	const struct pending_answer *answer = &request->answer;
	struct mf_journal_entry head = {
		.kind = MF_J_END, .t_ns = t_ns, .ordinal = request->ordinal, .stamp = stamp
	};
	struct mf_j_end body = { .reply_total = answer->total,
				 .flags = request->flags | answer->flags,
				 .end = request->end,
				 .outcome = answer->outcome };
	size_t text = without_text || digest_only ? 0 : answer->text_size;

	if (digest_only)
		body.flags |= MF_JF_DIGEST_ONLY;
	else if (text < answer->text_size)
		body.flags |= MF_JF_TEXT_CUT;
	body.text_len = (uint32_t)text;
	memcpy(body.reply_sha256, answer->sha256, sizeof(body.reply_sha256));
	return entry_make(&head,
			  (const struct part[]){ { &body, sizeof(body) }, { answer->text, text } },
			  2, out);
}

int entry_tool(const struct mcp_tool *tool, uint64_t t_ns, uint64_t stamp, struct buf *out)
{
	struct mf_journal_entry head = { .kind = MF_J_TOOL, .t_ns = t_ns, .stamp = stamp };
	struct mf_j_tool body = { .read_only = tool->read_only,
				  .destructive = tool->destructive,
				  .idempotent = tool->idempotent,
				  .open_world = tool->open_world,
				  .name_len = (uint32_t)tool->name.size };

	memcpy(body.sha256, tool->sha256, sizeof(body.sha256));
	return entry_make(&head,
			  (const struct part[]){ { &body, sizeof(body) },
						 { tool->name.data, tool->name.size } },
			  2, out);
}

int entry_server(const struct mcp_message *message, uint64_t t_ns, uint64_t stamp, struct buf *out)
{
	struct mf_journal_entry head = { .kind = MF_J_SERVER, .t_ns = t_ns, .stamp = stamp };
	struct mf_j_server body = { .name_len = (uint16_t)message->server_name.size,
				    .version_len = (uint16_t)message->server_version.size,
				    .protocol_len = (uint16_t)message->protocol.size };

	return entry_make(&head,
			  (const struct part[]){
				  { &body, sizeof(body) },
				  { message->server_name.data, message->server_name.size },
				  { message->server_version.data, message->server_version.size },
				  { message->protocol.data, message->protocol.size },
			  },
			  4, out);
}

int entry_plain(uint16_t kind, uint64_t ordinal, uint64_t t_ns, uint64_t stamp, const void *body,
		size_t size, struct buf *out)
{
	struct mf_journal_entry head = {
		.kind = kind, .t_ns = t_ns, .ordinal = ordinal, .stamp = stamp
	};

	return entry_make(&head, (const struct part[]){ { body, size } }, 1, out);
}
