/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/cli.h"
#include "cli/place.h"
#include "relay/relay.h"

int cli_run(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_free_ char *state_dir = NULL;
	/* the state is a private guard's, and that takes root: who has no HOME needs none */
	int r = place_state_dir(args->state_dir, &state_dir);
	const struct relay_options options = {
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

	return relay_run(&options);
}
