/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that dispatch, help, manual pages and completion are made from. */

#include <string.h>

#include "abi/limits.h"
#include "base/cleanup.h"
#include "base/engines.h"
#include "cli/cli.h"

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

static const struct cli_exit exits_change[] = {
	{ CLI_OK, "done" },
	{ CLI_NOTHING, "there is no such session, or several have that name" },
	{ CLI_USAGE, "a mistake in the command line" },
	{ CLI_NO_ACCESS, "it was not done; the reason is on standard error" },
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
			"written), no-recorder, or ending. The policy is told by its mode and its "
			"generation, with a ! where a later text of it could not be taken.",
	},
	{
		.name = "mode",
		.synopsis = "[OPTION]... SESSION observe|audit|enforce",
		.summary = "say how far a running session's policy goes",
		.options = OPTIONS(CLI_OPT_FLOOR, CLI_OPT_RUN_DIR),
		.exits = exits_change,
		.operands_min = 2,
		.operands_max = 2,
		.section = 1,
		.see_also = "ps",
		.run = cli_mode,
		.description =
			"SESSION is the name or the id of a session that was started with a "
			"policy. From now on no block of it weighs more than this mode: observe, "
			"which decides nothing, audit, which tells what it would refuse, or "
			"enforce. The log says when it changed. What runs in a session cannot "
			"change one, whoever it belongs to.",
	},
	{
		.name = "reload",
		.synopsis = "[OPTION]... SESSION",
		.summary = "have a running session read its policy again",
		.options = OPTIONS(CLI_OPT_RUN_DIR),
		.exits = exits_change,
		.operands_min = 1,
		.operands_max = 1,
		.section = 1,
		.see_also = "mode",
		.run = cli_reload,
		.description =
			"SESSION is the name or the id of a session that was started with a "
			"policy. It reads it by itself when one of its files changes; this is for "
			"file systems that do not tell of changes, and for names whose addresses "
			"changed. Waits until the new text is in force, as a whole, or cannot be "
			"taken: then the one before stays.",
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
