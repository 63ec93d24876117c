/* SPDX-License-Identifier: BSD-2-Clause */
/* Build-time: `mcpfloor-publish man [COMMAND|mcpfloord]`, or `mcpfloor-publish` with one of the words
 * below, on stdout. */

#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*print)(FILE *out);
	} texts[] = { { "bash", cli_print_completion },
		      { "policy", cli_print_policy_man },
		      { "vim", cli_print_vim },
		      { "textmate", cli_print_textmate } };
	const struct cli_command *command = NULL;

	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(texts); i++) {
		if (strcmp(argv[1], texts[i].word) == 0)
			return texts[i].print(stdout) < 0 || fflush(stdout) != 0;
	}
	if (argc < 2 || argc > 3 || strcmp(argv[1], "man") != 0)
		return 2;
	if (argc == 3) {
		command = strcmp(argv[2], cli_daemon.name) == 0 ? &cli_daemon : cli_find(argv[2]);
		if (!command)
			return 2;
	}
	return cli_print_man(stdout, command) < 0 || fflush(stdout) != 0;
}
