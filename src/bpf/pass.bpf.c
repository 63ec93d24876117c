// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the engine cannot do itself: put an event that it made into the ring, and learn the level of
 * its own pid namespace.
 */

#include "emit.h"

struct pass_scratch {
	char bytes[MF_PASS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pass_scratch);
} pass_scratch SEC(".maps");

SEC("syscall")
int event_pass(struct mf_pass *pass)
{
	struct mf_tag tag = { .session = pass->session, .slot = pass->slot };
	struct pass_scratch *scratch;
	__u32 size = pass->size;
	__u32 zero = 0;

	pass->error = -22; /* EINVAL */
	scratch = bpf_map_lookup_elem(&pass_scratch, &zero);
	if (!scratch || size < sizeof(struct mf_event))
		return 0;
	/* else clang 19 makes one comparison of the two, which the verifiers of 6.1 and 6.12 do not follow */
	barrier_var(size);
	if (size > sizeof(scratch->bytes))
		return 0;
	if (bpf_probe_read_kernel(scratch->bytes, size, (void *)pass + sizeof(*pass)))
		return 0;
	pass->error = event_output(scratch->bytes, size, true, &tag) ? -28 /* ENOSPC */ : 0;
	return 0;
}

SEC("syscall")
int engine_level(void *ctx)
{
	struct task_struct *self = bpf_get_current_task_btf();

	engine_pid_level = BPF_CORE_READ(self, thread_pid, level);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
