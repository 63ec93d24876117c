/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "cli/records.h"

#define LINES_DEFAULT 10
#define WAIT_MS 1000
#define NO_JSON "{\"schema\":\"mcpfloor.gap/1\",\"reason\":\"an entry is no JSON\"}"

struct tail {
	const struct cli_args *args;
	struct kept_list past;
	size_t printed;
};

static bool is_wanted(const struct tail *tail, const struct log_entry *entry)
{
	struct entry_facts facts;

	if (entry->type == LOG_GAP) /* concerns whatever is asked for */
		return true;
	if (entry->type == LOG_SEGMENT)
		return false;
	return entry_facts(entry->json, entry->size, &facts) < 0 || /* said to be a gap */
	       records_of_session(&facts, tail->args->session);
}

static int print_entry(struct tail *tail, const struct log_entry *entry)
{
	const struct render_style style = records_style();
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	tail->printed++;
	if (tail->args->json) {
		r = records_is_json(entry) ? records_print_json(entry->json, entry->size)
					   : records_print_json(NO_JSON, strlen(NO_JSON));
		return r < 0 || putchar('\n') == EOF ? -EIO : 0;
	}
	r = render_tail(&out, &style, entry);
	if (r == -EBADMSG) {
		buf_reset(&out, 0);
		r = buf_append_str(&out, "gap: something is missing here: an entry is no JSON\n");
	}
	return r < 0 ? r : records_print(&out);
}

static int read_past(struct records *records, struct tail *tail)
{
	for (;;) {
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r <= 0)
			return r;
		if (is_wanted(tail, &entry))
			r = kept_add(&tail->past, &entry);
		if (r < 0)
			return r;
	}
}

/* Written between the two openings, it comes twice. */
static bool is_in_past(const struct tail *tail, const struct log_entry *entry)
{
	for (size_t i = 0; i < tail->past.count; i++) {
		const struct log_entry *old = &kept_at(&tail->past, i)->entry;

		if (old->time_ns == entry->time_ns && old->seq == entry->seq &&
		    old->type == entry->type && old->size == entry->size)
			return true;
	}
	return false;
}

static int follow(struct records *records, struct tail *tail)
{
	for (;;) {
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r < 0)
			return r;
		if (r == 0) {
			if (fflush(stdout) != 0)
				return -EIO;
			r = records_wait(records, WAIT_MS);
			if (r < 0)
				return r;
			continue;
		}
		if (is_wanted(tail, &entry) && !is_in_past(tail, &entry))
			r = print_entry(tail, &entry);
		if (r < 0)
			return r;
	}
}

int cli_tail(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_records_ struct records new = { .log_fd = -1, .watch_fd = -1 };
	_cleanup_records_ struct records old = { .log_fd = -1, .watch_fd = -1 };
	struct tail tail = {
		.args = args,
		.past = { .max = args->limit_given ? args->limit : LINES_DEFAULT },
	};
	bool no_past = args->limit_given && args->limit == 0;
	int r = 0;

	/* the new ones first, so that nothing falls between */
	if (!args->no_follow && records_open(args, RECORDS_NEW, &new) < 0)
		return CLI_NO_ACCESS;
	if (!no_past && records_open(args, RECORDS_PAST, &old) < 0)
		return CLI_NO_ACCESS;
	if (!no_past)
		r = read_past(&old, &tail);
	for (size_t i = 0; r >= 0 && i < tail.past.count; i++)
		r = print_entry(&tail, &kept_at(&tail.past, i)->entry);
	if (r >= 0 && !args->no_follow)
		r = follow(&new, &tail);
	kept_free(&tail.past);
	if (r < 0)
		return records_failed(args->no_follow ? &old : &new, r);
	return tail.printed ? CLI_OK : CLI_NOTHING;
}
