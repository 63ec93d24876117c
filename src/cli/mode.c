/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor mode` and `mcpfloor reload`: a running session's policy, as somebody outside wants it. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/guards.h"
#include "cli/place.h"
#include "policy/words.h"

#define RELOAD_WAIT_NS (90 * NS_PER_S) /* names that do not resolve take their time */
#define LOOK_NS (20 * NS_PER_MS)

static const struct {
	uint32_t detail;
	const char *why;
} reasons[] = {
	{ MF_D_NO_POLICY, "it was started without a policy" },
	{ MF_D_IN_SESSION, "what runs in a session cannot change one" },
	{ MF_D_NO_SESSION, "it is not running any more" },
	{ MF_D_ENFORCE,
	  "its engine cannot refuse what the policy denies; mcpfloor doctor says why" },
	{ MF_D_FLOOR, "its engine can refuse a part only of what the policy denies; "
		      "--engine-floor=partial enforces that part" },
};

static int not_done(const char *session, uint32_t detail, int err)
{
	_cleanup_free_ char *shown = cli_shown(session);
	const char *why = strerror(-err);

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (detail && reasons[i].detail == detail)
			why = reasons[i].why;
	cli_error("%s: %s", shown, why);
	return CLI_NO_ACCESS;
}

static int find(const struct cli_args *args, struct guards_found *ret_found)
{
	_cleanup_free_ char *shown = cli_shown(args->operands[0]);
	int r = guards_find(place_run_dir(args->run_dir), args->operands[0], ret_found);

	if (r == 0)
		return CLI_OK;
	if (r == -ENOENT)
		cli_error("no session %s of yours is running; mcpfloor ps lists those that are",
			  shown);
	else if (r == -ENOTUNIQ)
		cli_error("several sessions are called %s; name one by its id, as mcpfloor ps "
			  "lists it",
			  shown);
	else
		cli_error("a guard could not be asked: %s; try again, or as root", strerror(-r));
	return r == -ENOENT || r == -ENOTUNIQ ? CLI_NOTHING : CLI_NO_ACCESS;
}

int cli_mode(const struct cli_command *command, const struct cli_args *args)
{
	const char *word = args->operands[1];
	int mode = policy_named_find(policy_modes, ARRAY_LEN(policy_modes), word, strlen(word));
	struct mf_c_mode request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_MODE },
				     .flags = args->floor_partial ? MF_POLICY_PART : 0 };
	struct guards_found found;
	uint32_t detail;
	int r;

	(void)command;
	if (mode < 0) {
		_cleanup_free_ char *shown = cli_shown(word);

		cli_error("'%s' is no mode; give observe, audit or enforce", shown);
		return CLI_USAGE;
	}
	r = find(args, &found);
	if (r != CLI_OK)
		return r;
	request.session = found.session.session;
	request.mode = (uint32_t)mode;
	r = guards_change(&found, &request, &detail);
	return r < 0 ? not_done(args->operands[0], detail, r) : CLI_OK;
}

/* The relay reads it, and `ps` tells what came of that. */
static int wait_for_outcome(const struct cli_args *args, const struct guards_found *before)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t until_ns = clock_mono_ns() + RELOAD_WAIT_NS;
	struct guards_found now;
	char id[24];

	snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)before->session.session);
	while (clock_mono_ns() < until_ns) {
		int r = guards_find(place_run_dir(args->run_dir), id, &now);

		if (r < 0)
			return not_done(args->operands[0], MF_D_NO_SESSION, r);
		if (now.session.generation != before->session.generation) {
			printf("generation %" PRIu64 " is in force\n",
			       (uint64_t)now.session.generation);
			return CLI_OK;
		}
		if (now.session.policy_error) {
			cli_error("the text cannot be taken, generation %" PRIu64
				  " stays in force; mcpfloor policy check says what is wrong",
				  (uint64_t)now.session.generation);
			return CLI_NO_ACCESS;
		}
		nanosleep(&pause, NULL);
	}
	return not_done(args->operands[0], MF_D_NONE, -ETIMEDOUT);
}

int cli_reload(const struct cli_command *command, const struct cli_args *args)
{
	struct mf_c_mode request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_RELOAD } };
	struct guards_found found;
	uint32_t detail;
	int r = find(args, &found);

	(void)command;
	if (r != CLI_OK)
		return r;
	request.session = found.session.session;
	r = guards_change(&found, &request, &detail);
	return r < 0 ? not_done(args->operands[0], detail, r) : wait_for_outcome(args, &found);
}
