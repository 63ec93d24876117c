/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/brief.h"
#include "cli/records.h"

/* 1, 0, or -errno: it should be, and cannot be read. */
static int is_listed(const struct log_entry *entry, const char *session)
{
	struct entry_facts facts;
	int r;

	if (entry->type != LOG_REQUEST && entry->type != LOG_BACKGROUND)
		return 0;
	r = entry_facts(entry->json, entry->size, &facts);
	return r < 0 ? r : records_of_session(&facts, session);
}

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

/* Prints as it reads, or keeps the newest when only those are wanted. */
static int list(struct records *records, const struct cli_args *args, struct kept_list *newest,
		size_t *listed, size_t *gaps)
{
	for (;;) {
		struct log_entry entry;
		int r = records_next(records, &entry);

		if (r <= 0)
			return r;
		r = is_listed(&entry, args->session);
		*gaps += entry.type == LOG_GAP || r < 0;
		if (r <= 0)
			continue;
		if (*listed == 0 && !args->json && !args->limit_given)
			r = print_header();
		(*listed)++;
		if (r >= 0)
			r = args->limit_given ? kept_add(newest, &entry)
					      : print_entry(&entry, args->json);
		if (r == -EBADMSG) /* this one is no record; the next ones may be */
			(*gaps)++;
		else if (r < 0)
			return r;
	}
}

int cli_requests(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_records_ struct records records = { .log_fd = -1, .watch_fd = -1 };
	_cleanup_kept_ struct kept_list newest = { .max = args->limit };
	size_t listed = 0, gaps = 0;
	int r;

	if (records_open(args, RECORDS_PAST, &records) < 0)
		return CLI_NO_ACCESS;
	r = list(&records, args, &newest, &listed, &gaps);
	if (r >= 0 && newest.count && !args->json)
		r = print_header();
	for (size_t i = 0; r >= 0 && i < newest.count; i++) {
		r = print_entry(&kept_at(&newest, i)->entry, args->json);
		if (r == -EBADMSG) {
			gaps++;
			r = 0;
		}
	}
	if (r < 0)
		return records_failed(&records, r);
	records_say_gaps(gaps);
	if (listed == 0 && !args->json)
		cli_error("no records%s in %s", args->session ? " of this session" : "",
			  records.where);
	return listed ? CLI_OK : CLI_NOTHING;
}
