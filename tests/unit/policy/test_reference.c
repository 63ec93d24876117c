/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_decide() and the reference (reference.h) on random policies and accesses: they never
 * differ, and the line that is named really decides. MCPFLOOR_SEED=N repeats a run, FULL=1 takes
 * ten times as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/compile.h"
#include "policy/grant.h"
#include "random_policy.h"

#define POLICIES 2600
#define STATES 10 /* of each policy */
#define ACCESSES 40 /* in each state */
#define REQUESTS_MAX 4
#define ENFORCED 97 /* of so many accesses, one is looked at for its line */

/* A policy by its text, compiled and for the reference. */
struct built {
	struct buf text, image;
	struct policy_tree *tree;
	struct policy policy;
	struct ref_policy reference;
	bool is_there;
};

struct scene {
	struct dice dice;
	uint64_t seed;
	struct machine machine;
	struct buf include_text;
	struct built policy, admin;
	/* in flight */
	struct random_call calls[REQUESTS_MAX];
	struct buf images[REQUESTS_MAX];
	struct policy grants[REQUESTS_MAX];
	struct policy_request requests[REQUESTS_MAX];
	struct ref_request ref_requests[REQUESTS_MAX];
	struct policy_state state;
	struct ref_state ref_state;
};

static uint64_t pairs, lines_checked, verdicts[4], reasons[8];

static void built_free(struct built *built)
{
	buf_free(&built->text);
	buf_free(&built->image);
	policy_tree_free(built->tree);
	if (built->is_there)
		ref_policy_free(&built->reference);
	*built = (struct built){ 0 };
}

/* As diagnostics: longer than what cmocka prints. */
static void tell(const struct buf *text)
{
	_cleanup_free_ char *copy = strndup((const char *)buf_bytes(text), buf_size(text));
	char *rest = copy, *line;

	while (rest && (line = strsep(&rest, "\n")))
		printf("# %s\n", line);
	fflush(stdout);
}

static void build(struct built *built, const struct policy_world *world)
{
	struct policy_sources sources = { 0 };
	const char *reason = "";

	assert_int_equal(
		policy_sources_add(&sources, "p", buf_bytes(&built->text), buf_size(&built->text)),
		0);
	assert_int_equal(policy_parse(&sources, world, &built->tree), 0);
	for (size_t i = 0; i < built->tree->notes.count; i++) {
		const struct policy_note *note = &built->tree->notes.notes[i];

		if (note->severity == POLICY_ERROR) {
			tell(&built->text);
			fail_msg("line %u: %s", note->where.line, note->text);
		}
	}
	assert_int_equal(policy_compile(built->tree, &built->image), 0);
	if (policy_validate(buf_bytes(&built->image), buf_size(&built->image), &built->policy,
			    &reason))
		fail_msg("%s", reason);
	ref_policy_make(built->tree, &built->reference);
	built->is_there = true;
}

static void land(struct scene *scene)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		random_call_free(&scene->calls[i]);
		buf_free(&scene->images[i]);
	}
}

static void scene_free(struct scene *scene)
{
	land(scene);
	built_free(&scene->policy);
	built_free(&scene->admin);
	buf_free(&scene->include_text);
	machine_free(&scene->machine);
}
#define _cleanup_scene_ _cleanup_(scene_free)

static void grant(struct scene *scene, size_t index)
{
	const struct random_call *random = &scene->calls[index];
	struct policy_grant_call call = {
		.block = policy_tool_block(&scene->policy.policy, random->request.tool,
					   random->request.tool_size),
		.arguments = (const char *)buf_bytes(&random->json),
		.arguments_size = buf_size(&random->json),
		.cwd = "/a/b",
		.world = &scene->machine.world,
	};

	buf_free(&scene->images[index]);
	assert_int_equal(
		policy_grant_build(&scene->policy.policy, &call, &scene->images[index], NULL), 0);
	assert_int_equal(policy_validate(buf_bytes(&scene->images[index]),
					 buf_size(&scene->images[index]), &scene->grants[index],
					 NULL),
			 0);
	scene->requests[index] =
		(struct policy_request){ .block = call.block, .grants = &scene->grants[index] };
}

static void take_off(struct scene *scene)
{
	struct dice *dice = &scene->dice;
	uint32_t count = dice_roll(dice, REQUESTS_MAX + 1);

	land(scene);
	for (uint32_t i = 0; i < count; i++) {
		random_call(dice, &scene->calls[i]);
		scene->ref_requests[i] = scene->calls[i].request;
		grant(scene, i);
	}
	scene->state = (struct policy_state){
		.requests = scene->requests,
		.request_count = count,
		.strict = dice_roll(dice, 3) == 0,
		.mode = dice_roll(dice, 4) ? MF_POL_ENFORCE : (enum mf_pol_mode)dice_roll(dice, 3),
		.administrator = scene->admin.is_there && dice_roll(dice, 2) ? &scene->admin.policy
									     : NULL,
	};
	scene->ref_state = (struct ref_state){
		.requests = scene->ref_requests,
		.request_count = count,
		.strict = scene->state.strict,
		.mode = scene->state.mode,
		.administrator = scene->state.administrator ? &scene->admin.reference : NULL,
		.machine = &scene->machine,
		.cwd = "/a/b",
	};
}

static void scene_begin(struct scene *scene, uint64_t seed)
{
	*scene = (struct scene){ .seed = seed, .dice = { seed } };
	random_machine(&scene->machine);
	random_include(&scene->dice, "runtime/x", &scene->include_text);
	assert_int_equal(buf_append(&scene->include_text, "", 1), 0);
	machine_block(&scene->machine, "runtime/x", (const char *)buf_bytes(&scene->include_text));
	random_text(&scene->dice, false, &scene->policy.text);
	build(&scene->policy, &scene->machine.world);
	if (dice_roll(&scene->dice, 3) == 0) {
		random_text(&scene->dice, true, &scene->admin.text);
		build(&scene->admin, &scene->machine.world);
	}
}

static struct ref_where where_of(const struct scene *scene, const struct policy_decision *decision)
{
	const struct policy *policy = decision->by_administrator ? &scene->admin.policy
								 : &scene->policy.policy;
	const struct mf_pol_rule *rule = policy_rule(policy, decision->rule);

	return rule ? (struct ref_where){ rule->file, rule->line } : (struct ref_where){ 0, 0 };
}

static void describe(const struct scene *scene, const struct random_access *access, struct buf *out)
{
	assert_int_equal(buf_printf(out, "seed %llu\n%.*s", (unsigned long long)scene->seed,
				    (int)buf_size(&scene->policy.text),
				    (const char *)buf_bytes(&scene->policy.text)),
			 0);
	assert_int_equal(
		buf_printf(out, "-- runtime/x:\n%s", (const char *)buf_bytes(&scene->include_text)),
		0);
	if (scene->state.administrator)
		assert_int_equal(buf_printf(out, "-- the administrator's:\n%.*s",
					    (int)buf_size(&scene->admin.text),
					    (const char *)buf_bytes(&scene->admin.text)),
				 0);
	for (size_t i = 0; i < scene->state.request_count; i++)
		assert_int_equal(buf_printf(out, "-- in flight: %s %.*s\n",
					    scene->ref_requests[i].tool,
					    (int)buf_size(&scene->calls[i].json),
					    (const char *)buf_bytes(&scene->calls[i].json)),
				 0);
	assert_int_equal(buf_printf(out, "-- %s, session mode %d\n-- ",
				    scene->state.strict ? "strict" : "union", scene->state.mode),
			 0);
	random_access_say(access, out);
}

static bool same_block(const struct scene *scene, const struct policy_decision *decision,
		       const struct ref_decision *expected)
{
	const struct policy *policy = decision->by_administrator ? &scene->admin.policy
								 : &scene->policy.policy;
	const struct ref_policy *reference = decision->by_administrator ? &scene->admin.reference
									: &scene->policy.reference;
	const struct mf_pol_rule *head = policy_rule(policy, policy->blocks[decision->block].rule);

	if (expected->block == &reference->otherwise)
		return decision->block == MF_POL_DEFAULT;
	if (!expected->block->block)
		return decision->block == MF_POL_BASE;
	return head && head->line == expected->block->block->where.line &&
	       head->file == expected->block->block->where.file;
}

static bool same(const struct scene *scene, const struct policy_decision *decision,
		 const struct ref_decision *expected)
{
	struct ref_where where = where_of(scene, decision);

	return decision->verdict == expected->verdict && decision->reason == expected->reason &&
	       where.file == expected->where.file && where.line == expected->where.line &&
	       decision->request == expected->request && decision->verb == expected->verb &&
	       decision->by_administrator == expected->by_administrator &&
	       decision->by_grant == expected->by_grant && same_block(scene, decision, expected);
}

static void compare(struct scene *scene, const struct random_access *access,
		    struct policy_decision *ret_decision)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct ref_decision expected;
	struct ref_where where;

	policy_decide(&scene->policy.policy, &scene->state, &access->access, ret_decision);
	ref_decide(&scene->policy.reference, &scene->ref_state, &access->access, &expected);
	pairs++;
	verdicts[ret_decision->verdict]++;
	reasons[ret_decision->reason]++;
	if (same(scene, ret_decision, &expected))
		return;
	where = where_of(scene, ret_decision);
	describe(scene, access, &text);
	tell(&text);
	fail_msg(
		"\ndecided:   verdict %d reason %d line %u:%u request %u verb %d block %u admin %d "
		"grant %d\nreference: verdict %d reason %d line %u:%u request %u verb %d block of "
		"line %u admin %d grant %d",
		ret_decision->verdict, ret_decision->reason, where.file, where.line,
		ret_decision->request, ret_decision->verb, ret_decision->block,
		ret_decision->by_administrator, ret_decision->by_grant, expected.verdict,
		expected.reason, expected.where.file, expected.where.line, expected.request,
		expected.verb,
		expected.block && expected.block->block ? expected.block->block->where.line : 0,
		expected.by_administrator, expected.by_grant);
}

/* Makes a comment of the line; the lines behind it keep their numbers. */
static void take_away(char *text, uint32_t line)
{
	for (; line > 1; line--)
		text = strchr(text, '\n') + 1;
	while (*text == ' ' || *text == '\t')
		text++;
	*text = '#';
}

static void rebuild(struct scene *scene, struct built *built)
{
	struct buf text = built->text;

	built->text = (struct buf){ 0 };
	built_free(built);
	built->text = text;
	build(built, &scene->machine.world);
}

/* False: the line is built in. */
static bool remove_line(struct scene *scene, const struct policy_decision *decision)
{
	struct built *built = decision->by_administrator ? &scene->admin : &scene->policy;
	struct ref_where where = where_of(scene, decision);
	const struct policy_sources *sources = &built->tree->sources;

	if (where.file >= sources->count)
		return false;
	if (sources->files[where.file].included)
		take_away(scene->machine.blocks[0].value, where.line);
	else
		take_away((char *)built->text.data + built->text.start, where.line);
	rebuild(scene, &scene->policy);
	if (scene->admin.is_there)
		rebuild(scene, &scene->admin);
	for (size_t i = 0; i < scene->state.request_count; i++)
		grant(scene, i);
	return true;
}

/*
 * The line that is named decides: without it, the verdict is another one, or another line (or none)
 * is named for it; and a line that allows never keeps a verdict down, nor one that denies up.
 * Taken away one after the other, the lines named come to an end, and where they allowed, the
 * access is not allowed any more.
 */
static void check_line(struct scene *scene, const struct random_access *access,
		       struct policy_decision decision)
{
	bool allowed = decision.verdict == MF_ALLOW;
	unsigned removed = 0;

	while (decision.rule && (decision.verdict == MF_ALLOW) == allowed) {
		struct policy_decision after;
		struct ref_where before = where_of(scene, &decision), now;
		bool by_administrator = decision.by_administrator;

		if (!remove_line(scene, &decision))
			return;
		compare(scene, access, &after);
		now = where_of(scene, &after);
		if (after.rule && now.file == before.file && now.line == before.line &&
		    after.by_administrator == by_administrator)
			fail_msg("seed %llu: line %u still decides without being there",
				 (unsigned long long)scene->seed, before.line);
		if (allowed ? after.verdict > decision.verdict : after.verdict < decision.verdict)
			fail_msg("seed %llu: without line %u the verdict goes the wrong way",
				 (unsigned long long)scene->seed, before.line);
		decision = after;
		removed++;
		assert_true(removed < 200);
	}
	lines_checked += removed;
	assert_true(decision.verdict != MF_ALLOW || !allowed);
}

static void run_policy(uint64_t seed)
{
	_cleanup_scene_ struct scene scene;
	struct random_access access, sample = { 0 };
	struct policy_decision decision, of_sample = { 0 };

	scene_begin(&scene, seed);
	for (int i = 0; i < STATES; i++) {
		take_off(&scene);
		for (int j = 0; j < ACCESSES; j++) {
			random_access(&scene.dice, &access);
			compare(&scene, &access, &decision);
			if (decision.rule && dice_roll(&scene.dice, ENFORCED) == 0) {
				sample = access;
				of_sample = decision;
			}
		}
		if (of_sample.rule) { /* the policy is another one afterwards */
			sample.access.name = sample.name;
			check_line(&scene, &sample, of_sample);
			of_sample.rule = 0;
		}
	}
}

static uint64_t first_seed(void)
{
	const char *text = getenv("MCPFLOOR_SEED");
	struct timespec now;

	if (text)
		return strtoull(text, NULL, 10);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void decide_and_the_reference_never_differ(void **state)
{
	uint64_t seed = first_seed();
	uint64_t policies = getenv("FULL") ? 10 * POLICIES : POLICIES;

	print_message("# seed %llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < policies; i++)
		run_policy(seed + i);
	print_message("# %llu pairs in %llu policies, %llu lines taken away\n",
		      (unsigned long long)pairs, (unsigned long long)policies,
		      (unsigned long long)lines_checked);
	print_message("# denied %llu, would be denied %llu, observed %llu, allowed %llu\n",
		      (unsigned long long)verdicts[0], (unsigned long long)verdicts[1],
		      (unsigned long long)verdicts[2], (unsigned long long)verdicts[3]);
	for (int reason = 1; reason < 8; reason++)
		print_message("# by reason %d: %llu\n", reason,
			      (unsigned long long)reasons[reason]);
	assert_true(pairs >= 1000000);
	/* of everything there was a good deal */
	for (int verdict = 0; verdict < 4; verdict++)
		assert_true(verdicts[verdict] > pairs / 100);
	for (int reason = POLICY_BY_ALLOW; reason <= POLICY_BY_NO_TEXT; reason++)
		assert_true(reasons[reason] > pairs / 2000);
	assert_true(lines_checked > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decide_and_the_reference_never_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
