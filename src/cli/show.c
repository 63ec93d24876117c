/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/show.h"

#include <string.h>

#include "base/cleanup.h"

#define OTHERS_NAMED 8 /* of records with the same request id */

int show_record(const struct kept *record, const struct kept_list *late, bool json)
{
	const struct json_text text = { record->json, record->entry.size };
	const struct render_style style = records_style();
	_cleanup_free_ struct json_text *more = calloc(late->count + 1, sizeof(*more));
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < late->count; i++) {
		const struct kept *kept = kept_at(late, i);

		more[i] = (struct json_text){ kept->json, kept->entry.size };
	}
	if (!json) {
		r = render_record(&out, &style, &text, more, late->count);
		return r < 0 ? r : records_print(&out);
	}
	r = render_record_json(&out, &text, more, late->count);
	if (r >= 0)
		r = records_print_json((const char *)buf_bytes(&out), buf_size(&out));
	return r;
}

struct search {
	const struct cli_args *args;
	const char *wanted; /* uid, request id, or session */
	struct kept_list found; /* the newest one */
	struct kept_list more; /* late or background entries of its session */
	struct buf others; /* uids that would have fitted too */
	size_t other_count;
	char session[sizeof(((struct entry_facts *)NULL)->session)];
	char uid[sizeof(((struct entry_facts *)NULL)->uid)];
	size_t gaps;
};

static void free_search(struct search *search)
{
	kept_free(&search->found);
	kept_free(&search->more);
	buf_free(&search->others);
}

static int note_other(struct search *search)
{
	if (!search->uid[0])
		return 0;
	if (search->other_count++ >= OTHERS_NAMED) /* the oldest are left out */
		buf_consume(&search->others,
			    strcspn((const char *)buf_bytes(&search->others), " ") + 1);
	return buf_printf(&search->others, "%s ", search->uid);
}

/* A session has many entries for its background, between those of others: it is named once. */
static void drop_other(struct search *search, const char *uid)
{
	char *others = (char *)buf_bytes(&search->others);
	size_t length = strlen(uid) + 1;
	char *at = others;

	while (at && at < others + buf_size(&search->others)) {
		char *next = memchr(at, ' ', buf_size(&search->others) - (size_t)(at - others));

		if (!next)
			return;
		next++;
		if ((size_t)(next - at) == length && !memcmp(at, uid, length - 1)) {
			memmove(at, next, buf_size(&search->others) - (size_t)(next - others));
			search->others.end -= length;
			search->other_count--;
			return;
		}
		at = next;
	}
}

static bool fits_request(const struct search *search, const struct log_entry *entry,
			 const struct entry_facts *facts)
{
	const struct json_text text = { entry->json, entry->size };

	if (entry->type != LOG_REQUEST || !records_of_session(facts, search->args->session))
		return false;
	return strcmp(facts->uid, search->wanted) == 0 || record_has_id(&text, search->wanted) == 1;
}

static bool fits_background(const struct search *search, const struct log_entry *entry,
			    const struct entry_facts *facts)
{
	return entry->type == LOG_BACKGROUND && records_of_session(facts, search->wanted);
}

/* First pass: the newest entry that fits. */
static int find(struct records *records, struct search *search)
{
	for (;;) {
		struct entry_facts facts;
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r <= 0)
			return r;
		r = entry_facts(entry.json, entry.size, &facts);
		search->gaps += entry.type == LOG_GAP || r < 0;
		if (r < 0)
			continue;
		if (search->args->background ? !fits_background(search, &entry, &facts)
					     : !fits_request(search, &entry, &facts))
			continue;
		if (!search->args->background || strcmp(facts.session, search->session) != 0)
			r = note_other(search);
		if (r >= 0 && search->args->background)
			drop_other(search, facts.session);
		if (r >= 0)
			r = kept_add(&search->found, &entry);
		if (r < 0)
			return r;
		memcpy(search->session, facts.session, sizeof(search->session));
		memcpy(search->uid, search->args->background ? facts.session : facts.uid,
		       search->args->background ? sizeof(facts.session) : sizeof(facts.uid));
	}
}

/* Second pass: what else there is of the session found. */
static int gather(struct records *records, struct search *search)
{
	enum log_type type = search->args->background ? LOG_BACKGROUND : LOG_LATE;

	for (;;) {
		struct entry_facts facts;
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r <= 0)
			return r;
		if (entry.type != type || entry_facts(entry.json, entry.size, &facts) < 0 ||
		    strcmp(facts.session, search->session) != 0)
			continue;
		r = kept_add(&search->more, &entry);
		if (r < 0)
			return r;
	}
}

static int print_background(const struct kept_list *entries, bool json)
{
	const struct render_style style = records_style();

	for (size_t i = 0; i < entries->count; i++) {
		const struct kept *kept = kept_at(entries, i);
		const struct json_text text = { kept->json, kept->entry.size };
		_cleanup_buf_ struct buf out = { 0 };
		int r;

		if (json) {
			r = records_print_json(kept->json, kept->entry.size);
			if (r >= 0 && putchar('\n') == EOF)
				r = -EIO;
		} else {
			r = render_background(&out, &style, &text);
			if (r >= 0)
				r = records_print(&out);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_found(const struct search *search)
{
	int r;

	if (search->args->background)
		return print_background(&search->more, search->args->json);
	r = show_record(kept_at(&search->found, 0), &search->more, search->args->json);
	if (r >= 0 && search->args->json && putchar('\n') == EOF)
		r = -EIO;
	return r;
}

static void say_others(struct search *search)
{
	if (!search->other_count || buf_append(&search->others, "", 1) < 0)
		return;
	cli_error("%zu older %s of the same %s: %s%s", search->other_count,
		  search->args->background   ? (search->other_count == 1 ? "session" : "sessions")
		  : search->other_count == 1 ? "record"
					     : "records",
		  search->args->background ? "name" : "id",
		  search->other_count > OTHERS_NAMED ? "… " : "",
		  (const char *)buf_bytes(&search->others));
}

static int not_found(const struct search *search, const struct records *records)
{
	_cleanup_free_ char *shown = cli_shown(search->wanted);

	if (search->args->background)
		cli_error("nothing besides requests is recorded of a session '%s' in %s", shown,
			  records->where);
	else
		cli_error("there is no record '%s' in %s; mcpfloor requests lists them", shown,
			  records->where);
	records_say_gaps(search->gaps);
	return CLI_NOTHING;
}

int cli_show(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_(free_search) struct search search = {
		.args = args,
		.wanted = args->operands[0],
		.found = { .max = 1 },
	};
	_cleanup_records_ struct records first = { .log_fd = -1, .watch_fd = -1 };
	_cleanup_records_ struct records second = { .log_fd = -1, .watch_fd = -1 };
	int r;

	if (records_open(args, RECORDS_PAST, &first) < 0)
		return CLI_NO_ACCESS;
	r = find(&first, &search);
	if (r < 0)
		return records_failed(&first, r);
	if (!search.found.count)
		return not_found(&search, &first);
	if (records_open(args, RECORDS_PAST, &second) < 0)
		return CLI_NO_ACCESS;
	r = gather(&second, &search);
	if (r >= 0)
		r = print_found(&search);
	if (r < 0)
		return records_failed(&second, r);
	records_say_gaps(search.gaps);
	say_others(&search);
	return CLI_OK;
}
