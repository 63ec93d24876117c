/* SPDX-License-Identifier: BSD-2-Clause */
/* From the templates of a tool's block and a call's arguments to the image of its grants. */

#include "policy/grant.h"

#include <errno.h>
#include <string.h>

#include "policy/build.h"
#include "policy/grant_arguments.h"
#include "policy/grant_object.h"

struct grant {
	const struct policy *policy;
	const struct policy_grant_call *call;
	const struct mf_pol_template *templates; /* of the block */
	size_t template_count;
	struct policy_argument *arguments; /* that they name */
	size_t argument_count;
	struct policy_builder *builder;
	size_t entries, components;
	struct policy_grant_reports *reports; /* NULL: nobody asks */
};

static void grant_end(struct grant *grant)
{
	if (grant->arguments)
		policy_arguments_free(grant->arguments, grant->argument_count);
	free(grant->arguments);
	policy_builder_free(grant->builder);
}

static size_t lower_bound(const struct policy *policy, uint64_t block)
{
	size_t low = 0, high = policy->template_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (policy->templates[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool policy_grant_is_possible(const struct policy *policy, uint32_t block)
{
	size_t first = lower_bound(policy, block);

	return first < policy->template_count && policy->templates[first].block == block;
}

static void find_templates(struct grant *grant)
{
	size_t first = lower_bound(grant->policy, grant->call->block);

	grant->templates = grant->policy->templates + first;
	grant->template_count = lower_bound(grant->policy, grant->call->block + 1ULL) - first;
}

static struct policy_argument *find_argument(const struct grant *grant,
					     const struct mf_pol_template *template)
{
	size_t size;
	const char *name = policy_text(grant->policy, template->argument, &size);

	for (size_t i = 0; i < grant->argument_count; i++) {
		if (grant->arguments[i].name_size == size &&
		    (!size || memcmp(grant->arguments[i].name, name, size) == 0))
			return &grant->arguments[i];
	}
	return NULL;
}

static int read_arguments(struct grant *grant)
{
	grant->arguments = calloc(grant->template_count ? grant->template_count : 1,
				  sizeof(*grant->arguments));
	if (!grant->arguments)
		return -ENOMEM;
	for (size_t i = 0; i < grant->template_count; i++) {
		struct policy_argument *argument = &grant->arguments[grant->argument_count];

		if (find_argument(grant, &grant->templates[i]))
			continue;
		argument->name = policy_text(grant->policy, grant->templates[i].argument,
					     &argument->name_size);
		grant->argument_count++;
	}
	return policy_arguments_read(grant->call->arguments, grant->call->arguments_size,
				     grant->arguments, grant->argument_count);
}

static int report(struct grant *grant, const struct mf_pol_template *template,
		  enum policy_grant_why why)
{
	struct policy_grant_reports *reports = grant->reports;

	if (!reports)
		return 0;
	if ((reports->count & (reports->count + 1)) == 0) { /* full at 0, 1, 3, 7, … */
		struct policy_grant_report *grown =
			realloc(reports->reports, (reports->count * 2 + 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		reports->reports = grown;
	}
	reports->reports[reports->count++] =
		(struct policy_grant_report){ .rule = template->rule, .why = why };
	return 0;
}

static struct policy_entry entry_of(const struct mf_pol_template *template)
{
	return (struct policy_entry){
		.rule = template->rule,
		.verbs = policy_verbs_implied(template->verbs, template->deny),
		.deny = template->deny,
	};
}

/* A bound on what one call can make, in the tables of the kernel too. */
static bool has_room(struct grant *grant, size_t entries, size_t components)
{
	if (grant->entries + entries > POLICY_GRANT_ENTRIES_MAX ||
	    grant->components + components > POLICY_GRANT_COMPONENTS_MAX)
		return false;
	grant->entries += entries;
	grant->components += components;
	return true;
}

static int add_path(struct grant *grant, const struct mf_pol_template *template,
		    const struct policy_template_text *text, const struct policy_value *value)
{
	_cleanup_policy_names_ struct policy_names names = { 0 };
	int r = policy_grant_path(text, value->bytes, value->size, grant->call, template->deny,
				  &names);

	if (r == 0 && !has_room(grant, names.count, names.components))
		r = POLICY_GRANT_TOO_MANY;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = policy_builder_path(grant->builder, entry_of(template), names.names[i],
					strlen(names.names[i]));
	return r;
}

static int add_abstract(struct grant *grant, const struct mf_pol_template *template,
			const struct policy_template_text *text, const struct policy_value *value)
{
	_cleanup_buf_ struct buf name = { 0 };
	int r = buf_append(&name, text->before, text->before_size);

	if (r == 0)
		r = buf_append(&name, value->bytes, value->size);
	if (r == 0)
		r = buf_append(&name, text->after, text->after_size);
	if (r)
		return r;
	buf_consume(&name, 1); /* the @ */
	if (buf_size(&name) == 0)
		return POLICY_GRANT_EMPTY;
	if (buf_size(&name) > MF_POL_ABSTRACT_MAX)
		return POLICY_GRANT_LONG;
	if (!has_room(grant, 1, 1))
		return POLICY_GRANT_TOO_MANY;
	return policy_builder_abstract(grant->builder, entry_of(template),
				       (const char *)buf_bytes(&name), buf_size(&name), false);
}

static int add_unix(struct grant *grant, const struct mf_pol_template *template,
		    const struct policy_template_text *text, const struct policy_value *value)
{
	char first = text->before_size ? text->before[0] : value->bytes[0];

	return first == '@' ? add_abstract(grant, template, text, value)
			    : add_path(grant, template, text, value);
}

static int add_address(struct grant *grant, const struct mf_pol_template *template,
		       const struct policy_template_text *text, const struct policy_value *value)
{
	struct policy_endpoint endpoint = { 0 };
	int r = policy_grant_endpoint(text, value->bytes, value->size, grant->call->world,
				      &endpoint);

	if (r == 0 && !has_room(grant, endpoint.count, 0))
		r = POLICY_GRANT_TOO_MANY;
	for (size_t i = 0; r == 0 && i < endpoint.count; i++) {
		const struct policy_address *address = &endpoint.addresses[i];
		const struct policy_prefix prefix = { .address = *address,
						      .length = address->family == 4 ? 32 : 128 };

		r = policy_builder_address(grant->builder, entry_of(template), &prefix,
					   (struct policy_ports){ endpoint.port, endpoint.port });
	}
	return r;
}

static int add_value(struct grant *grant, const struct mf_pol_template *template,
		     const struct policy_value *value)
{
	struct policy_template_text text;

	if (value->why)
		return (int)value->why;
	text.before = policy_text(grant->policy, template->before, &text.before_size);
	text.after = policy_text(grant->policy, template->after, &text.after_size);
	switch (template->kind) {
	case MF_POL_TEMPLATE_PATH:
		return add_path(grant, template, &text, value);
	case MF_POL_TEMPLATE_UNIX:
		return add_unix(grant, template, &text, value);
	default:
		return add_address(grant, template, &text, value);
	}
}

static int deny_all(struct grant *grant, const struct mf_pol_template *template)
{
	const struct policy_prefix any = { .any = true };
	int r = 0;

	if (template->kind == MF_POL_TEMPLATE_ADDRESS)
		return policy_builder_address(grant->builder, entry_of(template), &any,
					      (struct policy_ports){ 0, UINT16_MAX });
	r = policy_builder_path(grant->builder, entry_of(template), "/", 1);
	if (r == 0 && template->kind == MF_POL_TEMPLATE_UNIX)
		r = policy_builder_abstract(grant->builder, entry_of(template), "", 0, true);
	return r;
}

/*
 * Tells it, and turns what cannot be made out into a denial of everything: what the call means to
 * touch must not be free because it was written so that nobody can read it.
 */
static int give_up(struct grant *grant, const struct mf_pol_template *template,
		   enum policy_grant_why why)
{
	int r = report(grant, template, why);

	if (r == 0 && template->deny && why != POLICY_GRANT_ABSENT && why != POLICY_GRANT_EMPTY)
		r = deny_all(grant, template);
	return r;
}

static int add_template(struct grant *grant, const struct mf_pol_template *template)
{
	const struct policy_argument *argument = find_argument(grant, template);
	bool granted = false;
	int r = 0;

	if (argument->why)
		return give_up(grant, template, argument->why);
	for (size_t i = 0; r == 0 && i < argument->count; i++) {
		r = add_value(grant, template, &argument->values[i]);
		if (r == -E2BIG)
			r = POLICY_GRANT_TOO_MANY;
		granted |= r == 0;
		if (r > 0)
			r = give_up(grant, template, (enum policy_grant_why)r);
	}
	if (r == 0 && argument->more)
		r = give_up(grant, template, POLICY_GRANT_TOO_MANY);
	if (r == 0 && granted)
		r = report(grant, template, POLICY_GRANT_OK);
	return r;
}

int policy_grant_build(const struct policy *policy, const struct policy_grant_call *call,
		       struct buf *ret_image, struct policy_grant_reports *ret_reports)
{
	struct policy_grant_reports reports = { 0 };
	_cleanup_(grant_end) struct grant grant = { .policy = policy,
						    .call = call,
						    .reports = ret_reports ? &reports : NULL };
	int r = policy_builder_new(1, &grant.builder);

	find_templates(&grant);
	if (r == 0)
		r = read_arguments(&grant);
	for (size_t i = 0; r == 0 && i < grant.template_count; i++)
		r = add_template(&grant, &grant.templates[i]);
	if (r == 0)
		r = policy_builder_grants(grant.builder, policy->head->rule_count, ret_image);
	if (r) {
		free(reports.reports);
		return -ENOMEM;
	}
	if (ret_reports)
		*ret_reports = reports;
	return 0;
}

const char *policy_grant_why_word(enum policy_grant_why why)
{
	static const char *const words[POLICY_GRANT_WHY_MAX] = {
		[POLICY_GRANT_OK] = "ok",
		[POLICY_GRANT_ABSENT] = "absent",
		[POLICY_GRANT_TYPE] = "type",
		[POLICY_GRANT_EMPTY] = "empty",
		[POLICY_GRANT_NUL] = "nul",
		[POLICY_GRANT_LONG] = "long",
		[POLICY_GRANT_OUTSIDE] = "outside",
		[POLICY_GRANT_ADDRESS] = "address",
		[POLICY_GRANT_SCHEME] = "scheme",
		[POLICY_GRANT_TOO_MANY] = "too-many",
		[POLICY_GRANT_JSON] = "json",
		[POLICY_GRANT_LINK] = "link",
		[POLICY_GRANT_UNRESOLVED] = "unresolved",
		[POLICY_GRANT_RELATIVE] = "relative",
	};

	return why < POLICY_GRANT_WHY_MAX ? words[why] : "?";
}

const char *policy_grant_why_text(enum policy_grant_why why)
{
	static const char *const texts[POLICY_GRANT_WHY_MAX] = {
		[POLICY_GRANT_OK] = "it grants what it names",
		[POLICY_GRANT_ABSENT] = "the call has no such argument",
		[POLICY_GRANT_TYPE] = "it is neither a string nor an array of strings",
		[POLICY_GRANT_EMPTY] = "it is empty",
		[POLICY_GRANT_NUL] = "it has a NUL byte in it",
		[POLICY_GRANT_LONG] = "it is too long",
		[POLICY_GRANT_OUTSIDE] = "it leads out of what stands before it",
		[POLICY_GRANT_ADDRESS] = "it is no address of one host and one port",
		[POLICY_GRANT_SCHEME] = "no port is known for its scheme",
		[POLICY_GRANT_TOO_MANY] = "there are too many",
		[POLICY_GRANT_JSON] =
			"the arguments are no JSON object, or can be read in two ways",
		[POLICY_GRANT_LINK] = "its links lead in a circle, or cannot be read",
		[POLICY_GRANT_UNRESOLVED] = "the host name has no address",
		[POLICY_GRANT_RELATIVE] = "it is relative, and no working directory is known",
	};

	return why < POLICY_GRANT_WHY_MAX ? texts[why] : "?";
}
