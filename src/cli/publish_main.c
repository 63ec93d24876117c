/* SPDX-License-Identifier: BSD-2-Clause */
/* Build-time: `mcpfloor-publish man [COMMAND|mcpfloord]`, `mcpfloor-publish policy` or `mcpfloor-publish bash`, on stdout. */

#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	const struct cli_command *command = NULL;

	if (argc == 2 && strcmp(argv[1], "bash") == 0)
		return cli_print_completion(stdout) < 0 || fflush(stdout) != 0;
	if (argc == 2 && strcmp(argv[1], "policy") == 0)
		return cli_print_policy_man(stdout) < 0 || fflush(stdout) != 0;
	if (argc < 2 || argc > 3 || strcmp(argv[1], "man") != 0)
		return 2;
	if (argc == 3) {
		command = strcmp(argv[2], cli_daemon.name) == 0 ? &cli_daemon : cli_find(argv[2]);
		if (!command)
			return 2;
	}
	return cli_print_man(stdout, command) < 0 || fflush(stdout) != 0;
}
