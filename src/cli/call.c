/* SPDX-License-Identifier: BSD-2-Clause */
/* A small MCP client: lists tools, or calls one and prints the reply and its record. */

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <yajl/yajl_gen.h>

#include "base/clock.h"
#include "base/escape.h"
#include "cli/client.h"
#include "cli/columns.h"
#include "cli/message.h"
#include "cli/show.h"

#define TIMEOUT_S 60
#define RECORD_TIMEOUT_NS (10 * NS_PER_S)
#define PAGES_MAX 1000 /* of a list of tools */
#define REQUEST_ID "req-1"
#define TRACE_TEXT 56 /* "00-" 32 "-" 16 "-01" and NUL */

struct call {
	const struct cli_args *args;
	struct client client;
	struct records records;
	struct kept_list record; /* the one that names our trace */
	struct kept_list late;
	char trace[TRACE_TEXT];
	char session[sizeof(((struct entry_facts *)NULL)->session)];
	bool stateless;
	bool session_ended;
	char *reply; /* the line of the answer */
};

static void free_call(struct call *call)
{
	client_stop(&call->client);
	records_close(&call->records);
	kept_free(&call->record);
	kept_free(&call->late);
	free(call->reply);
}

/* The trace is how the record is known again: names and request ids are not unique. */
static int make_trace(char *ret_trace)
{
	uint64_t random[3];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	random[0] |= 1; /* neither part may be all zero */
	random[2] |= 1;
	snprintf(ret_trace, TRACE_TEXT, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
		 random[0], random[1], random[2]);
	return 0;
}

/* Says what became of mcpfloor run or the server; returns the status to exit with. */
static int say_ended(struct call *call, const char *doing)
{
	int status = 0;

	client_quiet(&call->client);
	if (client_end(&call->client, &status) < 0) {
		cli_error("the server closed its output while %s, and does not end", doing);
		return CLI_NOTHING;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) >= 125 && WEXITSTATUS(status) <= 127)
		return WEXITSTATUS(status); /* mcpfloor run has said why */
	if (WIFSIGNALED(status))
		cli_error("the server ended by signal %d while %s", WTERMSIG(status), doing);
	else
		cli_error("the server ended with status %d while %s", WEXITSTATUS(status), doing);
	return CLI_NOTHING;
}

static int say_failed(struct call *call, int error, const char *doing)
{
	client_quiet(&call->client);
	if (error == 0 || error == -EPIPE)
		return say_ended(call, doing);
	if (error == -ETIMEDOUT)
		cli_error("no answer within %u s while %s; --timeout S waits longer",
			  call->args->timeout_s ? call->args->timeout_s : TIMEOUT_S, doing);
	else
		cli_error("%s failed: %s", doing, strerror(-error));
	return CLI_NOTHING;
}

static int answer(struct call *call, const struct message *request)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = message_write_answer(&out, request);

	return r < 0 ? r : client_send(&call->client, &out);
}

/* Sends `out`, then reads until the answer to `id` is there. 1, 0 when the server's output ended,
 * -errno. Lines that are no protocol are passed over: the record counts them. */
static int exchange(struct call *call, const struct buf *out, const char *id,
		    struct message *ret_answer, char **ret_line)
{
	int r = client_send(&call->client, out);

	while (r >= 0) {
		_cleanup_message_ struct message message = { 0 };
		_cleanup_free_ char *line = NULL;
		size_t size = 0;

		r = client_receive(&call->client, &line, &size);
		if (r <= 0)
			return r;
		if (message_read(line, size, &message) < 0)
			continue;
		if (message_answers(&message, id)) {
			*ret_answer = message;
			message.root = NULL;
			if (ret_line)
				*ret_line = take_ptr(line);
			return 1;
		}
		if (message.kind == MESSAGE_REQUEST)
			r = answer(call, &message);
	}
	return r;
}

/* A server of the stateless era refuses `initialize`; then every request says who we are. */
static int introduce(struct call *call)
{
	_cleanup_message_ struct message reply = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	int r = message_write_initialize(&out, "mcpfloor-initialize");

	if (r < 0)
		return r;
	r = exchange(call, &out, "mcpfloor-initialize", &reply, NULL);
	if (r <= 0)
		return r;
	if (reply.kind == MESSAGE_ERROR) {
		call->stateless = true;
		return 1;
	}
	buf_reset(&out, 0);
	r = message_write_initialized(&out);
	if (r >= 0)
		r = client_send(&call->client, &out);
	return r < 0 ? r : 1;
}

static void print_escaped_lines(FILE *out, const char *indent, const char *text)
{
	do {
		size_t length = strcspn(text, "\n");
		_cleanup_buf_ struct buf shown = { 0 };

		if (escape_text(&shown, text, length) >= 0)
			fprintf(out, "%s%.*s\n", indent, (int)buf_size(&shown),
				(const char *)buf_bytes(&shown));
		text += length + (text[length] == '\n');
	} while (*text);
}

static void say_rpc_error(const struct message *reply, const char *doing)
{
	_cleanup_free_ char *shown = NULL;
	const char *text = message_text(reply->body, "message");
	yajl_val code = message_member(reply->body, "code");

	shown = cli_shown(text ? text : "(no message)");
	cli_error("the server answered %s with an error: %s%s%s%s", doing, shown,
		  YAJL_IS_NUMBER(code) ? " (" : "",
		  YAJL_IS_NUMBER(code) ? YAJL_GET_NUMBER(code) : "",
		  YAJL_IS_NUMBER(code) ? ")" : "");
}

/* The first line of a description, or the first sentence of a long one. */
static int add_tool(struct columns *table, yajl_val tool)
{
	const char *description = message_text(tool, "description");
	_cleanup_free_ char *line = NULL;

	line = strndup(description ? description : "",
		       description ? strcspn(description, "\r\n") : 0);
	if (!line || columns_add_foreign(table, message_text(tool, "name"), 60) < 0 ||
	    columns_add_foreign(table, line, 100) < 0)
		return -ENOMEM;
	return 0;
}

static int print_tool_json(yajl_val tool)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const char *const fields[] = { "name", "title", "description" };
	const unsigned char *bytes;
	size_t size;
	int r;

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_open(gen);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *value = message_text(tool, fields[i]);

		if (!value)
			continue;
		yajl_gen_string(gen, (const unsigned char *)fields[i], strlen(fields[i]));
		yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
	}
	yajl_gen_map_close(gen);
	yajl_gen_get_buf(gen, &bytes, &size);
	r = records_print_json((const char *)bytes, size);
	yajl_gen_free(gen);
	return r < 0 || putchar('\n') == EOF ? -EIO : 0;
}

/* One page. *cursor: where the next one begins, NULL at the end. */
static int list_page(struct call *call, struct columns *table, size_t *count, char **cursor)
{
	const struct message_request request = {
		.id = "mcpfloor-list",
		.method = "tools/list",
		.stateless = call->stateless,
		.cursor = *cursor,
	};
	_cleanup_message_ struct message reply = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	const char *next;
	yajl_val tools;
	int r = message_write_request(&out, &request);

	if (r >= 0)
		r = exchange(call, &out, request.id, &reply, NULL);
	if (r <= 0)
		return r;
	client_quiet(&call->client);
	if (reply.kind == MESSAGE_ERROR) {
		say_rpc_error(&reply, "tools/list");
		return -ECANCELED;
	}
	tools = message_member(reply.body, "tools");
	for (size_t i = 0; YAJL_IS_ARRAY(tools) && i < tools->u.array.len; i++, (*count)++) {
		yajl_val tool = tools->u.array.values[i];

		r = call->args->json ? print_tool_json(tool) : add_tool(table, tool);
		if (r < 0)
			return r;
	}
	next = message_text(reply.body, "nextCursor");
	free(*cursor);
	*cursor = next ? strdup(next) : NULL;
	return next && !*cursor ? -ENOMEM : 1;
}

static int list_tools(struct call *call)
{
	_cleanup_columns_ struct columns table = { .width = 2 };
	_cleanup_free_ char *cursor = NULL;
	size_t count = 0;
	int pages = 0, r;

	do {
		client_doing(&call->client, "listing the tools");
		r = list_page(call, &table, &count, &cursor);
	} while (r > 0 && cursor && ++pages < PAGES_MAX);
	columns_print(&table, stdout, 0);
	if (r == -ECANCELED)
		return CLI_NOTHING;
	if (r <= 0)
		return say_failed(call, r, "listing the tools");
	if (cursor)
		cli_error("the list of tools does not end; %d pages were read", PAGES_MAX);
	return count ? CLI_OK : CLI_NOTHING;
}

static void print_content(yajl_val content)
{
	for (size_t i = 0; YAJL_IS_ARRAY(content) && i < content->u.array.len; i++) {
		yajl_val item = content->u.array.values[i];
		const char *text = message_text(item, "text");
		const char *type = message_text(item, "type");
		_cleanup_free_ char *shown = cli_shown(type ? type : "unknown");

		if (text)
			print_escaped_lines(stdout, "", text);
		else
			printf("(%s content; --json prints it)\n", shown);
	}
}

/* CLI_OK, or CLI_NOTHING when the answer is a failure. */
static int print_reply(const struct call *call, const struct message *reply)
{
	const char *type = message_text(reply->body, "resultType");
	yajl_val content = message_member(reply->body, "content");
	bool failed = YAJL_IS_TRUE(message_member(reply->body, "isError"));

	if (reply->kind == MESSAGE_ERROR) {
		if (!call->args->json)
			say_rpc_error(reply, "the call");
		return CLI_NOTHING;
	}
	if (type && strcmp(type, "input_required") == 0) {
		cli_error("the server asks its user something first; this client cannot answer");
		failed = true;
	}
	if (call->args->json)
		return failed ? CLI_NOTHING : CLI_OK;
	print_content(content);
	if (!YAJL_IS_ARRAY(content) && message_member(reply->body, "structuredContent"))
		puts("(structured content; --json prints it)");
	fflush(stdout);
	return failed ? CLI_NOTHING : CLI_OK;
}

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
	fputs("{\"reply\":", stdout);
	if (records_print_json(call->reply, strlen(call->reply)) < 0)
		return -EIO;
	if (call->record.count) {
		int r;

		fputs(",\"record\":", stdout);
		r = show_record(kept_at(&call->record, 0), &call->late, true);
		if (r < 0)
			return r;
	}
	puts("}");
	return 0;
}

/* The server is ended before the record is printed, so that what it does late is seen too. */
static int print_record(struct call *call)
{
	int status = 0, r;

	client_doing(&call->client, "waiting for the record");
	r = collect_until(call, false);
	client_doing(&call->client, "ending the server");
	if (client_end(&call->client, &status) < 0)
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

static int call_tool(struct call *call)
{
	const struct message_request request = {
		.id = call->args->request_id ? call->args->request_id : REQUEST_ID,
		.method = "tools/call",
		.stateless = call->stateless,
		.tool = call->args->tool,
		.arguments = call->args->arguments,
		.traceparent = call->trace,
	};
	_cleanup_message_ struct message reply = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	int status, r;

	/* the session is there by now, and with it the log; nothing of this call is in it yet */
	if (records_open(call->args, RECORDS_NEW, &call->records) < 0)
		return CLI_NO_ACCESS;
	r = message_write_request(&out, &request);
	client_doing(&call->client, "waiting for the tool");
	if (r >= 0)
		r = exchange(call, &out, request.id, &reply, &call->reply);
	client_quiet(&call->client);
	if (r <= 0)
		return say_failed(call, r, "calling the tool");
	status = print_reply(call, &reply);
	r = print_record(call);
	return r == CLI_OK ? status : r;
}

static int run_call(struct call *call)
{
	unsigned timeout_s = call->args->timeout_s ? call->args->timeout_s : TIMEOUT_S;
	int r = make_trace(call->trace);

	if (r >= 0)
		r = client_start(call->args, &call->client);
	if (r < 0) {
		cli_error("mcpfloor run could not be started: %s", strerror(-r));
		return 125;
	}
	call->client.deadline_ns = clock_mono_ns() + timeout_s * NS_PER_S;
	client_doing(&call->client, "starting the server");
	r = introduce(call);
	if (r <= 0)
		return say_failed(call, r, "starting");
	return call->args->tool ? call_tool(call) : list_tools(call);
}

int cli_call(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_(free_call) struct call call = {
		.args = args,
		.client = { .in = -1, .out = -1 },
		.records = { .log_fd = -1, .watch_fd = -1 },
		.record = { .max = 1 },
	};
	_cleanup_free_ char *why = NULL;

	if (args->arguments && !args->tool) {
		cli_error("--args is of no use without --tool");
		return CLI_USAGE;
	}
	if (args->arguments && message_check_arguments(args->arguments, &why) < 0) {
		_cleanup_free_ char *shown = cli_shown(why ? why : "no memory");

		cli_error("--args is no JSON object: %s", shown);
		return CLI_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* a server that is gone is an error, not our death */
	return run_call(&call);
}
