/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading the BPF object: all of it when the kernel takes it, else without the optional programs
 * that it refuses.
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/state.h"
#include "mcpfloor.skel.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

/* libbpf has one print function per process and gives it no context */
static char libbpf_said[256];

__attribute__((format(printf, 2, 0))) static int libbpf_keep(enum libbpf_print_level level,
							     const char *format, va_list args)
{
	size_t len;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
	len = strlen(libbpf_said);
	if (len && libbpf_said[len - 1] == '\n')
		libbpf_said[len - 1] = '\0';
	return 0;
}

void engine_quiet_libbpf(void)
{
	libbpf_set_print(libbpf_keep);
}

void engine_say(struct engine *engine, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(engine->error, sizeof(engine->error), format, args);
	va_end(args);
}

int engine_check_btf(struct engine *engine, uint32_t *ret_detail)
{
	struct btf *btf;

	if (access(BTF_FILE, R_OK)) {
		engine_say(engine, "the kernel has no BTF: " BTF_FILE
				   " cannot be read; use a kernel with CONFIG_DEBUG_INFO_BTF");
		*ret_detail = MF_D_NO_BTF;
		return -ENOENT;
	}
	btf = btf__parse(BTF_FILE, NULL);
	if (!btf) {
		int error = -errno;

		engine_say(engine,
			   "the kernel has BTF, but libbpf %u.%u cannot read it: install a newer "
			   "libbpf",
			   libbpf_major_version(), libbpf_minor_version());
		*ret_detail = MF_D_LIBBPF;
		return error;
	}
	btf__free(btf);
	return 0;
}

static struct bpf_program *program_of(struct mcpfloor_bpf *bpf, enum hook_id id)
{
	return bpf_object__find_program_by_name(bpf->obj, hooks[id].program);
}

static struct mcpfloor_bpf *open_object(uint32_t ring_bytes, int pages_fd, bool syn_by_probe,
					bool policies)
{
	struct mcpfloor_bpf *bpf = mcpfloor_bpf__open();

	if (!bpf)
		return NULL;
	bpf->rodata->ring_bytes = ring_bytes;
	bpf->rodata->syn_by_probe = syn_by_probe;
	bpf->rodata->policies_on = policies;
	if (bpf_map__set_max_entries(bpf->maps.ring, ring_bytes) ||
	    (pages_fd >= 0 && bpf_map__reuse_fd(bpf->maps.pages, pages_fd))) {
		mcpfloor_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

/* Loads with only the hooks for which `use` is true. */
int engine_load_some(const bool *use, uint32_t ring_bytes, int pages_fd,
		     struct mcpfloor_bpf **ret_bpf)
{
	bool syn_by_probe = use[HOOK_TCP_CONNECT] || use[HOOK_PROBE_TCP_CONNECT];
	struct mcpfloor_bpf *bpf =
		open_object(ring_bytes, pages_fd, syn_by_probe, use[HOOK_DECISION_ASK]);
	int id, error;

	if (!bpf)
		return -errno;
	for (id = 0; id < HOOK_MAX; id++)
		bpf_program__set_autoload(program_of(bpf, id), use[id]);
	error = mcpfloor_bpf__load(bpf);
	if (error) {
		mcpfloor_bpf__destroy(bpf);
		return error;
	}
	*ret_bpf = bpf;
	return 0;
}

bool engine_has(enum mf_engine kind, enum hook_id id)
{
	return hooks[id].engines & 1U << kind;
}

/* Leaves out the optional hooks of security modules that this kernel does not have. Returns whether
 * there are any. */
static bool drop_unknown(struct engine *engine, bool *use)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool dropped = false;
	char name[64];
	int id;

	for (id = 0; btf && id < HOOK_MAX; id++) {
		if (!use[id] || hooks[id].required || strncmp(hooks[id].hook, "lsm/", 4) != 0)
			continue;
		snprintf(name, sizeof(name), "bpf_lsm_%s", hooks[id].hook + 4);
		if (btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0)
			continue;
		use[id] = false;
		engine->hook_error[id] = -EOPNOTSUPP;
		dropped = true;
	}
	btf__free(btf);
	return dropped;
}

/* Loads each program by itself to learn which ones the kernel takes. */
static int probe_each(struct engine *engine, bool *ret_use)
{
	int id;

	for (id = 0; id < HOOK_MAX; id++) {
		struct mcpfloor_bpf *bpf = NULL;
		bool use[HOOK_MAX] = {};

		if (engine->hook_error[id])
			continue;
		use[id] = true;
		engine->hook_error[id] = engine_load_some(use, 4096, -1, &bpf);
		mcpfloor_bpf__destroy(bpf);
		if (engine->hook_error[id] && hooks[id].required) {
			engine_say(engine, "%s cannot be loaded: %s (%s)", hooks[id].hook,
				   strerror(-engine->hook_error[id]), libbpf_said);
			return engine->hook_error[id];
		}
		ret_use[id] = !engine->hook_error[id];
	}
	return 0;
}

static bool wants(const struct engine *engine, enum hook_id id)
{
	if (engine->syn_by_kprobe && id == HOOK_PROBE_TCP_CONNECT)
		return true;
	if (id == HOOK_DECISION_ASK && !engine->policies)
		return false;
	return engine_has(engine->kind, id) && !(engine->syn_by_kprobe && id == HOOK_TCP_CONNECT);
}

int engine_load(struct engine *engine, uint32_t *ret_detail)
{
	bool use[HOOK_MAX];
	int id, error;

	engine_quiet_libbpf();
	*ret_detail = MF_D_ENGINE;
	for (id = 0; id < HOOK_MAX; id++) {
		use[id] = wants(engine, id);
		engine->hook_error[id] = use[id] ? 0 : -ENOENT;
	}
	libbpf_said[0] = '\0';
	error = engine_load_some(use, engine->ring_bytes, engine->pages.table_fd, &engine->bpf);
	/* looked at only now: reading the kernel's types once more takes 10 ms */
	if (error) {
		int btf = engine_check_btf(engine, ret_detail);

		if (btf)
			return btf;
	}
	if (error == -EPERM) {
		engine_say(engine, "the BPF programs may not be loaded: run as root (%s)",
			   libbpf_said);
		return error;
	}
	if (error && drop_unknown(engine, use))
		error = engine_load_some(use, engine->ring_bytes, engine->pages.table_fd,
					 &engine->bpf);
	if (error) {
		error = probe_each(engine, use);
		if (error)
			return error;
		error = engine_load_some(use, engine->ring_bytes, engine->pages.table_fd,
					 &engine->bpf);
	}
	if (error) {
		engine_say(engine, "the BPF programs cannot be loaded: %s (%s)", strerror(-error),
			   libbpf_said);
		return error;
	}
	if (engine->syn_by_kprobe && engine->hook_error[HOOK_PROBE_TCP_CONNECT]) {
		engine_say(engine, "kprobe/tcp_connect cannot be loaded: %s",
			   strerror(-engine->hook_error[HOOK_PROBE_TCP_CONNECT]));
		return engine->hook_error[HOOK_PROBE_TCP_CONNECT];
	}
	return 0;
}

int engine_program_fd(const struct engine *engine, enum hook_id id)
{
	return bpf_program__fd(program_of(engine->bpf, id));
}

/* Runs a `syscall` program with `ctx`, which it may change. */
int engine_run(struct engine *engine, enum hook_id id, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);

	if (engine->hook_error[id])
		return engine->hook_error[id];
	if (bpf_prog_test_run_opts(engine->program_fds[id], &opts))
		return -errno;
	return 0;
}
