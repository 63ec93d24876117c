/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy learn`: a policy from recorded calls. */

#include "policy/learn.h"
#include "policy/words.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "cli/policy.h"
#include "cli/recorded_log.h"
#include "policy/compile.h"

/* Named blocks that are shipped, the most particular ones first. */
static const char *const runtimes[] = { "runtime/node", "runtime/python", "runtime/go",
					"runtime/base" };

#define SECRETS "secrets"

/* A policy whose base is one include. */
struct shipped {
	struct buf image;
	struct policy policy;
	bool is_there;
};

struct learning {
	struct policy_learner *learner;
	struct shipped runtimes[ARRAY_LEN(runtimes)];
	struct shipped secrets;
	struct policy_learn_include includes[ARRAY_LEN(runtimes)];
	int error;
};

static void learning_free(struct learning *learning)
{
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		buf_free(&learning->runtimes[i].image);
	buf_free(&learning->secrets.image);
	policy_learner_free(learning->learner);
}

/* 1 when there is such a block, 0 when not (nothing was said). */
static int load_shipped(const struct cli_args *args, const char *name, struct shipped *ret_shipped)
{
	_cleanup_fd_ int fd = memfd_create("policy", MFD_CLOEXEC);
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	struct policy_load load;
	char path[64];
	const char *file = path;
	size_t failed;
	int r;

	if (fd < 0 || dprintf(fd, "version 1\nbase\n  include %s\n", name) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cli_policy_load_options(args, &load);
	load.resolve = false;
	r = policy_load(&file, 1, &load, &tree, &failed);
	if (r < 0)
		return r;
	if (tree->notes.errors)
		return 0;
	r = policy_compile(tree, &ret_shipped->image);
	if (r < 0)
		return r;
	policy_view(buf_bytes(&ret_shipped->image), &ret_shipped->policy);
	ret_shipped->is_there = true;
	return 1;
}

static int load_all(const struct cli_args *args, struct learning *learning,
		    struct policy_learn_options *options)
{
	int r;

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		r = load_shipped(args, runtimes[i], &learning->runtimes[i]);
		if (r < 0)
			return r;
		if (!r)
			cli_error("policy learn: there is no block %s on the search path; what it "
				  "covers stands in base line by line",
				  runtimes[i]);
		else
			learning->includes[options->include_count++] =
				(struct policy_learn_include){ runtimes[i],
							       &learning->runtimes[i].policy };
	}
	options->includes = learning->includes;
	r = load_shipped(args, SECRETS, &learning->secrets);
	if (r == 0)
		cli_error("policy learn: there is no block " SECRETS " on the search path: secrets "
			  "are learned like anything else");
	if (r > 0)
		options->secrets = &learning->secrets.policy;
	return r < 0 ? r : 0;
}

static int on_call(void *data, const struct recorded_call *call)
{
	struct learning *learning = data;
	int r = policy_learn_call(learning->learner, call->tool, call->tool_size, call->arguments,
				  call->arguments_size, call->cwd);

	return r < 0 ? r : 0;
}

/* A number for the text that names the event in each record which has it. */
static uint64_t event_of(const struct recorded_step *step)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (const char *at = step->event; at && *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3ULL;
	return step->event ? hash | 1 : 0;
}

static int on_step(void *data, const struct recorded_call *call, const struct recorded_step *step)
{
	struct learning *learning = data;
	const struct policy_learn_access access = { .access = step->access->access,
						    .directory = step->access->directory,
						    .passing = step->passing,
						    .event = event_of(step),
						    .uses = step->uses };
	int r = policy_learn_access(learning->learner, &access, step->no_call);

	return r == -E2BIG ? 0 : r; /* the text says so */
}

static void tell_gaps(const struct recorded_totals *totals)
{
	if (!totals->requests)
		cli_error("policy learn: there are no calls in the log");
	if (totals->incomplete)
		cli_error(
			"policy learn: %zu of %zu records are incomplete: what they do not tell is "
			"not allowed",
			totals->incomplete, totals->requests);
	if (totals->no_path)
		cli_error("policy learn: %zu events whose object is not known are left out",
			  totals->no_path);
	if (totals->no_flags)
		cli_error("policy learn: %zu opens whose flags are not known are taken for writes",
			  totals->no_flags);
	if (totals->gaps)
		cli_error("policy learn: %zu gaps in the log", totals->gaps);
}

/* Comments are overlooked, and what they are about is refused. */
static void tell_escapes(const struct policy_learner *learner)
{
	for (int i = 0; i < MF_POL_ESCAPE_MAX; i++) {
		unsigned long long uses = policy_learn_escapes(learner, (enum mf_pol_escape)i);

		if (uses)
			cli_error(
				"policy learn: allow %s, which was used %llu time%s, is left out: "
				"it leads out of the session",
				policy_escapes[i].word, uses, uses == 1 ? "" : "s");
	}
}

int cli_policy_learn(const struct cli_args *args)
{
	_cleanup_(learning_free) struct learning learning = { 0 };
	struct policy_learn_options options = { 0 };
	const struct recorded_visitor visitor = { .data = &learning,
						  .call = on_call,
						  .step = on_step };
	_cleanup_buf_ struct buf text = { 0 };
	struct recorded_totals totals;
	struct policy_load load;
	int r, status;

	cli_policy_load_options(args, &load);
	options.place.home = load.home;
	options.place.workspace = args->workspace;
	r = load_all(args, &learning, &options);
	if (r == 0)
		r = policy_learner_new(&options, &learning.learner);
	if (r < 0) {
		cli_error("policy learn: %s", strerror(-r));
		return CLI_POLICY_FAILED;
	}
	status = recorded_walk(args, args->operands, &visitor, &totals);
	if (status != CLI_OK)
		return CLI_POLICY_FAILED;
	tell_gaps(&totals);
	tell_escapes(learning.learner);
	r = policy_learn_print(learning.learner, &text);
	if (r < 0) {
		cli_error("policy learn: %s", strerror(-r));
		return CLI_POLICY_FAILED;
	}
	return cli_policy_print(&text, stdout) < 0 ? CLI_POLICY_FAILED
	       : totals.requests		   ? CLI_OK
						   : CLI_POLICY_NO;
}
