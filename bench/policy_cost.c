/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * policy_cost: what policies cost in user space, as Markdown. Decisions with 10 to 100,000 lines, the
 * sizes taking turns, beside a scan of the lines and the loop without any decision; then what it takes
 * to publish a policy of 10,000 lines, and to make a call's grants of its arguments.
 */

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/grant.h"
#include "policy/object.h"
#include "policy/tree.h"
#include "policy_scene.h"
#include "sample.h"

#define FEW 64 /* of them, as a server touches the same files again and again */
#define ROUNDS 41
#define ASKED_MAX 40000 /* in one round */
#define SCANNED_MAX 1000000 /* lines that a round of the scan looks at */

static const unsigned sizes[] = { 10, 100, 1000, 10000, 100000 };

/* Whether the line is about the access: what a scan would compare. */
static bool line_matches(const struct policy_line *line, const struct policy_access *access)
{
	if (access->kind == POLICY_ACCESS_PATH)
		return line->kind == POLICY_OBJECT_PATH &&
		       policy_path_in(access->name, access->name_size, line->resolved.bytes,
				      line->resolved.size);
	return line->kind == POLICY_OBJECT_ADDRESS && line->ports.first <= access->port &&
	       access->port <= line->ports.last &&
	       memcmp(line->prefix.address.addr, access->addr, 4) == 0;
}

static unsigned scan(const struct scene *scene, const struct policy_access *access)
{
	bool allowed = false, denied = false;

	for (size_t i = 0; i < scene->line_count; i++) {
		const struct policy_line *line = scene->lines[i];

		if (!line_matches(line, access))
			continue;
		denied |= line->deny;
		allowed |= !line->deny;
	}
	return allowed && !denied ? MF_ALLOW : MF_DENY;
}

static unsigned decide(const struct scene *scene, const struct policy_access *access)
{
	struct policy_decision decision;

	policy_decide(&scene->policy, &scene->state, access, &decision);
	return decision.verdict;
}

static unsigned nothing(const struct scene *scene, const struct policy_access *access)
{
	return access->verbs;
}

typedef unsigned (*asking)(const struct scene *scene, const struct policy_access *access);

/* ns of one answer, the mean of a round. */
static double round_of(const struct scene *scene, asking ask, size_t objects, size_t count)
{
	uint64_t start = clock_mono_ns();
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += ask(scene, &scene->accesses[i % objects]);
		__asm__ volatile("" : "+r"(sum)); /* each answer is wanted */
	}
	return (double)(clock_mono_ns() - start) / (double)count;
}

/* The scan and the tables must agree, or one of them is not worth measuring. */
static double allowed_share(const struct scene *scene)
{
	size_t allowed = 0;

	for (size_t i = 0; i < SCENE_OBJECTS; i++) {
		unsigned verdict = decide(scene, &scene->accesses[i]);

		if (verdict != scan(scene, &scene->accesses[i]))
			errx(1, "the scan and the tables differ");
		allowed += verdict == MF_ALLOW;
	}
	return 100.0 * (double)allowed / SCENE_OBJECTS;
}

/* Of one number of lines. */
struct measured {
	struct scene *scene;
	struct sample few, all, scan;
};

static void print_decisions(struct measured *sizes_measured, struct sample *loop)
{
	struct measured *first = sizes_measured, *last = &sizes_measured[ARRAY_LEN(sizes) - 1];

	printf("\n### One decision, by the number of lines\n\n"
	       "One call in flight: base, the tool's block, no ceiling. Three of ten objects are "
	       "addresses, the others files of six names, drawn evenly from all lines. %d rounds "
	       "of "
	       "%d decisions, the sizes taking turns; each value is the mean of a round. The same "
	       "%d "
	       "objects again and again find their entries in the processor's caches; of %d, all "
	       "over "
	       "the image, many do not, so the memory is measured, too. Beside it a scan of the "
	       "lines, "
	       "which stops at none because a deny may stand anywhere, and the loop without an "
	       "answer: "
	       "%.1f ns.\n\n"
	       "| lines | %d objects: least | median | p99 | %d objects: least | median | p99 | "
	       "scan, "
	       "median | image | allowed |\n|---|---|---|---|---|---|---|---|---|---|\n",
	       ROUNDS, ASKED_MAX, FEW, SCENE_OBJECTS, sample_median(loop), FEW, SCENE_OBJECTS);
	for (struct measured *size = first; size <= last; size++)
		printf("| %u | %.0f ns | %.0f ns | %.0f ns | %.0f ns | %.0f ns | %.0f ns | %.0f ns "
		       "| %.1f "
		       "KiB | %.0f %% |\n",
		       size->scene->rules, sample_quantile(&size->few, 0),
		       sample_median(&size->few), sample_quantile(&size->few, 0.99),
		       sample_quantile(&size->all, 0), sample_median(&size->all),
		       sample_quantile(&size->all, 0.99), sample_median(&size->scan),
		       (double)buf_size(&size->scene->image) / 1024, allowed_share(size->scene));
	printf("\n100,000 lines against 10: %.2f × with %d objects, %.2f × with %d (goal: 150 ns, "
	       "1.3 ×)\n",
	       sample_median(&last->few) / sample_median(&first->few), FEW,
	       sample_median(&last->all) / sample_median(&first->all), SCENE_OBJECTS);
}

static void measure_decisions(void)
{
	struct measured measured[ARRAY_LEN(sizes)] = { 0 };
	struct sample loop = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		measured[i].scene = scene_open(sizes[i]);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			const struct scene *scene = measured[i].scene;
			size_t scans = SCANNED_MAX / sizes[i];

			(void)round_of(scene, decide, SCENE_OBJECTS, SCENE_OBJECTS); /* warms up */
			sample_add(&measured[i].all,
				   round_of(scene, decide, SCENE_OBJECTS, ASKED_MAX));
			(void)round_of(scene, decide, FEW, FEW);
			sample_add(&measured[i].few, round_of(scene, decide, FEW, ASKED_MAX));
			sample_add(&measured[i].scan,
				   round_of(scene, scan, SCENE_OBJECTS,
					    scans < ASKED_MAX ? scans : ASKED_MAX));
		}
		sample_add(&loop, round_of(measured[0].scene, nothing, SCENE_OBJECTS, ASKED_MAX));
	}
	print_decisions(measured, &loop);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		sample_free(&measured[i].few);
		sample_free(&measured[i].all);
		sample_free(&measured[i].scan);
		scene_free(measured[i].scene);
	}
	sample_free(&loop);
}

static void print_row(const char *name, struct sample *sample, double unit, const char *suffix,
		      const char *goal)
{
	printf("| %s | %.1f %s | %.1f %s | %.1f %s | %s |\n", name,
	       sample_quantile(sample, 0) / unit, suffix, sample_median(sample) / unit, suffix,
	       sample_quantile(sample, 0.99) / unit, suffix, goal);
}

enum step {
	READ = 0,
	COMPILE = 1,
	VALIDATE = 2,
	COPY = 3,
	STEPS = 4,
};

static void publish_once(const struct scene *scene, struct sample samples[STEPS])
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	_cleanup_free_ uint8_t *copy = NULL;
	_cleanup_buf_ struct buf image = { 0 };
	struct policy policy;
	uint64_t at[STEPS + 1];

	at[READ] = clock_mono_ns();
	tree = scene_parse(scene);
	at[COMPILE] = clock_mono_ns();
	if (policy_compile(tree, &image))
		errx(1, "the policy cannot be compiled");
	at[VALIDATE] = clock_mono_ns();
	if (policy_validate(buf_bytes(&image), buf_size(&image), &policy, NULL))
		errx(1, "the image is not valid");
	at[COPY] = clock_mono_ns();
	copy = malloc(buf_size(&image));
	if (!copy)
		errx(1, "no memory");
	memcpy(copy, buf_bytes(&image), buf_size(&image));
	__asm__ volatile("" : : "r"(copy) : "memory");
	at[STEPS] = clock_mono_ns();
	for (int i = 0; i < STEPS; i++)
		sample_add(&samples[i], (double)(at[i + 1] - at[i]));
}

static void measure_publishing(void)
{
	static const char *const names[STEPS] = { "read the text, all errors looked for", "compile",
						  "validate, trusting nothing",
						  "copy the image, for comparison" };
	static const char *const goals[STEPS] = { "", "100 ms", "", "" };
	struct scene *scene = scene_open(10000);
	struct sample samples[STEPS] = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++)
		publish_once(scene, samples);
	printf("\n### Publishing a policy of 10,000 lines\n\nThe policy of above, %.1f KiB of "
	       "text, an "
	       "image of %.1f KiB. %d rounds; no links are followed and no names resolved.\n\n"
	       "| step | least | median | p99 | goal |\n|---|---|---|---|---|\n",
	       (double)buf_size(&scene->text) / 1024, (double)buf_size(&scene->image) / 1024,
	       ROUNDS);
	for (int i = 0; i < STEPS; i++) {
		print_row(names[i], &samples[i], 1e6, "ms", goals[i]);
		sample_free(&samples[i]);
	}
	scene_free(scene);
}

/* ns of one call's grants, the mean of a round. */
static double grant_round(const struct scene *scene, const char *arguments)
{
	const struct policy_grant_call call = { .block = scene->request.block,
						.arguments = arguments,
						.arguments_size = strlen(arguments),
						.cwd = "/srv/work" };
	const unsigned calls = 500;
	uint64_t start = clock_mono_ns();

	for (unsigned i = 0; i < calls; i++) {
		_cleanup_buf_ struct buf image = { 0 };

		if (policy_grant_build(&scene->policy, &call, &image, NULL))
			errx(1, "no grants");
	}
	return (double)(clock_mono_ns() - start) / calls;
}

static void measure_grants(void)
{
	static const struct {
		const char *name, *arguments;
	} calls[] = {
		{ "a path", "{\"path\":\"docs/index.md\"}" },
		{ "a URL", "{\"url\":\"http://192.0.2.7:8080/page?q=1\"}" },
		{ "an array of 16 paths", "{\"path\":[\"a/0\",\"a/1\",\"a/2\",\"a/3\",\"a/4\",\"a/"
					  "5\",\"a/6\",\"a/7\",\"b/0\",\"b/1\","
					  "\"b/2\",\"b/3\",\"b/4\",\"b/5\",\"b/6\",\"b/7\"]}" },
		{ "neither", "{\"text\":\"nothing that a line speaks of\"}" },
	};
	struct sample samples[ARRAY_LEN(calls)] = { 0 };
	struct scene *scene = scene_open(10000);

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_LEN(calls); i++)
			sample_add(&samples[i], grant_round(scene, calls[i].arguments));
	}
	printf("\n### What a call's arguments grant\n\nTwo lines with an argument among 10,000; no "
	       "links are followed. %d rounds of 500 calls each, taking turns.\n\n"
	       "| arguments | least | median | p99 | goal |\n|---|---|---|---|---|\n",
	       ROUNDS);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		print_row(calls[i].name, &samples[i], 1e3, "µs", "20 µs");
		sample_free(&samples[i]);
	}
	scene_free(scene);
}

int main(void)
{
	printf("\n## Policies\n");
	measure_decisions();
	fflush(stdout);
	measure_publishing();
	fflush(stdout);
	measure_grants();
	return 0;
}
