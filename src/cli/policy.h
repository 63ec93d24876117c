/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of `mcpfloor policy` share. */

#include <stdbool.h>

#include "cli/cli.h"
#include "policy/load.h"

/* exit statuses of `mcpfloor policy`, beside CLI_OK */
enum {
	CLI_POLICY_NO = 1, /* errors in the text; denied; they differ */
	CLI_POLICY_FAILED = 2, /* it could not be looked at: the command line, a file, its text */
};

/* One of `check`, `explain`, …; args->operands begin behind its name. */
struct cli_policy_row {
	const char *name;
	const char *synopsis;
	const char *summary;
	int operands_min;
	int operands_max; /* -1: any number */
	int records_from; /* the first operand, counted from 1, that is a file of records, as all behind it are; 0: none */
	bool records_twice; /* which are read more than once */
	int (*run)(const struct cli_args *args);
};

extern const struct cli_policy_row cli_policy_rows[];
extern const size_t cli_policy_row_count;

int cli_policy_check(const struct cli_args *args);
int cli_policy_diff(const struct cli_args *args);
int cli_policy_explain(const struct cli_args *args);
int cli_policy_fmt(const struct cli_args *args);
int cli_policy_learn(const struct cli_args *args);
int cli_policy_replay(const struct cli_args *args);
int cli_policy_show(const struct cli_args *args);

/* What --workspace, --home and --no-resolve say; the strings are borrowed, or static. */
void cli_policy_load_options(const struct cli_args *args, struct policy_load *ret_load);

/*
 * Reads files. NULL: they cannot be read, and stderr says so. A tree may have errors; with
 * `must_be_right` those are printed, and NULL is returned for them, too.
 */
struct policy_tree *cli_policy_read(const struct cli_args *args, const char *const *files,
				    size_t count, bool stand_in, bool must_be_right);

/* Prints what is in the buffer. 0 or -EIO. */
int cli_policy_print(const struct buf *out, FILE *stream);
