// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What one block says of an access: decide.h. A function of its own, that the verifier looks at once
 * for each program. All that it works with stays in a map, so that one round of a loop looks to the
 * verifier like any other.
 */

#include "table_addresses.h"
#include "table_names.h"

static __always_inline bool prefixes_of(const struct tables *t, const struct mf_unit *block,
					__u32 at)
{
	struct deciding *d = t->d;
	const struct mf_unit *more;

	if (d->family == 4) {
		d->prefixes[0] = block->word[5];
		d->prefixes[1] = d->prefixes[2] = 0;
		return true;
	}
	more = unit_at(t, at + 1);
	if (!more)
		return false;
	d->prefixes[0] = more->word[0];
	d->prefixes[1] = more->word[1];
	d->prefixes[2] = more->word[2];
	return true;
}

static __always_inline bool ask(struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = MF_UNITS_BLOCKS + MF_UNITS_BLOCK * d->block;
	const struct mf_unit *unit = unit_at(t, at), *head = unit_at(t, 0);
	const struct mf_pol_answer *answer;
	const __u32 *block = (const void *)unit;
	bool is_path = d->kind == DECIDE_PATH;

	__builtin_memset(&d->said, 0, sizeof(d->said));
	if (!unit || !head)
		return false;
	__builtin_memcpy(&d->tables, head, sizeof(d->tables));
	if (at >= d->tables.paths)
		return false;
	if (is_path || d->kind == DECIDE_ABSTRACT) {
		d->node = is_path ? block[0] : block[2];
		d->answer = is_path ? block[1] : block[3];
		d->at = t->walk->pos;
		d->exact = 1;
		d->probe = 0;
		bpf_loop(NAME_STEPS, name_step, t, 0);
	} else if (d->kind == DECIDE_ADDRESS) {
		if (!prefixes_of(t, unit, at) || !answer_of_address(t))
			return false;
	} else {
		if (d->kind == DECIDE_ESCAPE) {
			d->said.allow = block[4] >> (d->escape & 31) & 1;
			d->said.deny = block[5] >> (d->escape & 31) & 1;
		}
		return true;
	}
	answer = (const void *)unit_at(t, d->tables.answers + d->answer);
	if (!answer)
		return false;
	d->said.allow = answer->allow & d->verbs;
	d->said.deny = answer->deny & d->verbs;
	d->said.below = d->whole && d->exact && answer->below;
	__builtin_memcpy(d->said.lines, answer->allow_rule, sizeof(d->said.lines));
	return true;
}

/* Whether it is the policy that the decision began with */
static __always_inline bool is_begun(const struct tables *t)
{
	const struct mf_units_use *use;
	__u32 use_at = 1;

	use = bpf_map_lookup_elem(t->units, &use_at);
	return use && use->generation == t->d->use.generation;
}

int decide_block(struct deciding *d, struct path_walk *walk)
{
	struct tables t;

	if (!d || !walk) /* never, but the verifier does not know */
		return 1;
	return !tables_open(&t, d, walk) || !is_begun(&t) || !ask(&t);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
