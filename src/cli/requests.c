/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "cli/background.h"
#include "cli/brief.h"
#include "cli/records.h"

static int print_entry(const struct log_entry *entry, bool json)
{
	const struct render_style style = records_style();
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	if (json && !records_is_json(entry))
		return -EBADMSG;
	if (json) {
		r = brief_entry(&out, entry->json, entry->size);
		if (r >= 0)
			r = records_print_json((const char *)buf_bytes(&out), buf_size(&out));
		return r < 0 ? r : putchar('\n') == EOF ? -EIO : 0;
	}
	r = render_list_row(&out, &style, entry);
	return r < 0 ? r : records_print(&out);
}

static int print_header(void)
{
	const struct render_style style = records_style();
	_cleanup_buf_ struct buf out = { 0 };
	int r = render_list_header(&out, &style);

	return r < 0 ? r : records_print(&out);
}

struct list {
	const struct cli_args *args;
	struct kept_list newest; /* where only those are wanted */
	struct backgrounds backgrounds;
	size_t listed, gaps;
};

/* Prints as it reads, or keeps the newest when only those are wanted. */
static int put(struct list *list, const struct log_entry *entry)
{
	int r = 0;

	if (list->listed == 0 && !list->args->json && !list->args->limit_given)
		r = print_header();
	list->listed++;
	if (r >= 0)
		r = list->args->limit_given ? kept_add(&list->newest, entry)
					    : print_entry(entry, list->args->json);
	return r;
}

/* The row of one session, or of all that are left. */
static int put_background(struct list *list, const char *session)
{
	int r;

	do {
		struct log_entry entry = { .type = LOG_BACKGROUND };
		_cleanup_buf_ struct buf row = { 0 };

		r = backgrounds_take(&list->backgrounds, session, &row);
		if (r <= 0)
			return r;
		entry.json = (const char *)buf_bytes(&row);
		entry.size = buf_size(&row);
		r = put(list, &entry);
	} while (r >= 0 && !session);
	return r;
}

/* A session goes on where another recorder took over. */
static bool is_last_word(const struct log_entry *entry)
{
	static const char died[] = "\"end\":\"recorder-died\"";

	return !memmem(entry->json, entry->size, died, sizeof(died) - 1);
}

static int take(struct list *list, const struct log_entry *entry)
{
	struct entry_facts facts;
	int r;

	list->gaps += entry->type == LOG_GAP;
	if (entry->type != LOG_REQUEST && entry->type != LOG_BACKGROUND &&
	    entry->type != LOG_SESSION_END)
		return 0;
	r = entry_facts(entry->json, entry->size, &facts);
	if (r >= 0 && !records_of_session(&facts, list->args->session))
		return 0;
	if (r >= 0 && entry->type == LOG_BACKGROUND)
		r = backgrounds_add(&list->backgrounds, &facts, entry);
	else if (r >= 0 && entry->type == LOG_REQUEST)
		r = put(list, entry);
	else if (r >= 0 && is_last_word(entry))
		r = put_background(list, facts.session);
	if (r == -EBADMSG) { /* this one is no record; the next ones may be */
		list->gaps++;
		r = 0;
	}
	return r;
}

static int read_all(struct records *records, struct list *list)
{
	for (;;) {
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r == 0)
			return put_background(list, NULL);
		if (r > 0)
			r = take(list, &entry);
		if (r < 0)
			return r;
	}
}

static int print_newest(struct list *list)
{
	int r = 0;

	if (list->newest.count && !list->args->json)
		r = print_header();
	for (size_t i = 0; r >= 0 && i < list->newest.count; i++) {
		r = print_entry(&kept_at(&list->newest, i)->entry, list->args->json);
		if (r == -EBADMSG) {
			list->gaps++;
			r = 0;
		}
	}
	return r;
}

static void free_list(struct list *list)
{
	kept_free(&list->newest);
	backgrounds_free(&list->backgrounds);
}

int cli_requests(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_records_ struct records records = { .log_fd = -1, .watch_fd = -1 };
	_cleanup_(free_list) struct list list = { .args = args, .newest = { .max = args->limit } };
	int r;

	if (records_open(args, RECORDS_PAST, &records) < 0)
		return CLI_NO_ACCESS;
	r = read_all(&records, &list);
	if (r >= 0)
		r = print_newest(&list);
	if (r < 0)
		return records_failed(&records, r);
	records_say_gaps(list.gaps);
	if (list.listed == 0 && !args->json)
		cli_error("no records%s in %s", args->session ? " of this session" : "",
			  records.where);
	return list.listed ? CLI_OK : CLI_NOTHING;
}
