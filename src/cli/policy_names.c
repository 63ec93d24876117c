/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/policy_names.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/print_json.h"

#define NAMES_MAX 8 /* lines of one answer; that there are more is told */

struct naming {
	const struct question *question;
	const struct mf_pol_rule *rule; /* NULL: every line that could be about it */
	const struct policy_line *lines[NAMES_MAX];
	size_t count; /* those that are not kept included */
};

static bool is_of_rule(const struct naming *naming, const struct policy_line *line)
{
	const struct policy *policy = &naming->question->policy;
	const char *told = naming->question->tree->sources.files[line->where.file].name, *file;
	size_t size;

	file = policy_text(policy, policy->files[naming->rule->file], &size);
	return line->where.line == naming->rule->line && strlen(told) == size &&
	       memcmp(told, file, size) == 0;
}

static bool is_about(const struct naming *naming, const struct policy_line *line)
{
	const struct question *question = naming->question;
	uint16_t port = question->access.port;

	/* localhost is not looked up */
	if (line->kind != POLICY_OBJECT_HOST || !strcmp(line->name.bytes, "localhost") ||
	    !(line->verbs & question->access.verbs) || port < line->ports.first ||
	    port > line->ports.last)
		return false;
	if (naming->rule)
		return is_of_rule(naming, line);
	/* who asks by a name asks about that one */
	return !buf_size(&question->host) ||
	       strcmp((const char *)buf_bytes(&question->host), line->name.bytes) == 0;
}

static int take_line(void *data, const struct policy_line *line)
{
	struct naming *naming = data;

	if (!is_about(naming, line))
		return 0;
	for (size_t i = 0; i < naming->count && i < NAMES_MAX; i++) {
		if (naming->lines[i] == line)
			return 0;
	}
	if (naming->count < NAMES_MAX)
		naming->lines[naming->count] = line;
	naming->count++;
	return 0;
}

static int find_names(struct naming *naming)
{
	const struct question *question = naming->question;
	const struct policy_tree *tree = question->tree;
	int r = 0;

	if (question->access.kind != POLICY_ACCESS_ADDRESS)
		return 0;
	for (size_t i = 0; r == 0 && i < question->state.request_count; i++) {
		const char *tool = question->calls[i].tool;
		const struct policy_block *block = policy_block_of_tool(tree, tool, strlen(tool));

		r = block ? policy_block_each(tree, block, take_line, naming) : 0;
	}
	for (size_t i = 0; r == 0 && i < tree->block_count; i++) {
		if (tree->blocks[i].kind == POLICY_BLOCK_BASE ||
		    tree->blocks[i].kind == POLICY_BLOCK_CEILING)
			r = policy_block_each(tree, &tree->blocks[i], take_line, naming);
	}
	return r;
}

/* Those that it was given in place of addresses that it has not (struct policy_load) are none. */
static size_t addresses_of(const struct policy_line *line)
{
	static const uint8_t stand_in[8] = { 1 };
	bool stands_in = line->address_count == 1 && line->addresses[0].family == 6 &&
			 memcmp(line->addresses[0].addr, stand_in, sizeof(stand_in)) == 0;

	return stands_in ? 0 : line->address_count;
}

static int print_name(struct buf *out, const struct question *question,
		      const struct policy_line *line)
{
	const char *file = question->tree->sources.files[line->where.file].name;
	size_t count = addresses_of(line);
	int r = escape_text(out, file, strlen(file));

	if (r == 0)
		r = buf_printf(out, ":%u: %s ", line->where.line, line->name.bytes);
	if (r == 0 && !count && question->args->no_resolve)
		return buf_append_str(out, "was not looked up\n");
	if (r == 0 && !count)
		return buf_printf(out, "has no address now, so this line %s nothing\n",
				  line->deny ? "denies" : "permits");
	if (r == 0)
		r = buf_append_str(out, "now has");
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = buf_append_str(out, " ");
		if (r == 0)
			r = policy_address_print(out, &line->addresses[i]);
	}
	return r ? r : buf_append_str(out, "\n");
}

int policy_names_print(struct buf *out, const struct question *question, uint32_t rule)
{
	struct naming naming = { .question = question,
				 .rule = policy_rule(&question->policy, rule) };
	int r = find_names(&naming);

	for (size_t i = 0; r == 0 && i < naming.count && i < NAMES_MAX; i++)
		r = print_name(out, question, naming.lines[i]);
	if (r == 0 && naming.count > NAMES_MAX)
		r = buf_printf(out, "and %zu lines with other names\n", naming.count - NAMES_MAX);
	return r;
}

int policy_addresses_json(yajl_gen gen, const struct policy_address *addresses, size_t count)
{
	print_json_text(gen, "addresses");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf text = { 0 };

		if (policy_address_print(&text, &addresses[i]) || buf_append(&text, "", 1))
			return -ENOMEM;
		print_json_text(gen, (const char *)buf_bytes(&text));
	}
	yajl_gen_array_close(gen);
	return 0;
}

int policy_names_json(yajl_gen gen, const struct question *question, uint32_t rule)
{
	struct naming naming = { .question = question,
				 .rule = policy_rule(&question->policy, rule) };
	int r = find_names(&naming);

	if (r || !naming.count)
		return r;
	print_json_text(gen, "names");
	yajl_gen_array_open(gen);
	for (size_t i = 0; r == 0 && i < naming.count && i < NAMES_MAX; i++) {
		const struct policy_line *line = naming.lines[i];

		yajl_gen_map_open(gen);
		print_json_field(gen, "name", line->name.bytes);
		print_json_field(gen, "file", question->tree->sources.files[line->where.file].name);
		print_json_count(gen, "line", line->where.line);
		r = policy_addresses_json(gen, line->addresses, addresses_of(line));
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
	return r;
}
