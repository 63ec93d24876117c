/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping what was seen: calls, blocks, uses. */

#include "policy/learn.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/learn_state.h"
#include "policy/source.h"

int policy_learner_new(const struct policy_learn_options *options,
		       struct policy_learner **ret_learner)
{
	_cleanup_policy_learner_ struct policy_learner *learner = calloc(1, sizeof(*learner));

	if (!learner)
		return -ENOMEM;
	learner->options = *options;
	learner->blocks = calloc(1, sizeof(*learner->blocks));
	if (!learner->blocks)
		return -ENOMEM;
	learner->block_count = learner->block_capacity = 1;
	*ret_learner = take_ptr(learner);
	return 0;
}

static void block_free(struct learn_block *block)
{
	for (size_t i = 0; i < block->count; i++)
		free(block->uses[i].name);
	free(block->uses);
	for (unsigned i = 0; i < block->argument_count; i++)
		free(block->arguments[i]);
	free(block->tool);
}

void policy_learner_free(struct policy_learner *learner)
{
	if (!learner)
		return;
	learn_values_free(learner);
	for (size_t i = 0; i < learner->block_count; i++)
		block_free(&learner->blocks[i]);
	free(learner->blocks);
	free(learner);
}

static int order_of(const struct learn_use *a, const struct learn_use *b)
{
	size_t size = a->size < b->size ? a->size : b->size;
	int order = size ? memcmp(a->name, b->name, size) : 0;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (order)
		return order;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->addr, b->addr, sizeof(a->addr));
	if (order)
		return order;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->verbs != b->verbs)
		return a->verbs < b->verbs ? -1 : 1;
	if (a->bound != b->bound)
		return a->bound < b->bound ? -1 : 1;
	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	return (a->directory * 2 + a->passing) - (b->directory * 2 + b->passing);
}

static int by_object_and_call(const void *first, const void *second)
{
	const struct learn_use *a = first, *b = second;
	int order = order_of(a, b);

	return order ? order : (a->last_call > b->last_call) - (a->last_call < b->last_call);
}

void learn_block_settle(struct policy_learner *learner, struct learn_block *block)
{
	size_t kept = 0;

	if (block->count)
		qsort(block->uses, block->count, sizeof(*block->uses), by_object_and_call);
	for (size_t i = 0; i < block->count; i++) {
		struct learn_use *use = &block->uses[i],
				 *last = kept ? &block->uses[kept - 1] : NULL;

		if (!last || order_of(last, use)) {
			block->uses[kept++] = *use;
			continue;
		}
		last->uses += use->uses;
		/* calls come one after the other, and the older one was settled before */
		last->calls += last->last_call == use->last_call ? use->calls - 1 : use->calls;
		last->last_call = use->last_call;
		free(use->name);
	}
	learner->accesses -= block->count - kept;
	block->count = kept;
}

/* The index of the block of `tool`, which is made when there is none; LEARN_NO_BLOCK: no room. */
static int block_of(struct policy_learner *learner, const void *tool, size_t size,
		    uint32_t *ret_block)
{
	struct learn_block *block;

	for (size_t i = 1; i < learner->block_count; i++) {
		block = &learner->blocks[i];
		if (block->tool_size == size && memcmp(block->tool, tool, size) == 0) {
			*ret_block = (uint32_t)i;
			return 0;
		}
	}
	if (learner->block_count > LEARN_TOOLS_MAX) {
		*ret_block = LEARN_NO_BLOCK;
		return 0;
	}
	if (learner->block_count == learner->block_capacity) {
		size_t capacity = learner->block_capacity * 2;
		struct learn_block *blocks =
			reallocarray(learner->blocks, capacity, sizeof(*blocks));

		if (!blocks)
			return -ENOMEM;
		learner->blocks = blocks;
		learner->block_capacity = capacity;
	}
	block = &learner->blocks[learner->block_count];
	*block = (struct learn_block){ .tool = malloc(size + 1), .tool_size = size };
	if (!block->tool)
		return -ENOMEM;
	memcpy(block->tool, tool, size);
	*ret_block = (uint32_t)learner->block_count++;
	return 0;
}

int policy_learn_call(struct policy_learner *learner, const void *tool, size_t tool_size,
		      const char *arguments, size_t arguments_size, const char *cwd)
{
	int r = 0;

	learn_values_free(learner);
	learner->call++;
	learner->block = 0;
	/* a name that is empty or too long can have no block of its own */
	if (tool && (!tool_size || tool_size > POLICY_TOOL_NAME_MAX))
		learner->block = LEARN_NO_BLOCK;
	else if (tool)
		r = block_of(learner, tool, tool_size, &learner->block);
	if (r < 0)
		return r;
	if (learner->block == LEARN_NO_BLOCK) {
		learner->calls_unkept++;
		return 1;
	}
	learner->blocks[learner->block].calls++;
	if (!tool || !arguments)
		return 0;
	return learn_values_read(learner, &learner->blocks[learner->block], arguments,
				 arguments_size, cwd);
}

/* A library is mapped as code after it was read; not every engine tells of the mapping. */
static bool is_library(const char *path, size_t size)
{
	const char *name = memrchr(path, '/', size), *so;

	if (!name)
		return false;
	size -= (size_t)(name - path);
	if (size > 5 && memcmp(name + size - 5, ".node", 5) == 0)
		return true;
	so = memmem(name, size, ".so", 3);
	return so && (so + 3 == name + size ||
		      (so + 4 < name + size && so[3] == '.' && so[4] >= '0' && so[4] <= '9'));
}

static uint8_t verbs_of(const struct policy_learn_access *access)
{
	uint8_t verbs = access->access.verbs;

	if (verbs & MF_POL_BIT(MF_POL_WRITE))
		verbs &= (uint8_t)~MF_POL_BIT(MF_POL_READ);
	else if (access->access.kind == POLICY_ACCESS_PATH && !access->directory &&
		 (verbs & MF_POL_BIT(MF_POL_READ)) &&
		 is_library(access->access.name, access->access.name_size))
		verbs |= MF_POL_BIT(MF_POL_EXEC);
	return verbs;
}

/* Room for one more use; equal ones are made one before more memory is asked for. */
static int make_room(struct policy_learner *learner, struct learn_block *block)
{
	struct learn_use *uses;
	size_t capacity;

	if (block->count < block->capacity)
		return 0;
	learn_block_settle(learner, block);
	if (block->count < block->capacity / 2)
		return 0;
	capacity = block->capacity ? block->capacity * 2 : 64;
	uses = reallocarray(block->uses, capacity, sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	block->uses = uses;
	block->capacity = capacity;
	return 0;
}

int policy_learn_access(struct policy_learner *learner, const struct policy_learn_access *access,
			bool to_base)
{
	uint32_t index = to_base ? 0 : learner->block;
	const struct policy_access *what = &access->access;
	struct learn_use use = { .kind = (uint8_t)what->kind,
				 .verbs = verbs_of(access),
				 .uses = access->uses ? access->uses : 1,
				 .calls = 1,
				 .last_call = learner->call };
	struct learn_block *block;
	int r;

	if (index == LEARN_NO_BLOCK) {
		learner->accesses_unkept++;
		return 0;
	}
	block = &learner->blocks[index];
	if (what->kind == POLICY_ACCESS_ESCAPE) {
		block->escapes[what->escape % MF_POL_ESCAPE_MAX] += access->uses ? access->uses : 1;
		return 0;
	}
	r = make_room(learner, block);
	if (r < 0)
		return r;
	if (learner->accesses >= LEARN_ACCESSES_MAX) {
		learner->accesses_unkept++;
		return -E2BIG;
	}
	use.directory = access->directory;
	use.passing = access->passing;
	use.event = access->event;
	if (what->kind == POLICY_ACCESS_ADDRESS) {
		use.family = what->family;
		memcpy(use.addr, what->addr, what->family == 4 ? 4 : sizeof(use.addr));
		use.port = what->port;
	} else {
		use.name = malloc(what->name_size + 1);
		if (!use.name)
			return -ENOMEM;
		memcpy(use.name, what->name, what->name_size);
		use.size = what->name_size;
	}
	use.bound = index ? learn_values_bound(learner, what) : 0;
	block->uses[block->count++] = use;
	learner->accesses++;
	return 0;
}

uint64_t policy_learn_escapes(const struct policy_learner *learner, enum mf_pol_escape escape)
{
	uint64_t uses = 0;

	for (size_t i = 0; i < learner->block_count; i++)
		uses += learner->blocks[i].escapes[escape % MF_POL_ESCAPE_MAX];
	return uses;
}
