/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <stdlib.h>
#include <string.h>

#include "policy/diff.h"

static int print_change(void *data, const struct policy_change *change)
{
	return buf_printf(data, "%s: %s %s%s\n",
			  !change->tool	  ? "other tools"
			  : *change->tool ? change->tool
					  : "base",
			  policy_change_word(change->kind, change->before),
			  change->in_part ? "part of " : "", change->access);
}

static void differ(const char *before, const char *after, struct buf *ret_text)
{
	_cleanup_made_ struct made old = { 0 }, new = { 0 };
	struct policy_side sides[2];

	make(before, &old);
	make(after, &new);
	sides[0] = (struct policy_side){ old.tree, &old.policy };
	sides[1] = (struct policy_side){ new.tree, &new.policy };
	assert_int_equal(policy_diff(&sides[0], &sides[1], print_change, ret_text), 0);
	assert_int_equal(buf_append(ret_text, "", 1), 0);
}

static void difference_is(const char *before, const char *after, const char *expected)
{
	_cleanup_buf_ struct buf text = { 0 };

	differ(before, after, &text);
	assert_string_equal((const char *)buf_bytes(&text), expected);
}

#define HEAD "version 1\nbase\n  read /usr\n"

static void the_same_text_has_no_difference(void **state)
{
	difference_is(HEAD "tool t\n  write /srv\n", HEAD "tool t\n  write /srv\n  read /srv/x\n",
		      "");
	difference_is(HEAD "tool t\n  read /srv\n  read /srv/a\n", HEAD "tool t\n  read /srv\n",
		      "");
}

static void what_a_line_adds_or_takes_is_told_once(void **state)
{
	difference_is(HEAD "tool t\n  read /a\n", HEAD "tool t\n  write /a\n  exec /b\n",
		      "t: becomes allowed write /a\nt: becomes allowed exec /b\n");
	difference_is(HEAD "tool t\n  read /a\n  read /a/b\n", HEAD "tool t\n  read /c\n",
		      "t: becomes denied read /a\nt: becomes allowed read /c\n");
	difference_is(HEAD "tool t\n  read /a\n", HEAD "tool t\n  read /a\n  deny /a/b\n",
		      "t: becomes denied read /a/b\n");
}

static void what_base_does_is_not_told_again_for_each_tool(void **state)
{
	difference_is(HEAD "tool t\n  read /a\n", HEAD "  read /b\ntool t\n  read /a\n",
		      "base: becomes allowed read /b\n");
}

static void a_tool_that_comes_or_goes_is_told_by_what_it_may(void **state)
{
	difference_is(HEAD, HEAD "tool fs/*\n  read /a\n", "fs/*: becomes allowed read /a\n");
	difference_is(HEAD "tool *\n  read /a\n", HEAD, "*: becomes denied read /a\n");
}

static void a_mode_is_one_difference(void **state)
{
	difference_is(HEAD "tool t\n  read /a\n", HEAD "tool t\n  mode audit\n  read /a\n",
		      "t: is only told now, was refused whatever no line allows\n");
	difference_is("version 1\ndefault observe\nbase\n  read /usr\n", HEAD,
		      "other tools: becomes denied whatever no line allows\n");
}

static void addresses_differ_by_prefix_and_port(void **state)
{
	difference_is(HEAD "tool t\n  connect 10.0.0.0/8:443\n",
		      HEAD "tool t\n  connect 10.0.0.0/8:440-443\n",
		      "t: becomes allowed part of connect 10.0.0.0/8:440-443\n");
	difference_is(HEAD "tool t\n  connect [2001:db8::/32]:*\n",
		      HEAD "tool t\n  connect [2001:db8::/32]:*\n  deny connect [2001:db8::7]:80\n",
		      "t: becomes denied part of connect [2001:db8::/32]:*\n"
		      "t: becomes denied connect [2001:db8::7]:80\n");
	difference_is(HEAD "tool t\n  listen 127.0.0.1:8000\n", HEAD "tool t\n  listen *:8000\n",
		      "t: becomes allowed part of listen *:8000\n");
}

static void sockets_escapes_and_arguments_differ_too(void **state)
{
	difference_is(HEAD "tool t\n  connect unix:@a\n", HEAD "tool t\n  connect unix:@b\n",
		      "t: becomes denied connect unix:@a\nt: becomes allowed connect unix:@b\n");
	difference_is(HEAD "tool t\n  allow ptrace\n", HEAD "tool t\n  read /usr\n",
		      "t: becomes denied ptrace\n");
	difference_is(HEAD "tool t\n  read ${arg.a}\n", HEAD "tool t\n  read    ${arg.b}\n",
		      "t: becomes allowed read ${arg.b}\nt: becomes denied read ${arg.a}\n");
}

static unsigned random_of(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

static void random_object(unsigned *seed, bool address, char *ret_text)
{
	static const char *const hosts[] = { "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3",
					     "*",	   "[::1]",	  "[2001:db8::/32]" };
	static const char *const ports[] = { "80", "80-90", "85", "*" };
	static const char *const names[] = { "a", "b", "c" };
	unsigned depth = 1 + random_of(seed, 3);

	if (address) {
		sprintf(ret_text, "%s:%s", hosts[random_of(seed, ARRAY_LEN(hosts))],
			ports[random_of(seed, ARRAY_LEN(ports))]);
		return;
	}
	for (*ret_text = '\0'; depth--;)
		ret_text += sprintf(ret_text, "/%s", names[random_of(seed, ARRAY_LEN(names))]);
}

static void random_policy(unsigned *seed, struct buf *ret_text)
{
	static const char *const verbs[] = { "read", "write", "exec", "connect", "listen" };

	assert_int_equal(buf_append_str(ret_text, "version 1\n"), 0);
	for (unsigned block = 0; block < 3; block++) {
		unsigned lines = 1 + random_of(seed, 4);

		assert_int_equal(buf_append_str(ret_text, (const char *[]){ "base\n", "tool t\n",
									    "tool u/*\n" }[block]),
				 0);
		while (lines--) {
			unsigned verb = random_of(seed, 5);
			char object[64];

			random_object(seed, verb > 2, object);
			assert_int_equal(buf_printf(ret_text, "  %s%s %s\n",
						    random_of(seed, 4) ? "" : "deny ", verbs[verb],
						    object),
					 0);
		}
	}
	assert_int_equal(buf_append(ret_text, "", 1), 0);
}

/* Whether the text has a line about that tool, or about base, which holds for it. */
static bool tells_of(const char *text, const char *tool)
{
	return strstr(text, tool) || strstr(text, "base:");
}

static void nothing_that_differs_is_missed(void **state)
{
	static const char *const addresses[] = { "10.1.2.3:80",	 "10.1.2.4:85", "10.2.0.1:90",
						 "192.0.2.1:80", "[::1]:85",	"[2001:db8::9]:1" };
	static const char *const tools[][2] = { { "t", "t:" }, { "u/x", "u/*:" } };

	for (unsigned seed = 1; seed <= 1500; seed++) {
		_cleanup_buf_ struct buf before = { 0 }, after = { 0 }, text = { 0 };
		_cleanup_made_ struct made old = { 0 }, new = { 0 };
		unsigned at = seed;

		random_policy(&at, &before);
		random_policy(&at, &after);
		differ((const char *)buf_bytes(&before), (const char *)buf_bytes(&after), &text);
		make((const char *)buf_bytes(&before), &old);
		make((const char *)buf_bytes(&after), &new);
		for (unsigned i = 0; i < 60; i++) {
			unsigned verb = random_of(&at, 5), tool = random_of(&at, 2);
			char object[64], was[16], is[16];

			random_object(&at, false, object);
			if (verb > 2)
				strcpy(object, addresses[random_of(&at, ARRAY_LEN(addresses))]);
			sscanf(decided(&old, tools[tool][0], policy_verbs[verb].word, object),
			       "%15s", was);
			sscanf(decided(&new, tools[tool][0], policy_verbs[verb].word, object),
			       "%15s", is);
			if (strcmp(was, is) != 0)
				assert_true(
					tells_of((const char *)buf_bytes(&text), tools[tool][1]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_has_no_difference),
		cmocka_unit_test(what_a_line_adds_or_takes_is_told_once),
		cmocka_unit_test(what_base_does_is_not_told_again_for_each_tool),
		cmocka_unit_test(a_tool_that_comes_or_goes_is_told_by_what_it_may),
		cmocka_unit_test(a_mode_is_one_difference),
		cmocka_unit_test(addresses_differ_by_prefix_and_port),
		cmocka_unit_test(sockets_escapes_and_arguments_differ_too),
		cmocka_unit_test(nothing_that_differs_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
