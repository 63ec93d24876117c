/* SPDX-License-Identifier: BSD-2-Clause */
/* Variables in words: ${workspace}, ${home}, ${arg.NAME}. */

#include <errno.h>
#include <string.h>

#include "policy/parse.h"

void policy_expanded_free(struct policy_expanded *expanded)
{
	buf_free(&expanded->before);
	buf_free(&expanded->argument);
	buf_free(&expanded->after);
}

static int refuse_variable(struct policy_parser *parser, const struct policy_lex_word *word,
			   const char *name, size_t size)
{
	static const char *const names[] = { "workspace", "home", "arg.NAME" };
	const char *nearest = policy_nearest(name, size, names, ARRAY_LEN(names));
	char suggestion[32];

	snprintf(suggestion, sizeof(suggestion), "${%s}", nearest ? nearest : "");
	policy_complain(parser, POLICY_E_VARIABLE, word, NULL, nearest ? suggestion : NULL,
			"expected ${workspace}, ${home} or ${arg.NAME}, found '${%s}'",
			policy_parser_shown(parser, name, size));
	return -EINVAL;
}

/* NAME of ${arg.NAME}: members parted by dots, none empty. */
static bool argument_is_good(const char *name, size_t size)
{
	if (!size || name[0] == '.' || name[size - 1] == '.')
		return false;
	return !memmem(name, size, "..", 2) && !memchr(name, '\0', size);
}

static int take_argument(struct policy_parser *parser, const struct policy_lex_word *word,
			 struct policy_expanded *expanded, const char *name, size_t size)
{
	if (expanded->has_argument) {
		policy_complain(parser, POLICY_E_VARIABLE, word, NULL, NULL,
				"expected one ${arg.NAME} in an object, found two");
		return -EINVAL;
	}
	if (!argument_is_good(name, size)) {
		policy_complain(parser, POLICY_E_VARIABLE, word, NULL, NULL,
				"expected the name of an argument in '${arg.%s}'",
				policy_parser_shown(parser, name, size));
		return -EINVAL;
	}
	expanded->has_argument = true;
	return buf_append(&expanded->argument, name, size);
}

static int take_variable(struct policy_parser *parser, const struct policy_lex_word *word,
			 struct policy_expanded *expanded, const char *name, size_t size)
{
	struct buf *out = expanded->has_argument ? &expanded->after : &expanded->before;
	const char *value;

	if (size >= 4 && memcmp(name, "arg.", 4) == 0)
		return take_argument(parser, word, expanded, name + 4, size - 4);
	if (size == 9 && memcmp(name, "workspace", 9) == 0)
		value = parser->tree->workspace;
	else if (size == 4 && memcmp(name, "home", 4) == 0)
		value = parser->tree->home;
	else
		return refuse_variable(parser, word, name, size);
	if (!value || *value != '/') {
		policy_complain(parser, POLICY_E_VARIABLE, word, NULL, NULL,
				"${%.*s} is %s, so this line would mean something else", (int)size,
				name, !value || !*value ? "not set" : "no absolute path");
		return -EINVAL;
	}
	return buf_append_str(out, value);
}

/* The } that closes the variable at `at`, or NULL. */
static const char *variable_end(const struct policy_lex_word *word, size_t at)
{
	if (word->bytes[at] != '$' || word->literal[at] || at + 1 >= word->size ||
	    word->bytes[at + 1] != '{')
		return NULL;
	return memchr(word->bytes + at, '}', word->size - at);
}

int policy_expand(struct policy_parser *parser, const struct policy_lex_word *word,
		  struct policy_expanded *ret_expanded)
{
	struct policy_expanded *expanded = ret_expanded;
	int r = 0;

	expanded->star = SIZE_MAX;
	for (size_t i = 0; r == 0 && i < word->size;) {
		struct buf *out = expanded->has_argument ? &expanded->after : &expanded->before;
		const char *end = variable_end(word, i);

		if (end) {
			const char *name = word->bytes + i + 2;

			r = take_variable(parser, word, expanded, name, (size_t)(end - name));
			i = (size_t)(end - word->bytes) + 1;
			continue;
		}
		if (word->bytes[i] == '*' && !word->literal[i]) {
			if (!expanded->has_argument && expanded->star == SIZE_MAX)
				expanded->star = buf_size(out);
			expanded->stars++;
		}
		r = buf_append(out, word->bytes + i++, 1);
	}
	if (r == -ENOMEM)
		parser->failed = r;
	return r;
}
