/* SPDX-License-Identifier: BSD-2-Clause */

#include "abi/limits.h"
#include "cli/cli.h"
#include "cli/print_json.h"

int cli_version(const struct cli_command *command, const struct cli_args *args)
{
	yajl_gen gen;

	if (!args->json) {
		printf("mcpfloor %s (interface %d)\n", MCPFLOOR_VERSION, MF_ABI_VERSION);
		return CLI_OK;
	}
	gen = print_json_new();
	if (!gen)
		return CLI_NO_ACCESS;
	yajl_gen_map_open(gen);
	print_json_field(gen, "version", MCPFLOOR_VERSION);
	print_json_count(gen, "interface", MF_ABI_VERSION);
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout) < 0 ? CLI_NO_ACCESS : CLI_OK;
}
