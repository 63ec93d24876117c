/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/diff.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/diff_points.h"
#include "policy/quote.h"

#define WORK_MAX (64U << 20) /* questions */

enum policy_change_kind policy_change_of(enum mf_verdict before, enum mf_verdict after)
{
	if (after == before || (after >= MF_OBSERVED && before >= MF_OBSERVED))
		return 0;
	return after >= MF_OBSERVED ? POLICY_BECOMES_ALLOWED
	       : after == MF_DENY   ? POLICY_BECOMES_DENIED
				    : POLICY_BECOMES_TOLD;
}

const char *policy_change_word(enum policy_change_kind kind, enum mf_verdict before)
{
	switch (kind) {
	case POLICY_BECOMES_ALLOWED:
		return before == MF_DENY ? "becomes allowed" : "is no longer told as a denial";
	case POLICY_BECOMES_DENIED:
		return before == MF_WOULD_DENY ? "is refused now, was only told" : "becomes denied";
	default:
		return before == MF_DENY ? "is only told now, was refused"
					 : "is told as a denial now";
	}
}

/* One state that both are asked about. */
struct situation {
	char *tool; /* safe to print; "": no call; NULL: other tools */
	struct policy_request before, after;
	bool is_call;
};

struct differ {
	const struct policy_side *before, *after;
	struct diff_points points;
	struct situation *situations; /* [0]: no call */
	size_t count;
	enum policy_change_kind *of_base; /* of each question, while no call is in flight */
	size_t question; /* the one at work */
	enum mf_verdict usual_before, usual_after; /* of what no line allows, in that situation */
	int (*each)(void *data, const struct policy_change *change);
	void *data;
};

static void differ_free(struct differ *differ)
{
	for (size_t i = 0; i < differ->count; i++)
		free(differ->situations[i].tool);
	free(differ->situations);
	free(differ->of_base);
	diff_points_free(&differ->points);
}

static int add_situation(struct differ *differ, const char *name, size_t size, char *shown,
			 bool is_call)
{
	struct situation *grown =
		reallocarray(differ->situations, differ->count + 1, sizeof(*differ->situations));

	if (!grown) {
		free(shown);
		return -ENOMEM;
	}
	differ->situations = grown;
	grown[differ->count] = (struct situation){ .tool = shown, .is_call = is_call };
	if (is_call) {
		grown[differ->count].before.block =
			policy_tool_block(differ->before->policy, name, size);
		grown[differ->count].after.block =
			policy_tool_block(differ->after->policy, name, size);
	}
	differ->count++;
	return 0;
}

/* A name that a prefix block is about, and hardly a block of its own. */
static int add_tool(struct differ *differ, const struct policy_block *block)
{
	_cleanup_buf_ struct buf name = { 0 }, shown = { 0 };
	char *copy;
	int r = buf_append(&name, block->name.bytes, block->name.size);

	if (r == 0 && block->prefix)
		r = buf_append_str(&name, "\x7f any");
	if (r == 0 && block->name.size)
		r = policy_quote(&shown, block->name.bytes, block->name.size);
	if (r == 0 && block->prefix)
		r = buf_append_str(&shown, "*");
	if (r)
		return r;
	copy = strndup((const char *)buf_bytes(&shown), buf_size(&shown));
	if (!copy)
		return -ENOMEM;
	for (size_t i = 1; i < differ->count; i++) {
		if (strcmp(differ->situations[i].tool, copy) == 0) {
			free(copy);
			return 0;
		}
	}
	return add_situation(differ, (const char *)buf_bytes(&name), buf_size(&name), copy, true);
}

static int find_situations(struct differ *differ)
{
	const struct policy_tree *trees[] = { differ->before->tree, differ->after->tree };
	char *none = strdup("");
	int r = none ? add_situation(differ, NULL, 0, none, false) : -ENOMEM;
	bool any = false;

	for (size_t side = 0; side < ARRAY_LEN(trees); side++) {
		for (size_t i = 0; r == 0 && i < trees[side]->block_count; i++) {
			const struct policy_block *block = &trees[side]->blocks[i];

			if (block->kind != POLICY_BLOCK_TOOL)
				continue;
			any |= block->prefix && !block->name.size;
			r = add_tool(differ, block);
		}
	}
	return r || any ? r : add_situation(differ, "\x7f any", 5, NULL, true);
}

static void decide(const struct policy_side *side, const struct situation *situation,
		   const struct policy_request *request, const struct policy_access *access,
		   struct policy_state *ret_state, struct policy_decision *ret_decision)
{
	*ret_state = (struct policy_state){ .requests = situation->is_call ? request : NULL,
					    .request_count = situation->is_call,
					    .mode = MF_POL_ENFORCE };
	policy_decide(side->policy, ret_state, access, ret_decision);
}

struct answer {
	enum policy_change_kind kind;
	enum mf_verdict before;
	struct policy_state state;
	struct policy_decision decision;
};

static void ask(const struct differ *differ, const struct situation *situation,
		const struct policy_access *access, struct answer *ret_answer)
{
	struct policy_decision before = { 0 };
	struct policy_state state;

	*ret_answer = (struct answer){ .before = MF_DENY };
	decide(differ->before, situation, &situation->before, access, &state, &before);
	decide(differ->after, situation, &situation->after, access, &ret_answer->state,
	       &ret_answer->decision);
	ret_answer->before = before.verdict;
	ret_answer->kind = policy_change_of(before.verdict, ret_answer->decision.verdict);
}

/* What holds while no call is in flight holds in calls, too: told once. So is what another mode
 * does to everything that no line is about. */
static bool is_news(struct differ *differ, const struct situation *situation,
		    const struct answer *answer)
{
	enum policy_change_kind kind = answer->kind;
	size_t question = differ->question++;

	if (kind && answer->before == differ->usual_before &&
	    answer->decision.verdict == differ->usual_after)
		return false;
	if (situation == differ->situations) {
		differ->of_base[question] = kind;
		return kind != 0;
	}
	return kind && kind != differ->of_base[question];
}

static int tell(const struct differ *differ, const struct situation *situation,
		const struct answer *answer, const struct buf *access, bool in_part)
{
	_cleanup_free_ char *text = strndup((const char *)buf_bytes(access), buf_size(access));
	const struct policy_change change = { .kind = answer->kind,
					      .before = answer->before,
					      .tool = situation->tool,
					      .access = text,
					      .in_part = in_part,
					      .state = answer->state,
					      .decision = answer->decision };

	return text ? differ->each(differ->data, &change) : -ENOMEM;
}

/* A write that changes says that reads and binding there change with it. */
static const enum mf_pol_verb verb_order[] = { MF_POL_WRITE, MF_POL_READ, MF_POL_EXEC,
					       MF_POL_CONNECT, MF_POL_LISTEN };

static int compare_path(struct differ *differ, const struct situation *situation,
			const struct diff_path *point, enum policy_change_kind *changes)
{
	enum policy_change_kind write = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(verb_order); i++) {
		enum mf_pol_verb verb = verb_order[i];
		const struct policy_access access = { .kind = point->abstract
								      ? POLICY_ACCESS_ABSTRACT
								      : POLICY_ACCESS_PATH,
						      .verbs = (uint8_t)MF_POL_BIT(verb),
						      .name = point->name,
						      .name_size = point->size };
		_cleanup_buf_ struct buf text = { 0 };
		struct answer answer;
		bool news;

		if (point->abstract && verb != MF_POL_CONNECT && verb != MF_POL_LISTEN)
			continue;
		ask(differ, situation, &access, &answer);
		news = is_news(differ, situation, &answer);
		changes[verb] = answer.kind;
		if (verb == MF_POL_WRITE)
			write = answer.kind;
		if (!news ||
		    ((verb == MF_POL_READ || verb == MF_POL_LISTEN) && answer.kind == write))
			continue;
		/* the directory above says it already */
		if (point->above && point->above[verb] == answer.kind)
			continue;
		r = diff_path_print(&text, verb, point);
		if (r == 0)
			r = tell(differ, situation, &answer, &text, false);
	}
	return r;
}

static int compare_paths(struct differ *differ, const struct situation *situation)
{
	struct diff_points *points = &differ->points;
	int r = 0;

	for (size_t i = 0; r == 0 && i < points->path_count; i++) {
		struct diff_path *point = &points->paths[i];

		point->above = point->parent == SIZE_MAX ? NULL
							 : points->paths[point->parent].changes;
		r = compare_path(differ, situation, point, point->changes);
	}
	return r;
}

/* All that a line's addresses and ports can be told apart into. */
static int compare_address(struct differ *differ, const struct situation *situation,
			   const struct diff_address *object, enum mf_pol_verb verb)
{
	struct policy_access access = { .kind = POLICY_ACCESS_ADDRESS,
					.verbs = (uint8_t)MF_POL_BIT(verb) };
	struct answer first = { 0 }, answer;
	const struct diff_points *points = &differ->points;
	_cleanup_buf_ struct buf text = { 0 };
	bool same = true;
	int r;

	for (size_t i = 0; i < points->end_count; i++) {
		const struct policy_address *address = &points->ends[i];

		if (!diff_address_has(object, address))
			continue;
		access.family = address->family;
		memcpy(access.addr, address->addr, sizeof(access.addr));
		for (size_t k = 0; k < points->port_count; k++) {
			access.port = points->ports[k];
			if (access.port < object->ports.first || access.port > object->ports.last)
				continue;
			ask(differ, situation, &access, &answer);
			if (!first.kind && answer.kind)
				first = answer;
			same &= answer.kind == first.kind;
		}
	}
	if (!is_news(differ, situation, &first))
		return 0;
	r = diff_address_print(&text, verb, object);
	return r ? r : tell(differ, situation, &first, &text, !same);
}

static int compare_addresses(struct differ *differ, const struct situation *situation)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < differ->points.address_count; i++) {
		r = compare_address(differ, situation, &differ->points.addresses[i],
				    MF_POL_CONNECT);
		if (r == 0)
			r = compare_address(differ, situation, &differ->points.addresses[i],
					    MF_POL_LISTEN);
	}
	return r;
}

static int compare_escapes(struct differ *differ, const struct situation *situation)
{
	int r = 0;

	for (int i = 0; r == 0 && i < MF_POL_ESCAPE_MAX; i++) {
		const struct policy_access access = { .kind = POLICY_ACCESS_ESCAPE,
						      .escape = (enum mf_pol_escape)i };
		_cleanup_buf_ struct buf text = { 0 };
		struct answer answer;

		ask(differ, situation, &access, &answer);
		if (!is_news(differ, situation, &answer))
			continue;
		r = buf_append_str(&text, policy_escapes[i].word);
		if (r == 0)
			r = tell(differ, situation, &answer, &text, false);
	}
	return r;
}

/* Whether `policy` has that line with an argument in the block. */
static bool has_template(const struct policy *policy, uint32_t block,
			 const struct mf_pol_template *template, const struct policy *of)
{
	for (uint32_t i = 0; i < policy->template_count; i++) {
		const struct mf_pol_template *other = &policy->templates[i];
		const struct mf_pol_text mine[] = { other->before, other->argument, other->after };
		const struct mf_pol_text its[] = { template->before, template->argument,
						   template->after };
		bool same = other->block == block && other->verbs == template->verbs &&
			    other->deny == template->deny && other->kind == template->kind;

		for (size_t k = 0; same && k < ARRAY_LEN(its); k++) {
			size_t mine_size, its_size;
			const char *a = policy_text(policy, mine[k], &mine_size);
			const char *b = policy_text(of, its[k], &its_size);

			same = mine_size == its_size && memcmp(a, b, its_size) == 0;
		}
		if (same)
			return true;
	}
	return false;
}

static int compare_templates(struct differ *differ, const struct situation *situation, bool came)
{
	const struct policy *of = came ? differ->after->policy : differ->before->policy;
	const struct policy *other = came ? differ->before->policy : differ->after->policy;
	uint32_t block = came ? situation->after.block : situation->before.block;
	uint32_t other_block = came ? situation->before.block : situation->after.block;
	int r = 0;

	for (uint32_t i = 0; situation->is_call && r == 0 && i < of->template_count; i++) {
		const struct mf_pol_template *template = &of->templates[i];
		const struct mf_pol_rule *rule = policy_rule(of, template->rule);
		struct policy_change change = { .of_template = true, .tool = situation->tool };
		_cleanup_free_ char *text = NULL;
		_cleanup_buf_ struct buf shown = { 0 };
		const char *line;
		size_t size;

		if (template->block != block || !rule ||
		    has_template(other, other_block, template, of))
			continue;
		change.kind = came != template->deny ? POLICY_BECOMES_ALLOWED
						     : POLICY_BECOMES_DENIED;
		change.before = change.kind == POLICY_BECOMES_ALLOWED ? MF_DENY : MF_ALLOW;
		line = policy_text(of, rule->text, &size);
		r = diff_line_print(&shown, line, size);
		text = strndup((const char *)buf_bytes(&shown), buf_size(&shown));
		change.access = text;
		if (r == 0)
			r = text ? differ->each(differ->data, &change) : -ENOMEM;
	}
	return r;
}

/* What a block says about what none of its lines is about. */
static enum mf_verdict usual_verdict(const struct policy *policy, const struct situation *situation,
				     const struct policy_request *request)
{
	/* index: enum mf_pol_mode */
	static const enum mf_verdict verdicts[] = { MF_OBSERVED, MF_WOULD_DENY, MF_DENY };
	bool has_base = policy->head->flags & MF_POL_HAS_BASE;
	uint32_t block = situation->is_call ? request->block
			 : has_base	    ? MF_POL_BASE
					    : MF_POL_DEFAULT;

	return verdicts[policy->blocks[block].mode % ARRAY_LEN(verdicts)];
}

static int compare_modes(struct differ *differ, const struct situation *situation)
{
	struct policy_change change = { .of_mode = true, .tool = situation->tool };

	differ->usual_before = usual_verdict(differ->before->policy, situation, &situation->before);
	differ->usual_after = usual_verdict(differ->after->policy, situation, &situation->after);
	change.kind = policy_change_of(differ->usual_before, differ->usual_after);
	change.before = differ->usual_before;
	change.access = "whatever no line allows";
	return change.kind ? differ->each(differ->data, &change) : 0;
}

static int compare(struct differ *differ, const struct situation *situation)
{
	int r = compare_modes(differ, situation);

	differ->question = 0;
	if (r == 0)
		r = compare_paths(differ, situation);
	if (r == 0)
		r = compare_addresses(differ, situation);
	if (r == 0)
		r = compare_escapes(differ, situation);
	if (r == 0)
		r = compare_templates(differ, situation, true);
	return r ? r : compare_templates(differ, situation, false);
}

int policy_diff(const struct policy_side *before, const struct policy_side *after,
		int (*each)(void *data, const struct policy_change *change), void *data)
{
	_cleanup_(differ_free) struct differ differ = {
		.before = before, .after = after, .each = each, .data = data
	};
	const struct policy_tree *trees[] = { before->tree, after->tree };
	size_t questions, work;
	int r = diff_points_find(trees, &differ.points);

	if (r == 0)
		r = find_situations(&differ);
	if (r)
		return r;
	questions = differ.points.path_count * MF_POL_VERB_MAX + differ.points.address_count * 2 +
		    MF_POL_ESCAPE_MAX;
	if (__builtin_mul_overflow(differ.points.end_count * differ.points.port_count * 2,
				   differ.points.address_count, &work) ||
	    work + questions > WORK_MAX / differ.count)
		return -E2BIG;
	differ.of_base = calloc(questions, sizeof(*differ.of_base));
	if (!differ.of_base)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < differ.count; i++)
		r = compare(&differ, &differ.situations[i]);
	return r;
}
