/* SPDX-License-Identifier: BSD-2-Clause */
/* A small MCP client: lists tools, or calls one and prints the reply and its record. */

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/escape.h"
#include "cli/call.h"

#define TIMEOUT_S 60
#define REQUEST_ID "req-1"

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
	snprintf(ret_trace, CALL_TRACE_TEXT, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
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

int call_say_failed(struct call *call, int error, const char *doing)
{
	client_quiet(&call->client);
	if (error == 0 || error == -EPIPE)
		return say_ended(call, doing);
	if (error == -ETIMEDOUT)
		cli_error("no answer within %u s while %s; --timeout S waits longer",
			  call->args->timeout_s ? call->args->timeout_s : TIMEOUT_S, doing);
	else if (error == -ENOBUFS)
		cli_error("%s failed: the server sent a line that is longer than this client reads",
			  doing);
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

int call_exchange(struct call *call, const struct buf *out, const char *id,
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
	r = call_exchange(call, &out, "mcpfloor-initialize", &reply, NULL);
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

void call_say_rpc_error(const struct message *reply, const char *doing)
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
			call_say_rpc_error(reply, "the call");
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
	if (records_open_for_call(call->args, &call->records) < 0)
		return CLI_NO_ACCESS;
	r = message_write_request(&out, &request);
	client_doing(&call->client, "waiting for the tool");
	if (r >= 0)
		r = call_exchange(call, &out, request.id, &reply, &call->reply);
	client_quiet(&call->client);
	if (r <= 0) { /* what it did is worth knowing all the same */
		status = call_say_failed(call, r, "calling the tool");
		call_print_record(call);
		return status;
	}
	status = print_reply(call, &reply);
	r = call_print_record(call);
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
		return call_say_failed(call, r, "starting");
	return call->args->tool ? call_tool(call) : call_list_tools(call);
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
