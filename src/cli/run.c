/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "cli/place.h"
#include "cli/policy.h"
#include "policy/compile.h"
#include "relay/relay.h"

/* The directory of a policy is nobody's business who reads a record. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Nothing is started with a policy that has errors. */
static int compile(const struct cli_args *args, struct buf *ret_image)
{
	_cleanup_policy_tree_ struct policy_tree *tree =
		cli_policy_read(args, &args->policy, 1, false, true);
	_cleanup_free_ char *shown = cli_shown(args->policy);

	if (!tree)
		return -EINVAL;
	if (policy_compile(tree, ret_image) == 0)
		return 0;
	cli_error("%s: it cannot be kept; mcpfloor policy check says what of it", shown);
	return -EINVAL;
}

int cli_run(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_free_ char *state_dir = NULL;
	_cleanup_buf_ struct buf image = { 0 };
	/* the state is a private guard's, and that takes root: who has no HOME needs none */
	int r = place_state_dir(args->state_dir, &state_dir);
	struct relay_options options = {
		.name = args->name,
		.tenant = args->tenant,
		.state_dir = r < 0 ? PLACE_STATE_DIR_ROOT : state_dir,
		.run_dir = place_run_dir(args->run_dir),
		.digest_only = args->digest_only,
		.grace_ms = args->grace_ms,
		.engine = args->engine,
		.syn_by_kprobe = args->syn_by_kprobe,
		.argv = args->operands,
	};

	if (!args->policy && args->mode_given) {
		cli_error("--mode is the mode of a policy; name one with --policy FILE");
		return RELAY_EXIT_OURS;
	}
	if (args->policy) {
		if (compile(args, &image) < 0)
			return RELAY_EXIT_OURS;
		options.policy = (struct relay_policy){
			.name = base_name(args->policy),
			.image = buf_bytes(&image),
			.size = buf_size(&image),
			.mode = args->mode_given ? args->mode : MF_POL_AUDIT,
			.part = args->floor_partial,
		};
	}
	return relay_run(&options);
}
