/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "abi/page.h"
#include "base/clock.h"
#include "record/json.h"

#define BATCH_AGE_NS (5 * NS_PER_S)
#define BATCH_EVENTS 200000
#define TOOLS_BYTES_MAX (4U << 20)

static void blob_free(struct blob *blob)
{
	free(blob->bytes);
	*blob = (struct blob){ 0 };
}

/* What the record will say of a text that there was no memory for: INC_MEMORY, else 0. */
static uint32_t blob_set(struct blob *blob, const char *bytes, size_t size)
{
	char *copy = size ? malloc(size) : NULL;

	blob_free(blob);
	if (!copy)
		return size ? INC_MEMORY : 0;
	memcpy(copy, bytes, size);
	*blob = (struct blob){ copy, size };
	return 0;
}

void session_taint_open(struct session *session, uint32_t incomplete)
{
	for (struct request *request = session->oldest; request; request = request->newer)
		request->incomplete |= incomplete;
}

void session_taint(struct session *session, uint32_t incomplete)
{
	session->incomplete |= incomplete;
	session_taint_open(session, incomplete);
}

uint64_t session_real_ns(const struct session *session, uint64_t mono_ns)
{
	return session->info.started_ns + (mono_ns - session->info.started_mono_ns);
}

void session_put(struct session *session, enum log_type type)
{
	session->emit(session->emit_data, type, session->scratch);
	buf_reset(session->scratch, 256 << 10);
}

int session_new(const struct session_setup *setup, struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	bool resumed = setup->info->flags & MF_RS_RESUMED;

	if (!session)
		return -ENOMEM;
	session->info = *setup->info;
	/* the guard is trusted, but a missing NUL must not become a read behind the end */
	session->info.name[MF_NAME_LEN - 1] = '\0';
	session->info.tenant[MF_NAME_LEN - 1] = '\0';
	session->info.cwd[MF_CWD_LEN - 1] = '\0';
	snprintf(session->id, sizeof(session->id), "%016" PRIx64, (uint64_t)setup->info->session);
	session->mapped = setup->mapped;
	session->policy = setup->policy;
	session->seed = setup->seed;
	session->stats = setup->stats;
	session->scratch = setup->scratch;
	session->emit = setup->emit;
	session->emit_data = setup->emit_data;
	session->background.rows.shared = &session->rows_bytes;
	session->late.rows.shared = &session->rows_bytes;
	session->buckets_count = 16;
	session->buckets = calloc(session->buckets_count, sizeof(struct request *));
	if (!session->buckets) {
		free(session);
		return -ENOMEM;
	}
	history_init(&session->history, !resumed);
	process_table_init(&session->processes, setup->seed);
	process_learn(&session->processes, &session->history, session->info.root_start_ns,
		      session->info.root_pid, 0);
	if (resumed)
		session->incomplete |= INC_RESTARTED;
	if (((session->info.coverage & ~MF_COV_REFUSES) | MF_COV_CGROUP) !=
	    (MF_COV_LINEAGE | MF_COV_FILES | MF_COV_CHANGES | MF_COV_NET | MF_COV_TCP |
	     MF_COV_CGROUP))
		session->incomplete |= INC_NOT_COVERED;
	if (session->info.mounts_unmarked)
		session->incomplete |= INC_MOUNTS;
	if (session->info.flags & MF_RS_POLICY && !session->policy)
		session->incomplete |= INC_POLICY;
	/* what was lost since its beginning is its loss, however late we are told of it */
	if (resumed) {
		session_lost_so_far(session, session->lost_calm);
		session_lost_so_far(session, session->background.lost);
		session_lost_so_far(session, session->late.lost);
	}
	json_session_start(session->scratch, session);
	session_put(session, LOG_SESSION_START);
	if (resumed) {
		json_session_gap(session->scratch, session, "recorder restarted");
		session_put(session, LOG_GAP);
	}
	*ret_session = session;
	return 0;
}

static void request_free(struct session *session, struct request *request)
{
	for (size_t i = 0; i < JOURNAL_TEXTS; i++)
		blob_free(&request->text[i]);
	blob_free(&request->reply);
	free(request->grants[0].bytes);
	free(request->grants[1].bytes);
	rows_free(&request->rows, &session->processes);
	free(request);
}

void session_free(struct session *session)
{
	if (!session)
		return;
	while (session->newest) {
		struct request *request = session->newest;

		session->newest = request->older;
		request_free(session, request);
	}
	while (session->tools) {
		struct tool *tool = session->tools;

		session->tools = tool->next;
		free(tool);
	}
	rows_free(&session->background.rows, &session->processes);
	rows_free(&session->late.rows, &session->processes);
	process_table_free(&session->processes);
	history_free(&session->history);
	blob_free(&session->server);
	blob_free(&session->server_version);
	blob_free(&session->protocol);
	session_policy_free(session->policy);
	free(session->buckets);
	free(session);
}

static struct request **bucket(const struct session *session, uint64_t ordinal)
{
	return &session->buckets[ordinal & (session->buckets_count - 1)];
}

struct request *session_request(const struct session *session, uint64_t ordinal)
{
	struct request *request = *bucket(session, ordinal);

	while (request && request->ordinal != ordinal)
		request = request->next;
	return request;
}

static void grow_buckets(struct session *session)
{
	size_t count = session->buckets_count * 2;
	struct request **buckets;

	if (session->requests_count < count)
		return;
	buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return; /* longer chains are no fault */
	free(session->buckets);
	session->buckets = buckets;
	session->buckets_count = count;
	for (struct request *request = session->oldest; request; request = request->newer) {
		struct request **at = bucket(session, request->ordinal);

		request->next = *at;
		*at = request;
	}
}

static struct tool *find_tool(const struct session *session, const char *name, size_t size)
{
	struct tool *tool = session->tools;

	while (tool && (tool->definition.name_len != size || memcmp(tool->name, name, size)))
		tool = tool->next;
	return tool;
}

/* What a line turned out to say: at its beginning, or later for one that was too long. */
static void take_begin(struct session *session, struct request *request,
		       const struct journal_view *entry)
{
	const struct tool *tool;

	memcpy(&request->begin, entry->body, sizeof(request->begin));
	for (size_t i = 0; i < JOURNAL_TEXTS; i++)
		request->incomplete |=
			blob_set(&request->text[i], entry->text[i], entry->text_size[i]);
	request->block_generation = 0; /* not looked up yet */
	tool = find_tool(session, entry->text[1], entry->text_size[1]);
	request->tool_known = tool != NULL;
	if (!tool)
		return;
	request->tool = tool->definition;
	request->tool_changes = tool->changes;
}

static int journal_begin(struct session *session, const struct journal_view *entry)
{
	uint64_t ordinal = entry->head->ordinal;
	uint64_t stamp = entry->head->stamp;
	bool resume = entry->head->kind == MF_J_RESUME;
	struct request *request;
	int err;

	if (!ordinal || session_request(session, ordinal))
		return -EBADMSG;
	err = resume ? history_resume(&session->history, stamp, ordinal)
		     : history_begin(&session->history, stamp, ordinal);
	if (err)
		return err;
	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->ordinal = ordinal;
	request->rows.shared = &session->rows_bytes;
	request->begin_ns = entry->head->t_ns;
	request->begin_epoch = resume ? 0 : MF_STAMP_EPOCH(stamp); /* at the latest */
	request->incomplete = session->incomplete | (resume ? INC_RESTARTED : 0);
	if (session->processes.elsewhere)
		request->incomplete |= INC_MOUNTS;
	memcpy(request->lost, session->lost_calm, sizeof(request->lost));
	take_begin(session, request, entry);
	request->older = session->newest;
	if (session->newest)
		session->newest->newer = request;
	else
		session->oldest = request;
	session->newest = request;
	request->next = *bucket(session, ordinal);
	*bucket(session, ordinal) = request;
	session->requests_count++;
	session->requests_begun++;
	grow_buckets(session);
	if (MF_STAMP_COUNT(stamp) == 1)
		session_flush(session, entry->head->t_ns, true);
	return 0;
}

static void mark_ended(struct session *session, struct request *request, uint64_t t_ns)
{
	request->ended = true;
	request->end_ns = t_ns;
	if (session->ended_last)
		session->ended_last->next_ended = request;
	else
		session->ended_first = request;
	session->ended_last = request;
}

static int journal_end(struct session *session, const struct journal_view *entry)
{
	struct request *request = session_request(session, entry->head->ordinal);
	int err = history_end(&session->history, entry->head->stamp, entry->head->ordinal);

	if (err || !request)
		return err;
	if (request->ended)
		return -EBADMSG;
	mark_ended(session, request, entry->head->t_ns);
	request->end_epoch = MF_STAMP_EPOCH(entry->head->stamp);
	memcpy(&request->end, entry->body, sizeof(request->end));
	request->incomplete |= blob_set(&request->reply, entry->text[0], entry->text_size[0]);
	return 0;
}

static int journal_about(struct session *session, const struct journal_view *entry)
{
	struct request *request = session_request(session, entry->head->ordinal);

	if (!request)
		return 0; /* closed already */
	if (entry->head->kind == MF_J_CANCEL)
		request->cancelled = true;
	else
		take_begin(session, request, entry);
	return 0;
}

static int journal_tool(struct session *session, const struct journal_view *entry)
{
	const struct mf_j_tool *definition = entry->body;
	size_t size = entry->text_size[0];
	struct tool *tool = find_tool(session, entry->text[0], size);

	if (tool) {
		tool->changes += memcmp(tool->definition.sha256, definition->sha256,
					sizeof(definition->sha256)) != 0;
		tool->definition = *definition;
		return 0;
	}
	/* tools beyond the bound are called without claims, which says less, not something wrong */
	if (session->tools_bytes + sizeof(*tool) + size > TOOLS_BYTES_MAX)
		return 0;
	tool = malloc(sizeof(*tool) + size);
	if (!tool)
		return -ENOMEM;
	*tool = (struct tool){ .next = session->tools, .definition = *definition };
	memcpy(tool->name, entry->text[0], size);
	session->tools = tool;
	session->tools_bytes += sizeof(*tool) + size;
	return 0;
}

static int journal_server(struct session *session, const struct journal_view *entry)
{
	struct blob *blobs[] = { &session->server, &session->server_version, &session->protocol };
	uint32_t incomplete = 0;

	for (size_t i = 0; i < ARRAY_LEN(blobs); i++)
		incomplete |= blob_set(blobs[i], entry->text[i], entry->text_size[i]);
	session_taint(session, incomplete);
	return 0;
}

static int journal_counters(struct session *session, const struct journal_view *entry)
{
	memcpy(&session->counters, entry->body, sizeof(session->counters));
	session->counters_known = true;
	if (session->counters.journal_lost)
		session->incomplete |= INC_JOURNAL;
	return 0;
}

static int journal_exit(struct session *session, const struct journal_view *entry)
{
	memcpy(&session->exit, entry->body, sizeof(session->exit));
	session->exited = true;
	return 0;
}

static int (*const handlers[])(struct session *, const struct journal_view *) = {
	[MF_J_BEGIN] = journal_begin,	    [MF_J_END] = journal_end,
	[MF_J_CANCEL] = journal_about,	    [MF_J_IDENTIFY] = journal_about,
	[MF_J_TOOL] = journal_tool,	    [MF_J_SERVER] = journal_server,
	[MF_J_COUNTERS] = journal_counters, [MF_J_EXIT] = journal_exit,
	[MF_J_RESUME] = journal_begin,	    [MF_J_GRANTS] = session_grants,
};

int session_journal(struct session *session, const void *packet, size_t size)
{
	struct journal_view entry;
	size_t offset = 0;
	int got;

	if (session->journal_broken)
		return -EBADMSG;
	while ((got = journal_next(packet, size, &offset, &entry)) > 0) {
		session->stats->journal_entries++;
		got = handlers[entry.head->kind](session, &entry);
		if (got < 0)
			break;
	}
	if (got >= 0)
		return 0;
	session->stats->journal_bad++;
	session->journal_broken = true;
	session_taint(session, INC_JOURNAL);
	return -EBADMSG;
}

void session_end_request(struct session *session, struct request *request, enum mf_end end,
			 uint64_t t_ns)
{
	if (request->ended)
		return;
	mark_ended(session, request, t_ns);
	request->end_epoch = UINT64_MAX;
	request->end.end = (uint16_t)end;
	if (end == MF_END_RELAY_GONE)
		request->incomplete |= INC_RELAY_GONE;
}

void session_close_first(struct session *session)
{
	struct request *request = session->ended_first;
	struct request **at = bucket(session, request->ordinal);
	bool complete;

	session->ended_first = request->next_ended;
	if (!session->ended_first)
		session->ended_last = NULL;
	request->incomplete |= session->incomplete;
	json_request(session->scratch, session, request, &complete);
	session_put(session, LOG_REQUEST);
	session->stats->records++;
	session->requests_closed++;
	session->requests_incomplete += !complete;
	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	if (request->newer)
		request->newer->older = request->older;
	else
		session->newest = request->older;
	if (request->older)
		request->older->newer = request->newer;
	else
		session->oldest = request->newer;
	session->requests_count--;
	request_free(session, request);
	session_policy_forget(session->policy);
}

static void flush_batch(struct session *session, struct batch *batch, enum log_type type)
{
	if (!batch->rows.events)
		return;
	json_batch(session->scratch, session, batch, type);
	session_put(session, type);
	rows_free(&batch->rows, &session->processes);
	session_policy_forget(session->policy);
	batch->incomplete = 0;
	session_lost_so_far(session, batch->lost);
}

static bool batch_is_due(const struct batch *batch, uint64_t now_ns)
{
	const struct rows *rows = &batch->rows;

	if (!rows->events)
		return false;
	return rows->count >= BATCH_ROWS || rows->events >= BATCH_EVENTS || !rows->count ||
	       now_ns - rows->row[0].t_ns >= BATCH_AGE_NS;
}

void session_flush(struct session *session, uint64_t now_ns, bool all)
{
	if (all || batch_is_due(&session->background, now_ns))
		flush_batch(session, &session->background, LOG_BACKGROUND);
	if (all || batch_is_due(&session->late, now_ns))
		flush_batch(session, &session->late, LOG_LATE);
}

void session_finish(struct session *session, const struct mf_r_gone *gone, const char *end,
		    uint64_t t_ns)
{
	session_flush(session, t_ns, true);
	json_session_end(session->scratch, session, gone, end, t_ns);
	session_put(session, LOG_SESSION_END);
}
