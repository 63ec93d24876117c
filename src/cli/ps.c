/* SPDX-License-Identifier: BSD-2-Clause */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/guards.h"
#include "cli/place.h"
#include "cli/print_json.h"
#include "policy/floor.h"
#include "policy/words.h"

static const struct {
	uint32_t bit;
	const char *name;
} coverage_names[] = {
	{ MF_COV_LINEAGE, "lineage" }, { MF_COV_FILES, "files" }, { MF_COV_CHANGES, "changes" },
	{ MF_COV_NET, "net" },	       { MF_COV_TCP, "tcp" },	  { MF_COV_CGROUP, "cgroup" },
};

static uint64_t lost_total(const struct mf_session_counters *counters)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < MF_LOSS_MAX; i++)
		sum += counters->lost[i];
	return sum;
}

static void format_age(uint64_t started_ns, char *ret_text, size_t size)
{
	uint64_t now = clock_real_ns();
	uint64_t s = now > started_ns ? (now - started_ns) / NS_PER_S : 0;

	if (s < 60)
		snprintf(ret_text, size, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(ret_text, size, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(ret_text, size, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(ret_text, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
}

/* "enforce 2", "audit 1!" where a later text could not be taken, "-" */
static int add_policy(struct columns *table, const struct mf_c_list_reply *session)
{
	if (!session->generation || session->mode >= ARRAY_LEN(policy_modes))
		return columns_add(table, "-");
	return columns_addf(table, "%s %" PRIu64 "%s", policy_modes[session->mode].word,
			    (uint64_t)session->generation, session->policy_error ? "!" : "");
}

static int add_row(const struct mf_c_hello_reply *guard, const struct mf_c_list_reply *session,
		   void *data)
{
	struct columns *table = data;
	char age[32];

	format_age(session->started_ns, age, sizeof(age));
	if (columns_addf(table, "%016" PRIx64, (uint64_t)session->session) < 0 ||
	    columns_add_foreign(table, session->name, 32) < 0 ||
	    columns_add_foreign(table, session->tenant, 24) < 0 ||
	    columns_addf(table, "%u", session->uid) < 0 ||
	    columns_addf(table, "%u", session->root_pid) < 0 || columns_add(table, age) < 0 ||
	    columns_addf(table, "%u", session->processes) < 0 ||
	    columns_addf(table, "%u", session->in_flight) < 0 ||
	    columns_addf(table, "%" PRIu64, (uint64_t)session->counters.events) < 0 ||
	    columns_addf(table, "%" PRIu64, lost_total(&session->counters)) < 0 ||
	    columns_addf(table, "%s%s", guards_engine_name(session->engine),
			 guard->private_guard ? " (private)" : "") < 0 ||
	    add_policy(table, session) < 0 ||
	    columns_add(table, guards_state_name(session->state)) < 0)
		return -ENOMEM;
	return 0;
}

/* What is refused to all of a session's processes, in the words of the record's policy.floor. */
static void print_floor(yajl_gen gen, uint32_t floor)
{
	const char *words[POLICY_FLOOR_WORDS];
	size_t count = policy_floor_words(floor, words);

	if (!count)
		return;
	print_json_text(gen, "floor");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < count; i++)
		print_json_text(gen, words[i]);
	yajl_gen_array_close(gen);
}

static int print_row(const struct mf_c_hello_reply *guard, const struct mf_c_list_reply *session,
		     void *data)
{
	yajl_gen gen = print_json_new();
	char id[24];

	if (!gen)
		return -ENOMEM;
	snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)session->session);
	yajl_gen_map_open(gen);
	print_json_field(gen, "session", id);
	print_json_field(gen, "name", session->name);
	if (session->tenant[0])
		print_json_field(gen, "tenant", session->tenant);
	print_json_count(gen, "uid", session->uid);
	print_json_count(gen, "root_pid", session->root_pid);
	print_json_count(gen, "relay_pid", session->relay_pid);
	print_json_count(gen, "guard_pid", guard->guard_pid);
	print_json_bool(gen, "private_guard", guard->private_guard);
	print_json_count(gen, "started_ns", session->started_ns);
	print_json_count(gen, "processes", session->processes);
	print_json_count(gen, "in_flight", session->in_flight);
	print_json_count(gen, "events", session->counters.events);
	print_json_count(gen, "lost", lost_total(&session->counters));
	print_json_field(gen, "engine", guards_engine_name(session->engine));
	print_json_field(gen, "state", guards_state_name(session->state));
	if (session->generation && session->mode < ARRAY_LEN(policy_modes)) {
		print_json_field(gen, "mode", policy_modes[session->mode].word);
		print_json_count(gen, "policy_generation", session->generation);
		print_json_bool(gen, "policy_stale", session->policy_error != 0);
	}
	print_json_text(gen, "coverage");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < ARRAY_LEN(coverage_names); i++) {
		if (session->coverage & coverage_names[i].bit)
			print_json_text(gen, coverage_names[i].name);
	}
	yajl_gen_array_close(gen);
	print_floor(gen, session->floor);
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

int cli_ps(const struct cli_command *command, const struct cli_args *args)
{
	static const char *const titles[] = { "SESSION", "NAME",   "TENANT",	"UID",	  "PID",
					      "AGE",	 "PROCS",  "IN-FLIGHT", "EVENTS", "LOST",
					      "ENGINE",	 "POLICY", "STATE" };
	_cleanup_columns_ struct columns table = { .width = ARRAY_LEN(titles) };
	const char *run_dir = place_run_dir(args->run_dir);
	_cleanup_free_ char *shown = cli_shown(run_dir);
	struct guards_walk walk = { .session = args->json ? print_row : add_row, .data = &table };
	size_t sessions = 0;
	int guards;

	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (columns_add(&table, titles[i]) < 0)
			return CLI_NO_ACCESS;
	}
	guards = guards_ask(run_dir, &walk, &sessions);
	if (!args->json && table.count > table.width)
		columns_print(&table, stdout, 0x3f8);
	if (guards < 0) {
		cli_error("a guard in %s could not be asked: %s; try again, or as root", shown,
			  strerror(-guards));
		return CLI_NO_ACCESS;
	}
	if (sessions == 0 && !args->json)
		cli_error(guards ? "no session of yours is running"
				 : "nothing is running: no daemon and no private guard in %s",
			  shown);
	return sessions ? CLI_OK : CLI_NOTHING;
}
