/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/recorded_log.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/records.h"
#include "record/row_read.h"
#include "record/tree.h"

#define SESSIONS_MAX 4096 /* whose directories are kept */
#define LINE_BYTES_MAX (64U << 20)

struct place {
	char session[24];
	char *cwd;
};

struct walk {
	const struct cli_args *args;
	const struct recorded_visitor *visitor;
	struct recorded_totals totals;
	struct place *places; /* the newest SESSIONS_MAX, in turn */
	size_t place_count, place_next;
	/* of the entry at work */
	struct step *steps;
	size_t count, capacity;
};

struct step {
	struct recorded_access accesses[RECORDED_ACCESSES_MAX];
	int count;
	uint64_t uses;
	bool no_call;
	char *event; /* NULL: it is this request's */
};

/* A name that appeared or went away, and with which step. */
struct change {
	const char *name;
	size_t size, step;
};

static void walk_free(struct walk *walk)
{
	for (size_t i = 0; i < walk->place_count; i++)
		free(walk->places[i].cwd);
	free(walk->places);
	free(walk->steps);
}

static int keep_place(struct walk *walk, yajl_val entry)
{
	const char *session = tree_text(tree_get(entry, "session"), "id");
	const char *cwd = tree_text(entry, "cwd");
	struct place *place;

	if (cwd[0] != '/' || strlen(session) >= sizeof(place->session))
		return 0;
	if (!walk->places) {
		walk->places = calloc(SESSIONS_MAX, sizeof(*walk->places));
		if (!walk->places)
			return -ENOMEM;
	}
	place = &walk->places[walk->place_next];
	free(place->cwd);
	memcpy(place->session, session, strlen(session) + 1);
	place->cwd = strdup(cwd);
	walk->place_next = (walk->place_next + 1) % SESSIONS_MAX;
	if (walk->place_count < SESSIONS_MAX)
		walk->place_count++;
	return place->cwd ? 0 : -ENOMEM;
}

static const char *cwd_of(const struct walk *walk, yajl_val entry)
{
	const char *session = tree_text(tree_get(entry, "session"), "id");

	for (size_t i = 0; i < walk->place_count; i++) {
		if (strcmp(walk->places[i].session, session) == 0)
			return walk->places[i].cwd;
	}
	return NULL;
}

static bool has_note(yajl_val entry, const char *note)
{
	yajl_val notes = tree_get(entry, "notes");

	for (size_t i = 0; i < tree_count(notes); i++) {
		if (strcmp(tree_string(tree_at(notes, i)), note) == 0)
			return true;
	}
	return false;
}

static void free_steps(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++) {
		recorded_accesses_free(walk->steps[i].accesses);
		free(walk->steps[i].event);
	}
	walk->count = 0;
}

/* Times are told from the beginning of each record, so they do not tell which event it is. */
static int name_event(yajl_val event, char **ret_name)
{
	yajl_val candidates = tree_get(event, "candidates");
	_cleanup_buf_ struct buf name = { 0 };
	int r = buf_append_str(&name, tree_text(event, "process"));

	for (size_t i = 0; r == 0 && i < tree_count(candidates); i++)
		r = buf_printf(&name, " %s", tree_string(tree_at(candidates, i)));
	if (r == 0)
		*ret_name = strndup((const char *)buf_bytes(&name), buf_size(&name));
	return r == 0 && *ret_name ? 0 : -ENOMEM;
}

static int keep_step(struct walk *walk, yajl_val row, const struct row_event *event,
		     const struct question *question, bool of_request)
{
	enum recorded_gap gap;
	struct step *step;

	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity ? walk->capacity * 2 : 256;
		struct step *steps = reallocarray(walk->steps, capacity, sizeof(*steps));

		if (!steps)
			return -ENOMEM;
		walk->steps = steps;
		walk->capacity = capacity;
	}
	step = &walk->steps[walk->count];
	*step = (struct step){ 0 };
	step->count = recorded_accesses(&event->view, question, step->accesses, &gap);
	if (step->count < 0)
		return step->count;
	walk->totals.no_path += gap == RECORDED_NO_PATH;
	walk->totals.no_flags += gap == RECORDED_NO_FLAGS;
	if (!step->count)
		return 0;
	step->uses = tree_number(row, "count") > 0 ? (uint64_t)tree_number(row, "count") : 1;
	step->no_call = !of_request || tree_true(row, "late");
	walk->count++;
	return strcmp(tree_text(row, "label"), "candidates") ? 0 : name_event(row, &step->event);
}

static int read_row(struct walk *walk, const struct recorded_call *call, yajl_val row)
{
	_cleanup_row_event_ struct row_event event;
	struct question question;
	int r = row_read(row, &event);

	if (r <= 0)
		return r;
	question_of(&event.view, &question);
	if (!question.count && !question.no_path)
		return 0;
	r = keep_step(walk, row, &event, &question, call->is_request);
	if (r >= 0 && walk->visitor->event)
		r = walk->visitor->event(
			walk->visitor->data, call,
			&(struct recorded_event){ .row = row, .question = &question });
	return r;
}

static int by_name_and_step(const void *first, const void *second)
{
	const struct change *a = first, *b = second;
	size_t size = a->size < b->size ? a->size : b->size;
	int order = memcmp(a->name, b->name, size);

	if (order)
		return order;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a->step > b->step) - (a->step < b->step);
}

static bool same_name(const struct change *a, const struct change *b)
{
	return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

struct changes {
	struct change *made, *gone; /* sorted */
	size_t made_count, gone_count;
};

static void changes_free(struct changes *changes)
{
	free(changes->made);
	free(changes->gone);
}

static int find_changes(const struct walk *walk, struct changes *changes)
{
	size_t room = walk->count * RECORDED_ACCESSES_MAX + 1;

	changes->made = calloc(room, sizeof(*changes->made));
	changes->gone = calloc(room, sizeof(*changes->gone));
	if (!changes->made || !changes->gone)
		return -ENOMEM;
	for (size_t i = 0; i < walk->count; i++) {
		for (int k = 0; k < walk->steps[i].count; k++) {
			const struct recorded_access *access = &walk->steps[i].accesses[k];
			const struct change change = { access->access.name,
						       access->access.name_size, i };

			if (access->access.kind != POLICY_ACCESS_PATH)
				continue;
			if (access->made)
				changes->made[changes->made_count++] = change;
			if (access->gone)
				changes->gone[changes->gone_count++] = change;
		}
	}
	qsort(changes->made, changes->made_count, sizeof(*changes->made), by_name_and_step);
	qsort(changes->gone, changes->gone_count, sizeof(*changes->gone), by_name_and_step);
	return 0;
}

/* The first change of that name, or the last one; NULL: none. */
static const struct change *change_of(const struct change *changes, size_t count,
				      const struct change *name, bool last)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_name_and_step(&changes[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (last)
		return low && same_name(&changes[low - 1], name) ? &changes[low - 1] : NULL;
	return low < count && same_name(&changes[low], name) ? &changes[low] : NULL;
}

/* Whether the name was made, and went away after that. */
static bool is_passing(const struct changes *changes, const struct policy_access *access)
{
	struct change name = { access->name, access->name_size, 0 };
	const struct change *made, *gone;

	if (access->kind != POLICY_ACCESS_PATH)
		return false;
	made = change_of(changes->made, changes->made_count, &name, false);
	name.step = SIZE_MAX;
	gone = made ? change_of(changes->gone, changes->gone_count, &name, true) : NULL;
	return gone && made->step < gone->step;
}

static int visit_steps(struct walk *walk, const struct recorded_call *call)
{
	_cleanup_(changes_free) struct changes changes = { 0 };
	int r = walk->visitor->step ? find_changes(walk, &changes) : 0;

	for (size_t i = 0; walk->visitor->step && r >= 0 && i < walk->count; i++) {
		const struct step *step = &walk->steps[i];

		for (int k = 0; r >= 0 && k < step->count; k++) {
			const struct recorded_access *access = &step->accesses[k];

			r = walk->visitor->step(
				walk->visitor->data, call,
				&(struct recorded_step){
					.access = access,
					.uses = step->uses,
					.passing = is_passing(&changes, &access->access),
					.no_call = step->no_call,
					.unsure = step->event != NULL,
					.event = step->event });
		}
	}
	return r;
}

static bool is_tool_call(yajl_val entry)
{
	const char *method = tree_text(entry, "method");

	return !*method || strcmp(method, "tools/call") == 0;
}

/* The name of the block that its call is decided by: a tool's, or that of a method which names none. */
static int name_tool(yajl_val entry, struct buf *name)
{
	const char *method = tree_text(entry, "method");

	/* it can be read in two ways, or has no answer and so no end: no tool's block is its own */
	if (has_note(entry, "duplicate_keys") || has_note(entry, "id_missing") ||
	    has_note(entry, "id_null"))
		return 0;
	if (is_tool_call(entry))
		return tree_get(entry, "tool") ? row_bytes(name, entry, "tool") : 0;
	if (strcmp(method, "resources/read") == 0 || strcmp(method, "prompts/get") == 0)
		return buf_append_str(name, method);
	return 0;
}

/* Whether the arguments that the record tells are the whole of what was sent. */
static bool arguments_are_told(yajl_val entry)
{
	return !has_note(entry, "masked") && !has_note(entry, "arguments_text") &&
	       (tree_get(entry, "arguments") || tree_number(entry, "arguments_bytes") == 0);
}

static int visit_entry(struct walk *walk, yajl_val entry, bool of_request)
{
	_cleanup_buf_ struct buf tool = { 0 }, arguments = { 0 };
	struct recorded_call call = { .uid = tree_text(entry, "uid"),
				      .entry = entry,
				      .is_request = of_request };
	yajl_val events = tree_get(entry, "events");
	int r = 0;

	call.cwd = cwd_of(walk, entry);
	call.complete = !of_request || tree_true(entry, "complete");
	call.arguments_told = of_request && arguments_are_told(entry);
	if (of_request)
		r = name_tool(entry, &tool);
	if (r == 0 && buf_size(&tool)) {
		call.tool_size = buf_size(&tool);
		r = buf_append(&tool, "", 1);
		call.tool = (const char *)buf_bytes(&tool);
	}
	if (r < 0)
		return r;
	if (call.tool && is_tool_call(entry) && tree_get(entry, "arguments")) {
		r = recorded_json(&arguments, tree_get(entry, "arguments"));
		call.arguments = (const char *)buf_bytes(&arguments);
		call.arguments_size = buf_size(&arguments);
	}
	if (r == 0 && walk->visitor->call)
		r = walk->visitor->call(walk->visitor->data, &call);
	for (size_t i = 0; r >= 0 && i < tree_count(events); i++)
		r = read_row(walk, &call, tree_at(events, i));
	if (r >= 0)
		r = visit_steps(walk, &call);
	free_steps(walk);
	walk->totals.requests += of_request;
	walk->totals.others += !of_request;
	walk->totals.incomplete += !call.complete;
	return r;
}

static int visit_json(struct walk *walk, const char *json, size_t size)
{
	_cleanup_tree_ yajl_val entry = tree_parse(json, size);
	const char *schema = tree_text(entry, "schema");

	if (!entry)
		return -EBADMSG;
	if (strcmp(schema, "mcpfloor.session-start/1") == 0)
		return keep_place(walk, entry);
	if (strcmp(schema, "mcpfloor.record/1") == 0)
		return visit_entry(walk, entry, true);
	if (strcmp(schema, "mcpfloor.late/1") == 0 || strcmp(schema, "mcpfloor.background/1") == 0)
		return visit_entry(walk, entry, false);
	return 0;
}

static int walk_log(struct walk *walk)
{
	_cleanup_records_ struct records records = { 0 };
	struct log_entry entry;
	struct entry_facts facts;
	int r;

	if (records_open(walk->args, RECORDS_PAST, &records) < 0)
		return CLI_NO_ACCESS;
	while ((r = records_next(&records, &entry)) > 0) {
		walk->totals.gaps += entry.type == LOG_GAP;
		if (walk->args->session && (entry_facts(entry.json, entry.size, &facts) < 0 ||
					    !records_of_session(&facts, walk->args->session)))
			continue;
		r = visit_json(walk, entry.json, entry.size);
		if (r == -EBADMSG)
			walk->totals.gaps++;
		else if (r < 0)
			return records_failed(&records, r);
	}
	return r < 0 ? records_failed(&records, r) : CLI_OK;
}

static bool is_blank(const struct buf *line)
{
	for (size_t i = 0; i < buf_size(line); i++) {
		uint8_t byte = buf_bytes(line)[i];

		if (byte != ' ' && byte != '\t' && byte != '\r')
			return false;
	}
	return true;
}

/* The next line, without its end. 1, or 0 where there is none; -EFBIG, before it is all in memory. */
static int read_line(FILE *file, struct buf *line)
{
	int c = 0, r = 0;

	buf_reset(line, SIZE_MAX);
	while (r == 0 && c != '\n') {
		char chunk[4096];
		size_t size = 0;

		while (size < sizeof(chunk) && (c = getc_unlocked(file)) != EOF && c != '\n')
			chunk[size++] = (char)c;
		r = buf_append(line, chunk, size);
		if (r == 0 && c == EOF)
			return ferror(file) ? -EIO : buf_size(line) > 0;
	}
	return r == 0 ? 1 : r == -ENOBUFS ? -EFBIG : r;
}

static int walk_file(struct walk *walk, const char *path)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *shown = cli_shown(path);
	_cleanup_buf_ struct buf line = { .limit = LINE_BYTES_MAX };
	size_t number = 0;
	int r = file ? 0 : -errno;

	while (file && r >= 0 && (r = read_line(file, &line)) > 0) {
		number++;
		if (!is_blank(&line))
			r = visit_json(walk, (const char *)buf_bytes(&line), buf_size(&line));
	}
	if (r == -EBADMSG)
		cli_error("%s:%zu: expected one record as JSON in a line, as requests --json gives "
			  "them",
			  shown, number);
	else if (r == -EFBIG)
		cli_error("%s:%zu: the line is too long to be a record: at most %u MiB", shown,
			  number + 1, LINE_BYTES_MAX >> 20);
	else if (r < 0)
		cli_error("%s cannot be read: %s", shown, strerror(-r));
	return r < 0 ? CLI_NO_ACCESS : CLI_OK;
}

int recorded_walk(const struct cli_args *args, char *const *paths,
		  const struct recorded_visitor *visitor, struct recorded_totals *ret_totals)
{
	_cleanup_(walk_free) struct walk walk = { .args = args, .visitor = visitor };
	int status = CLI_OK;

	if (!paths || !*paths)
		status = walk_log(&walk);
	for (; status == CLI_OK && paths && *paths; paths++)
		status = walk_file(&walk, *paths);
	*ret_totals = walk.totals;
	return status;
}
