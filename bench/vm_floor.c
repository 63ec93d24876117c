/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vm_floor: hangs an empty program on every hook that the lsm engine uses, says how many, and stays
 * until its standard input ends. What these cost is what nobody who hooks there can be below.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/state.h"

static const struct place {
	const char *prefix;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} places[] = {
	{ "lsm/", BPF_PROG_TYPE_LSM, BPF_LSM_MAC },
	{ "fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY },
	{ "tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP },
};

static int attach(const char *hook)
{
	/* r0 = 0; exit */
	const struct bpf_insn nothing[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
					    { .code = BPF_JMP | BPF_EXIT } };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct place *place = &places[i];
		size_t len = strlen(place->prefix);
		LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = place->attach);
		int id, fd;

		if (strncmp(hook, place->prefix, len) != 0)
			continue;
		id = libbpf_find_vmlinux_btf_id(hook + len, place->attach);
		if (id <= 0)
			return -ENOENT;
		opts.attach_btf_id = (uint32_t)id;
		fd = bpf_prog_load(place->type, "nothing", "GPL", nothing, ARRAY_LEN(nothing),
				   &opts);
		return fd < 0 ? fd : bpf_raw_tracepoint_open(NULL, fd);
	}
	return -EINVAL;
}

int main(void)
{
	int id, count = 0;
	char byte;

	for (id = 0; id < HOOK_MAX; id++) {
		int link;

		if (!engine_has(MF_ENGINE_LSM, id) || hooks[id].kind != HOOK_TRACING)
			continue;
		link = attach(hooks[id].hook);
		if (link >= 0)
			count++;
		else if (hooks[id].required || link != -ENOENT)
			errx(1, "%s: %s", hooks[id].hook, strerror(-link));
	}
	printf("%d\n", count);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
