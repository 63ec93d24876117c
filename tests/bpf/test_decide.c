/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's decision (src/bpf/decide.bpf.c) and policy_decide() on random policies, calls in flight
 * and accesses: they never differ. MCPFLOOR_SEED=N repeats a run, FULL=1 takes ten times as many.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scene.h"

#include "base/cleanup.h"
#include "bpf/shared.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/grant.h"
#include "policy/object.h"
#include "policy/units.h"
#include "random_policy.h"

#define POLICIES 260
#define STATES 10 /* of each policy */
#define ACCESSES 40 /* in each state */
#define REQUESTS_MAX 4
#define SESSION 0x5e55dec1de000000ULL

struct kernel {
	struct engine *engine;
	struct mf_page *page;
	pid_t pid;
	uint32_t generation;
};

struct round {
	struct dice dice;
	uint64_t seed;
	struct machine machine;
	struct buf text, include_text, image;
	struct policy_tree *tree;
	struct policy policy;
	struct random_call calls[REQUESTS_MAX];
	struct buf images[REQUESTS_MAX];
	struct policy grants[REQUESTS_MAX];
	struct policy_request requests[REQUESTS_MAX];
	struct policy_state state;
};

static uint64_t pairs, verdicts[4], reasons[8];

static void land(struct round *round)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		random_call_free(&round->calls[i]);
		buf_free(&round->images[i]);
	}
}

static void round_free(struct round *round)
{
	land(round);
	policy_tree_free(round->tree);
	buf_free(&round->text);
	buf_free(&round->include_text);
	buf_free(&round->image);
	machine_free(&round->machine);
}
#define _cleanup_round_ _cleanup_(round_free)

static void round_begin(struct round *round, uint64_t seed)
{
	struct policy_sources sources = { 0 };

	*round = (struct round){ .seed = seed, .dice = { seed } };
	random_machine(&round->machine);
	random_include(&round->dice, "runtime/x", &round->include_text);
	assert_int_equal(buf_append(&round->include_text, "", 1), 0);
	machine_block(&round->machine, "runtime/x", (const char *)buf_bytes(&round->include_text));
	random_text(&round->dice, false, &round->text);
	assert_int_equal(
		policy_sources_add(&sources, "p", buf_bytes(&round->text), buf_size(&round->text)),
		0);
	assert_int_equal(policy_parse(&sources, &round->machine.world, &round->tree), 0);
	assert_int_equal(policy_compile(round->tree, &round->image), 0);
	policy_view(buf_bytes(&round->image), &round->policy);
}

static void grant(struct round *round, size_t index)
{
	const struct random_call *random = &round->calls[index];
	struct policy_grant_call call = {
		.block = policy_tool_block(&round->policy, random->request.tool,
					   random->request.tool_size),
		.arguments = (const char *)buf_bytes(&random->json),
		.arguments_size = buf_size(&random->json),
		.cwd = "/a/b",
		.world = &round->machine.world,
	};

	buf_free(&round->images[index]);
	assert_int_equal(policy_grant_build(&round->policy, &call, &round->images[index], NULL), 0);
	policy_view(buf_bytes(&round->images[index]), &round->grants[index]);
	round->requests[index] =
		(struct policy_request){ .block = call.block, .grants = &round->grants[index] };
}

/* Which of the two of a request's blocks holds is told by the generation; the other is nonsense. */
static void publish(struct kernel *kernel, const struct round *round)
{
	const struct policy_units_of of = { 0 };
	uint32_t parity = kernel->generation & 1, at = 0;
	size_t count = round->state.request_count;

	memset(kernel->page->calls, 0, sizeof(kernel->page->calls));
	for (size_t i = 0; i < count; i++) {
		struct mf_page_call *call = &kernel->page->calls[i * 7];
		uint32_t units = policy_units_count(&round->grants[i]);

		assert_true(at + units <= MF_PAGE_UNITS);
		policy_units_fill(&round->grants[i], &of, &kernel->page->units[at]);
		call->block[parity] = round->requests[i].block;
		call->grants[parity] = at + 1;
		call->block[!parity] = 1000;
		call->grants[!parity] = 1000000;
		call->ordinal = i + 1;
		at += units;
	}
	kernel->page->stamp = MF_STAMP(MF_STAMP_EPOCH(kernel->page->stamp) + 1, count);
}

static void take_off(struct kernel *kernel, struct round *round)
{
	struct dice *dice = &round->dice;
	uint32_t count = dice_roll(dice, REQUESTS_MAX + 1);
	struct engine_policy policy = { .tables = &round->policy };

	land(round);
	for (uint32_t i = 0; i < count; i++) {
		random_call(dice, &round->calls[i]);
		grant(round, i);
	}
	round->state = (struct policy_state){
		.requests = round->requests,
		.request_count = count,
		.strict = dice_roll(dice, 3) == 0,
		.mode = dice_roll(dice, 4) ? MF_POL_ENFORCE : (enum mf_pol_mode)dice_roll(dice, 3),
	};
	policy.strict = round->state.strict;
	assert_int_equal(engine_session_policy(kernel->engine, SESSION, &policy), 0);
	assert_int_equal(engine_session_mode(kernel->engine, SESSION, round->state.mode), 0);
	kernel->generation++;
	publish(kernel, round);
}

static struct mf_ask ask_of(const struct policy_access *access)
{
	static const uint32_t kinds[] = { [POLICY_ACCESS_PATH] = DECIDE_PATH,
					  [POLICY_ACCESS_ADDRESS] = DECIDE_ADDRESS,
					  [POLICY_ACCESS_ABSTRACT] = DECIDE_ABSTRACT,
					  [POLICY_ACCESS_ESCAPE] = DECIDE_ESCAPE };
	struct policy_address address = { .family = access->family };
	struct mf_ask ask = { .kind = kinds[access->kind],
			      .verbs = access->verbs,
			      .whole = access->whole_tree,
			      .escape = access->escape,
			      .rounds = 1,
			      .name_size = (uint32_t)access->name_size };

	if (access->kind == POLICY_ACCESS_ADDRESS) {
		/* as the programs do before they ask */
		memcpy(address.addr, access->addr, access->family == 4 ? 4 : 16);
		policy_address_normal(&address);
		ask.family = address.family;
		ask.port = access->port;
		memcpy(ask.addr, address.addr, address.family == 4 ? 4 : 16);
	}
	if (access->name_size)
		memcpy(ask.name + sizeof(ask.name) - access->name_size, access->name,
		       access->name_size);
	return ask;
}

static void describe(const struct round *round, const struct random_access *access)
{
	_cleanup_buf_ struct buf text = { 0 };

	random_access_say(access, &text);
	printf("# seed %llu\n%.*s\n-- runtime/x:\n%s\n", (unsigned long long)round->seed,
	       (int)buf_size(&round->text), (const char *)buf_bytes(&round->text),
	       (const char *)buf_bytes(&round->include_text));
	for (size_t i = 0; i < round->state.request_count; i++)
		printf("-- in flight: block %u %.*s\n", round->requests[i].block,
		       (int)buf_size(&round->calls[i].json),
		       (const char *)buf_bytes(&round->calls[i].json));
	printf("-- %s, session mode %d\n-- %.*s\n", round->state.strict ? "strict" : "union",
	       round->state.mode, (int)buf_size(&text), (const char *)buf_bytes(&text));
	fflush(stdout);
}

static void compare(struct kernel *kernel, const struct round *round,
		    const struct random_access *access)
{
	struct mf_ask ask = ask_of(&access->access);
	struct policy_decision expected;
	struct mf_decision decided;
	bool line;

	policy_decide(&round->policy, &round->state, &access->access, &expected);
	assert_int_equal(engine_session_decide(kernel->engine, SESSION, &ask, &decided), 0);
	pairs++;
	verdicts[expected.verdict]++;
	reasons[expected.reason]++;
	/* the line of a way out is told by its block */
	line = access->access.kind == POLICY_ACCESS_ESCAPE || decided.rule == expected.rule;
	if (decided.flags & MF_DECIDED && decided.verdict == expected.verdict &&
	    decided.reason == expected.reason && decided.block == expected.block && line &&
	    (decided.verb == expected.verb || expected.reason == POLICY_BY_BELOW) &&
	    !(decided.flags & MF_DECIDED_BY_GRANT) == !expected.by_grant &&
	    !(decided.flags & MF_DECIDED_REFUSED) == (expected.verdict != MF_DENY) &&
	    decided.generation == kernel->generation)
		return;
	describe(round, access);
	fail_msg("\nkernel:  verdict %d reason %d rule %u verb %d block %u flags %x generation %u\n"
		 "decided: verdict %d reason %d rule %u verb %d block %u grant %d generation %u",
		 decided.verdict, decided.reason, decided.rule, decided.verb, decided.block,
		 decided.flags, decided.generation, expected.verdict, expected.reason,
		 expected.rule, expected.verb, expected.block, expected.by_grant,
		 kernel->generation);
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

/* programs: decision_ask */
static void the_kernel_decides_as_policy_decide_does(void **state)
{
	uint64_t seed = first_seed(), policies = getenv("FULL") ? 10 * POLICIES : POLICIES;
	struct random_access access;

	print_message("# seed %llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < policies; i++) {
		_cleanup_round_ struct round round;

		round_begin(&round, seed + i);
		for (int j = 0; j < STATES; j++) {
			take_off(*state, &round);
			for (int k = 0; k < ACCESSES; k++) {
				random_access(&round.dice, &access);
				compare(*state, &round, &access);
			}
		}
	}
	print_message("# %llu pairs; denied %llu, would be denied %llu, observed %llu, allowed "
		      "%llu\n",
		      (unsigned long long)pairs, (unsigned long long)verdicts[0],
		      (unsigned long long)verdicts[1], (unsigned long long)verdicts[2],
		      (unsigned long long)verdicts[3]);
	assert_true(pairs >= 100000);
	for (int verdict = 0; verdict < 4; verdict++)
		assert_true(verdicts[verdict] > pairs / 100);
	for (int reason = POLICY_BY_ALLOW; reason <= POLICY_BY_NO_TEXT; reason++)
		assert_true(reasons[reason] > pairs / 4000);
}

static void begin(struct kernel *kernel, const struct engine_policy *policy)
{
	struct engine_options options = { .kind = scene_engine(), .policies = true };
	struct engine_session wanted = { .id = SESSION, .cgroup_fd = -1, .policy = policy };
	struct engine_session_result result;
	_cleanup_fd_ int pidfd = -1;
	uint32_t detail = 0;

	if (engine_open(&options, &kernel->engine, &detail))
		fail_msg("engine_open: %s", engine_strerror(NULL));
	fflush(NULL);
	kernel->pid = fork();
	if (!kernel->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pidfd = (int)syscall(SYS_pidfd_open, kernel->pid, 0);
	wanted.pidfd = pidfd;
	wanted.pid = kernel->pid;
	if (engine_session_add(kernel->engine, &wanted, &result, &detail))
		fail_msg("engine_session_add: %s", engine_strerror(kernel->engine));
	kernel->page =
		mmap(NULL, MF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, result.page_fd, 0);
	assert_true(kernel->page != MAP_FAILED);
	close(result.page_fd);
	kernel->generation = 1;
}

static int setup(void **state)
{
	static struct kernel kernel;
	_cleanup_round_ struct round round;
	struct engine_policy policy = { .tables = &round.policy, .mode = MF_POL_ENFORCE };

	round_begin(&round, 1);
	begin(&kernel, &policy);
	*state = &kernel;
	return 0;
}

static int teardown(void **state)
{
	struct kernel *kernel = *state;

	engine_session_remove(kernel->engine, SESSION);
	kill(kernel->pid, SIGKILL);
	waitpid(kernel->pid, NULL, 0);
	munmap(kernel->page, MF_PAGE_SIZE);
	engine_close(kernel->engine);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_decides_as_policy_decide_does),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
