/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/cli.h"
#include "cli/place.h"
#include "relay/relay.h"

int cli_run(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_free_ char *state_dir = NULL;
	struct relay_options options = {
		.name = args->name,
		.tenant = args->tenant,
		.run_dir = place_run_dir(args->run_dir),
		.digest_only = args->digest_only,
		.grace_ms = args->grace_ms,
		.argv = args->operands,
	};

	if (place_state_dir(args->state_dir, &state_dir) < 0) {
		cli_error("where is the state? HOME is not set; name it with --state DIR");
		return 125;
	}
	options.state_dir = state_dir;
	return relay_run(&options);
}
