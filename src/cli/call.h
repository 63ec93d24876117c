/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The parts of `mcpfloor call`.
 */

#include "cli/client.h"
#include "cli/message.h"
#include "cli/records.h"

#define CALL_TRACE_TEXT 56 /* "00-" 32 "-" 16 "-01" and NUL */

struct call {
	const struct cli_args *args;
	struct client client;
	struct records records;
	struct kept_list record; /* the one that names our trace */
	struct kept_list late;
	char trace[CALL_TRACE_TEXT];
	char session[sizeof(((struct entry_facts *)NULL)->session)];
	bool stateless;
	bool session_ended;
	char *reply; /* the line of the answer, NULL: there was none */
};

/* Sends `out`, then reads until the answer to `id` is there. 1, 0 when the server's output ended,
 * -errno. Lines that are no protocol are passed over: the record counts them. */
int call_exchange(struct call *call, const struct buf *out, const char *id,
		  struct message *ret_answer, char **ret_line);
/* On stderr: why call_exchange() did not succeed. Returns the status to exit with. */
int call_say_failed(struct call *call, int error, const char *doing);
void call_say_rpc_error(const struct message *reply, const char *doing);

/* call_tools.c: prints the tools. The status to exit with. */
int call_list_tools(struct call *call);

/* call_record.c: ends the server, then prints the record (with --json the reply too). The server is
 * ended first, so that what it does late is seen. CLI_OK, or CLI_NO_ACCESS: no record came. */
int call_print_record(struct call *call);
