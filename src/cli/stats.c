/* SPDX-License-Identifier: BSD-2-Clause */

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/losses.h"
#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/guards.h"
#include "cli/place.h"
#include "cli/print_json.h"

/* clang-format off */
#define COUNTER(field) { #field, offsetof(struct mf_stats, field), false }
#define FOR_USERS(field) { #field, offsetof(struct mf_stats, field), true }
/* clang-format on */

static const struct {
	const char *name;
	size_t offset;
	bool for_users; /* what a guard tells others than root; the rest it leaves 0 */
} counters[] = {
	COUNTER(sessions_opened),
	FOR_USERS(sessions_live),
	COUNTER(control_rejected),
	COUNTER(file_questions),
	COUNTER(file_untagged),
	COUNTER(notifications),
	COUNTER(notifications_untagged),
	FOR_USERS(notify_overflows),
	FOR_USERS(mounts_unmarked),
	FOR_USERS(recorder_restarts),
	COUNTER(rec_events),
	FOR_USERS(rec_bad_events),
	COUNTER(rec_unknown_session),
	COUNTER(rec_folded),
	COUNTER(rec_rows_capped),
	COUNTER(rec_journal_entries),
	COUNTER(rec_journal_bad),
	COUNTER(rec_records),
	COUNTER(rec_entries),
	COUNTER(rec_bytes),
	FOR_USERS(rec_write_errors),
	COUNTER(rec_queries),
	FOR_USERS(rec_epoch_unknown),
	FOR_USERS(recorder_dropped),
	COUNTER(clients_dropped),
	COUNTER(clients_refused),
	FOR_USERS(cgroups_missing),
	COUNTER(cgroups_swept),
	FOR_USERS(survivors),
};

/* a counter without a row could never be seen */
_Static_assert(ARRAY_LEN(counters) * sizeof(__u64) + sizeof(((struct mf_stats *)NULL)->reserved) ==
		       sizeof(struct mf_stats),
	       "every counter of struct mf_stats has a row");

static bool is_told(size_t index)
{
	return counters[index].for_users || geteuid() == 0;
}

static uint64_t counter_of(const struct mf_stats *stats, size_t index)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + counters[index].offset, sizeof(value));
	return value;
}

static int print_guard(const struct mf_c_hello_reply *guard, const struct mf_c_stats_reply *reply,
		       void *data)
{
	printf("guard %u (%s, %.*s)\n", guard->guard_pid,
	       guard->private_guard ? "private" : "daemon",
	       (int)strnlen(guard->release, sizeof(guard->release)), guard->release);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (is_told(i))
			printf("  %-24s %" PRIu64 "\n", counters[i].name,
			       counter_of(&reply->stats, i));
	}
	return 0;
}

static int print_guard_json(const struct mf_c_hello_reply *guard,
			    const struct mf_c_stats_reply *reply, void *data)
{
	yajl_gen gen = print_json_new();

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_open(gen);
	print_json_count(gen, "guard_pid", guard->guard_pid);
	print_json_count(gen, "recorder_pid", guard->recorder_pid);
	print_json_bool(gen, "private_guard", guard->private_guard);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (is_told(i))
			print_json_count(gen, counters[i].name, counter_of(&reply->stats, i));
	}
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

static void loss_label(unsigned reason, char *ret_name, size_t size)
{
	const char *name = loss_word(reason);

	if (name)
		snprintf(ret_name, size, "lost_%s", name);
	else
		snprintf(ret_name, size, "lost_reason_%u", reason);
}

static int print_session(const struct mf_c_hello_reply *guard,
			 const struct mf_c_list_reply *session, void *data)
{
	_cleanup_free_ char *name = cli_shown(session->name);
	bool lost = false;

	printf("session %016" PRIx64 " %s\n", (uint64_t)session->session, name ? name : "?");
	printf("  %-24s %" PRIu64 "\n", "events", (uint64_t)session->counters.events);
	printf("  %-24s %" PRIu64 "\n", "tasks", (uint64_t)session->counters.tasks);
	for (unsigned i = 0; i < MF_LOSS_MAX; i++) {
		char label[48];

		if (!session->counters.lost[i])
			continue;
		lost = true;
		loss_label(i, label, sizeof(label));
		printf("  %-24s %" PRIu64 "\n", label, (uint64_t)session->counters.lost[i]);
	}
	if (!lost)
		printf("  %-24s 0\n", "lost");
	return 0;
}

static int print_session_json(const struct mf_c_hello_reply *guard,
			      const struct mf_c_list_reply *session, void *data)
{
	yajl_gen gen = print_json_new();
	char id[24];

	if (!gen)
		return -ENOMEM;
	snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)session->session);
	yajl_gen_map_open(gen);
	print_json_field(gen, "session", id);
	print_json_field(gen, "name", session->name);
	print_json_count(gen, "events", session->counters.events);
	print_json_count(gen, "tasks", session->counters.tasks);
	for (unsigned i = 0; i < MF_LOSS_MAX; i++) {
		char label[48];

		if (!loss_word(i) && !session->counters.lost[i])
			continue;
		loss_label(i, label, sizeof(label));
		print_json_count(gen, label, session->counters.lost[i]);
	}
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

int cli_stats(const struct cli_command *command, const struct cli_args *args)
{
	const struct guards_walk walk = {
		.guard = args->json ? print_guard_json : print_guard,
		.session = args->json ? print_session_json : print_session,
	};
	const char *run_dir = place_run_dir(args->run_dir);
	_cleanup_free_ char *shown = cli_shown(run_dir);
	size_t sessions = 0;
	int guards = guards_ask(run_dir, &walk, &sessions);

	if (guards < 0) {
		cli_error("a guard in %s could not be asked: %s; try again, or as root", shown,
			  strerror(-guards));
		return CLI_NO_ACCESS;
	}
	if (guards == 0 && !args->json)
		cli_error("nothing is running: no daemon and no private guard in %s", shown);
	return guards ? CLI_OK : CLI_NOTHING;
}
