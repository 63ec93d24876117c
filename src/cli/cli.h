/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The command line: one table of commands and one of options (commands.c). Dispatch, `help`,
 * `--help`, the manual pages and the shell completion are all made from these rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* exit statuses of every command but `run`, which gives the server's own */
enum {
	CLI_OK = 0,
	CLI_NOTHING = 1, /* not found, nothing there, or the answer is a failure */
	CLI_USAGE = 2,
	CLI_NO_ACCESS =
		3, /* the state cannot be read, the daemon not reached, output not written */
};

#define CLI_TEXTS_MAX 32 /* how often an option of texts can be given */

struct cli_texts {
	const char *texts[CLI_TEXTS_MAX];
	unsigned count;
};

/* What the options said; zero where an option was not given. Strings are borrowed from argv. */
struct cli_args {
	const char *name;
	const char *tenant;
	const char *state_dir;
	const char *run_dir;
	const char *session;
	const char *tool;
	const char *arguments;
	const char *request_id;
	const char *policy;
	const char *cwd;
	const char *workspace;
	const char *home;
	unsigned grace_ms;
	uint32_t engine; /* enum mf_engine */
	bool syn_by_kprobe;
	uint32_t mode; /* enum mf_pol_mode */
	bool mode_given;
	unsigned timeout_s;
	unsigned limit;
	bool limit_given;
	bool digest_only;
	bool json;
	bool background;
	bool follow;
	bool no_follow;
	bool no_resolve;
	bool floor_partial;
	struct cli_texts with;
	bool strict;
	bool help;
	char **operands; /* NULL terminated */
	int operand_count;
};

enum cli_option_kind {
	CLI_FLAG = 1,
	CLI_TEXT = 2,
	CLI_NUMBER = 3,
	CLI_ENGINE = 4,
	CLI_PROBE = 5,
	CLI_MODE = 6, /* enum mf_pol_mode; `given` where 0 is one */
	CLI_TEXTS = 7, /* struct cli_texts: may be given more than once */
	CLI_FLOOR = 8,
};

struct cli_option {
	const char *name; /* without the dashes */
	const char *value; /* what stands for the value in texts, NULL for a flag */
	const char *help;
	enum cli_option_kind kind;
	char letter; /* 0: none */
	bool is_path; /* for the completion */
	unsigned min; /* of a number */
	unsigned max; /* of a number; of a text in bytes, 0: any */
	size_t offset; /* of its field in struct cli_args */
	size_t given_offset; /* of a bool that tells that it was given, 0: none */
};

/* indices into the option table; 0 ends a command's list */
enum cli_option_id {
	CLI_OPT_END = 0,
	CLI_OPT_NAME,
	CLI_OPT_TENANT,
	CLI_OPT_STATE,
	CLI_OPT_RUN_DIR,
	CLI_OPT_DIGEST_ONLY,
	CLI_OPT_GRACE,
	CLI_OPT_ENGINE,
	CLI_OPT_PROBE,
	CLI_OPT_TOOL,
	CLI_OPT_ARGS,
	CLI_OPT_ID,
	CLI_OPT_TIMEOUT,
	CLI_OPT_SESSION,
	CLI_OPT_LIMIT,
	CLI_OPT_LINES,
	CLI_OPT_BACKGROUND,
	CLI_OPT_FOLLOW,
	CLI_OPT_NO_FOLLOW,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	CLI_OPT_RING, /* of mcpfloord, which reads its own: for the texts only */
	CLI_OPT_VERSION,
	CLI_OPT_POLICY,
	CLI_OPT_CWD,
	CLI_OPT_WORKSPACE,
	CLI_OPT_HOME,
	CLI_OPT_NO_RESOLVE,
	CLI_OPT_MODE,
	CLI_OPT_FLOOR,
	CLI_OPT_WITH,
	CLI_OPT_STRICT,
	CLI_OPT_MAX,
};

struct cli_exit {
	int status;
	const char *meaning;
};

struct cli_command {
	const char *name;
	const char *synopsis; /* behind the name; options are not repeated one by one */
	const char *summary;
	const uint8_t *options; /* enum cli_option_id */
	const struct cli_exit *exits; /* ended by a NULL meaning */
	const char *description; /* paragraphs, an empty line between; two blanks: as it stands */
	const char *see_also;
	int operands_min;
	int operands_max; /* -1: any number */
	bool before_command; /* the operands are somebody else's command line */
	unsigned section; /* of the manual, 1 or 8 */
	int (*run)(const struct cli_command *command, const struct cli_args *args);
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;
extern const struct cli_command cli_daemon; /* mcpfloord: its texts only */
extern const struct cli_option cli_options[CLI_OPT_MAX];
extern const char cli_policy_text[]; /* what each command of `policy` does */
extern const char cli_about[]; /* what the whole program is, for mcpfloor(1) */

const struct cli_command *cli_find(const char *name);

/* options.c: argv[0] is the command's name. 0, or -EINVAL with one line in *ret_error (free it). */
int cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_args *ret_args,
	      char **ret_error);
/* The word of `words` that `word` was probably meant to be, or NULL. */
const char *cli_nearest(const char *word, const char *const *words, size_t count);

/* usage.c: texts from the tables */
int cli_print_overview(FILE *out);
int cli_print_usage(FILE *out, const struct cli_command *command);
/* publish.c: what is installed beside the program */
int cli_print_man(FILE *out, const struct cli_command *command); /* NULL: mcpfloor(1) */
int cli_print_policy_man(FILE *out); /* publish_policy.c: mcpfloor-policy(5) */
int cli_print_completion(FILE *out);
/* publish_syntax.c: how editors show policies */
int cli_print_vim(FILE *out);
int cli_print_textmate(FILE *out);

/* One line on stderr: "mcpfloor: …". What comes from outside must be escaped by the caller. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A copy of `text` that is safe to print; "?" when there is no memory. Free it. */
char *cli_shown(const char *text);
bool cli_colour(FILE *stream);

int cli_dispatch(int argc, char **argv);

/* one handler per command, each in the file of its name */
int cli_run(const struct cli_command *command, const struct cli_args *args);
int cli_call(const struct cli_command *command, const struct cli_args *args);
int cli_mode(const struct cli_command *command, const struct cli_args *args);
int cli_reload(const struct cli_command *command, const struct cli_args *args);
int cli_ps(const struct cli_command *command, const struct cli_args *args);
int cli_requests(const struct cli_command *command, const struct cli_args *args);
int cli_show(const struct cli_command *command, const struct cli_args *args);
int cli_tail(const struct cli_command *command, const struct cli_args *args);
int cli_stats(const struct cli_command *command, const struct cli_args *args);
int cli_doctor(const struct cli_command *command, const struct cli_args *args);
int cli_policy(const struct cli_command *command, const struct cli_args *args);
int cli_version(const struct cli_command *command, const struct cli_args *args);
int cli_help(const struct cli_command *command, const struct cli_args *args);
