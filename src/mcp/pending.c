/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/pending.h"

#include <sodium.h>
#include <string.h>

#include "mcp/id_key.h"
#include "mcp/pending_table.h"

int pending_new(struct pending **ret_table)
{
	struct pending *table;

	if (sodium_init() < 0)
		return -EIO;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	*ret_table = table;
	return 0;
}

void pending_request_free(struct pending_request *request)
{
	if (!request)
		return;
	free(request->answer.text);
	free(request->begin);
	free(request->call);
	free(request->grants[0].entry);
	free(request->grants[1].entry);
	free(request->raw_id);
	free(request);
}

/* by deadline: each clock runs equally long for all, so the list stays sorted by itself */
static void clock_start(struct pending *table, struct pending_request *request,
			enum pending_clock clock, uint64_t now_ns)
{
	static const uint64_t spans[] = { PENDING_TIMEOUT_NS, PENDING_CANCELLED_NS,
					  PENDING_NO_ID_NS };

	_Static_assert(ARRAY_LEN(spans) == PENDING_CLOCKS, "a span for each clock");
	request->clock = clock;
	request->deadline_ns = now_ns + spans[clock];
	request->later = NULL;
	request->earlier = table->clocks[clock].last;
	if (request->earlier)
		request->earlier->later = request;
	else
		table->clocks[clock].first = request;
	table->clocks[clock].last = request;
}

static void clock_stop(struct pending *table, struct pending_request *request)
{
	struct pending_list *list = &table->clocks[request->clock];

	if (request->earlier)
		request->earlier->later = request->later;
	else
		list->first = request->later;
	if (request->later)
		request->later->earlier = request->earlier;
	else
		list->last = request->earlier;
	request->earlier = request->later = NULL;
}

static int take_id(struct pending_request *request, const struct mcp_id *id)
{
	request->flags &= ~(uint32_t)(MF_JF_ID_MISSING | MF_JF_ID_NULL);
	if (id->kind == MCP_ID_MISSING)
		request->flags |= MF_JF_ID_MISSING;
	if (id->kind == MCP_ID_NULL)
		request->flags |= MF_JF_ID_NULL;
	if (!id->raw.size)
		return 0;
	request->raw_id = malloc(id->raw.size);
	if (!request->raw_id)
		return -ENOMEM;
	memcpy(request->raw_id, id->raw.data, id->raw.size);
	request->raw_id_size = id->raw.size;
	return 0;
}

static int join_group(struct pending *table, struct pending_request *request,
		      const struct mcp_id *id)
{
	_cleanup_buf_ struct buf key = { 0 };
	struct pending_group *group;
	int err = id_key(id, &key);

	if (err == -EINVAL)
		return 0;
	if (!err)
		err = group_get(table, buf_bytes(&key), buf_size(&key), &group);
	if (err)
		return err;
	request->group = group;
	request->mate = group->members;
	group->members = request;
	if (++group->count > 1)
		for (struct pending_request *mate = group->members; mate; mate = mate->mate) {
			if (mate != request && (mate->flags & MF_JF_ID_SHARED))
				break; /* and so are those behind it */
			mate->flags |= MF_JF_ID_SHARED;
		}
	return 0;
}

static bool usable(const struct mcp_id *id)
{
	return id->kind != MCP_ID_MISSING && id->kind != MCP_ID_NULL;
}

int pending_add(struct pending *table, const struct mcp_id *id, uint64_t ordinal, uint64_t now_ns,
		struct pending_request **ret_request)
{
	struct pending_request *request = calloc(1, sizeof(*request));
	int err;

	if (!request)
		return -ENOMEM;
	request->ordinal = ordinal;
	request->slot = -1;
	err = take_id(request, id);
	if (!err)
		err = join_group(table, request, id);
	if (err) {
		pending_request_free(request);
		return err;
	}
	clock_start(table, request, usable(id) ? PENDING_USUAL : PENDING_NO_ID, now_ns);
	table->count++;
	*ret_request = request;
	return 0;
}

int pending_identify(struct pending *table, struct pending_request *request,
		     const struct mcp_id *id, uint64_t now_ns)
{
	int err;

	if (request->group || request->raw_id)
		return -EALREADY;
	err = take_id(request, id);
	if (!err)
		err = join_group(table, request, id);
	if (err)
		return err;
	clock_stop(table, request);
	clock_start(table, request, usable(id) ? PENDING_USUAL : PENDING_NO_ID, now_ns);
	return 0;
}

static void answer_give(struct pending_request *request, struct pending_answer *answer)
{
	free(request->answer.text);
	request->answer = *answer;
	request->answered = true;
	answer->text = NULL;
}

/* Takes it out of its group, clock and the count. */
static void detach(struct pending *table, struct pending_request *request, uint16_t end)
{
	struct pending_group *group = request->group;

	clock_stop(table, request);
	table->count--;
	request->end = request->clock == PENDING_CANCELLED && end != MF_END_SERVER_EXIT
			       ? MF_END_CANCELLED
			       : end;
	request->group = NULL;
	if (!group)
		return;
	for (struct pending_request **at = &group->members; *at; at = &(*at)->mate) {
		if (*at != request)
			continue;
		*at = request->mate;
		group->count--;
		break;
	}
	if (!group->count)
		group_free(table, group);
}

/* Every member of a group whose answers are all here. */
static struct pending_request *group_end(struct pending *table, struct pending_group *group,
					 uint16_t end)
{
	struct pending_answer unknown = { .outcome = group->outcome };
	struct pending_request *ended = NULL;
	size_t count = group->count;

	while (count--) {
		struct pending_request *request = group->members;

		if (!request->answered)
			answer_give(request, &unknown);
		detach(table, request, end);
		request->next_ended = ended;
		ended = request;
	}
	return ended;
}

/* The only member that wrote its id like this; NULL: none or several. */
static struct pending_request *only_with(const struct pending_group *group,
					 const struct mcp_text *raw)
{
	struct pending_request *found = NULL;

	for (struct pending_request *at = group->members; at; at = at->mate) {
		if (at->raw_id_size != raw->size || memcmp(at->raw_id, raw->data, raw->size) != 0)
			continue;
		if (found)
			return NULL;
		found = at;
	}
	return found;
}

static struct pending_request *group_reply(struct pending *table, struct pending_group *group,
					   const struct mcp_text *raw,
					   struct pending_answer *answer, uint16_t end)
{
	struct pending_request *request = group->members;

	if (group->count > 1 || group->replies)
		request = raw ? only_with(group, raw) : NULL;
	if (request && !request->answered) {
		answer_give(request, answer);
	} else {
		/* what all such answers say is true of each, whoever it was for */
		if (!group->outcome)
			group->outcome = answer->outcome;
		else if (group->outcome != answer->outcome)
			group->outcome = MF_OUT_UNREADABLE;
	}
	if (++group->replies < group->count)
		return NULL;
	return group_end(table, group, end);
}

static struct pending_group *group_of(struct pending *table, const struct mcp_id *id)
{
	_cleanup_buf_ struct buf key = { 0 };

	if (id_key(id, &key) < 0)
		return NULL;
	return group_find(table, buf_bytes(&key), buf_size(&key));
}

struct pending_request *pending_reply(struct pending *table, const struct mcp_id *id,
				      struct pending_answer *answer, bool *ret_matched)
{
	struct pending_group *group = group_of(table, id);
	struct pending_request *ended = NULL;

	if (group)
		ended = group_reply(table, group, &id->raw, answer, MF_END_RESPONSE);
	*ret_matched = group != NULL;
	free(answer->text);
	answer->text = NULL;
	return ended;
}

int pending_task(struct pending *table, const struct mcp_id *id, const struct mcp_text *task)
{
	struct pending_group *group = group_of(table, id);
	int err;

	if (!group)
		return 0;
	err = task_add(table, group, task->data, task->size);
	if (err)
		return err;
	for (struct pending_request *at = group->members; at; at = at->mate)
		at->flags |= MF_JF_TASK;
	return 1;
}

struct pending_request *pending_task_end(struct pending *table, const struct mcp_text *task,
					 struct pending_answer *answer, bool *ret_matched)
{
	struct pending_group *group = task_take(table, task->data, task->size);
	struct pending_request *ended = NULL;

	if (group)
		ended = group_reply(table, group, NULL, answer, MF_END_TASK);
	*ret_matched = group != NULL;
	free(answer->text);
	answer->text = NULL;
	return ended;
}

void pending_cancel(struct pending *table, const struct mcp_id *id, uint64_t now_ns,
		    void (*each)(struct pending_request *request, void *data), void *data)
{
	struct pending_group *group = group_of(table, id);

	for (struct pending_request *at = group ? group->members : NULL; at; at = at->mate) {
		if (at->clock == PENDING_CANCELLED)
			continue;
		clock_stop(table, at);
		clock_start(table, at, PENDING_CANCELLED, now_ns);
		each(at, data);
	}
}

struct pending_request *pending_remove(struct pending *table, struct pending_request *request,
				       uint16_t end)
{
	struct pending_group *group = request->group;
	bool more = group && group->count > 1;

	detach(table, request, end);
	request->next_ended = NULL;
	if (more && group->replies >= group->count)
		request->next_ended = group_end(table, group, MF_END_RESPONSE);
	return request;
}

struct pending_request *pending_expire(struct pending *table, uint64_t now_ns)
{
	for (size_t i = 0; i < PENDING_CLOCKS; i++) {
		struct pending_request *first = table->clocks[i].first;

		if (first && first->deadline_ns <= now_ns)
			return pending_remove(table, first, MF_END_TIMEOUT);
	}
	return NULL;
}

uint64_t pending_deadline_ns(const struct pending *table)
{
	uint64_t deadline_ns = UINT64_MAX;

	for (size_t i = 0; i < PENDING_CLOCKS; i++) {
		const struct pending_request *first = table->clocks[i].first;

		if (first && first->deadline_ns < deadline_ns)
			deadline_ns = first->deadline_ns;
	}
	return deadline_ns;
}

bool pending_awaited(const struct pending *table)
{
	const struct pending_request *at = table->clocks[PENDING_USUAL].first;

	while (at && at->flags & MF_JF_TASK)
		at = at->later;
	return at != NULL;
}

size_t pending_count(const struct pending *table)
{
	return table->count;
}

void pending_each(struct pending *table, void (*each)(struct pending_request *request, void *data),
		  void *data)
{
	for (size_t i = 0; i < PENDING_CLOCKS; i++)
		for (struct pending_request *at = table->clocks[i].first; at; at = at->later)
			each(at, data);
}

struct pending_request *pending_any(struct pending *table)
{
	for (size_t i = 0; i < PENDING_CLOCKS; i++)
		if (table->clocks[i].first)
			return table->clocks[i].first;
	return NULL;
}

void pending_free(struct pending **slot)
{
	struct pending *table = *slot;

	if (!table)
		return;
	while (pending_any(table)) {
		struct pending_request *ended =
			pending_remove(table, pending_any(table), MF_END_SERVER_EXIT);

		while (ended) {
			struct pending_request *next = ended->next_ended;

			pending_request_free(ended);
			ended = next;
		}
	}
	free(table->buckets);
	free(table->task_buckets);
	free(table);
	*slot = NULL;
}
