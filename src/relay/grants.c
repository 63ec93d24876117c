/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/grants.h"

#include <errno.h>
#include <unistd.h>

void grants_init(struct grants *grants, const void *image, size_t size)
{
	*grants = (struct grants){ .has_policy = size > 0 };
	if (!size)
		return;
	policy_view(image, &grants->policy);
	/* no host names: a line would wait for their addresses, and all others behind it */
	policy_load_world(&grants->load, &grants->world);
	if (!getcwd(grants->cwd, sizeof(grants->cwd)))
		grants->cwd[0] = '\0';
}

void grants_free(struct grants *grants)
{
	buf_free(&grants->image);
}

uint32_t grants_block(const struct grants *grants, const struct mcp_message *message)
{
	const struct mcp_text *name;

	if (!grants->has_policy || !message)
		return MF_POL_DEFAULT;
	/* read in two ways, or without an answer that would end it: no tool's block is its own */
	if (message->flags & MF_JF_DUP_KEYS || message->id.kind == MCP_ID_MISSING ||
	    message->id.kind == MCP_ID_NULL)
		return MF_POL_DEFAULT;
	name = message->method == MF_M_TOOLS_CALL ? &message->tool : &message->method_text;
	return policy_tool_block(&grants->policy, name->data, name->size);
}

int grants_of(struct grants *grants, const struct mcp_message *message, uint32_t block)
{
	struct policy_grant_call call = { .cwd = grants->cwd[0] ? grants->cwd : NULL,
					  .world = &grants->world,
					  .block = block };
	int err;

	if (!grants->has_policy || !message || message->method != MF_M_TOOLS_CALL ||
	    block == MF_POL_DEFAULT || !policy_grant_is_possible(&grants->policy, block))
		return 0;
	/* of arguments that were not kept whole, nothing is known */
	if (message->args.size == message->args_total) {
		call.arguments = (const char *)message->args.data;
		call.arguments_size = message->args.size;
	}
	buf_reset(&grants->image, MF_JOURNAL_PACKET);
	err = policy_grant_build(&grants->policy, &call, &grants->image, NULL);
	if (err)
		return err;
	policy_view(buf_bytes(&grants->image), &grants->view);
	return 1;
}
