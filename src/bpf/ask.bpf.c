// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What would be decided about an access that nobody does: the engine asks.
 */

#include "decide.h"

struct ask_scratch {
	struct deciding deciding;
	struct path_walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ask_scratch);
} ask_scratch SEC(".maps");

/* The question stands here, and the answer. */
struct mf_ask decision_asked = {};

static long ask_step(__u32 index, struct ask_scratch **scratch)
{
	decide(&(*scratch)->deciding, &(*scratch)->walk, &decision_asked.tag);
	return 0;
}

SEC("syscall")
int decision_ask(void *ctx)
{
	struct mf_ask *ask = &decision_asked;
	struct ask_scratch *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&ask_scratch, &zero);
	if (!scratch)
		return 0;
	scratch->deciding.kind = ask->kind;
	scratch->deciding.verbs = ask->verbs;
	scratch->deciding.whole = ask->whole;
	scratch->deciding.escape = ask->escape;
	scratch->deciding.family = ask->family;
	scratch->deciding.port = ask->port;
	scratch->deciding.pid = ask->pid;
	scratch->deciding.addr[0] = ask->addr[0];
	scratch->deciding.addr[1] = ask->addr[1];
	bpf_probe_read_kernel(scratch->walk.bytes, MF_PATH_MAX, ask->name);
	scratch->walk.pos = MF_PATH_MAX - ask->name_size;
	bpf_loop(ask->rounds, ask_step, &scratch, 0);
	ask->out = scratch->deciding.out;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
