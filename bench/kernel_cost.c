/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kernel_cost: what policies cost in the kernel, as Markdown: one decision by the BPF programs, with 10
 * to 100,000 lines, and how long it takes until a policy that replaces another one decides.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/page.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/shared.h"
#include "engine/engine.h"
#include "policy_scene.h"
#include "sample.h"

#define SESSION 1
#define OBJECTS 64
#define ASKED 20000 /* times in a row, of one object */
#define PUBLISHED 41

static const unsigned sizes[] = { 10, 100, 1000, 10000, 100000 };

struct kernel {
	struct engine *engine;
	struct mf_page *page;
	pid_t pid;
};

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* A session of a process that sleeps. */
static void kernel_open(struct kernel *kernel, const struct scene *scene)
{
	struct engine_options options = { .kind = MF_ENGINE_TRACE, .policies = true };
	struct engine_policy policy = { .tables = &scene->policy, .mode = MF_POL_ENFORCE };
	struct engine_session wanted = { .id = SESSION, .cgroup_fd = -1, .policy = &policy };
	struct engine_session_result result;
	_cleanup_fd_ int pidfd = -1;
	uint32_t detail;

	if (engine_open(&options, &kernel->engine, &detail))
		errx(1, "the engine cannot be loaded: %s", engine_strerror(NULL));
	kernel->pid = start_child();
	pidfd = pidfd_open(kernel->pid, 0);
	wanted.pidfd = pidfd;
	wanted.pid = kernel->pid;
	if (pidfd < 0 || engine_session_add(kernel->engine, &wanted, &result, &detail))
		errx(1, "no session can be opened: %s", engine_strerror(kernel->engine));
	kernel->page =
		mmap(NULL, MF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, result.page_fd, 0);
	close(result.page_fd);
	if (kernel->page == MAP_FAILED)
		err(1, "the session's page");
}

static void kernel_close(struct kernel *kernel)
{
	engine_session_remove(kernel->engine, SESSION);
	kill(kernel->pid, SIGKILL);
	waitpid(kernel->pid, NULL, 0);
	munmap(kernel->page, MF_PAGE_SIZE);
	engine_close(kernel->engine);
}

/* Until what the caller asks next is decided by it; one call of its tool is in flight then. */
static double publish(const struct kernel *kernel, const struct scene *scene)
{
	struct engine_policy policy = { .tables = &scene->policy, .mode = MF_POL_ENFORCE };
	struct mf_page_call *call = &kernel->page->calls[0];
	uint64_t start = clock_mono_ns();

	if (engine_session_policy(kernel->engine, SESSION, &policy))
		errx(1, "the policy cannot be put into the kernel");
	start = clock_mono_ns() - start;
	call->block[0] = call->block[1] = scene->request.block;
	call->ordinal = 1;
	kernel->page->only = 1;
	kernel->page->stamp = MF_STAMP(1ULL, 1);
	return (double)start;
}

static void ask_of(const struct policy_access *access, struct mf_ask *ret_ask)
{
	*ret_ask = (struct mf_ask){ .kind = access->kind == POLICY_ACCESS_PATH ? DECIDE_PATH
									       : DECIDE_ADDRESS,
				    .verbs = access->verbs,
				    .family = access->family,
				    .port = access->port,
				    .name_size = (uint32_t)access->name_size };
	memcpy(ret_ask->addr, access->addr, 4);
	if (access->name_size)
		memcpy(ret_ask->name + sizeof(ret_ask->name) - access->name_size, access->name,
		       access->name_size);
}

static double time_of(const struct kernel *kernel, struct mf_ask *ask, uint32_t rounds,
		      unsigned *ret_verdict)
{
	struct mf_decision decision;
	uint64_t start = clock_mono_ns();

	ask->rounds = rounds;
	if (engine_session_decide(kernel->engine, SESSION, ask, &decision))
		errx(1, "the kernel cannot be asked");
	*ret_verdict = decision.verdict;
	return (double)(clock_mono_ns() - start);
}

/* ns of one decision; what the call into the kernel costs, it costs without any decision, too. */
static void ask_all(const struct kernel *kernel, const struct scene *scene, struct sample *sample)
{
	static struct mf_ask ask;

	for (size_t i = 0; i < OBJECTS; i++) {
		const struct policy_access *access = &scene->accesses[i];
		struct policy_decision expected;
		unsigned verdict, none;
		double all, call;

		ask_of(access, &ask);
		all = time_of(kernel, &ask, ASKED, &verdict);
		call = time_of(kernel, &ask, 0, &none);
		policy_decide(&scene->policy, &scene->state, access, &expected);
		if (verdict != expected.verdict)
			errx(1, "the kernel decides otherwise than policy_decide()");
		sample_add(sample, (all - call) / ASKED);
	}
}

struct measured {
	struct scene *scene;
	struct sample decision, published;
};

static void print(struct measured *measured)
{
	double first = sample_median(&measured[0].decision);

	printf("\n### One decision in the kernel, by the number of lines\n\n"
	       "By the BPF programs, in a session of engine trace, one call in flight; the same "
	       "lines and objects as above, %d of them, each %d times in a row, so that what it "
	       "takes to fetch tables from memory is not in it. Without the call into the kernel, "
	       "which is measured beside each. Publishing: from tables in user space until they "
	       "decide, of a session that runs, %d times; most of it waits for the kernel's other "
	       "processors.\n\n"
	       "| lines | decision: least | median | p99 | ÷ 10 lines | publishing: least | median "
	       "| p99 |\n|---|---|---|---|---|---|---|---|\n",
	       OBJECTS, ASKED, PUBLISHED);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct measured *size = &measured[i];

		printf("| %u | %.0f ns | %.0f ns | %.0f ns | %.2f | %.1f ms | %.1f ms | %.1f ms "
		       "|\n",
		       sizes[i], sample_quantile(&size->decision, 0),
		       sample_median(&size->decision), sample_quantile(&size->decision, 0.99),
		       sample_median(&size->decision) / first,
		       sample_quantile(&size->published, 0) / 1e6,
		       sample_median(&size->published) / 1e6,
		       sample_quantile(&size->published, 0.99) / 1e6);
	}
	printf("\nGoals: 200 ns with 1,000 lines, 1.3 × from 10 to 10,000; 20 ms until 10,000 "
	       "lines "
	       "decide.\n");
}

int main(void)
{
	struct measured measured[ARRAY_LEN(sizes)] = { 0 };
	struct kernel kernel;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		measured[i].scene = scene_open(sizes[i]);
	kernel_open(&kernel, measured[0].scene);
	for (unsigned round = 0; round < PUBLISHED; round++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			sample_add(&measured[i].published, publish(&kernel, measured[i].scene));
			if (round % 10 == 0)
				ask_all(&kernel, measured[i].scene, &measured[i].decision);
		}
	}
	kernel_close(&kernel);
	print(measured);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		sample_free(&measured[i].decision);
		sample_free(&measured[i].published);
		scene_free(measured[i].scene);
	}
	return 0;
}
