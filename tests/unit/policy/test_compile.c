/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/build.h"
#include "policy/slots.h"

static const char rich[] = "version 1\n"
			   "default audit\n"
			   "ceiling\n"
			   "  write /\n"
			   "  connect *:*\n"
			   "  connect unix:@*\n"
			   "  exec /\n"
			   "base\n"
			   "  read    /usr/lib   # with a comment\n"
			   "tool fs/*\n"
			   "  read ${arg.path}\n"
			   "  deny write \"/a  b\"\n"
			   "  exec /usr/bin/a-name-that-is-longer-than-thirty-two-bytes-by-far\n"
			   "  connect api.test:443\n"
			   "  connect 10.0.0.0/8:1-1000\n"
			   "  connect unix:@an-abstract-name/of/more-than-thirty-two-bytes\n"
			   "  connect unix:${arg.socket}\n"
			   "  listen *:0\n"
			   "  connect ${arg.url}\n"
			   "  allow ptrace\n"
			   "  deny mount\n"
			   "  write ${workspace}/x-${arg.name}.txt\n"
			   "tool *\n"
			   "  mode audit\n"
			   "  write /tmp\n";

static const struct host_there hosts[] = { { "api.test", "203.0.113.7 2001:db8::7" },
					   { NULL, NULL } };
static const struct host_there moved[] = { { "api.test", "203.0.113.8" }, { NULL, NULL } };
static const struct world world = { .hosts = hosts, .workspace = "/work" };

static void the_same_text_gives_the_same_bytes(void **state)
{
	_cleanup_made_ struct made made = { 0 }, again = { 0 };

	make_in(&world, rich, &made);
	make_in(&world, rich, &again);
	assert_int_equal(buf_size(&made.image), buf_size(&again.image));
	assert_memory_equal(buf_bytes(&made.image), buf_bytes(&again.image), buf_size(&made.image));
}

static void the_digest_names_texts_and_variables(void **state)
{
	_cleanup_made_ struct made made = { 0 }, other_host = { 0 }, other_place = { 0 };
	_cleanup_made_ struct made other_text = { 0 };
	const struct world elsewhere = { .hosts = hosts, .workspace = "/other" };
	const struct world later = { .hosts = moved, .workspace = "/work" };
	const struct mf_pol_head *head;

	make_in(&world, rich, &made);
	make_in(&later, rich, &other_host);
	make_in(&elsewhere, rich, &other_place);
	make_in(&world, "version 1\ndefault audit\n", &other_text);
	head = made.policy.head;
	assert_memory_equal(head->source_sha256, other_host.policy.head->source_sha256, 32);
	assert_memory_not_equal(head->source_sha256, other_place.policy.head->source_sha256, 32);
	assert_memory_not_equal(head->source_sha256, other_text.policy.head->source_sha256, 32);
}

static void a_rule_knows_its_place_and_its_words(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy *p = &made.policy;
	bool plain = false, quoted = false;

	make_in(&world, rich, &made);
	for (uint32_t i = 1; i < p->rule_count; i++) {
		const struct mf_pol_rule *rule = policy_rule(p, i);
		size_t size;
		const char *text = policy_text(p, rule->text, &size);

		if (rule->line == 9 && rule->file == 0) {
			plain = true;
			assert_int_equal(rule->block, MF_POL_BASE);
			assert_int_equal(size, strlen("read /usr/lib"));
			assert_memory_equal(text, "read /usr/lib", size);
		}
		if (rule->line == 12) {
			quoted = true;
			assert_int_equal(size, strlen("deny write \"/a  b\""));
			assert_memory_equal(text, "deny write \"/a  b\"", size);
		}
	}
	assert_true(plain && quoted);
	assert_null(policy_rule(p, 0));
	assert_null(policy_rule(p, p->rule_count));
}

static void templates_are_kept_for_the_call(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy *p = &made.policy;
	const struct mf_pol_template *last;

	make_in(&world, rich, &made);
	assert_int_equal(p->template_count, 4);
	assert_int_equal(p->templates[0].kind, MF_POL_TEMPLATE_PATH);
	assert_int_equal(p->templates[0].verbs, MF_POL_BIT(MF_POL_READ));
	assert_int_equal(p->templates[0].before.size, 0);
	assert_int_equal(p->templates[1].kind, MF_POL_TEMPLATE_UNIX);
	assert_int_equal(p->templates[2].kind, MF_POL_TEMPLATE_ADDRESS);
	last = &p->templates[3];
	assert_memory_equal(p->text + last->before.offset, "/work/x-", 8);
	assert_memory_equal(p->text + last->argument.offset, "name", 4);
	assert_memory_equal(p->text + last->after.offset, ".txt", 4);
	assert_int_equal(policy_tool_block(p, "fs/a", 4), last->block);
}

static void long_names_and_abstract_names_are_kept_whole(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	static const char name[] = "/usr/bin/a-name-that-is-longer-than-thirty-two-bytes-by-far";

	make_in(&world, rich, &made);
	assert_string_equal(decided(&made, "fs/a", "exec", name), "allow 13");
	assert_string_equal(
		decided(&made, "fs/a", "exec", "/usr/bin/a-name-that-is-longer-than-thirty"),
		"deny -");
	assert_string_equal(
		decided(&made, "fs/a", "exec",
			"/usr/bin/a-name-that-is-longer-than-thirty-two-bytes-by-far-and-more"),
		"deny -");
	assert_string_equal(decided(&made, "fs/a", "connect",
				    "unix:@an-abstract-name/of/more-than-thirty-two-bytes"),
			    "allow 16");
	assert_string_equal(decided(&made, "fs/a", "connect", "unix:@an-abstract-name/of"),
			    "deny -");
	assert_string_equal(decided(&made, "fs/a", "connect", "unix:@"), "deny -");
}

static void too_many_different_ports_are_an_error_with_its_place(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	_cleanup_buf_ struct buf text = { 0 }, image = { 0 };

	/* each address has rules of its own beside 4,000 for all */
	assert_int_equal(buf_append_str(&text, "version 1\nbase\n"), 0);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(buf_printf(&text, "connect *:%d\n", 2 * i + 1), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf_printf(&text, "connect 10.0.%d.%d:%d\n", i / 250, i % 250,
					    2 * i + 10000),
				 0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	tree = parse((const char *)buf_bytes(&text));
	assert_int_equal(tree->notes.errors, 0);
	assert_int_equal(policy_compile(tree, &image), -E2BIG);
	assert_int_equal(buf_size(&image), 0);
	assert_int_equal(tree->notes.errors, 1);
	assert_non_null(strstr(notes_of(tree), "larger than can be kept"));
}

/* What the builder is told, kept for a scan. */
struct told {
	struct policy_entry entry;
	struct policy_prefix prefix;
	struct policy_ports ports;
};

static bool matches(const struct told *told, const struct policy_address *address, uint16_t port)
{
	if (port < told->ports.first || port > told->ports.last)
		return false;
	if (told->prefix.any)
		return true;
	if (told->prefix.address.family != address->family)
		return false;
	for (unsigned bit = 0; bit < told->prefix.length; bit++) {
		if ((told->prefix.address.addr[bit / 8] ^ address->addr[bit / 8]) & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static struct told random_entry(unsigned *seed, uint32_t rule)
{
	struct told told = { .entry = { .block = next_random(seed) % 2,
					.rule = rule,
					.verbs = MF_POL_BIT(MF_POL_CONNECT),
					.deny = next_random(seed) % 4 == 0 } };
	unsigned bits;

	told.prefix.any = next_random(seed) % 8 == 0;
	told.prefix.address.family = next_random(seed) % 2 ? 4 : 6;
	bits = told.prefix.address.family == 4 ? 32 : 128;
	told.prefix.length = (uint8_t)(next_random(seed) % (bits + 1));
	/* few bits are set, so that prefixes are often in one another */
	for (unsigned bit = 0; bit < told.prefix.length; bit++) {
		if (next_random(seed) % 8 == 0)
			told.prefix.address.addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	if (told.prefix.any)
		told.prefix = (struct policy_prefix){ .any = true };
	told.ports.first = (uint16_t)(next_random(seed) % 40);
	told.ports.last = (uint16_t)(told.ports.first + next_random(seed) % 20);
	if (next_random(seed) % 4 == 0)
		told.ports = (struct policy_ports){ 0, UINT16_MAX };
	return told;
}

/* Not the unspecified address: connecting there means another one. */
static bool is_good(const struct told *told)
{
	static const uint8_t zeros[16];

	return told->prefix.any ||
	       told->prefix.length != (told->prefix.address.family == 4 ? 32 : 128) ||
	       memcmp(told->prefix.address.addr, zeros, 16) != 0;
}

static void addresses_and_ports_are_answered_as_a_scan_would(void **state)
{
	unsigned seed = 7;

	for (int round = 0; round < 60; round++) {
		_cleanup_policy_builder_ struct policy_builder *builder = NULL;
		_cleanup_buf_ struct buf image = { 0 };
		struct told told[40];
		struct policy policy;
		size_t count = 0;

		assert_int_equal(policy_builder_new(1, &builder), 0);
		while (count < ARRAY_LEN(told)) {
			told[count] = random_entry(&seed, (uint32_t)count + 1);
			told[count].entry.block = 0;
			if (!is_good(&told[count]))
				continue;
			assert_int_equal(policy_builder_address(builder, told[count].entry,
								&told[count].prefix,
								told[count].ports),
					 0);
			count++;
		}
		assert_int_equal(policy_builder_grants(builder, 100, &image), 0);
		assert_int_equal(
			policy_validate(buf_bytes(&image), buf_size(&image), &policy, NULL), 0);
		for (int i = 0; i < 300; i++) {
			struct policy_address address = random_entry(&seed, 1).prefix.address;
			uint16_t port = (uint16_t)(next_random(&seed) % 64);
			const struct mf_pol_answer *answer;
			bool allow = false, deny = false;

			if (!address.family)
				address.family = 4;
			answer = policy_address_answer(&policy, 0, address.family, address.addr,
						       port);
			for (size_t k = 0; k < count; k++) {
				if (matches(&told[k], &address, port))
					*(told[k].entry.deny ? &deny : &allow) = true;
			}
			assert_int_equal(!!(answer->allow & MF_POL_BIT(MF_POL_CONNECT)), allow);
			assert_int_equal(!!(answer->deny & MF_POL_BIT(MF_POL_CONNECT)), deny);
			if (allow)
				assert_true(matches(&told[answer->allow_rule[MF_POL_CONNECT] - 1],
						    &address, port));
			if (deny)
				assert_true(matches(&told[answer->deny_rule[MF_POL_CONNECT] - 1],
						    &address, port));
		}
	}
}

static void the_builder_refuses_what_it_cannot_keep(void **state)
{
	_cleanup_policy_builder_ struct policy_builder *builder = NULL, *two = NULL;
	struct policy_entry entry = { .rule = 1, .verbs = 1 };
	const struct policy_prefix wrong = { .address = { .family = 5 } };
	const struct policy_prefix longer = { .address = { .family = 4 }, .length = 33 };
	char name[260] = "/";
	_cleanup_buf_ struct buf image = { 0 };

	assert_int_equal(policy_builder_new(MF_POL_BLOCKS_MAX + 1, &builder), -E2BIG);
	assert_int_equal(policy_builder_new(1, &builder), 0);
	memset(name + 1, 'x', 256);
	assert_int_equal(policy_builder_path(builder, entry, name, 257), -EINVAL);
	assert_int_equal(policy_builder_path(builder, entry, "x", 1), -EINVAL);
	assert_int_equal(policy_builder_path(builder, entry, "", 0), -EINVAL);
	assert_int_equal(policy_builder_abstract(builder, entry, name, 108, false), -EINVAL);
	assert_int_equal(policy_builder_abstract(builder, entry, "", 0, false), -EINVAL);
	assert_int_equal(
		policy_builder_address(builder, entry, &wrong, (struct policy_ports){ 1, 1 }),
		-EINVAL);
	assert_int_equal(
		policy_builder_address(builder, entry, &longer, (struct policy_ports){ 1, 1 }),
		-EINVAL);
	assert_int_equal(
		policy_builder_address(builder, entry, &longer, (struct policy_ports){ 2, 1 }),
		-EINVAL);
	assert_int_equal(policy_builder_escape(builder, entry, MF_POL_ESCAPE_MAX), -EINVAL);
	entry.block = 1;
	assert_int_equal(policy_builder_path(builder, entry, "/x", 2), -EINVAL);
	entry.block = 0;
	entry.rule = 0;
	assert_int_equal(policy_builder_path(builder, entry, "/x", 2), -EINVAL);
	entry.rule = 1;
	entry.verbs = 0x20;
	assert_int_equal(policy_builder_path(builder, entry, "/x", 2), -EINVAL);
	assert_int_equal(policy_builder_new(2, &two), 0);
	assert_int_equal(policy_builder_grants(two, 1, &image), -EINVAL);
}

/*
 * Names whose hash is the same as long as the seed is 0, whatever their second eight bytes are: as
 * who knows the hash would choose them.
 */
static void names_that_were_chosen_to_collide_are_found(void **state)
{
	_cleanup_policy_builder_ struct policy_builder *builder = NULL;
	struct policy_entry entry = { .rule = 1, .verbs = MF_POL_BIT(MF_POL_CONNECT) };
	_cleanup_buf_ struct buf image = { 0 };
	char name[16];
	struct policy policy;

	memcpy(name, &(uint64_t){ SLOTS_K0 }, 8);
	assert_int_equal(policy_builder_new(1, &builder), 0);
	for (uint64_t i = 1; i <= 100; i++) {
		memcpy(name + 8, &i, 8);
		entry.rule = (uint32_t)i;
		assert_int_equal(policy_builder_abstract(builder, entry, name, sizeof(name), false),
				 0);
	}
	assert_int_equal(policy_builder_grants(builder, 200, &image), 0);
	assert_int_equal(policy_validate(buf_bytes(&image), buf_size(&image), &policy, NULL), 0);
	assert_int_not_equal(policy.head->path_seed, 0);
	for (uint64_t i = 1; i <= 100; i++) {
		memcpy(name + 8, &i, 8);
		assert_int_equal(policy_abstract_answer(&policy, 0, name, sizeof(name))
					 ->allow_rule[MF_POL_CONNECT],
				 i);
	}
	memcpy(name + 8, &(uint64_t){ 101 }, 8);
	assert_int_equal(policy_abstract_answer(&policy, 0, name, sizeof(name))->allow, 0);
}

static void write_implies_what_it_means(void **state)
{
	assert_int_equal(policy_verbs_implied(MF_POL_BIT(MF_POL_READ), false),
			 MF_POL_BIT(MF_POL_READ));
	assert_int_equal(policy_verbs_implied(MF_POL_BIT(MF_POL_WRITE), false),
			 MF_POL_BIT(MF_POL_WRITE) | MF_POL_BIT(MF_POL_READ) |
				 MF_POL_BIT(MF_POL_LISTEN));
	assert_int_equal(policy_verbs_implied(MF_POL_BIT(MF_POL_WRITE), true),
			 MF_POL_BIT(MF_POL_WRITE) | MF_POL_BIT(MF_POL_LISTEN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_gives_the_same_bytes),
		cmocka_unit_test(the_digest_names_texts_and_variables),
		cmocka_unit_test(a_rule_knows_its_place_and_its_words),
		cmocka_unit_test(templates_are_kept_for_the_call),
		cmocka_unit_test(long_names_and_abstract_names_are_kept_whole),
		cmocka_unit_test(too_many_different_ports_are_an_error_with_its_place),
		cmocka_unit_test(addresses_and_ports_are_answered_as_a_scan_would),
		cmocka_unit_test(the_builder_refuses_what_it_cannot_keep),
		cmocka_unit_test(names_that_were_chosen_to_collide_are_found),
		cmocka_unit_test(write_implies_what_it_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
