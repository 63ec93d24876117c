/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/json.h"

#include <string.h>

#include "base/clock.h"
#include "base/engines.h"
#include "base/escape.h"
#include "base/losses.h"
#include "record/mask.h"

static const char *const incomplete_names[] = {
	"events lost",
	"more rows than are kept",
	"more processes than are kept",
	"in flight not known",
	"process not known",
	"arguments not read",
	"not covered",
	"mounts not watched",
	"path cut or not resolved",
	"drain barrier not answered",
	"guard-died",
	"recorder-restarted",
	"journal broken or lost entries",
	"relay-gone",
	"candidates not named",
	"no memory",
	"policy not read",
};
_Static_assert(ARRAY_LEN(incomplete_names) == INC_REASONS, "a name for every reason");

static const struct {
	uint32_t bit;
	const char *name;
} coverage_names[] = {
	{ MF_COV_LINEAGE, "lineage" }, { MF_COV_FILES, "files" }, { MF_COV_CHANGES, "changes" },
	{ MF_COV_NET, "net" },	       { MF_COV_TCP, "tcp" },	  { MF_COV_CGROUP, "cgroup" },
};

const char *json_engine(uint32_t engine)
{
	const char *word = engine ? engine_word(engine) : NULL;

	return word ? word : "unknown";
}

void json_time(struct jsonout *json, uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;
	char day[32];
	char text[48];

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09uZ", day, (unsigned)(real_ns % NS_PER_S));
	json_str(json, text);
}

void json_lost(struct jsonout *json, const uint64_t lost[MF_LOSS_MAX])
{
	json_key(json, "lost");
	json_open(json, '{');
	for (unsigned i = 0; i < MF_LOSS_MAX; i++) {
		const char *word = loss_word(i);
		char number[24];

		if (!lost[i])
			continue;
		snprintf(number, sizeof(number), "reason_%u", i);
		json_kv_u64(json, word ? word : number, lost[i]);
	}
	json_close(json, '}');
}

void json_coverage(struct jsonout *json, uint32_t coverage)
{
	json_key(json, "coverage");
	json_open(json, '[');
	for (size_t i = 0; i < ARRAY_LEN(coverage_names); i++)
		if (coverage & coverage_names[i].bit)
			json_str(json, coverage_names[i].name);
	json_close(json, ']');
}

static void write_blob(struct jsonout *json, const char *key, const struct blob *blob)
{
	if (blob->size)
		json_kv_text(json, key, blob->bytes, blob->size);
}

static bool blob_is_text(const struct blob *blob)
{
	return utf8_valid(blob->bytes, blob->size);
}

void json_session(struct jsonout *json, const struct session *session)
{
	const struct mf_r_session *info = &session->info;
	bool outer = json->bytes;

	json_key(json, "session");
	json->bytes = !utf8_valid(info->name, strlen(info->name)) ||
		      !blob_is_text(&session->server) || !blob_is_text(&session->server_version) ||
		      !blob_is_text(&session->protocol);
	json_open(json, '{');
	json_kv_str(json, "id", session->id);
	json_kv_str(json, "name", info->name);
	json_kv_u64(json, "uid", info->uid);
	json_kv_u64(json, "root_pid", info->root_pid);
	write_blob(json, "server", &session->server);
	write_blob(json, "server_version", &session->server_version);
	write_blob(json, "protocol", &session->protocol);
	json_say_escaped(json);
	json->bytes = outer;
	json_close(json, '}');
	if (info->tenant[0])
		json_kv_str(json, "tenant", info->tenant);
}

void json_incomplete(struct jsonout *json, const struct session *session, uint32_t incomplete)
{
	uint32_t missing = ~session->info.coverage;

	json_kv_bool(json, "complete", !incomplete);
	json_key(json, "incomplete");
	json_open(json, '[');
	for (size_t i = 0; i < ARRAY_LEN(incomplete_names); i++)
		if ((incomplete & 1U << i) && 1U << i != INC_NOT_COVERED)
			json_str(json, incomplete_names[i]);
	for (size_t i = 0; incomplete & INC_NOT_COVERED && i < ARRAY_LEN(coverage_names); i++) {
		char text[64];

		if (!(missing & coverage_names[i].bit) || coverage_names[i].bit == MF_COV_CGROUP)
			continue;
		snprintf(text, sizeof(text), "not covered: %s", coverage_names[i].name);
		json_str(json, text);
	}
	json_close(json, ']');
}

void json_finish(struct jsonout *json)
{
	json_say_escaped(json);
	json_close(json, '}');
	/* half an object is worse than none: the caller tells an empty buffer apart */
	if (json->error)
		buf_reset(json->buf, 0);
}

void json_begin(struct jsonout *json, struct buf *out, const char *schema)
{
	*json = (struct jsonout){ .buf = out };
	json_open(json, '{');
	json_kv_str(json, "schema", schema);
}

const char *json_method(unsigned method)
{
	static const char *const names[] = {
		[MF_M_TOOLS_CALL] = "tools/call",   [MF_M_RESOURCES_READ] = "resources/read",
		[MF_M_PROMPTS_GET] = "prompts/get", [MF_M_UNREADABLE] = "unreadable",
		[MF_M_OVERLONG] = "overlong",
	};

	return method < ARRAY_LEN(names) && names[method] ? names[method] : "unknown";
}

static bool has_control(const struct blob *blob)
{
	for (size_t i = 0; i < blob->size; i++)
		if ((unsigned char)blob->bytes[i] < 0x20)
			return true;
	return false;
}

/* Whether there may be more of it than was kept. */
static bool id_is_cut(const struct request *request)
{
	return request->text[0].size >= MF_ID_MAX;
}

/* The id as it was written, where that is a JSON scalar, as it should be; else as text, also the
 * beginning of a number, which is another number. An id is no secret: it is checked, not masked. */
static void write_id(struct jsonout *json, const struct request *request)
{
	const struct blob *id = &request->text[0];
	_cleanup_buf_ struct buf clean = { 0 };
	bool masked = false;

	if (!id->size || request->begin.flags & MF_JF_ID_MISSING)
		return;
	json_key(json, "req_id");
	if (!id_is_cut(request) && id->bytes[0] != '{' && id->bytes[0] != '[' && !has_control(id) &&
	    !mask_json(&clean, id->bytes, id->size, &masked))
		json_raw(json, id->bytes, id->size);
	else
		json_text(json, id->bytes, id->size);
}

static void write_arguments(struct jsonout *json, const struct request *request, bool *masked,
			    bool *as_text)
{
	const struct blob *args = &request->text[2];
	_cleanup_buf_ struct buf clean = { 0 };

	if (args->size && !(request->begin.flags & MF_JF_ARGS_CUT)) {
		json_key(json, "arguments");
		if (!mask_json(&clean, args->bytes, args->size, masked)) {
			json_raw(json, buf_bytes(&clean), buf_size(&clean));
		} else {
			buf_reset(&clean, 0);
			*as_text = true;
			if (mask_text(&clean, args->bytes, args->size, masked) < 0)
				json->error = -ENOMEM;
			json_text(json, buf_bytes(&clean), buf_size(&clean));
		}
	}
	if (request->begin.flags & MF_JF_ARGS_UNREAD)
		return;
	json_key(json, "arguments_sha256");
	json_hex(json, request->begin.args_sha256, sizeof(request->begin.args_sha256));
	json_kv_u64(json, "arguments_bytes", request->begin.args_total);
}

static void write_app_log(struct jsonout *json, const struct request *request, bool *masked)
{
	static const char *const outcomes[] = { "no answer", "completed successfully", "tool error",
						"protocol error", "unread" };
	const struct mf_j_end *end = &request->end;
	_cleanup_buf_ struct buf clean = { 0 };

	json_key(json, "app_log");
	json_open(json, '{');
	json_kv_str(json, "outcome",
		    end->outcome < ARRAY_LEN(outcomes) ? outcomes[end->outcome] : "unread");
	if (request->reply.size) {
		if (mask_text(&clean, request->reply.bytes, request->reply.size, masked) < 0)
			json->error = -ENOMEM;
		json_kv_text(json, "text", buf_bytes(&clean), buf_size(&clean));
		if (end->flags & MF_JF_TEXT_CUT)
			json_kv_bool(json, "text_cut", true);
	}
	if (end->outcome != MF_OUT_NONE && end->reply_total) {
		json_key(json, "reply_sha256");
		json_hex(json, end->reply_sha256, sizeof(end->reply_sha256));
		json_kv_u64(json, "reply_bytes", end->reply_total);
	}
	json_say_escaped(json);
	json_close(json, '}');
}

static void write_notes(struct jsonout *json, const struct request *request, bool masked,
			bool as_text)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} notes[] = {
		{ MF_JF_ID_MISSING, "id_missing" },
		{ MF_JF_ID_NULL, "id_null" },
		{ MF_JF_ID_SHARED, "id_shared" },
		{ MF_JF_DUP_KEYS, "duplicate_keys" },
		{ MF_JF_BAD_UTF8, "bad_utf8" },
		{ MF_JF_ARGS_CUT, "arguments_too_long" },
		{ MF_JF_ARGS_UNREAD, "arguments_unread" },
		{ MF_JF_TEXT_CUT, "text_cut" },
		{ MF_JF_BATCH, "batch" },
		{ MF_JF_DIGEST_ONLY, "digest_only" },
		{ MF_JF_TASK, "task" },
	};
	uint32_t flags = request->begin.flags | request->end.flags;

	json_key(json, "notes");
	json_open(json, '[');
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (flags & notes[i].bit)
			json_str(json, notes[i].name);
	if (id_is_cut(request))
		json_str(json, "id_cut");
	if (request->text[1].size >= MF_TOOL_MAX)
		json_str(json, "tool_cut");
	if (request->cancelled)
		json_str(json, "cancel_requested");
	if (masked)
		json_str(json, "masked");
	if (as_text)
		json_str(json, "arguments_text");
	json_close(json, ']');
}

static void write_head(struct jsonout *json, const struct session *session,
		       const struct request *request, const struct session_policy *policy)
{
	const struct mf_j_begin *said = &request->begin;

	json_key(json, "uid");
	json_uid(json, session, request->ordinal);
	json_session(json, session);
	write_id(json, request);
	/* a method that mcpfloor does not know is told as it was written */
	if (request->text[4].size)
		write_blob(json, "method", &request->text[4]);
	else
		json_kv_str(json, "method", json_method(said->method));
	write_blob(json, "tool", &request->text[1]);
	json_kv_str(json, "engine", json_engine(session->info.engine));
	json_coverage(json, session->info.coverage);
	json_policy(json, session, policy);
	json_key(json, "started");
	json_time(json, session_real_ns(session, request->begin_ns));
	json_key(json, "ended");
	json_time(json, session_real_ns(session, request->end_ns));
	json_kv_u64(json, "duration_ns",
		    request->end_ns > request->begin_ns ? request->end_ns - request->begin_ns : 0);
}

static const char *end_name(unsigned end)
{
	static const char *const names[] = { NULL,	    "response", "cancelled", "timeout",
					     "server-exit", "task",	"relay-gone" };

	return end < ARRAY_LEN(names) && names[end] ? names[end] : "unknown";
}

void json_request(struct buf *out, struct session *session, struct request *request,
		  bool *ret_complete)
{
	struct row_place place = { .session = session,
				   .policy = session_policy_at(session->policy, request->end_ns),
				   .base_ns = request->begin_ns };
	uint32_t incomplete = request->incomplete;
	uint64_t lost[MF_LOSS_MAX];
	bool masked = false;
	bool as_text = false;
	struct jsonout json;

	if (session_lost(session, request->lost, lost))
		incomplete |= INC_EVENTS_LOST;
	if ((request->begin.flags & MF_JF_ARGS_UNREAD) || request->begin.method == MF_M_OVERLONG ||
	    request->begin.method == MF_M_UNREADABLE)
		incomplete |= INC_ARGUMENTS_UNREAD;
	json_begin(&json, out, "mcpfloor.record/1");
	json.bytes = !blob_is_text(&request->text[1]) || !blob_is_text(&request->text[4]) ||
		     !utf8_valid(session->info.tenant, strlen(session->info.tenant));
	write_head(&json, session, request, place.policy);
	json.bytes = false;
	write_arguments(&json, request, &masked, &as_text);
	json_kv_str(&json, "end", end_name(request->end.end));
	json_say_escaped(&json);
	write_app_log(&json, request, &masked);
	json_summary(&json, session, &request->rows, &incomplete);
	json_claims(&json, session, request);
	if (request->text[3].size) {
		json_key(&json, "trace");
		json_open(&json, '{');
		write_blob(&json, "traceparent", &request->text[3]);
		json_say_escaped(&json);
		json_close(&json, '}');
	}
	write_notes(&json, request, masked, as_text);
	json_add_parents(session, &request->rows);
	json_processes(&json, session, &request->rows);
	json_rows(&json, &place, &request->rows);
	json_incomplete(&json, session, incomplete);
	json_lost(&json, lost);
	json_finish(&json);
	*ret_complete = !incomplete;
}

static int by_ordinal(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The requests that a batch of late events names, once each. */
static void write_uids(struct jsonout *json, const struct session *session, const struct rows *rows)
{
	_cleanup_free_ uint64_t *names = NULL;
	size_t count = 0;

	for (uint32_t i = 0; i < rows->labels_count; i++)
		count += rows->labels[i]->label.count;
	names = calloc(count + 1, sizeof(*names));
	if (!names) {
		json->error = -ENOMEM;
		return;
	}
	count = 0;
	for (uint32_t i = 0; i < rows->labels_count; i++)
		for (uint32_t n = 0; n < rows->labels[i]->label.count; n++)
			names[count++] = rows->labels[i]->label.names[n];
	qsort(names, count, sizeof(*names), by_ordinal);
	json_key(json, "uids");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		if (!i || names[i] != names[i - 1])
			json_uid(json, session, names[i]);
	json_close(json, ']');
}

void json_batch(struct buf *out, const struct session *session, const struct batch *batch,
		enum log_type type)
{
	const struct rows *rows = &batch->rows;
	uint64_t first = rows->count ? rows->row[0].t_ns : rows->last_ns;
	struct row_place place = { .session = session, .policy = session->policy, .named = true };
	uint32_t incomplete = batch->incomplete | session->incomplete;
	uint64_t lost[MF_LOSS_MAX];
	struct jsonout json;

	for (uint32_t i = 0; i < rows->count; i++)
		first = rows->row[i].t_ns < first ? rows->row[i].t_ns : first;
	place.base_ns = first;
	if (session_lost(session, batch->lost, lost))
		incomplete |= INC_EVENTS_LOST;
	json_begin(&json, out, type == LOG_LATE ? "mcpfloor.late/1" : "mcpfloor.background/1");
	json_session(&json, session);
	json_kv_str(&json, "engine", json_engine(session->info.engine));
	json_policy(&json, session, place.policy);
	json_key(&json, "started");
	json_time(&json, session_real_ns(session, first));
	json_key(&json, "ended");
	json_time(&json, session_real_ns(session, rows->last_ns));
	if (type == LOG_LATE)
		write_uids(&json, session, rows);
	json_summary(&json, session, rows, &incomplete);
	json_processes(&json, session, rows);
	json_rows(&json, &place, rows);
	json_incomplete(&json, session, incomplete);
	json_lost(&json, lost);
	json_finish(&json);
}
