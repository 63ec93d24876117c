/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <string.h>

/* The notes of a text in a world are exactly these. */
static void said_in(const struct world *world, const char *text, const char *expected)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse_in(world, text);

	assert_string_equal(notes_of(tree), expected);
}

static void said(const char *text, const char *expected)
{
	said_in(&(struct world){ .home = "/home/ada" }, text, expected);
}

static void a_line_that_another_one_covers_is_told(void **state)
{
	said("version 1\nbase\nread /a\nread /a/b\n",
	     "p:4:1: warning: another line allows this already (p:3)\n");
	said("version 1\nbase\nread /a/b\nwrite /a\n",
	     "p:3:1: warning: another line allows this already (p:4)\n");
	said("version 1\nbase\nread /a\nread /a/../a/\n",
	     "p:4:1: warning: another line allows this already (p:3)\n");
	said("version 1\nbase\nread /a\nwrite /a\n",
	     "p:3:1: warning: another line allows this already (p:4)\n");
	said("version 1\nbase\nread /\ndeny /a\ndeny read /a/b\n",
	     "p:5:1: warning: another line denies this already (p:4)\n");
	said("version 1\nbase\nread /a\ntool t\nread /a/b\n",
	     "p:5:1: warning: another line allows this already (p:3)\n");
	said("version 1\nbase\nread /a\nwrite /a-b\nread /a.c\nexec /a/b\n", "");
	said("version 1\nbase\nread /a\nexec /a\nwrite /a/b\n", "");
}

static void addresses_and_words_that_are_covered_are_told(void **state)
{
	said("version 1\nbase\nconnect 10.0.0.0/8:1-100\nconnect 10.1.0.0/16:5\n",
	     "p:4:1: warning: another line allows this already (p:3)\n");
	said("version 1\nbase\nconnect 10.1.0.0/20:5\nconnect *:*\n",
	     "p:3:1: warning: another line allows this already (p:4)\n");
	said("version 1\nbase\nconnect [2001:db8::1]:5\nconnect [2001:db8::1]:5\n",
	     "p:4:1: warning: another line allows this already (p:3)\n");
	said("version 1\nbase\nconnect 10.0.0.0/12:1-100\nconnect 10.16.0.0/16:5\n"
	     "connect 10.0.0.0/8:200\nlisten 10.0.0.0/8:200\nconnect [::/0]:7\nconnect h:1\n",
	     "");
	said("version 1\nbase\nread /\ndeny listen 10.0.0.0/8:*\ndeny listen 10.0.0.0/9:5\n"
	     "deny ptrace\ndeny ptrace\nconnect 10.0.0.0/7:5\n",
	     "p:5:1: warning: another line denies this already (p:4)\n"
	     "p:7:1: warning: another line denies this already (p:6)\n");
	said("version 1\nbase\nallow ptrace\nallow ptrace\nallow bpf\n",
	     "p:4:1: warning: another line allows this already (p:3)\n");
}

static void a_line_that_a_deny_takes_back_is_told(void **state)
{
	said("version 1\nbase\nread /\ndeny read /a\ntool t\nread /a/b\n",
	     "p:6:1: warning: this never allows anything: a deny holds for all of it (p:4)\n");
	said("version 1\nbase\nread /a\ndeny /a\n",
	     "p:3:1: warning: this never allows anything: a deny holds for all of it (p:4)\n");
	said("version 1\nbase\nread /a\ndeny /a/b\n", "");
	said("version 1\nbase\nconnect 10.0.0.1:5\ndeny connect 10.0.0.0/8:*\n",
	     "p:3:1: warning: this never allows anything: a deny holds for all of it (p:4)\n");
	said("version 1\nbase\nallow bpf\ndeny bpf\n",
	     "p:3:1: warning: this never allows anything: a deny holds for all of it (p:4)\n");
}

static void what_the_ceiling_takes_back_is_told(void **state)
{
	said("version 1\nceiling\nread /a\nread /c/d\ndeny /a/x\nbase\nread /a/b\nread /b\nread "
	     "/c\n"
	     "read /a/x/y\nread /\n",
	     "p:7:1: warning: another line allows this already (p:11)\n"
	     "p:8:1: warning: another line allows this already (p:11)\n"
	     "p:8:1: warning: the ceiling does not allow this (p:2)\n"
	     "p:9:1: warning: another line allows this already (p:11)\n"
	     "p:10:1: warning: another line allows this already (p:11)\n"
	     "p:10:1: warning: the ceiling does not allow this (p:2)\n");
	said("version 1\ndefault audit\nceiling\ndeny /a\n",
	     "p:3:1: warning: the ceiling allows nothing: read / and connect *:* allow all of a "
	     "kind\n");
}

static void an_interpreter_wants_a_word(void **state)
{
	said("version 1\nbase\nexec /usr/bin/python3.11\n",
	     "p:3:1: warning: python3.11 runs any text that it is given; if that is meant: exec "
	     "/usr/bin/python3.11 interpreter\n");
	said("version 1\nbase\nexec /usr/bin\n",
	     "p:3:1: warning: there are shells and interpreters in /usr/bin; if they are meant, "
	     "too: exec "
	     "/usr/bin interpreter\n");
	said("version 1\nbase\nexec /usr/bin/python3 interpreter\nexec /usr/bin/git\n"
	     "exec /opt/tool/bin\n",
	     "");
	said("version 1\ndefault audit\ntool t\nexec ${arg.program}\n",
	     "p:4:1: warning: the caller of the tool chooses what is executed\n");
	said("version 1\nbase\nread /\ndeny exec /bin/sh\n", "");
}

static void blocks_that_do_nothing_are_told(void **state)
{
	said("version 1\nbase\n",
	     "p:2:1: warning: base allows nothing: the server cannot even start\n");
	said("version 1\ntool t\nread /x\n", "p: warning: there is no base block, so while no call "
					     "is in flight everything is denied, and "
					     "the server cannot start\n");
	said("version 1\ndefault deny\ntool t\nread /x\n",
	     "p: warning: there is no base block, so while no call is in flight everything is "
	     "denied, and "
	     "the server cannot start (p:2)\n");
	said("version 1\ndefault audit\ntool t\nread /x\n", "");
	said("version 1\nbase\nread /x\nblock a\nread /y\n",
	     "p:4:1: warning: nothing in this file includes block a\n");
	said("version 1\nblock a\nread /y\n", "");
}

static const struct there there[] = {
	{ "/etc", "dir" },
	{ "/etc/resolv.conf", "-> ../run/resolv.conf" },
	{ "/etc/localtime", "-> /usr/share/zoneinfo/UTC" },
	{ "/etc/mtab", "-> /proc/self/mounts" },
	{ "/etc/inner", "-> passwd" },
	{ "/etc/passwd", "file" },
	{ "/etc/a", "-> /x/a" },
	{ "/etc/b", "-> /x/b" },
	{ "/run", "dir" },
	{ "/run/resolv.conf", "file" },
	{ "/usr", "dir" },
	{ "/usr/bin", "dir" },
	{ "/usr/bin/python3", "-> python3.11" },
	{ "/usr/bin/python3.11", "file" },
	{ "/usr/bin/awk", "-> /etc/alternatives/awk" },
	{ "/etc/alternatives", "dir" },
	{ "/etc/alternatives/awk", "-> /usr/bin/mawk" },
	{ "/usr/bin/mawk", "file" },
	{ "/usr/share", "dir" },
	{ "/usr/share/zoneinfo", "dir" },
	{ "/usr/share/zoneinfo/UTC", "file" },
	{ "/bin", "-> usr/bin" },
	{ "/usr/bin/sh", "-> dash" },
	{ "/usr/bin/dash", "file" },
	{ "/home", "dir" },
	{ "/home/ada", "dir" },
	{ "/home/ada/.zshrc", "-> src/dotfiles/.zshrc" },
	{ "/home/ada/src", "dir" },
	{ "/home/ada/src/dotfiles", "dir" },
	{ "/home/ada/src/dotfiles/.zshrc", "file" },
	{ "/out", "dir" },
	{ "/round", "-> round" },
	{ NULL, NULL },
};

static const struct world machine = { .there = there, .home = "/home/ada" };

static void F54_a_named_link_grants_what_it_leads_to(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&machine, "version 1\nbase\nread /etc/resolv.conf\n", &made);
	assert_string_equal(
		notes_of(made.tree),
		"p:3:6: warning: /etc/resolv.conf leads to /run/resolv.conf: that is what "
		"the line means\n");
	assert_string_equal(decided(&made, "", "read", "/run/resolv.conf"), "allow 3");
	assert_string_equal(decided(&made, "", "read", "/etc/resolv.conf"), "allow 3");
	assert_string_equal(decided(&made, "", "read", "/run/other"), "deny -");
}

static void F54_a_directory_does_not_follow_links_out_and_check_lists_them(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&machine,
		"version 1\nbase\nread /etc\nread /usr/share/zoneinfo\ntool t\nread /run/x\n",
		&made);
	assert_string_equal(
		notes_of(made.tree),
		"p:3:6: warning: 3 links lead out of /etc to what no line here allows: "
		"resolv.conf to /run/resolv.conf, a to /x/a, b to /x/b; a line that names "
		"a link allows what it leads to\n"
		"p:6:6: warning: /run/x does not exist\n");
	assert_string_equal(decided(&made, "", "read", "/run/resolv.conf"), "deny -");
}

static void F55_a_chain_of_links_means_the_program_at_its_end(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&machine,
		"version 1\nbase\nexec /bin/sh interpreter\nexec /usr/bin/python3 interpreter\n"
		"exec /usr/bin/awk interpreter\n",
		&made);
	assert_string_equal(decided(&made, "", "exec", "/usr/bin/dash"), "allow 3");
	assert_string_equal(decided(&made, "", "exec", "/usr/bin/python3.11"), "allow 4");
	assert_string_equal(decided(&made, "", "exec", "/usr/bin/mawk"), "allow 5");
	assert_string_equal(decided(&made, "", "exec", "/usr/bin/git"), "deny -");
	assert_int_equal(made.tree->blocks[0].lines[2].chain_count, 1);
	assert_string_equal(made.tree->blocks[0].lines[2].chain[0].bytes, "/etc/alternatives/awk");
}

static void F55_a_link_to_an_interpreter_wants_the_word(void **state)
{
	said_in(&machine, "version 1\nbase\nexec /bin/sh\n",
		"p:3:1: warning: dash runs any text that it is given; if that is meant: exec "
		"/bin/sh "
		"interpreter\n"
		"p:3:6: warning: /bin/sh leads to /usr/bin/dash: that is what the line means\n");
}

static void F56_a_deny_on_a_link_into_an_allowed_tree_holds_for_both_names(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&machine, "version 1\nbase\nread ${home}/src\ndeny read ${home}/.zshrc\n", &made);
	assert_string_equal(decided(&made, "", "read", "/home/ada/.zshrc"), "deny 4");
	assert_string_equal(decided(&made, "", "read", "/home/ada/src/dotfiles/.zshrc"), "deny 4");
	assert_string_equal(decided(&made, "", "read", "/home/ada/src/dotfiles/x"), "allow 3");
}

static void a_deny_holds_for_every_name_on_the_way(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&machine, "version 1\nbase\nwrite /etc\nread /usr\ndeny /usr/bin/awk\n", &made);
	assert_string_equal(decided(&made, "", "write", "/etc/alternatives/awk"), "deny 5");
	assert_string_equal(decided(&made, "", "read", "/usr/bin/mawk"), "deny 5");
	assert_string_equal(decided(&made, "", "read", "/usr/bin/awk"), "deny 5");
}

static void a_missing_path_is_told_where_it_matters(void **state)
{
	said_in(&machine, "version 1\nbase\nread /nowhere\n",
		"p:3:6: warning: /nowhere does not exist\n");
	said_in(&machine, "version 1\nbase\nread /usr\nwrite /out/new\nlisten unix:/out/sock\n",
		"");
	said_in(&machine, "version 1\nbase\nwrite /no/such\n",
		"p:3:7: warning: /no/such does not exist\n");
	said_in(&machine, "version 1\nbase\nread /usr\ndeny /nowhere\nwrite /new\n", "");
	said_in(&machine, "version 1\nbase\nread /usr\nread /round\n",
		"p:4:6: error: the links of this path lead in a circle: '/round'\n");
}

static const struct host_there hosts[] = {
	{ "api.test", "127.0.0.2 203.0.113.7 127.0.0.2 ::ffff:203.0.113.7" },
	{ "pub.test", "203.0.113.9" },
	{ "six.test", "fd00::1" },
	{ NULL, NULL },
};

static void host_names_at_private_addresses_and_without_are_told(void **state)
{
	const struct world net = { .hosts = hosts };

	said_in(&net,
		"version 1\nbase\nconnect api.test:1\nconnect pub.test:2\nconnect six.test:3\n"
		"connect none.test:4\nconnect localhost:5\n",
		"p:3:9: warning: api.test is at a private address now: 127.0.0.2\n"
		"p:5:9: warning: six.test is at a private address now: [fd00::1]\n"
		"p:6:9: warning: none.test has no address now, so this line permits nothing\n");
}

static void a_name_allows_its_addresses_on_its_ports_only(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct world net = { .hosts = hosts };

	make_in(&net, "version 1\nbase\nconnect api.test:9000\nconnect localhost:7\n", &made);
	assert_string_equal(decided(&made, "", "connect", "203.0.113.7:9000"), "allow 3");
	assert_string_equal(decided(&made, "", "connect", "203.0.113.7:9001"), "deny -");
	assert_string_equal(decided(&made, "", "connect", "203.0.113.8:9000"), "deny -");
	assert_string_equal(decided(&made, "", "connect", "[::1]:7"), "allow 4");
	assert_string_equal(decided(&made, "", "connect", "127.0.0.1:7"), "allow 4");
	/* the tables keep the name beside its addresses, each once */
	assert_int_equal(made.policy.host_count, 2);
	assert_int_equal(made.policy.hosts[0].count, 2);
	assert_memory_equal(made.policy.text + made.policy.hosts[0].name.offset, "api.test", 8);
}

static int too_many(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	for (size_t i = 0; i < max; i++)
		ret_addresses[i] = (struct policy_address){ 4, { 203, 0, 113, (uint8_t)i } };
	return (int)max + 3;
}

static void a_name_with_too_many_addresses_is_told(void **state)
{
	const struct policy_world world = { .resolve = too_many };
	static const char text[] = "version 1\nbase\nconnect many.test:1\n";
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	struct policy_sources sources = { 0 };

	assert_int_equal(policy_sources_add(&sources, "p", text, sizeof(text) - 1), 0);
	assert_int_equal(policy_parse(&sources, &world, &tree), 0);
	assert_string_equal(notes_of(tree),
			    "p:3:9: warning: many.test has 67 addresses; 64 of them count\n");
	assert_int_equal(tree->blocks[0].lines[0].address_count, 64);
}

static int broken(void *data, const char *path, struct buf *ret_target)
{
	(void)data;
	(void)ret_target;
	return strcmp(path, "/disk") == 0 ? -EIO : POLICY_PATH_DIRECTORY;
}

static int far(void *data, const char *path, struct buf *ret_target)
{
	char name[300];

	(void)data;
	memset(name, 'n', 280);
	name[280] = '\0';
	if (strcmp(path, "/far") == 0)
		return buf_append_str(ret_target, name) ? -ENOMEM : POLICY_PATH_LINK;
	return POLICY_PATH_DIRECTORY;
}

static struct policy_tree *parse_with(const struct policy_world *asked, const char *text)
{
	struct policy_sources sources = { 0 };
	struct policy_tree *tree = NULL;

	assert_int_equal(policy_sources_add(&sources, "p", text, strlen(text)), 0);
	assert_int_equal(policy_parse(&sources, asked, &tree), 0);
	return tree;
}

static void a_path_that_cannot_be_looked_at_means_what_it_says(void **state)
{
	const struct policy_world io = { .look = broken }, name = { .look = far };
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse_with(&io, "version 1\nbase\nread /disk/x\n");
	_cleanup_policy_tree_ struct policy_tree *too_far =
		parse_with(&name, "version 1\nbase\nread /far\n");

	assert_string_equal(notes_of(tree), "");
	assert_string_equal(tree->blocks[0].lines[0].resolved.bytes, "/disk/x");
	assert_string_equal(tree->blocks[0].lines[0].named.bytes, "/disk/x");
	assert_string_equal(notes_of(too_far),
			    "p:3:6: error: the links of this path lead to one that is "
			    "too long: '/far'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_another_one_covers_is_told),
		cmocka_unit_test(addresses_and_words_that_are_covered_are_told),
		cmocka_unit_test(a_line_that_a_deny_takes_back_is_told),
		cmocka_unit_test(what_the_ceiling_takes_back_is_told),
		cmocka_unit_test(an_interpreter_wants_a_word),
		cmocka_unit_test(blocks_that_do_nothing_are_told),
		cmocka_unit_test(F54_a_named_link_grants_what_it_leads_to),
		cmocka_unit_test(F54_a_directory_does_not_follow_links_out_and_check_lists_them),
		cmocka_unit_test(F55_a_chain_of_links_means_the_program_at_its_end),
		cmocka_unit_test(F55_a_link_to_an_interpreter_wants_the_word),
		cmocka_unit_test(F56_a_deny_on_a_link_into_an_allowed_tree_holds_for_both_names),
		cmocka_unit_test(a_deny_holds_for_every_name_on_the_way),
		cmocka_unit_test(a_missing_path_is_told_where_it_matters),
		cmocka_unit_test(host_names_at_private_addresses_and_without_are_told),
		cmocka_unit_test(a_name_allows_its_addresses_on_its_ports_only),
		cmocka_unit_test(a_name_with_too_many_addresses_is_told),
		cmocka_unit_test(a_path_that_cannot_be_looked_at_means_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
