/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "machine.h"
#include "policy/grant_object.h"

/* What before + value + after leads to: addresses and port, or why to none. */
static void expect_in(const char *before, const char *value, const char *after,
		      const char *expected)
{
	struct policy_template_text text = { before, after, strlen(before), strlen(after) };
	struct policy_endpoint endpoint = { 0 };
	_cleanup_machine_ struct machine machine;
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	machine_init(&machine);
	machine_host(&machine, "api.test", "192.0.2.1 2001:db8::1");
	machine_host(&machine, "evil.test", "198.51.100.66");
	machine_host(&machine, "allowed.test", "192.0.2.7");
	machine_host(&machine, "mapped.test", "::ffff:192.0.2.9");
	machine_host(&machine, "xn--bcher-kva.test", "192.0.2.8");
	machine_host(&machine, "http", "192.0.2.80");
	machine_host(&machine, "db", "10.0.0.5");
	machine_host(&machine, "0x7f.1", "203.0.113.1");
	machine_host(&machine, "127.1", "203.0.113.1");
	machine_host(&machine, "2130706433", "203.0.113.1");
	r = policy_grant_endpoint(&text, value, strlen(value), &machine.world, &endpoint);
	assert_true(r >= 0);
	if (r)
		assert_int_equal(buf_append_str(&out, policy_grant_why_word(r)), 0);
	for (size_t i = 0; !r && i < endpoint.count; i++) {
		assert_int_equal(policy_address_print(&out, &endpoint.addresses[i]), 0);
		assert_int_equal(buf_append(&out, " ", 1), 0);
	}
	if (!r)
		assert_int_equal(buf_printf(&out, "port %u", endpoint.port), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	if (strcmp((const char *)buf_bytes(&out), expected) != 0)
		fail_msg("%s%s%s: %s, expected %s", before, value, after,
			 (const char *)buf_bytes(&out), expected);
}

static void expect(const char *value, const char *expected)
{
	expect_in("", value, "", expected);
}

#define API "192.0.2.1 [2001:db8::1] port "
#define EVIL "198.51.100.66 port "

static void a_url_is_its_host_and_port(void **state)
{
	expect("http://api.test", API "80");
	expect("https://api.test/", API "443");
	expect("https://api.test/a/b?c#d", API "443");
	expect("https://api.test:8443/x:1", API "8443");
	expect("https://api.test:/x", API "443");
	expect("HTTPS://API.TEST./x", API "443");
	expect("http://api.test?x", API "80");
	expect("http://api.test#x", API "80");
	expect("wss://192.0.2.3/x", "192.0.2.3 port 443");
	expect("ws://192.0.2.3:81", "192.0.2.3 port 81");
	expect("redis://db", "10.0.0.5 port 6379");
	expect("postgres://user:pass@db/name", "10.0.0.5 port 5432");
	expect("git+ssh://git@api.test/x.git", API "22");
}

static void host_and_port_are_themselves(void **state)
{
	expect("api.test:443", API "443");
	expect("192.0.2.3:1", "192.0.2.3 port 1");
	expect("[2001:db8::5]:65535", "[2001:db8::5] port 65535");
	expect("localhost:80", "127.0.0.1 [::1] port 80");
	expect("mapped.test:80", "192.0.2.9 port 80");
}

static void a_template_may_have_either(void **state)
{
	expect_in("", "api.test", ":443", API "443");
	expect_in("", "2001:db8::5", ":443", "address");
	expect_in("", "[2001:db8::5]", ":443", "[2001:db8::5] port 443");
	expect_in("api.test:", "8080", "", API "8080");
	expect_in("192.0.2.", "3", ":80", "192.0.2.3 port 80");
	expect_in("", "api", ".test:80", API "80");
}

static void a_template_with_more_than_the_argument_takes_no_url(void **state)
{
	expect_in("", "http://api.test", ":443", "address");
	expect_in("", "http://evil.test/x", ".allowed.test:443", "address");
	expect_in("https://", "api.test", "", "address");
}

static void an_argument_cannot_bring_a_port_of_its_own(void **state)
{
	expect_in("", "evil.test:22", ":443", "address");
	expect_in("", "evil.test:22#", ":443", "address");
	expect_in("", "evil.test:22/", ".allowed.test:443", "address");
	expect_in("", "evil.test/", ".allowed.test:443", "address");
	expect_in("", "evil.test@", "allowed.test:443", "address");
}

static void an_argument_names_one_host_and_one_port(void **state)
{
	expect("*:443", "address");
	expect("192.0.2.0/24:443", "address");
	expect("0.0.0.0/0:443", "address");
	expect("[::/0]:443", "address");
	expect("api.test:*", "address");
	expect("api.test:1-65535", "address");
	expect_in("", "*", ":443", "address");
	expect_in("", "0.0.0.0/0", ":443", "address");
	expect_in("10.0.0.0/", "8", ":443", "address");
	expect_in("api.test:", "*", "", "address");
	expect_in("api.test:8", "-9000", "", "address");
	/* a prefix that is one address */
	expect("192.0.2.3/32:443", "192.0.2.3 port 443");
}

static void ports_are_1_to_65535(void **state)
{
	expect("api.test:0", "address");
	expect("api.test:65536", "address");
	expect("api.test:-1", "address");
	expect("api.test:+80", "address");
	expect("api.test:080", "address");
	expect("api.test: 80", "address");
	expect("api.test:80 ", "address");
	expect("api.test:0x50", "address");
	expect("api.test:4294967376", "address");
	expect("api.test:http", "address");
	expect("api.test:", "address");
	expect("api.test", "address");
	expect("http://api.test:0/", "address");
	expect("http://api.test:65536/", "address");
	expect("http://api.test:99999999999999999999/", "address");
	expect("http://api.test:080/", "address");
	expect("http://api.test:80:90/", "address");
}

static void user_information_is_not_the_host(void **state)
{
	expect("http://allowed.test@evil.test/", EVIL "80");
	expect("http://allowed.test:80@evil.test/", EVIL "80");
	expect("http://allowed.test:80%40@evil.test:81/", EVIL "81");
	expect("http://@evil.test/", EVIL "80");
	expect("http://evil.test/@allowed.test", EVIL "80");
	/* which @ ends it is read in two ways */
	expect("http://a@allowed.test@evil.test/", "address");
	/* and so is where the host ends */
	expect("http://evil.test#@allowed.test/", "address");
	expect("http://evil.test?@allowed.test/", "address");
	expect("http://allowed.test@", "address");
}

static void a_backslash_is_a_slash_to_some(void **state)
{
	expect("http://allowed.test\\@evil.test/", "address");
	expect("http://evil.test\\.allowed.test/", "address");
	expect("http:\\\\evil.test/", "scheme");
	expect("\\\\evil.test\\share:445", "address");
	expect("http://api.test/a\\b", API "80");
}

static void percent_encoding_in_the_host_is_read_in_two_ways(void **state)
{
	expect("http://%65vil.test/", "address");
	expect("http://evil%2etest/", "address");
	expect("http://allowed.test%2f@evil.test/", EVIL "80");
	expect("http://allowed.test%00.evil.test/", "address");
	expect("http://api.test/%2e%2e", API "80");
	expect("%61pi.test:80", "address");
}

static void blanks_and_controls_are_dropped_by_some(void **state)
{
	expect(" http://api.test/", "scheme");
	expect("http://api.test /", "address");
	expect("http:// api.test/", "address");
	expect("http://a b@evil.test/", "address");
	expect("http://a\tb@evil.test/", "address");
	expect("http://ev\til.test/", "address");
	expect("http://ev\nil.test/", "address");
	expect("http://evil.test\r/", "address");
	expect("ht\ntp://evil.test/", "scheme");
	expect("http:/\t/evil.test/", "scheme");
	expect("http://evil.test\x7f/", "address");
	expect("api.test :80", "address");
}

static void slashes_are_two(void **state)
{
	expect("http:///evil.test/", "address");
	expect("http:////evil.test/", "address");
	expect("http:/evil.test/", "scheme");
	expect("http:evil.test", "scheme");
	expect("//evil.test/", "address");
	expect("http://", "address");
	expect("http:", "scheme");
	expect("://evil.test", "scheme");
	/* 0.0.0.80 to browsers, a host named http to others */
	expect("http:80", "scheme");
}

static void a_scheme_without_a_known_port_leads_nowhere(void **state)
{
	expect("file:///etc/passwd", "scheme");
	expect("file://api.test:80/etc/passwd", "scheme");
	expect("FILE://api.test/etc/passwd", "scheme");
	expect("data:text/plain,x", "scheme");
	expect("data://api.test:80/x", "scheme");
	expect("javascript:80", "scheme");
	expect("unix:/run/docker.sock", "scheme");
	expect("unix:///run/docker.sock", "scheme");
	expect("made-up://api.test:80/", "scheme");
	expect("jar:http://api.test/!", "address");
	expect("blob:https://api.test/x", "scheme");
}

static void ipv4_in_other_spellings_is_no_address(void **state)
{
	expect("http://2130706433/", "address");
	expect("http://0x7f000001/", "address");
	expect("http://0x7f.1/", "address");
	expect("http://0177.0.0.1/", "address");
	expect("http://127.1/", "address");
	expect("http://127.0.0.01/", "address");
	expect("http://127.0.0.1./", "address");
	expect("http://127.0.0.256/", "address");
	expect("http://127.0.0.1.2/", "address");
	expect("http://127.0.0.0x1/", "address");
	expect("http://x.0x/", "address");
	expect("http://x.1/", "address");
	expect("http://0/", "address");
	expect("127.1:80", "address");
	expect_in("", "2130706433", ":80", "address");
}

static void ipv6_stands_in_brackets_and_has_no_zone(void **state)
{
	expect("http://[2001:db8::5]/", "[2001:db8::5] port 80");
	expect("http://[2001:DB8:0:0::5]:81/", "[2001:db8::5] port 81");
	expect("http://[2001:db8::5]:/", "[2001:db8::5] port 80");
	expect("http://u@[::1]:81/", "[::1] port 81");
	expect("http://[::ffff:192.0.2.3]/", "192.0.2.3 port 80");
	expect("http://[::ffff:c000:203]/", "192.0.2.3 port 80");
	expect("http://[fe80::1%25eth0]/", "address");
	expect("http://[fe80::1%eth0]/", "address");
	expect("[fe80::1%1]:80", "address");
	expect("http://2001:db8::5/", "address");
	expect("2001:db8::5:80", "address");
	expect("http://[2001:db8::5/", "address");
	expect("http://[2001:db8::5]80/", "address");
	expect("http://[[::1]]/", "address");
	expect("http://[]/", "address");
	expect("http://[192.0.2.3]/", "address");
	expect("http://[v1.x]/", "address");
	expect("http://[::1]evil.test/", "address");
	expect("http://[::1]@evil.test/", EVIL "80");
}

static void names_beyond_ascii_are_no_names(void **state)
{
	expect("http://b\xc3\xbc"
	       "cher.test/",
	       "address");
	expect("http://xn--bcher-kva.test/", "192.0.2.8 port 80");
	expect("http://\xd0\xb0pi.test/", "address"); /* Cyrillic а */
	expect("http://api\xe3\x80\x82test/", "address"); /* an ideographic full stop */
	expect("http://\xe2\x91\xa0.test/", "address"); /* ① */
	expect("http://api.test\xc2\xad/", "address"); /* a soft hyphen */
	expect("http://api.test/\xc3\xbc", API "80");
	expect("\xef\xbc\x91.2.3.4:80", "address"); /* a full-width 1 */
}

static void a_host_without_address_is_told(void **state)
{
	expect("http://nowhere.test/", "unresolved");
	expect("nowhere.test:80", "unresolved");
}

static void malformed_names_are_no_names(void **state)
{
	expect("http://a..b/", "address");
	expect("http://.a/", "address");
	expect("http://-a.test/", "address");
	expect("http://a-.test/", "address");
	expect("http://a!b/", "address");
	expect("http://a,b/", "address");
	expect("http://a;b/", "address");
	expect("http://a b/", "address");
	expect("http://*/", "address");
	expect("http://*.test/", "address");
	expect(":80", "address");
	expect(":", "address");
	expect("@", "address");
	expect("/", "address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_its_host_and_port),
		cmocka_unit_test(host_and_port_are_themselves),
		cmocka_unit_test(a_template_may_have_either),
		cmocka_unit_test(a_template_with_more_than_the_argument_takes_no_url),
		cmocka_unit_test(an_argument_cannot_bring_a_port_of_its_own),
		cmocka_unit_test(an_argument_names_one_host_and_one_port),
		cmocka_unit_test(ports_are_1_to_65535),
		cmocka_unit_test(user_information_is_not_the_host),
		cmocka_unit_test(a_backslash_is_a_slash_to_some),
		cmocka_unit_test(percent_encoding_in_the_host_is_read_in_two_ways),
		cmocka_unit_test(blanks_and_controls_are_dropped_by_some),
		cmocka_unit_test(slashes_are_two),
		cmocka_unit_test(a_scheme_without_a_known_port_leads_nowhere),
		cmocka_unit_test(ipv4_in_other_spellings_is_no_address),
		cmocka_unit_test(ipv6_stands_in_brackets_and_has_no_zone),
		cmocka_unit_test(names_beyond_ascii_are_no_names),
		cmocka_unit_test(a_host_without_address_is_told),
		cmocka_unit_test(malformed_names_are_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
