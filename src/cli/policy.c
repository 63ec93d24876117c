/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy`: which of its commands is meant. */

#include "cli/policy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

const struct cli_policy_row cli_policy_rows[] = {
	{ .name = "check",
	  .synopsis = "FILE...",
	  .summary = "tell the errors and warnings of policies",
	  .operands_min = 1,
	  .operands_max = -1,
	  .run = cli_policy_check },
	{ .name = "diff",
	  .synopsis = "OLD NEW [RECORDS...]",
	  .summary = "tell what becomes allowed, and what denied",
	  .operands_min = 2,
	  .operands_max = -1,
	  .records_from = 3,
	  .records_twice = true,
	  .run = cli_policy_diff },
	{ .name = "explain",
	  .synopsis = "--policy FILE TOOL VERB OBJECT",
	  .summary = "tell what is decided, and by which line",
	  .operands_min = 3,
	  .operands_max = 3,
	  .run = cli_policy_explain },
	{ .name = "fmt",
	  .synopsis = "[FILE]",
	  .summary = "print a policy's text in the one layout, comments kept",
	  .operands_max = 1,
	  .run = cli_policy_fmt },
	{ .name = "learn",
	  .synopsis = "[RECORDS...]",
	  .summary = "print a policy that allows what recorded calls did",
	  .operands_max = -1,
	  .records_from = 1,
	  .run = cli_policy_learn },
	{ .name = "replay",
	  .synopsis = "FILE [RECORDS...]",
	  .summary = "tell what a policy would have denied of recorded calls",
	  .operands_min = 1,
	  .operands_max = -1,
	  .records_from = 2,
	  .records_twice = true,
	  .run = cli_policy_replay },
	{ .name = "show",
	  .synopsis = "FILE...",
	  .summary = "print what a policy comes to, includes put in",
	  .operands_min = 1,
	  .operands_max = -1,
	  .run = cli_policy_show },
};

const size_t cli_policy_row_count = ARRAY_LEN(cli_policy_rows);

static const struct cli_policy_row *find_row(const char *name)
{
	for (size_t i = 0; i < cli_policy_row_count; i++) {
		if (strcmp(cli_policy_rows[i].name, name) == 0)
			return &cli_policy_rows[i];
	}
	return NULL;
}

static int refuse_row(const char *word)
{
	_cleanup_free_ char *shown = cli_shown(word);
	const char *names[ARRAY_LEN(cli_policy_rows)], *nearest;

	for (size_t i = 0; i < cli_policy_row_count; i++)
		names[i] = cli_policy_rows[i].name;
	nearest = cli_nearest(word, names, cli_policy_row_count);
	if (nearest)
		cli_error("policy: there is no '%s'; did you mean %s?", shown, nearest);
	else
		cli_error("policy: there is no '%s'; mcpfloor policy --help lists what there is",
			  shown);
	return CLI_POLICY_FAILED;
}

/* What may never end is refused before anything is read; whatever else is wrong, its reader tells. */
static int check_records(const struct cli_policy_row *row, const struct cli_args *args)
{
	for (int i = row->records_from - 1; i >= 0 && i < args->operand_count; i++) {
		int r = policy_read_check(args->operands[i], !row->records_twice);
		_cleanup_free_ char *shown = NULL;

		if (r != -EISDIR && r != -ESPIPE && r != -ENODEV)
			continue;
		shown = cli_shown(args->operands[i]);
		cli_error("%s: %s", shown,
			  r == -ESPIPE && row->records_twice
				  ? "it is a pipe, and records are read more than once; give a file"
				  : policy_read_why(r));
		return CLI_POLICY_FAILED;
	}
	return CLI_OK;
}

int cli_policy(const struct cli_command *command, const struct cli_args *args)
{
	const struct cli_policy_row *row = find_row(args->operands[0]);
	struct cli_args inner = *args;

	(void)command;
	if (!row)
		return refuse_row(args->operands[0]);
	inner.operands++;
	inner.operand_count--;
	if (inner.operand_count < row->operands_min ||
	    (row->operands_max >= 0 && inner.operand_count > row->operands_max)) {
		cli_error("usage: mcpfloor policy %s %s", row->name, row->synopsis);
		return CLI_POLICY_FAILED;
	}
	return check_records(row, &inner) == CLI_OK ? row->run(&inner) : CLI_POLICY_FAILED;
}

void cli_policy_load_options(const struct cli_args *args, struct policy_load *ret_load)
{
	static char here[4096];

	*ret_load = (struct policy_load){ .resolve = !args->no_resolve };
	ret_load->home = args->home ? args->home : getenv("HOME");
	ret_load->workspace = args->workspace;
	if (!args->workspace)
		ret_load->workspace = getcwd(here, sizeof(here));
}

static int print_errors(const struct policy_tree *tree)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < tree->notes.count; i++) {
		if (tree->notes.notes[i].severity != POLICY_ERROR)
			continue;
		r = policy_note_print(&out, &tree->sources, &tree->notes.notes[i]);
		if (r == 0)
			r = buf_append_str(&out, "\n");
	}
	return r ? r : cli_policy_print(&out, stderr);
}

struct policy_tree *cli_policy_read(const struct cli_args *args, const char *const *files,
				    size_t count, bool stand_in, bool must_be_right)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	struct policy_load load;
	size_t file = 0;
	int r;

	cli_policy_load_options(args, &load);
	load.stand_in = stand_in;
	load.errors_only = must_be_right;
	r = policy_load(files, count, &load, &tree, &file);
	if (r < 0) {
		_cleanup_free_ char *shown = cli_shown(files[file]);

		cli_error("%s: %s", shown, policy_read_why(r));
		return NULL;
	}
	if (must_be_right && tree->notes.errors) {
		print_errors(tree);
		return NULL;
	}
	return take_ptr(tree);
}

int cli_policy_print(const struct buf *out, FILE *stream)
{
	fflush(stdout);
	return fwrite(buf_bytes(out), 1, buf_size(out), stream) == buf_size(out) ? 0 : -EIO;
}
