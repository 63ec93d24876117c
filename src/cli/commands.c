/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that dispatch, help, manual pages and completion are made from. */

#include <string.h>

#include "abi/limits.h"
#include "base/cleanup.h"
#include "base/engines.h"
#include "cli/cli.h"

#define FIELD(field) .offset = offsetof(struct cli_args, field)

const struct cli_option cli_options[CLI_OPT_MAX] = {
	[CLI_OPT_NAME] = { .name = "name",
			   .value = "NAME",
			   .kind = CLI_TEXT,
			   .max = MF_NAME_LEN - 1,
			   FIELD(name),
			   .help = "name of the session; default: the last part of COMMAND" },
	[CLI_OPT_TENANT] = { .name = "tenant",
			     .value = "TENANT",
			     .kind = CLI_TEXT,
			     .max = MF_NAME_LEN - 1,
			     FIELD(tenant),
			     .help = "whom the session works for; written into each record" },
	[CLI_OPT_STATE] = { .name = "state",
			    .value = "DIR",
			    .kind = CLI_TEXT,
			    .is_path = true,
			    FIELD(state_dir),
			    .help = "where the records live; default: /var/lib/mcpfloor for root, "
				    "else $XDG_STATE_HOME/mcpfloor" },
	[CLI_OPT_RUN_DIR] = { .name = "run-dir",
			      .value = "DIR",
			      .kind = CLI_TEXT,
			      .is_path = true,
			      FIELD(run_dir),
			      .help = "where the sockets are; default: /run/mcpfloor" },
	[CLI_OPT_DIGEST_ONLY] = { .name = "digest-only",
				  .kind = CLI_FLAG,
				  FIELD(digest_only),
				  .help = "record digests of arguments and replies, not their "
					  "text" },
	[CLI_OPT_GRACE] = { .name = "grace",
			    .value = "MS",
			    .kind = CLI_NUMBER,
			    .min = 1,
			    .max = 3600000,
			    FIELD(grace_ms),
			    .help = "milliseconds to wait at each step of an ending; default: "
				    "2000" },
	[CLI_OPT_ENGINE] = { .name = "engine",
			     .value = "ENGINE",
			     .kind = CLI_ENGINE,
			     FIELD(engine),
			     .help = "the kernel hooks that are used: " ENGINE_WORDS
				     "; default: auto, the best that works here. A daemon has its "
				     "own" },
	[CLI_OPT_PROBE] = { .name = "probe",
			    .value = "PROBE",
			    .kind = CLI_PROBE,
			    FIELD(syn_by_kprobe),
			    .help = "what tells that a SYN leaves: " PROBE_WORDS
				    "; default: auto, what the engine has for it" },
	[CLI_OPT_TOOL] = { .name = "tool",
			   .value = "TOOL",
			   .kind = CLI_TEXT,
			   FIELD(tool),
			   .help = "the tool to call; without it the tools are listed" },
	[CLI_OPT_ARGS] = { .name = "args",
			   .value = "JSON",
			   .kind = CLI_TEXT,
			   FIELD(arguments),
			   .help = "the tool's arguments, a JSON object; default: {}" },
	[CLI_OPT_ID] = { .name = "id",
			 .value = "ID",
			 .kind = CLI_TEXT,
			 FIELD(request_id),
			 .help = "id of the request, a string; default: req-1" },
	[CLI_OPT_TIMEOUT] = { .name = "timeout",
			      .value = "S",
			      .kind = CLI_NUMBER,
			      .min = 1,
			      .max = 86400,
			      FIELD(timeout_s),
			      .help = "seconds to wait for the server; default: 60" },
	[CLI_OPT_SESSION] = { .name = "session",
			      .value = "NAME|ID",
			      .kind = CLI_TEXT,
			      FIELD(session),
			      .help = "only this session" },
	[CLI_OPT_LIMIT] = { .name = "limit",
			    .value = "N",
			    .kind = CLI_NUMBER,
			    .min = 1,
			    .max = 100000000,
			    FIELD(limit),
			    .given_offset = offsetof(struct cli_args, limit_given),
			    .help = "the newest N only" },
	[CLI_OPT_LINES] = { .name = "lines",
			    .letter = 'n',
			    .value = "N",
			    .kind = CLI_NUMBER,
			    .min = 0,
			    .max = 100000000,
			    FIELD(limit),
			    .given_offset = offsetof(struct cli_args, limit_given),
			    .help = "begin with the newest N that are there; default: 10" },
	[CLI_OPT_BACKGROUND] = { .name = "background",
				 .kind = CLI_FLAG,
				 FIELD(background),
				 .help = "what belongs to no request of the session named" },
	[CLI_OPT_FOLLOW] = { .name = "follow",
			     .letter = 'f',
			     .kind = CLI_FLAG,
			     FIELD(follow),
			     .help = "stay and print records as they close (the default)" },
	[CLI_OPT_NO_FOLLOW] = { .name = "no-follow",
				.kind = CLI_FLAG,
				FIELD(no_follow),
				.help = "print what is there, then leave" },
	[CLI_OPT_JSON] = { .name = "json",
			   .kind = CLI_FLAG,
			   FIELD(json),
			   .help = "JSON for programs; lists have one object per line" },
	[CLI_OPT_HELP] = { .name = "help",
			   .letter = 'h',
			   .kind = CLI_FLAG,
			   FIELD(help),
			   .help = "this text" },
	[CLI_OPT_RING] = { .name = "ring",
			   .value = "BYTES",
			   .kind = CLI_NUMBER,
			   .help = "size of the event ring, a power of two; default: 4194304" },
	[CLI_OPT_VERSION] = { .name = "version", .kind = CLI_FLAG, .help = "print the version" },
	[CLI_OPT_POLICY] = { .name = "policy",
			     .value = "FILE",
			     .kind = CLI_TEXT,
			     .is_path = true,
			     FIELD(policy),
			     .help = "the policy that decides" },
	[CLI_OPT_CWD] = { .name = "cwd",
			  .value = "DIR",
			  .kind = CLI_TEXT,
			  .is_path = true,
			  FIELD(cwd),
			  .help = "what relative paths are relative to; default: here" },
	[CLI_OPT_WORKSPACE] = { .name = "workspace",
				.value = "DIR",
				.kind = CLI_TEXT,
				.is_path = true,
				FIELD(workspace),
				.help = "what ${workspace} stands for; default: here" },
	[CLI_OPT_HOME] = { .name = "home",
			   .value = "DIR",
			   .kind = CLI_TEXT,
			   .is_path = true,
			   FIELD(home),
			   .help = "what ${home} stands for; default: $HOME" },
	[CLI_OPT_NO_RESOLVE] = { .name = "no-resolve",
				 .kind = CLI_FLAG,
				 FIELD(no_resolve),
				 .help = "do not ask for the addresses of host names" },
	[CLI_OPT_MODE] = { .name = "mode",
			   .value = "MODE",
			   .kind = CLI_MODE,
			   FIELD(mode),
			   .given_offset = offsetof(struct cli_args, mode_given),
			   .help = "the most that the policy may do: observe, or audit, which "
				   "tells "
				   "what it would refuse, or enforce; default: audit" },
	[CLI_OPT_FLOOR] = { .name = "engine-floor",
			    .value = "FLOOR",
			    .kind = CLI_FLOOR,
			    FIELD(floor_partial),
			    .help = "what the engine must be able to refuse for a policy to be "
				    "enforced: full, which is all that the policy denies, or "
				    "partial; default: full" },
	[CLI_OPT_WITH] = { .name = "with",
			   .value = "TOOL[=JSON]",
			   .kind = CLI_TEXTS,
			   FIELD(with),
			   .help = "another call that is in flight, with its arguments; may be "
				   "given more than once" },
	[CLI_OPT_STRICT] = { .name = "strict",
			     .kind = CLI_FLAG,
			     FIELD(strict),
			     .help = "each of several calls must be allowed it, not one of them" },
};

#define OPTIONS(...) ((const uint8_t[]){ __VA_ARGS__, CLI_OPT_HELP, CLI_OPT_END })
#define OPTIONS_OF_RUN                                                                      \
	CLI_OPT_NAME, CLI_OPT_TENANT, CLI_OPT_STATE, CLI_OPT_RUN_DIR, CLI_OPT_DIGEST_ONLY,  \
		CLI_OPT_GRACE, CLI_OPT_ENGINE, CLI_OPT_PROBE, CLI_OPT_POLICY, CLI_OPT_MODE, \
		CLI_OPT_FLOOR, CLI_OPT_WORKSPACE, CLI_OPT_HOME, CLI_OPT_NO_RESOLVE
#define OPTIONS_OF_QUERY CLI_OPT_STATE, CLI_OPT_RUN_DIR, CLI_OPT_JSON

static const struct cli_exit exits_plain[] = {
	{ CLI_OK, "done" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ 0, NULL },
};

static const struct cli_exit exits_query[] = {
	{ CLI_OK, "found, and printed" },
	{ CLI_NOTHING, "nothing there, or not found" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ CLI_NO_ACCESS, "the state cannot be read, or the output not written" },
	{ 0, NULL },
};

static const struct cli_exit exits_guards[] = {
	{ CLI_OK, "printed" },
	{ CLI_NOTHING, "nothing runs" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ CLI_NO_ACCESS, "a guard is there and cannot be reached" },
	{ 0, NULL },
};

static const struct cli_exit exits_run[] = {
	{ 0, "and any other: the server's own; where it died by a signal, by the same signal" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ 125, "mcpfloor could not do its work; the server was not started" },
	{ 126, "COMMAND cannot be executed" },
	{ 127, "COMMAND was not found" },
	{ 0, NULL },
};

static const struct cli_exit exits_call[] = {
	{ CLI_OK, "the tool answered, and the record was printed" },
	{ CLI_NOTHING, "the tool or the server answered with an error, or not at all" },
	{ CLI_USAGE, "a mistake in the command line, --args included" },
	{ CLI_NO_ACCESS, "the tool answered, but its record did not come" },
	{ 125, "and 126, 127: as of mcpfloor run" },
	{ 0, NULL },
};

static const struct cli_exit exits_doctor[] = {
	{ CLI_OK, "every required hook is there" },
	{ CLI_NOTHING, "a required hook is missing" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ CLI_NO_ACCESS, "the hooks could not be probed; it takes root" },
	{ 0, NULL },
};

static const struct cli_exit exits_policy[] = {
	{ CLI_OK, "no errors; explain: it passes; replay: all of it passes; diff: no difference" },
	{ CLI_NOTHING, "errors in the text; explain: it is denied, or would be; replay: something "
		       "is; diff: they differ; learn: there are no calls" },
	{ CLI_USAGE,
	  "a mistake in the command line, a file that cannot be read, or, for explain and "
	  "show, one that has errors" },
	{ 0, NULL },
};

const char cli_about[] =
	"An MCP client called a tool: what did it actually do? mcpfloor stands in place of an MCP "
	"server's command, lets every byte through unchanged, and writes for each tool call a "
	"record of what the server's whole process tree did in the kernel meanwhile: programs "
	"run, files opened, created and deleted, addresses connected to.\n"
	"\n"
	"Put mcpfloor run -- in front of the server's command in the client's configuration; "
	"nothing else changes. Then read the records with requests, show and tail.";

const struct cli_command cli_commands[] = {
	{
		.name = "run",
		.synopsis = "[OPTION]... [--] COMMAND [ARG]...",
		.summary = "run an MCP server and record what its tool calls do",
		.options = OPTIONS(OPTIONS_OF_RUN),
		.exits = exits_run,
		.operands_min = 1,
		.operands_max = -1,
		.before_command = true,
		.section = 1,
		.see_also = "show",
		.run = cli_run,
		.description =
			"Starts COMMAND, an MCP server that speaks over standard input and output, "
			"and "
			"stands between it and the client. Every byte passes unchanged. Standard "
			"error, environment, working directory and arguments are the server's as "
			"they "
			"would be without mcpfloor; signals, end of file and exit status are "
			"mirrored, "
			"and nothing of the server is left running afterwards.\n"
			"\n"
			"With mcpfloord running, the session is opened there. Without it, root "
			"gets a "
			"private guard and recorder for the time of this session; anybody else "
			"gets an "
			"error that names both ways out.",
	},
	{
		.name = "call",
		.synopsis = "[OPTION]... [--] COMMAND [ARG]...",
		.summary = "list a server's tools, or call one and print reply and record",
		.options = OPTIONS(OPTIONS_OF_RUN, CLI_OPT_TOOL, CLI_OPT_ARGS, CLI_OPT_ID,
				   CLI_OPT_TIMEOUT, CLI_OPT_JSON),
		.exits = exits_call,
		.operands_min = 1,
		.operands_max = -1,
		.before_command = true,
		.section = 1,
		.see_also = "run",
		.run = cli_call,
		.description =
			"A small MCP client. It starts the server through mcpfloor run, introduces "
			"itself, and lists the tools; with --tool it calls that one, prints the "
			"reply's text, ends the server, and prints the record of the call. Servers "
			"of "
			"both protocol eras are understood. Requests of the server to its client "
			"(sampling, roots, elicitation) are refused; a ping is answered.\n"
			"\n"
			"With --json there is one object: reply, as the server sent it, and "
			"record.\n"
			"\n"
			"  mcpfloor call -- npx -y @modelcontextprotocol/server-filesystem /data\n"
			"  mcpfloor call --tool read_text_file --args '{\"path\":\"/data/x\"}' -- "
			"\\\n"
			"      npx -y @modelcontextprotocol/server-filesystem /data",
	},
	{
		.name = "ps",
		.synopsis = "[OPTION]...",
		.summary = "list the sessions that are running",
		.options = OPTIONS(CLI_OPT_RUN_DIR, CLI_OPT_JSON),
		.exits = exits_guards,
		.section = 1,
		.see_also = "stats",
		.run = cli_ps,
		.description =
			"Asks the daemon and every private guard. Root sees all sessions, anybody "
			"else "
			"the own ones. The state is observing, audit-failure (the log cannot be "
			"written), no-recorder, or ending.",
	},
	{
		.name = "requests",
		.synopsis = "[OPTION]...",
		.summary = "list the requests that have a record",
		.options = OPTIONS(CLI_OPT_SESSION, CLI_OPT_LIMIT, OPTIONS_OF_QUERY),
		.exits = exits_query,
		.section = 1,
		.see_also = "show",
		.run = cli_requests,
		.description =
			"One line per request, oldest first, and where a session ends one line "
			"marked (background) for what belongs to none of its requests: start-up, "
			"and work that was left over. Records are "
			"read from the state directory where that is readable, else asked of the "
			"daemon, which tells a user of the own sessions only.\n"
			"\n"
			"With --json each line is the record without its events and processes; "
			"mcpfloor show "
			"--json prints those.",
	},
	{
		.name = "show",
		.synopsis = "[OPTION]... UID|REQ_ID | --background SESSION",
		.summary = "print one record whole",
		.options = OPTIONS(CLI_OPT_SESSION, CLI_OPT_BACKGROUND, OPTIONS_OF_QUERY),
		.exits = exits_query,
		.operands_min = 1,
		.operands_max = 1,
		.section = 1,
		.see_also = "requests",
		.run = cli_show,
		.description =
			"UID names one record; REQ_ID is the id that the client gave its request, "
			"and "
			"may come again in any session: then the newest is printed, and a line on "
			"standard error names the others. Events that came after the record was "
			"closed are printed with it.",
	},
	{
		.name = "tail",
		.synopsis = "[OPTION]...",
		.summary = "print records as they close",
		.options = OPTIONS(CLI_OPT_SESSION, CLI_OPT_LINES, CLI_OPT_FOLLOW,
				   CLI_OPT_NO_FOLLOW, OPTIONS_OF_QUERY),
		.exits = exits_query,
		.section = 1,
		.see_also = "requests",
		.run = cli_tail,
		.description =
			"One line per entry of the log, beginning with the newest that are there: "
			"each record as in requests, each part of what belongs to no request, the "
			"beginning and end of each session, and each gap. With --json each line is "
			"the whole entry.",
	},
	{
		.name = "stats",
		.synopsis = "[OPTION]...",
		.summary = "print the counters of guards and recorders",
		.options = OPTIONS(CLI_OPT_RUN_DIR, CLI_OPT_JSON),
		.exits = exits_guards,
		.section = 1,
		.see_also = "ps",
		.run = cli_stats,
		.description =
			"Every place that can lose, cut or refuse something has a counter. Those "
			"of "
			"the whole guard come first, then what each session has lost, by reason.",
	},
	{
		.name = "doctor",
		.synopsis = "[OPTION]...",
		.summary = "tell which kernel hooks can be used here, and what is missing",
		.options = OPTIONS(CLI_OPT_JSON),
		.exits = exits_doctor,
		.section = 1,
		.see_also = "run",
		.run = cli_doctor,
		.description =
			"Loads and attaches each hook for a moment and prints its state, and the "
			"consequence where it is missing. Then what the machine offers besides. "
			"Features are probed, versions are not compared.",
	},
	{
		.name = "policy",
		.synopsis = "check|diff|explain|fmt|learn|replay|show [OPTION]... ARG...",
		.summary = "check policies, tell what they decide, learn them from calls",
		.options = OPTIONS(CLI_OPT_POLICY, CLI_OPT_ARGS, CLI_OPT_WITH, CLI_OPT_STRICT,
				   CLI_OPT_CWD, CLI_OPT_WORKSPACE, CLI_OPT_HOME, CLI_OPT_NO_RESOLVE,
				   CLI_OPT_SESSION, CLI_OPT_STATE, CLI_OPT_RUN_DIR, CLI_OPT_JSON),
		.exits = exits_policy,
		.operands_min = 1,
		.operands_max = -1,
		.section = 1,
		.see_also = "run",
		.run = cli_policy,
		.description = cli_policy_text,
	},
	{
		.name = "version",
		.synopsis = "[OPTION]...",
		.summary = "print the version",
		.options = OPTIONS(CLI_OPT_JSON),
		.exits = exits_plain,
		.section = 1,
		.see_also = "doctor",
		.run = cli_version,
		.description = "Prints the version of mcpfloor and of its interfaces.",
	},
	{
		.name = "help",
		.synopsis = "[COMMAND]",
		.summary = "explain a command",
		.options = (const uint8_t[]){ CLI_OPT_HELP, CLI_OPT_END },
		.exits = exits_plain,
		.operands_max = 1,
		.section = 1,
		.see_also = "version",
		.run = cli_help,
		.description = "Without COMMAND: what commands there are.",
	},
};

const size_t cli_command_count = ARRAY_LEN(cli_commands);

static const struct cli_exit exits_daemon[] = {
	{ CLI_OK, "ended by SIGTERM or SIGINT" },
	{ CLI_NOTHING, "could not start; the reason is on standard error" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ 0, NULL },
};

const struct cli_command cli_daemon = {
	.name = "mcpfloord",
	.synopsis = "[OPTION]...",
	.summary = "serve mcpfloor sessions of every user of this machine",
	.options = OPTIONS(CLI_OPT_STATE, CLI_OPT_RUN_DIR, CLI_OPT_ENGINE, CLI_OPT_PROBE,
			   CLI_OPT_RING, CLI_OPT_VERSION),
	.exits = exits_daemon,
	.section = 8,
	.see_also = "run",
	.description =
		"The guard, in the foreground, and the recorder that it forks. The guard is the "
		"only "
		"privileged process: it loads and attaches the kernel hooks and opens sessions; it "
		"never reads what an MCP peer wrote. The recorder has no rights and writes the "
		"log.\n"
		"\n"
		"Users are told apart by the kernel's word on who is at the other end of the "
		"socket. "
		"A user sees own sessions and records only, root sees all.",
};

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	}
	return NULL;
}
