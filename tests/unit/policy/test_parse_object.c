/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that cannot be meant, and what was probably meant. */
#include "policies.h"

#include <errno.h>
#include <string.h>

struct wrong {
	const char *text; /* behind "version 1\n" */
	const char *said; /* begins with line and column */
};

static const struct world home = { .workspace = "/work", .home = "/home/ada" };

/* Each text has the one note that is said, and no other. */
static void all_said(const struct wrong *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf text = { 0 }, expected = { 0 };
		_cleanup_policy_tree_ struct policy_tree *tree = NULL;

		assert_int_equal(buf_printf(&text, "version 1\n%s", rows[i].text), 0);
		assert_int_equal(buf_append(&text, "", 1), 0);
		assert_int_equal(buf_printf(&expected, "p:%s\n", rows[i].said), 0);
		assert_int_equal(buf_append(&expected, "", 1), 0);
		tree = parse_in(&home, (const char *)buf_bytes(&text));
		assert_string_equal(notes_of(tree), (const char *)buf_bytes(&expected));
	}
}

static void a_path_that_cannot_be_meant_is_told(void **state)
{
	static const struct wrong rows[] = {
		{ "base\nread /y\nread srv/x",
		  "4:6: error: expected a path that begins with /, found "
		  "'srv/x'; did you mean ${workspace}/srv/x?" },
		{ "base\nread /y\nread ~/x",
		  "4:6: error: expected a path that begins with /, found "
		  "'~/x'; did you mean ${home}/x?" },
		{ "base\nread /y\nread $HOME/x",
		  "4:6: error: expected a path that begins with /, found "
		  "'$HOME/x'; did you mean ${home}/x?" },
		{ "base\nread /y\nread ./x",
		  "4:6: error: expected a path that begins with /, found "
		  "'./x'; did you mean ${workspace}/x?" },
		{ "base\nread /y\nread /a/*.c", "4:6: error: a path has no patterns, a directory "
						"is its whole tree; a * that is part "
						"of a name is written \"\\*\"" },
		{ "base\nread /y\nread unix:/x",
		  "4:6: error: expected a path, found 'unix:/x'; sockets "
		  "go with connect and listen" },
		{ "base\nread /y\nexec gti",
		  "4:6: error: expected a path that begins with /, found "
		  "'gti'; did you mean ${workspace}/gti?" },
		{ "tool t\nread $arg.path", "3:6: error: expected a path that begins with /, found "
					    "'$arg.path'; did you mean ${arg.path}?" },
		{ "tool t\nread {arg.path}",
		  "3:6: error: expected a path that begins with /, found "
		  "'{arg.path}'; did you mean ${arg.path}?" },
		{ "tool t\nread ${arg.path",
		  "3:6: error: expected a path that begins with /, found "
		  "'${arg.path'; did you mean ${arg.path}?" },
		{ "base\nread /y\nread “/x”",
		  "4:6: error: expected a path that begins with /, found '“/x”'" },
		{ "base\nread /y\nread ${HOME}/x",
		  "4:6: error: expected ${workspace}, ${home} or ${arg.NAME}, found "
		  "'${HOME}'; did you mean ${home}?" },
		{ "base\nread /y\nread file:///x",
		  "4:6: error: expected a path, found 'file:///x'" },
		{ "base\nread /y\nread \"/a\\x00b\"",
		  "4:6: error: expected a path without a NUL byte" },
		{ "base\nread /y\ndeny ~/x",
		  "4:6: error: expected a path that begins with /, found "
		  "'~/x'; did you mean ${home}/x?" },
		{ "tool t\nread /y\nread /a/../${arg.x}",
		  "4:6: error: expected no .. beside an argument" },
		{ "tool t\nread /y\nread /a/${arg.x}/..",
		  "4:6: error: expected no .. beside an argument" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void a_program_without_a_directory_is_looked_for(void **state)
{
	static const struct there there[] = { { "/y", "file" }, { "/usr/bin/git", "file" }, { 0 } };
	const struct world world = { .there = there };
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse_in(&world, "version 1\nbase\nread /y\nexec git\nread git\nexec gti\n");

	assert_string_equal(
		notes_of(tree),
		"p:4:6: error: expected a path that begins with /, found 'git'; did you "
		"mean /usr/bin/git?\n"
		"p:5:6: error: expected a path that begins with /, found 'git'; did you "
		"mean ${workspace}/git?\n"
		"p:6:6: error: expected a path that begins with /, found 'gti'; did you "
		"mean ${workspace}/gti?\n");
}

static void an_address_that_cannot_be_meant_is_told(void **state)
{
	static const struct wrong rows[] = {
		{ "base\nread /y\nconnect 192.0.2.1",
		  "4:9: error: expected a port: HOST:443, HOST:8000-8010 or HOST:*, found "
		  "'192.0.2.1'; did you mean 192.0.2.1:443?" },
		{ "base\nread /y\nlisten 8080",
		  "4:8: error: expected a port: HOST:443, HOST:8000-8010 or HOST:*, found "
		  "'8080'; did you mean 127.0.0.1:8080?" },
		{ "base\nread /y\nlisten :8080",
		  "4:8: error: expected an address, a name or * before the port, found "
		  "':8080'; did you mean 127.0.0.1:8080?" },
		{ "base\nread /y\nconnect https://api.example.com/v1",
		  "4:9: error: expected HOST:PORT, no URL, found "
		  "'https://api.example.com/v1'; did you mean api.example.com:443?" },
		{ "base\nread /y\nconnect http://api.example.com:8080",
		  "4:9: error: expected HOST:PORT, no URL, found "
		  "'http://api.example.com:8080'; did you mean api.example.com:8080?" },
		{ "base\nread /y\nconnect tcp://x:80",
		  "4:9: error: expected HOST:PORT, no URL, found 'tcp://x:80'" },
		{ "base\nread /y\nconnect h:99999",
		  "4:9: error: a port is at most 65535, found '99999'" },
		{ "base\nread /y\nconnect h:0",
		  "4:9: error: nothing can be connected to at port 0" },
		{ "base\nread /y\nconnect ::1:80",
		  "4:9: error: an IPv6 address stands in brackets: [::1]:443, found '::1:80'" },
		{ "base\nread /y\nconnect [fe80::1%eth0]:80",
		  "4:9: error: an interface behind % cannot be kept; without it the address holds "
		  "on "
		  "every interface, found '[fe80::1%eth0]:80'" },
		{ "base\nread /y\nconnect *.x:80", "4:9: error: expected an address, a prefix, a "
						   "host name of letters, digits and hyphens, "
						   "or *, found '*.x'" },
		{ "base\nread /y\nconnect unix:x",
		  "4:9: error: expected unix:/PATH, of a socket or of a directory of sockets, or "
		  "unix:@NAME, found 'unix:x'" },
		{ "base\nread /y\nconnect unix:/a*",
		  "4:9: error: expected unix:/PATH, of a socket or of a directory of sockets, or "
		  "unix:@NAME, found 'unix:/a*'" },
		{ "base\nread /y\nconnect unix:@",
		  "4:9: error: expected an abstract name of 1 to 107 "
		  "bytes behind unix:@" },
		{ "base\nread /y\nconnect unix:@a*",
		  "4:9: error: an abstract name has no patterns, but unix:@* is all of them; a * "
		  "that is "
		  "part of a name is written \"\\*\"; did you mean unix:@*?" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_that_cannot_be_meant_is_told),
		cmocka_unit_test(a_program_without_a_directory_is_looked_for),
		cmocka_unit_test(an_address_that_cannot_be_meant_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
