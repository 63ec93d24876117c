/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sessions' policies in the kernel: each a map of units, which is complete before it stands in the
 * table, and replaces another one by one pointer there.
 */

#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/state.h"
#include "mcpfloor.skel.h"
#include "policy/units.h"

static int make_map(uint32_t units, int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mf_policy", sizeof(uint32_t), MF_UNIT_BYTES,
				units, &opts);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int put(const struct engine *engine, uint32_t slot, int map_fd)
{
	int table = bpf_map__fd(engine->bpf->maps.policies);

	return bpf_map_update_elem(table, &slot, &map_fd, BPF_ANY) ? -errno : 0;
}

bool policies_decide(const struct engine *engine)
{
	return engine->policies && !engine->hook_error[HOOK_DECISION_ASK];
}

int policies_set(struct engine *engine, struct session *session, const struct engine_policy *policy)
{
	uint32_t count = policy_units_count(policy->tables);
	const struct policy_units_of of = { .session = session->id,
					    .mode = policy->mode,
					    .strict = policy->strict,
					    .generation = session->policy_generation + 1 };
	size_t size = (size_t)count * MF_UNIT_BYTES;
	_cleanup_fd_ int fd = -1;
	struct mf_unit *units;
	int err;

	err = make_map(count, &fd);
	if (err)
		return err;
	units = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (units == MAP_FAILED)
		return -errno;
	policy_units_fill(policy->tables, &of, units);
	err = put(engine, session->slot, fd);
	if (err) {
		munmap(units, size);
		return err;
	}
	policies_drop(session);
	session->policy_units = units;
	session->policy_size = size;
	session->policy_generation = of.generation;
	return 0;
}

static struct mf_units_use *use_of(const struct session *session)
{
	return (void *)&session->policy_units[1];
}

enum mf_pol_mode policies_mode(const struct session *session)
{
	return session->policy_units ? (enum mf_pol_mode)use_of(session)->mode : MF_POL_OBSERVE;
}

/* A kprobe refuses nothing: there it is decided afterwards. */
uint32_t policies_flags(const struct engine *engine, const struct session *session)
{
	return session->policy_units && engine->kind != MF_ENGINE_KPROBE ? MF_TAGF_POLICY : 0;
}

uint32_t policies_refuse(const struct engine *engine, const struct session *session,
			 uint32_t coverage)
{
	uint32_t refuses = 0;

	if (!session->policy_units || engine->kind == MF_ENGINE_KPROBE)
		return 0;
	if (coverage & MF_COV_FILES && !session->mounts_unmarked)
		refuses |= MF_COV_REFUSES_OPENS;
	if (coverage & MF_COV_NET)
		refuses |= MF_COV_REFUSES_NET;
	if (engine->kind == MF_ENGINE_LSM) {
		if (coverage & MF_COV_CHANGES)
			refuses |= MF_COV_REFUSES_CHANGES;
		if (hooks_stand_at_ways_out(engine))
			refuses |= MF_COV_REFUSES_ESCAPES;
	}
	return refuses;
}

void policies_drop(struct session *session)
{
	if (session->policy_units)
		munmap(session->policy_units, session->policy_size);
	session->policy_units = NULL;
}

void policies_clear(struct engine *engine, struct session *session)
{
	int table;

	if (!session->policy_units)
		return;
	policies_drop(session);
	table = bpf_map__fd(engine->bpf->maps.policies);
	bpf_map_delete_elem(table, &session->slot);
}

int engine_session_policy(struct engine *engine, uint64_t id, const struct engine_policy *policy)
{
	struct session *session = session_find(engine, id);

	if (!session)
		return -ENOENT;
	return session->policy_units ? policies_set(engine, session, policy) : -ENODATA;
}

int engine_session_mode(struct engine *engine, uint64_t id, enum mf_pol_mode mode)
{
	struct session *session = session_find(engine, id);

	if (!session)
		return -ENOENT;
	if (!session->policy_units)
		return -ENODATA;
	__atomic_store_n(&use_of(session)->mode, mode, __ATOMIC_RELEASE);
	return 0;
}

int engine_session_decide(struct engine *engine, uint64_t id, const struct mf_ask *ask,
			  struct mf_decision *ret_decision)
{
	const struct session *session = session_find(engine, id);
	uint64_t ctx = 0;
	int err;

	if (!session)
		return -ENOENT;
	engine->bpf->bss->decision_asked = *ask;
	engine->bpf->bss->decision_asked.tag.session = session->id;
	engine->bpf->bss->decision_asked.tag.slot = session->slot;
	err = engine_run(engine, HOOK_DECISION_ASK, &ctx, sizeof(ctx));
	if (err)
		return err;
	*ret_decision = engine->bpf->bss->decision_asked.out;
	return 0;
}
