/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/clock.h"
#include "cli/place.h"
#include "cli/policy.h"
#include "policy/compile.h"
#include "relay/relay.h"

/* The directory of a policy is nobody's business who reads a record. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int append_files(struct buf *files, const struct policy_sources *sources)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sources->count; i++)
		r = buf_append(files, sources->files[i].name, strlen(sources->files[i].name) + 1);
	return r;
}

/* Nothing is started with a policy that has errors, and nothing goes on with one. */
static int compile(const void *data, struct buf *ret_image, struct buf *ret_files)
{
	const struct cli_args *args = data;
	_cleanup_policy_tree_ struct policy_tree *tree =
		cli_policy_read(args, &args->policy, 1, false, true);
	_cleanup_free_ char *shown = cli_shown(args->policy);

	if (!tree)
		return -EINVAL;
	if (append_files(ret_files, &tree->sources) == 0 && policy_compile(tree, ret_image) == 0)
		return 0;
	cli_error("%s: it cannot be kept; mcpfloor policy check says what of it", shown);
	return -EINVAL;
}

int cli_run(const struct cli_command *command, const struct cli_args *args)
{
	_cleanup_free_ char *state_dir = NULL;
	_cleanup_buf_ struct buf image = { 0 }, files = { 0 };
	/* the state is a private guard's, and that takes root: who has no HOME needs none */
	int r = place_state_dir(args->state_dir, &state_dir);
	struct relay_options options = {
		.name = args->name,
		.tenant = args->tenant,
		.state_dir = r < 0 ? PLACE_STATE_DIR_ROOT : state_dir,
		.run_dir = place_run_dir(args->run_dir),
		.digest_only = args->digest_only,
		.grace_ms = args->grace_ms,
		.engine = args->engine,
		.syn_by_kprobe = args->syn_by_kprobe,
		.argv = args->operands,
	};

	if (!args->policy && args->mode_given) {
		cli_error("--mode is the mode of a policy; name one with --policy FILE");
		return RELAY_EXIT_OURS;
	}
	if (args->policy) {
		options.policy.read_ns = clock_real_ns();
		if (compile(args, &image, &files) < 0)
			return RELAY_EXIT_OURS;
		options.policy = (struct relay_policy){
			.name = base_name(args->policy),
			.image = buf_bytes(&image),
			.size = buf_size(&image),
			.mode = args->mode_given ? args->mode : MF_POL_AUDIT,
			.part = args->floor_partial,
			.files = (const char *)buf_bytes(&files),
			.files_size = buf_size(&files),
			.read_ns = options.policy.read_ns,
			.compile = compile,
			.compile_data = args,
		};
	}
	return relay_run(&options);
}
