/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/grants.h"

#include <errno.h>
#include <unistd.h>

void grants_init(struct grants *grants, const void *image, size_t size)
{
	*grants = (struct grants){ .wanted = false };
	if (!size)
		return;
	policy_view(image, &grants->policy);
	grants->wanted = grants->policy.template_count > 0;
	/* no host names: a line would wait for their addresses, and all others behind it */
	policy_load_world(&grants->load, &grants->world);
	if (!getcwd(grants->cwd, sizeof(grants->cwd)))
		grants->cwd[0] = '\0';
}

void grants_free(struct grants *grants)
{
	buf_free(&grants->image);
}

int grants_of(struct grants *grants, const struct mcp_message *message)
{
	struct policy_grant_call call = { .cwd = grants->cwd[0] ? grants->cwd : NULL,
					  .world = &grants->world };
	int err;

	if (!grants->wanted || !message || message->method != MF_M_TOOLS_CALL)
		return 0;
	/* read in two ways, or without an answer that would end it: no tool's block is its own */
	if (message->flags & MF_JF_DUP_KEYS || message->id.kind == MCP_ID_MISSING ||
	    message->id.kind == MCP_ID_NULL)
		return 0;
	call.block = policy_tool_block(&grants->policy, message->tool.data, message->tool.size);
	if (!policy_grant_is_possible(&grants->policy, call.block))
		return 0;
	/* of arguments that were not kept whole, nothing is known */
	if (message->args.size == message->args_total) {
		call.arguments = (const char *)message->args.data;
		call.arguments_size = message->args.size;
	}
	buf_reset(&grants->image, MF_JOURNAL_PACKET);
	err = policy_grant_build(&grants->policy, &call, &grants->image, NULL);
	return err ? err : 1;
}
