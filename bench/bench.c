/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench PART…: measures one thing each, direct and through mcpfloor in the same run, in blocks that
 * take turns, and prints Markdown tables with the method, the rounds and the spread.
 */

#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "outside.h"
#include "peer.h"
#include "sample.h"

static const char *const way_names[] = { "direct", "private guard", "daemon" };

static void print_row(const char *name, struct sample *sample, double unit, const char *suffix)
{
	printf("| %s | %.1f %s | %.1f %s | %.1f %s | %zu |\n", name,
	       sample_quantile(sample, 0) / unit, suffix, sample_median(sample) / unit, suffix,
	       sample_quantile(sample, 0.99) / unit, suffix, sample->count);
}

static void latency_block(struct peer *peer, struct sample *sample, unsigned calls, uint64_t *id)
{
	char line[512];

	for (unsigned i = 0; i < calls; i++) {
		size_t size = peer_echo_line(line, sizeof(line), ++*id);
		uint64_t start = clock_mono_ns();

		peer_send(peer, line, size);
		if (peer_take_replies(peer) != 1)
			errx(1, "echo: not one reply");
		sample_add(sample, (double)(clock_mono_ns() - start));
	}
}

struct placement {
	const char *name;
	int client_cpu; /* -1: where the scheduler puts it */
	int server_cpu;
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "sched_setaffinity");
}

static void latency_at(const struct placement *placement, struct bench_place place)
{
	struct peer *peers[2] = { calloc(1, sizeof(struct peer)), calloc(1, sizeof(struct peer)) };
	struct sample samples[2] = { 0 };
	double p50[2], p99[2];
	uint64_t id = 0;
	char name[128];

	if (!peers[0] || !peers[1])
		err(1, "latency");
	place.server_cpu = placement->server_cpu;
	peer_start_echo(peers[0], &place, DIRECT);
	peer_start_echo(peers[1], &place, DAEMON);
	peer_initialize(peers[0]);
	peer_initialize(peers[1]);
	pin(placement
		    ->client_cpu); /* after the relay's start: it goes where the scheduler puts it */
	for (unsigned block = 0; block < 42; block++) {
		latency_block(peers[0], &samples[0], 250, &id);
		latency_block(peers[1], &samples[1], 250, &id);
		if (block == 1) /* both are warm now */
			samples[0].count = samples[1].count = 0;
	}
	pin(-1);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s: %s", placement->name,
			 i ? "mcpfloor run" : "direct");
		print_row(name, &samples[i], 1000, "µs");
		p50[i] = sample_median(&samples[i]);
		p99[i] = sample_quantile(&samples[i], 0.99);
		sample_free(&samples[i]);
		peer_stop(peers[i]);
		free(peers[i]);
	}
	printf("| | | **%.2f ×, %+.1f µs** | **%+.3f ms** | |\n", p50[1] / p50[0],
	       (p50[1] - p50[0]) / 1000, (p99[1] - p99[0]) / 1e6);
}

static void measure_latency(const struct bench_place *place)
{
	static const struct placement placements[] = {
		{ "client and server on one CPU", 0, 0 },
		{ "on two CPUs", 0, 1 },
		{ "as scheduled", -1, -1 },
	};

	printf("\n### Round trip of `echo`, one call in flight\n\n40 blocks of 250 calls each way, "
	       "taking turns, after two to warm up. A round trip is two wake-ups without\n"
	       "mcpfloor and four with it, and what a wake-up costs depends on where the scheduler "
	       "puts the processes;\nso three placements (the relay is never bound). Goal: median "
	       "2.3 × direct, p99 0.8 ms more.\n\n"
	       "| where: way | least | median | p99 | calls |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(placements); i++) {
		if (placements[i].server_cpu < sysconf(_SC_NPROCESSORS_ONLN))
			latency_at(&placements[i], *place);
	}
}

static double throughput_round(struct peer *peer, unsigned window, unsigned calls)
{
	uint64_t start = clock_mono_ns(), id = 1000000;
	unsigned sent = 0, answered = 0;
	char lines[1 << 16];

	while (answered < calls) {
		size_t filled = 0;

		while (sent < calls && sent - answered < window && filled < sizeof(lines) - 512) {
			filled += peer_echo_line(lines + filled, sizeof(lines) - filled, ++id);
			sent++;
		}
		peer_send(peer, lines, filled);
		answered += (unsigned)peer_take_replies(peer);
	}
	return calls / ((double)(clock_mono_ns() - start) / 1e9);
}

static void measure_throughput(const struct bench_place *place)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sample samples[2] = { 0 };

	if (!peer)
		err(1, "throughput");
	for (unsigned round = 0; round < 7; round++) {
		for (unsigned i = 0; i < 2; i++) {
			peer_start_echo(peer, place, i ? DAEMON : DIRECT);
			peer_initialize(peer);
			throughput_round(peer, 200, 2000);
			sample_add(&samples[i], throughput_round(peer, 200, 20000));
			peer_stop(peer);
		}
	}
	printf("\n### Calls per second, 200 in flight\n\n7 rounds of 20,000 calls each way, taking "
	       "turns, each with a new server.\n\n| way | least | median | most "
	       "|\n|---|---|---|---|\n");
	for (unsigned i = 0; i < 2; i++) {
		printf("| %s | %.0f | %.0f | %.0f |\n", i ? "mcpfloor run" : "direct",
		       sample_quantile(&samples[i], 0), sample_median(&samples[i]),
		       sample_quantile(&samples[i], 1));
		sample_free(&samples[i]);
	}
	printf("\n(goal 10,000)\n");
	free(peer);
}

static void measure_start(const struct bench_place *place)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sample samples[3] = { 0 };
	double direct;

	if (!peer)
		err(1, "start");
	for (unsigned round = 0; round < 41; round++) {
		for (unsigned way = DIRECT; way <= DAEMON; way++) {
			peer_start_echo(peer, place, way);
			peer_initialize(peer);
			if (round)
				sample_add(&samples[way],
					   (double)(clock_mono_ns() - peer->started_ns));
			peer_stop(peer);
		}
	}
	direct = sample_median(&samples[DIRECT]);
	printf("\n### Start: from fork to the answer to `initialize`\n\n40 rounds, taking turns; "
	       "the "
	       "server is the echo server, so all of it is start-up.\n\n"
	       "| way | least | median | p99 | rounds |\n|---|---|---|---|---|\n");
	for (unsigned way = DIRECT; way <= DAEMON; way++)
		print_row(way_names[way], &samples[way], 1e6, "ms");
	printf("\nadded: %.1f ms with a daemon, %.1f ms with a private guard (goal 30)\n",
	       (sample_median(&samples[DAEMON]) - direct) / 1e6,
	       (sample_median(&samples[PRIVATE]) - direct) / 1e6);
	for (unsigned way = DIRECT; way <= DAEMON; way++)
		sample_free(&samples[way]);
	free(peer);
}

struct memory {
	double rss_mb;
	double pss_mb;
};

static void add_memory(pid_t pid, struct memory *memory)
{
	char path[64], line[256];
	unsigned long kib;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			memory->rss_mb += (double)kib / 1024;
		if (sscanf(line, "Pss: %lu kB", &kib) == 1)
			memory->pss_mb += (double)kib / 1024;
	}
	fclose(file);
}

/* the daemon (the guard) and its children (the recorder) */
static struct memory memory_of(pid_t daemon)
{
	struct memory memory = { 0 };
	char path[64];
	FILE *file;
	int child;

	add_memory(daemon, &memory);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)daemon, (int)daemon);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	while (fscanf(file, "%d", &child) == 1)
		add_memory(child, &memory);
	fclose(file);
	return memory;
}

static void print_memory(const char *when, pid_t daemon)
{
	struct memory memory = memory_of(daemon);

	printf("| %s | %.1f | %.1f |\n", when, memory.rss_mb, memory.pss_mb);
	fflush(stdout);
}

static void measure_memory(const struct bench_place *place, pid_t daemon)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		err(1, "memory");
	printf("\n### Memory of guard and recorder together, MB\n\n"
	       "| when | RSS | PSS (shared pages once) |\n|---|---|---|\n");
	print_memory("no session yet", daemon);
	peer_start_echo(peer, place, DAEMON);
	peer_initialize(peer);
	print_memory("one session, idle (goal 16)", daemon);
	throughput_round(peer, 200, 50000);
	print_memory("right after 50,000 calls, 200 in flight", daemon);
	peer_stop(peer);
	print_memory("after the session's end", daemon);
	free(peer);
}

static void measure_outside(const struct bench_place *place)
{
	printf("\n### What a session costs processes that are in none\n\n"
	       "Medians of rounds; no session, no session again (A/A), a session alive, in "
	       "changing "
	       "order.\n\n");
	outside_measure(place, 15);
}

static const struct part {
	const char *name;
	void (*run)(const struct bench_place *place);
	void (*run_with_daemon)(const struct bench_place *place, pid_t daemon);
} parts[] = {
	{ "memory", NULL, measure_memory }, /* first: a daemon that has done nothing yet */
	{ "latency", measure_latency, NULL }, { "throughput", measure_throughput, NULL },
	{ "start", measure_start, NULL },     { "outside", measure_outside, NULL },
};

static const char *need(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		errx(2, "%s is not set: use bench/run", name);
	return value;
}

int main(int argc, char **argv)
{
	const struct bench_place place = {
		.mcpfloor = need("BENCH_MCPFLOOR"),
		.mcpfloord = need("BENCH_MCPFLOORD"),
		.server = need("BENCH_SERVER"),
		.state_dir = need("BENCH_STATE"),
		.run_dir = need("BENCH_RUN"),
		.no_run_dir = need("BENCH_NO_RUN"),
		.server_cpu = -1,
	};
	pid_t daemon = daemon_start(&place);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		bool wanted = argc == 1;

		for (int word = 1; word < argc; word++)
			wanted = wanted || !strcmp(argv[word], parts[i].name);
		if (!wanted)
			continue;
		if (parts[i].run)
			parts[i].run(&place);
		else
			parts[i].run_with_daemon(&place, daemon);
		fflush(stdout);
	}
	daemon_stop(daemon);
	return 0;
}
