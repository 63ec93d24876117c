/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>
#include <yajl/yajl_gen.h>

#include "cli/call.h"
#include "cli/columns.h"

#define PAGES_MAX 1000 /* of a list of tools */

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
		r = call_exchange(call, &out, request.id, &reply, NULL);
	if (r <= 0)
		return r;
	client_quiet(&call->client);
	if (reply.kind == MESSAGE_ERROR) {
		call_say_rpc_error(&reply, "tools/list");
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

int call_list_tools(struct call *call)
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
		return call_say_failed(call, r, "listing the tools");
	if (cursor)
		cli_error("the list of tools does not end; %d pages were read", PAGES_MAX);
	return count ? CLI_OK : CLI_NOTHING;
}
