/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/clock.h"
#include "cli/call.h"
#include "cli/show.h"

#define RECORD_TIMEOUT_NS (10 * NS_PER_S)

static bool names_trace(const struct log_entry *entry, const char *trace)
{
	return memmem(entry->json, entry->size, trace, strlen(trace)) != NULL;
}

/* Takes what is in the log by now. 0 or -errno. */
static int collect(struct call *call)
{
	for (;;) {
		struct entry_facts facts;
		struct log_entry entry;
		int r = records_next(&call->records, &entry);

		if (r <= 0)
			return r;
		if (entry_facts(entry.json, entry.size, &facts) < 0)
			continue;
		if (entry.type == LOG_REQUEST && names_trace(&entry, call->trace)) {
			memcpy(call->session, facts.session, sizeof(call->session));
			r = kept_add(&call->record, &entry);
		} else if (!call->session[0] || strcmp(facts.session, call->session) != 0) {
			continue;
		} else if (entry.type == LOG_LATE) {
			r = kept_add(&call->late, &entry);
		} else if (entry.type == LOG_SESSION_END) {
			call->session_ended = true;
		}
		if (r < 0)
			return r;
	}
}

/* Until the record is there, or with `end` the session's last entry. -ETIMEDOUT. */
static int collect_until(struct call *call, bool end)
{
	uint64_t until = clock_mono_ns() + RECORD_TIMEOUT_NS;

	for (;;) {
		int r = collect(call);

		if (r < 0)
			return r;
		if (end ? call->session_ended : call->record.count > 0)
			return 0;
		if (clock_mono_ns() >= until)
			return -ETIMEDOUT;
		r = records_wait(&call->records, 100);
		if (r < 0)
			return r;
		client_tick(&call->client);
	}
}

static int print_json(const struct call *call)
{
	int r = 0;

	fputs("{", stdout);
	if (call->reply) {
		fputs("\"reply\":", stdout);
		r = records_print_json(call->reply, strlen(call->reply));
	}
	if (r >= 0 && call->record.count) {
		printf("%s\"record\":", call->reply ? "," : "");
		r = show_record(kept_at(&call->record, 0), &call->late, true);
	}
	puts("}");
	return r;
}

int call_print_record(struct call *call)
{
	int status = 0, r = 0;

	if (call->reply) {
		client_doing(&call->client, "waiting for the record");
		r = collect_until(call, false);
	}
	client_doing(&call->client, "ending the server");
	if (call->client.pid && client_end(&call->client, &status) < 0)
		cli_error("the server could not be ended");
	if (r >= 0 || r == -ETIMEDOUT) {
		client_doing(&call->client, "waiting for the end of the session");
		r = collect_until(call, true);
	}
	client_quiet(&call->client);
	if (r == -ETIMEDOUT && call->record.count) {
		cli_error("the session's last entry did not come; late events may be missing");
		r = 0;
	}
	if (call->args->json) {
		if (print_json(call) < 0)
			return CLI_NO_ACCESS;
	} else if (call->record.count) {
		putchar('\n');
		if (show_record(kept_at(&call->record, 0), &call->late, false) < 0)
			return CLI_NO_ACCESS;
	}
	if (call->record.count)
		return CLI_OK;
	if (r < 0 && r != -ETIMEDOUT)
		return records_failed(&call->records, r);
	cli_error("the record of this call did not come into %s within %u s; mcpfloor doctor and "
		  "mcpfloor stats may tell why",
		  call->records.where, (unsigned)(RECORD_TIMEOUT_NS / NS_PER_S));
	return CLI_NO_ACCESS;
}
