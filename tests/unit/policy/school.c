/* SPDX-License-Identifier: BSD-2-Clause */
#include "school.h"

#include <string.h>

static const struct include_there includes[] = {
	{ "runtime/base", "version 1\nblock runtime/base\n  read /usr/lib\n  exec /usr/lib\n"
			  "  read /etc/hosts\n" },
	{ "secrets", "version 1\nblock secrets\n  deny /home/ada/.ssh\n  deny connect "
		     "192.0.2.1:*\n  deny connect unix:@agent\n" },
	{ NULL, NULL },
};

const struct world school_world = { .includes = includes, .home = "/home/ada" };

void school_open(struct school *school)
{
	struct policy_learn_options options = { .place = { .home = "/home/ada" } };

	*school = (struct school){ 0 };
	make_in(&school_world, "version 1\nbase\n  include runtime/base\n", &school->base);
	make_in(&school_world, "version 1\nbase\n  include secrets\n", &school->secrets);
	school->include = (struct policy_learn_include){ "runtime/base", &school->base.policy };
	options.includes = &school->include;
	options.include_count = 1;
	options.secrets = &school->secrets.policy;
	assert_int_equal(policy_learner_new(&options, &school->learner), 0);
}

void school_close(struct school *school)
{
	policy_learner_free(school->learner);
	made_free(&school->base);
	made_free(&school->secrets);
}

void call(struct school *school, const char *tool, const char *arguments)
{
	assert_int_equal(policy_learn_call(school->learner, tool, tool ? strlen(tool) : 0,
					   arguments, arguments ? strlen(arguments) : 0, "/srv"),
			 0);
}

void touch_as(struct school *school, uint8_t verbs, const char *path, bool directory, bool passing,
	      bool to_base)
{
	const struct policy_learn_access access = {
		.access = { .kind = POLICY_ACCESS_PATH,
			    .verbs = verbs,
			    .name = path,
			    .name_size = strlen(path) },
		.directory = directory,
		.passing = passing,
	};

	assert_int_equal(policy_learn_access(school->learner, &access, to_base), 0);
}

void touch(struct school *school, enum mf_pol_verb verb, const char *path)
{
	touch_as(school, (uint8_t)MF_POL_BIT(verb), path, false, false, false);
}

void reach(struct school *school, const uint8_t addr[4], uint16_t port)
{
	struct policy_learn_access access = { .access = { .kind = POLICY_ACCESS_ADDRESS,
							  .verbs = MF_POL_BIT(MF_POL_CONNECT),
							  .family = 4,
							  .port = port } };

	memcpy(access.access.addr, addr, 4);
	assert_int_equal(policy_learn_access(school->learner, &access, false), 0);
}

void print(struct school *school, struct buf *ret_text)
{
	assert_int_equal(policy_learn_print(school->learner, ret_text), 0);
	assert_int_equal(buf_append(ret_text, "", 1), 0);
}

const char *text_of(const struct buf *text)
{
	return (const char *)buf_bytes(text);
}

/* What is learned, without the head: from the first block on. */
void learned_is(struct school *school, const char *expected)
{
	_cleanup_buf_ struct buf text = { 0 };
	const char *blocks;

	print(school, &text);
	blocks = strstr(text_of(&text), "\nbase\n");
	assert_non_null(blocks);
	assert_string_equal(blocks + 1, expected);
}
