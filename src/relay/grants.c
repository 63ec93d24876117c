/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/grants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void grants_init(struct grants *grants, const void *image, size_t size)
{
	*grants = (struct grants){ .has_policy = size > 0, .generation = 1 };
	if (!size)
		return;
	policy_view(image, &grants->policy[1].view);
	grants->policy[1].size = size;
	/* no host names: a line would wait for their addresses, and all others behind it */
	policy_load_world(&grants->load, &grants->world);
	if (!getcwd(grants->cwd, sizeof(grants->cwd)))
		grants->cwd[0] = '\0';
}

void grants_free(struct grants *grants)
{
	for (size_t i = 0; i < ARRAY_LEN(grants->policy); i++) {
		free(grants->policy[i].bytes);
		buf_free(&grants->made[i].image);
	}
}

struct grants_call grants_call_of(const struct mcp_message *message)
{
	const struct mcp_text *name;
	struct grants_call call = { 0 };

	if (!message)
		return call;
	name = message->method == MF_M_TOOLS_CALL ? &message->tool : &message->method_text;
	/* read in two ways, or without an answer that would end it: no tool's block is its own */
	call.has_block = !(message->flags & MF_JF_DUP_KEYS) && message->id.kind != MCP_ID_MISSING &&
			 message->id.kind != MCP_ID_NULL;
	call.has_arguments = message->method == MF_M_TOOLS_CALL;
	call.name = name->data;
	call.name_size = name->size;
	/* of arguments that were not kept whole, nothing is known */
	if (message->args.size == message->args_total) {
		call.arguments = message->args.data;
		call.arguments_size = message->args.size;
	}
	return call;
}

static size_t kept_size(const struct grants_call *call)
{
	return sizeof(*call) + call->name_size + call->arguments_size;
}

struct grants_call *grants_keep(struct grants *grants, const struct grants_call *call)
{
	struct grants_call copy = *call, *kept;
	char *bytes;

	if (!grants->has_policy || !call->has_block)
		return NULL;
	if (grants->kept + kept_size(&copy) > GRANTS_KEEP_MAX) {
		copy.arguments = NULL;
		copy.arguments_size = 0;
	}
	kept = malloc(kept_size(&copy));
	if (!kept)
		return NULL;
	bytes = (char *)(kept + 1);
	*kept = copy;
	if (copy.name_size)
		kept->name = memcpy(bytes, copy.name, copy.name_size);
	if (copy.arguments_size)
		kept->arguments =
			memcpy(bytes + copy.name_size, copy.arguments, copy.arguments_size);
	grants->kept += kept_size(kept);
	return kept;
}

void grants_drop(struct grants *grants, struct grants_call *call)
{
	if (call)
		grants->kept -= kept_size(call);
	free(call);
}

static int make(const struct grants *grants, const struct policy *policy,
		const struct grants_call *call, struct grants_made *made)
{
	struct policy_grant_call asked = { .cwd = grants->cwd[0] ? grants->cwd : NULL,
					   .world = &grants->world,
					   .block = made->block,
					   .arguments = call->arguments,
					   .arguments_size = call->arguments_size };
	int err;

	if (!call->has_arguments || made->block == MF_POL_DEFAULT ||
	    !policy_grant_is_possible(policy, made->block))
		return 0;
	buf_reset(&made->image, MF_JOURNAL_PACKET);
	err = policy_grant_build(policy, &asked, &made->image, NULL);
	if (err)
		return err;
	policy_view(buf_bytes(&made->image), &made->view);
	return 1;
}

int grants_make(struct grants *grants, unsigned parity, const struct grants_call *call)
{
	const struct policy *policy = &grants->policy[parity].view;
	struct grants_made *made = &grants->made[parity];

	made->block = grants->has_policy && call->has_block
			      ? policy_tool_block(policy, call->name, call->name_size)
			      : MF_POL_DEFAULT;
	made->result = grants->has_policy ? make(grants, policy, call, made) : 0;
	return made->result;
}
