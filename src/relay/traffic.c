/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/traffic.h"

#include <string.h>

#include "base/clock.h"
#include "relay/entries.h"
#include "relay/stream.h"
#include "relay/traffic_internal.h"

#define BEGIN_KEEP_BYTES 2048 /* of a BEGIN entry, for a new recorder; without arguments beyond */

int traffic_init(struct traffic *traffic, bool digest_only)
{
	int err;

	*traffic = (struct traffic){ .digest_only = digest_only };
	page_init(&traffic->page);
	journal_init(&traffic->journal);
	err = mcp_reader_new(&traffic->up.reader);
	if (!err)
		err = mcp_reader_new(&traffic->down.reader);
	if (!err)
		err = pending_new(&traffic->pending);
	return err;
}

void traffic_free(struct traffic *traffic)
{
	mcp_reader_free(&traffic->up.reader);
	mcp_reader_free(&traffic->down.reader);
	pending_free(&traffic->pending);
	page_unmap(&traffic->page);
	journal_close(&traffic->journal);
	grants_free(&traffic->grants);
	buf_free(&traffic->entry);
}

void traffic_put_entry(struct traffic *traffic, int err)
{
	if (err)
		traffic->journal.lost++;
	else
		journal_put(&traffic->journal, buf_bytes(&traffic->entry),
			    buf_size(&traffic->entry));
}

/* A copy of the entry, which is in traffic->entry, stays with the request, as RESUME. */
static void keep_begin(struct traffic *traffic, struct pending_request *request,
		       struct entry_begin *begin)
{
	struct mf_journal_entry *copy;

	if (buf_size(&traffic->entry) > BEGIN_KEEP_BYTES) {
		begin->without_args = true;
		if (entry_begin(begin, &traffic->entry) < 0)
			return;
	}
	copy = malloc(buf_size(&traffic->entry));
	if (!copy)
		return;
	memcpy(copy, buf_bytes(&traffic->entry), buf_size(&traffic->entry));
	copy->kind = MF_J_RESUME;
	free(request->begin);
	request->begin = copy;
	request->begin_size = buf_size(&traffic->entry);
}

/* Grants of a request whose beginning the journal does not have would be about nothing. */
static void put_begin(struct traffic *traffic, struct pending_request *request,
		      struct entry_begin *begin, const bool granted[2])
{
	uint64_t lost = traffic->journal.lost;
	int err = entry_begin(begin, &traffic->entry);

	traffic_put_entry(traffic, err);
	if (err)
		return;
	keep_begin(traffic, request, begin);
	if (traffic->journal.lost == lost)
		traffic_put_grants(traffic, request, granted);
}

/* A request is in flight from here on: the page first, then the journal, then the line. */
static struct pending_request *begin(struct traffic *traffic, const struct mcp_message *message,
				     uint16_t method, uint32_t flags)
{
	static const struct mcp_id no_id;
	struct entry_begin entry = { .kind = MF_J_BEGIN,
				     .method = method,
				     .t_ns = clock_mono_ns(),
				     .message = message,
				     .without_args = journal_thin(&traffic->journal),
				     .digest_only = traffic->digest_only };
	struct page_hold hold[2];
	struct pending_request *request;
	const struct mcp_id *id = message ? &message->id : &no_id;
	bool granted[2];

	if (pending_add(traffic->pending, id, traffic->next_ordinal + 1, entry.t_ns, &request) <
	    0) {
		traffic->journal.lost++;
		return NULL;
	}
	entry.ordinal = ++traffic->next_ordinal;
	request->method = method;
	request->flags |= flags;
	traffic_hold(traffic, request, message, hold);
	entry.stamp = page_add(&traffic->page, entry.ordinal, hold, &request->slot, granted);
	entry.flags = request->flags;
	born_begin(&traffic->born, entry.ordinal, traffic->page.epoch, id->raw.data, id->raw.size);
	put_begin(traffic, request, &entry, granted);
	traffic->begun = true;
	return request;
}

/* A request that is not tracked holds its id, so that its answer is told from the others'. */
static void begin_untracked(struct traffic *traffic, const struct mcp_message *message)
{
	struct pending_request *request;

	if (message->id.kind == MCP_ID_MISSING || message->id.kind == MCP_ID_NULL)
		return;
	if (pending_add(traffic->pending, &message->id, 0, clock_mono_ns(), &request) < 0)
		traffic->journal.lost++;
}

static void end_one(struct traffic *traffic, struct pending_request *request)
{
	uint64_t stamp;

	if (request == traffic->up.overlong) /* before its line was read to the end */
		traffic->up.overlong = NULL;
	if (request->ordinal) {
		stamp = page_remove(&traffic->page, request->ordinal, request->slot);
		born_end(&traffic->born, request->ordinal, traffic->page.epoch);
		traffic_put_entry(traffic, entry_end(request, clock_mono_ns(), stamp,
						     journal_thin(&traffic->journal),
						     traffic->digest_only, &traffic->entry));
	}
	traffic_drop_call(traffic, request);
	pending_request_free(request);
}

void traffic_end_all(struct traffic *traffic, struct pending_request *ended)
{
	while (ended) {
		struct pending_request *next = ended->next_ended;

		end_one(traffic, ended);
		ended = next;
	}
}

struct cancelled {
	struct traffic *traffic;
	uint64_t t_ns;
};

static void note_cancel(struct pending_request *request, void *data)
{
	struct cancelled *cancelled = data;
	struct traffic *traffic = cancelled->traffic;
	struct mf_j_ref body = { .flags = request->flags };

	if (request->ordinal)
		traffic_put_entry(traffic, entry_plain(MF_J_CANCEL, request->ordinal,
						       cancelled->t_ns, traffic->page.stamp, &body,
						       sizeof(body), &traffic->entry));
}

static bool is_protocol(const struct mcp_line *line)
{
	if (line->state != MCP_LINE_READ)
		return false;
	for (size_t i = 0; i < line->count; i++)
		if (line->messages[i].has_method || mcp_is_reply(&line->messages[i]))
			return true;
	return line->more;
}

/* What an over-long line turned out to be; NULL: no request. */
static void identify(struct traffic *traffic, const struct mcp_message *message, uint16_t method,
		     uint32_t flags)
{
	static const struct mcp_id no_id;
	struct line *line = &traffic->up;
	struct pending_request *request = line->overlong;
	struct entry_begin entry = { .kind = MF_J_IDENTIFY,
				     .method = method,
				     .t_ns = clock_mono_ns(),
				     .ordinal = request->ordinal,
				     .stamp = traffic->page.stamp,
				     .message = message,
				     .without_args = journal_thin(&traffic->journal),
				     .digest_only = traffic->digest_only };
	struct page_hold hold[2];
	bool told[2];

	line->overlong = NULL;
	if (pending_identify(traffic->pending, request, message ? &message->id : &no_id,
			     entry.t_ns) < 0)
		return;
	request->method = method;
	request->flags |= flags | MF_JF_ARGS_UNREAD;
	entry.flags = request->flags;
	if (message)
		born_begin(&traffic->born, request->ordinal, traffic->page.epoch,
			   message->id.raw.data, message->id.raw.size);
	/* its arguments are not known */
	traffic_hold(traffic, request, message, hold);
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		told[i] = hold[i].grants;
	put_begin(traffic, request, &entry, told);
}

static void request_begin(struct traffic *traffic, const struct mcp_message *message,
			  uint16_t method, uint32_t flags)
{
	if (traffic->up.overlong)
		identify(traffic, message, method, flags);
	else
		(void)begin(traffic, message, method, flags);
}

static void client_message(struct traffic *traffic, const struct mcp_message *message,
			   uint32_t flags)
{
	struct cancelled cancelled = { traffic, clock_mono_ns() };

	if (message->method)
		request_begin(traffic, message, message->method, message->flags | flags);
	else if (message->has_method && !mcp_is_reply(message))
		begin_untracked(traffic, message);
	if (message->is_cancel)
		pending_cancel(traffic->pending, &message->request_id, cancelled.t_ns, note_cancel,
			       &cancelled);
}

/* An over-long line that held no request leaves none. */
static void overlong_end(struct traffic *traffic)
{
	struct pending_request *request = traffic->up.overlong;

	if (!request)
		return;
	traffic->up.overlong = NULL;
	request->flags |= MF_JF_NOT_REQUEST;
	traffic_end_all(traffic, pending_remove(traffic->pending, request, MF_END_RESPONSE));
}

static void client_line(struct traffic *traffic)
{
	struct mcp_line line;
	uint32_t flags;

	mcp_reader_finish(traffic->up.reader, &line);
	traffic->counters.lines_in++;
	flags = line.bad_utf8 ? MF_JF_BAD_UTF8 : 0;
	if (!is_protocol(&line))
		traffic->counters.not_protocol_in++;
	for (size_t i = 0; i < line.count; i++)
		client_message(traffic, &line.messages[i], flags);
	if (line.more)
		flags |= MF_JF_BATCH;
	/* a server may read what we cannot: it may be a request */
	if (line.state == MCP_LINE_UNREADABLE || line.more)
		request_begin(traffic, NULL, MF_M_UNREADABLE, flags);
	overlong_end(traffic);
	traffic->up.size = 0;
	traffic->up.overlong_ordinal = 0;
}

static void client_piece(struct traffic *traffic, const uint8_t *bytes, size_t size)
{
	struct line *line = &traffic->up;

	mcp_reader_feed(line->reader, bytes, size);
	line->size += size;
	if (line->size <= STREAM_HOLD_BYTES || line->overlong_ordinal)
		return;
	traffic->counters.overlong_in++;
	line->overlong = begin(traffic, NULL, MF_M_OVERLONG, MF_JF_ARGS_UNREAD);
	line->overlong_ordinal = traffic->next_ordinal;
}

size_t traffic_from_client(struct traffic *traffic, const uint8_t *bytes, size_t size, size_t held)
{
	const uint8_t *at = bytes, *end = bytes + size, *newline;
	size_t released = 0;

	traffic->counters.bytes_in += size;
	while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		client_piece(traffic, at, (size_t)(newline - at));
		client_line(traffic);
		at = newline + 1;
		released = held + (size_t)(at - bytes);
	}
	if (at < end)
		client_piece(traffic, at, (size_t)(end - at));
	return traffic->up.overlong_ordinal ? held + size : released;
}

void traffic_client_end(struct traffic *traffic)
{
	if (traffic->up.size)
		client_line(traffic);
}

static void line_digest(struct line *line, const uint8_t *piece, size_t size, uint8_t *ret_sha256)
{
	crypto_hash_sha256_state sha = line->sha;

	if (!line->split) {
		crypto_hash_sha256(ret_sha256, piece, size);
		return;
	}
	crypto_hash_sha256_update(&sha, piece, size);
	crypto_hash_sha256_final(&sha, ret_sha256);
}

static uint16_t outcome_of(const struct mcp_message *message)
{
	if (message->has_error)
		return MF_OUT_RPC_ERROR;
	if (!message->has_result)
		return MF_OUT_UNREADABLE;
	return message->is_error ? MF_OUT_TOOL_ERROR : MF_OUT_RESULT;
}

static void answer_make(const struct mcp_message *message, const uint8_t *sha256, uint64_t total,
			uint32_t flags, struct pending_answer *ret_answer)
{
	*ret_answer = (struct pending_answer){
		.outcome = outcome_of(message),
		.flags = message->flags | flags,
		.total = total,
	};
	memcpy(ret_answer->sha256, sha256, sizeof(ret_answer->sha256));
	if (!message->text.size)
		return;
	ret_answer->text = malloc(message->text.size);
	if (!ret_answer->text) {
		ret_answer->flags |= MF_JF_TEXT_CUT;
		return;
	}
	memcpy(ret_answer->text, message->text.data, message->text.size);
	ret_answer->text_size = message->text.size;
}

static void note_definitions(struct traffic *traffic, const struct mcp_message *message)
{
	uint64_t t_ns = clock_mono_ns();

	for (size_t i = 0; i < message->tool_count; i++)
		traffic_put_entry(traffic, entry_tool(&message->tools[i], t_ns, traffic->page.stamp,
						      &traffic->entry));
	if (message->server_name.data)
		traffic_put_entry(
			traffic, entry_server(message, t_ns, traffic->page.stamp, &traffic->entry));
}

/* The task that this message shows to be over; NULL: none. */
static const struct mcp_text *ended_task(const struct mcp_message *message)
{
	if (message->related_task.size && mcp_is_reply(message))
		return &message->related_task;
	if (message->task_id.size && message->task_status == MCP_TASK_TERMINAL)
		return &message->task_id;
	return NULL;
}

static void server_reply(struct traffic *traffic, const struct mcp_message *message,
			 const uint8_t *sha256, uint64_t total, uint32_t flags)
{
	struct pending_answer answer;
	bool matched = false;

	if (message->is_task && message->task_id.size && message->task_status == MCP_TASK_GOES_ON &&
	    pending_task(traffic->pending, &message->id, &message->task_id) > 0)
		return;
	answer_make(message, sha256, total, flags, &answer);
	traffic_end_all(traffic, pending_reply(traffic->pending, &message->id, &answer, &matched));
	if (!matched)
		traffic->counters.unmatched++;
	note_definitions(traffic, message);
}

static void server_message(struct traffic *traffic, const struct mcp_message *message,
			   const uint8_t *sha256, uint64_t total, uint32_t flags)
{
	const struct mcp_text *task = ended_task(message);
	bool matched = false;

	if (mcp_is_reply(message))
		server_reply(traffic, message, sha256, total, flags);
	if (task) {
		struct pending_answer answer;

		answer_make(message, sha256, total, flags, &answer);
		traffic_end_all(traffic,
				pending_task_end(traffic->pending, task, &answer, &matched));
	}
}

static bool needs_digest(const struct mcp_line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (mcp_is_reply(&line->messages[i]) || ended_task(&line->messages[i]))
			return true;
	return false;
}

static void server_line(struct traffic *traffic, const uint8_t *piece, size_t size)
{
	struct line *down = &traffic->down;
	uint8_t sha256[crypto_hash_sha256_BYTES] = { 0 };
	struct mcp_line line;
	uint32_t flags;

	mcp_reader_finish(down->reader, &line);
	traffic->counters.lines_out++;
	if (!is_protocol(&line))
		traffic->counters.not_protocol_out++;
	if (down->size > STREAM_HOLD_BYTES)
		traffic->counters.overlong_out++;
	if (needs_digest(&line))
		line_digest(down, piece, size, sha256);
	flags = line.bad_utf8 ? MF_JF_BAD_UTF8 : 0;
	for (size_t i = 0; i < line.count; i++)
		server_message(traffic, &line.messages[i], sha256, down->size, flags);
	down->size = 0;
	down->split = false;
}

/* A piece of a line that goes on. */
static void server_piece(struct traffic *traffic, const uint8_t *bytes, size_t size)
{
	struct line *down = &traffic->down;

	if (!down->split)
		crypto_hash_sha256_init(&down->sha);
	down->split = true;
	crypto_hash_sha256_update(&down->sha, bytes, size);
}

void traffic_from_server(struct traffic *traffic, const uint8_t *bytes, size_t size)
{
	const uint8_t *at = bytes, *end = bytes + size;

	traffic->counters.bytes_out += size;
	while (at < end) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		size_t piece = (size_t)((newline ? newline : end) - at);

		mcp_reader_feed(traffic->down.reader, at, piece);
		traffic->down.size += piece;
		if (newline)
			server_line(traffic, at, piece);
		else
			server_piece(traffic, at, piece);
		at += piece + (newline ? 1 : 0);
	}
}

void traffic_server_end(struct traffic *traffic)
{
	if (traffic->down.size)
		server_line(traffic, NULL, 0);
}

int traffic_flush(struct traffic *traffic)
{
	int wait_ms = traffic->begun ? JOURNAL_WAIT_MS : 0;

	traffic->begun = false;
	return journal_flush(&traffic->journal, wait_ms);
}
