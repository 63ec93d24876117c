/* SPDX-License-Identifier: BSD-2-Clause */

/* `mcpfloor run` without its command line: relay_driver RUN_DIR GRACE_MS COMMAND [ARG…] */

#include <stdio.h>
#include <stdlib.h>

#include "relay/relay.h"

int main(int argc, char **argv)
{
	struct relay_options options = { .tenant = "acme" };

	if (argc < 4) {
		fprintf(stderr, "usage: %s RUN_DIR GRACE_MS COMMAND [ARG…]\n", argv[0]);
		return 2;
	}
	options.run_dir = options.state_dir = argv[1];
	options.grace_ms = (unsigned)atoi(argv[2]);
	options.digest_only = getenv("RELAY_DIGEST_ONLY") != NULL;
	options.argv = argv + 3;
	return relay_run(&options);
}
