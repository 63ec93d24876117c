/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const char *normal(const char *path)
{
	static struct buf out;

	buf_reset(&out, 0);
	if (policy_path_normal(path, strlen(path), &out))
		return "refused";
	assert_int_equal(buf_append(&out, "", 1), 0);
	return (const char *)buf_bytes(&out);
}

static void a_path_is_normalised_as_text(void **state)
{
	assert_string_equal(normal("/"), "/");
	assert_string_equal(normal("//"), "/");
	assert_string_equal(normal("/a//b/"), "/a/b");
	assert_string_equal(normal("/a/./b/."), "/a/b");
	assert_string_equal(normal("/a/../b"), "/b");
	assert_string_equal(normal("/a/b/../../.."), "/");
	assert_string_equal(normal("/../x"), "/x");
	assert_string_equal(normal("/..x/...y"), "/..x/...y");
	assert_string_equal(normal(""), "refused");
	assert_string_equal(normal("a/b"), "refused");
}

static void a_path_that_no_file_has_is_refused(void **state)
{
	char long_name[300] = "/", long_path[5000];
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(policy_path_normal("/a\0b", 4, &out), -EINVAL);
	memset(long_name + 1, 'x', 255);
	assert_int_equal(policy_path_normal(long_name, 256, &out), 0);
	memset(long_name + 1, 'x', 256);
	assert_int_equal(policy_path_normal(long_name, 257, &out), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(long_path); i++)
		long_path[i] = i % 2 ? 'x' : '/';
	buf_reset(&out, 0);
	assert_int_equal(policy_path_normal(long_path, 4096, &out), 0);
	assert_int_equal(buf_size(&out), 4096);
	assert_int_equal(policy_path_normal(long_path, 4098, &out), -ENAMETOOLONG);
	assert_int_equal(buf_size(&out), 4096);
}

static void a_relative_path_is_relative_to_the_directory_given(void **state)
{
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(policy_path_from("/work", "../x/./y", 8, &out), 0);
	assert_int_equal(buf_size(&out), 4);
	assert_memory_equal(buf_bytes(&out), "/x/y", 4);
	assert_int_equal(policy_path_from("work", "x", 1, &out), -EINVAL);
	assert_int_equal(policy_path_from(NULL, "x", 1, &out), -EINVAL);
}

static bool in(const char *path, const char *tree)
{
	return policy_path_in(path, strlen(path), tree, strlen(tree));
}

static void a_tree_holds_what_is_below_it_at_whole_names(void **state)
{
	assert_true(in("/a", "/a"));
	assert_true(in("/a/b", "/a"));
	assert_false(in("/ab", "/a"));
	assert_false(in("/", "/a"));
	assert_true(in("/a", "/"));
	assert_true(in("/", "/"));
}

static const struct there links[] = {
	{ "/bin", "-> usr/bin" },
	{ "/usr", "dir" },
	{ "/usr/bin", "dir" },
	{ "/usr/bin/sh", "-> dash" },
	{ "/usr/bin/dash", "file" },
	{ "/usr/bin/awk", "-> /etc/alternatives/awk" },
	{ "/etc", "dir" },
	{ "/etc/alternatives", "dir" },
	{ "/etc/alternatives/awk", "-> /usr/bin/mawk" },
	{ "/usr/bin/mawk", "file" },
	{ "/round", "-> /about" },
	{ "/about", "-> round" },
	{ "/up", "-> ../../.." },
	{ "/empty", "-> " },
	{ NULL, NULL },
};

static int look(void *data, const char *path, struct buf *ret_target)
{
	(void)data;
	if (strcmp(path, "/error") == 0)
		return -EIO;
	if (strcmp(path, "/locked") == 0)
		return -EACCES;
	for (const struct there *there = links; there->path; there++) {
		if (strcmp(there->path, path) != 0)
			continue;
		if (strncmp(there->what, "-> ", 3) != 0)
			return POLICY_PATH_FILE;
		return buf_append_str(ret_target, there->what + 3) ? -ENOMEM : POLICY_PATH_LINK;
	}
	return POLICY_PATH_MISSING;
}

static void add_name(void *data, const char *name)
{
	struct buf *names = data;

	assert_int_equal(buf_printf(names, " %s", name), 0);
}

/* "NAME > OBJECT" and the names between */
static const char *resolved(const char *path)
{
	static struct buf said;
	const struct policy_world world = { .look = look };
	_cleanup_buf_ struct buf named = { 0 }, object = { 0 }, names = { 0 };
	int r = policy_path_resolve(&world, path, &named, &object, add_name, &names);

	buf_reset(&said, 0);
	if (r < 0)
		assert_int_equal(buf_printf(&said, "%s", strerror(-r)), 0);
	else
		assert_int_equal(buf_printf(&said, "%d %.*s > %.*s%.*s", r, (int)buf_size(&named),
					    (const char *)buf_bytes(&named), (int)buf_size(&object),
					    (const char *)buf_bytes(&object), (int)buf_size(&names),
					    (const char *)buf_bytes(&names)),
				 0);
	assert_int_equal(buf_append(&said, "", 1), 0);
	return (const char *)buf_bytes(&said);
}

static void links_are_followed_to_the_object(void **state)
{
	assert_string_equal(resolved("/usr/bin/dash"), "0 /usr/bin/dash > /usr/bin/dash");
	assert_string_equal(resolved("/bin/sh"), "1 /usr/bin/sh > /usr/bin/dash /usr/bin/dash");
	assert_string_equal(resolved("/usr/bin/awk"),
			    "1 /usr/bin/awk > /usr/bin/mawk /etc/alternatives/awk /usr/bin/mawk");
	assert_string_equal(resolved("/bin/new/file"), "1 /usr/bin/new/file > /usr/bin/new/file");
	assert_string_equal(resolved("/locked/x"), "0 /locked/x > /locked/x");
	assert_string_equal(resolved("/"), "0 / > /");
	assert_string_equal(resolved("/up/etc"), "1 /etc > /etc");
}

static void links_that_lead_nowhere_are_told(void **state)
{
	assert_string_equal(resolved("/round"), strerror(ELOOP));
	assert_string_equal(resolved("/about/x"), strerror(ELOOP));
	assert_string_equal(resolved("/empty"), strerror(ENOENT));
	assert_string_equal(resolved("/error/x"), strerror(EIO));
}

static void without_a_world_a_path_is_what_it_says(void **state)
{
	_cleanup_buf_ struct buf named = { 0 }, object = { 0 };

	assert_int_equal(policy_path_resolve(NULL, "/bin/sh", &named, &object, NULL, NULL), 0);
	assert_int_equal(buf_size(&named), 7);
	assert_memory_equal(buf_bytes(&object), "/bin/sh", 7);
}

/* "ADDRESS/LENGTH PORTS", or why not */
static const char *endpoint(const char *text)
{
	static struct buf said;
	struct policy_endpoint_text parts;
	struct policy_prefix prefix;
	struct policy_ports ports;
	const char *reason = NULL;
	int r;

	buf_reset(&said, 0);
	r = policy_endpoint_split(text, strlen(text), &parts, &reason);
	if (r == 0)
		r = policy_ports_parse(parts.port, parts.port_size, &ports, &reason);
	if (r == 0)
		r = policy_prefix_parse(&parts, &prefix, &reason);
	if (r == -ENOENT) {
		r = policy_host_parse(parts.host, parts.host_size, &said, &reason);
		if (r == 0)
			r = buf_printf(&said, " %u-%u", ports.first, ports.last);
	} else if (r == 0) {
		if (prefix.any)
			r = buf_append_str(&said, "*");
		else
			r = policy_address_print(&said, &prefix.address);
		if (r == 0)
			r = buf_printf(&said, "/%u %u-%u", prefix.length, ports.first, ports.last);
	}
	if (r) {
		assert_non_null(reason);
		return reason;
	}
	assert_int_equal(buf_append(&said, "", 1), 0);
	return (const char *)buf_bytes(&said);
}

static void an_endpoint_is_host_and_port(void **state)
{
	assert_string_equal(endpoint("192.0.2.1:443"), "192.0.2.1/32 443-443");
	assert_string_equal(endpoint("10.0.0.0/8:1-9"), "10.0.0.0/8 1-9");
	assert_string_equal(endpoint("0.0.0.0/0:*"), "0.0.0.0/0 0-65535");
	assert_string_equal(endpoint("[2001:DB8::1]:80"), "[2001:db8::1]/128 80-80");
	assert_string_equal(endpoint("[2001:db8::/32]:80"), "[2001:db8::]/32 80-80");
	assert_string_equal(endpoint("[::ffff:10.1.2.3]:1"), "10.1.2.3/32 1-1");
	assert_string_equal(endpoint("[::ffff:10.0.0.0/104]:1"), "10.0.0.0/8 1-1");
	assert_string_equal(endpoint("*:53"), "*/0 53-53");
	assert_string_equal(endpoint("API.Example.:443"), "api.example 443-443");
	assert_string_equal(endpoint("a_b-c.d9:0"), "a_b-c.d9 0-0");
}

static void what_is_no_endpoint_is_told_why(void **state)
{
	static const char *const wrong[] = {
		"192.0.2.1",
		"192.0.2.1:",
		":80",
		"",
		"::1:80",
		"[::1:80",
		"[::1]",
		"[::1]80",
		"[::1]:",
		"[]:80",
		"[x]:80",
		"[::1%eth0]:80",
		"[::1/129]:80",
		"[::1/]:80",
		"192.0.2.1/33:80",
		"192.0.2.1/24:80",
		"192.0.2.1/:80",
		"192.0.2:80",
		"256.0.0.1:80",
		"2130706433:80",
		"[2001:db8::1/32]:80",
		"[::ffff:0.0.0.0/90]:80",
		"h:65536",
		"h:99999999999",
		"h:5-4",
		"h:x",
		"h:08",
		"h:-1",
		"h:1-",
		"h:1-2-3",
		"h: 1",
		"-a:1",
		"a-:1",
		"a..b:1",
		".:1",
		"a b:1",
		"*.x:1",
		"\u00e9.x:1",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *said = endpoint(wrong[i]);

		if (!strstr(said, "expected") && !strstr(said, "at most") &&
		    !strstr(said, "bracket") && !strstr(said, "cannot") &&
		    !strstr(said, "prefix") && !strstr(said, "range") && !strstr(said, "host name"))
			fail_msg("%s: %s", wrong[i], said);
	}
}

static void a_host_name_has_bounds(void **state)
{
	char label[80] = "", name[300] = "";

	memset(label, 'a', 64);
	strcpy(name, label);
	strcat(name, ".b:1");
	assert_non_null(strstr(endpoint(name), "at most 63"));
	name[0] = '\0';
	for (int i = 0; i < 64; i++)
		strcat(name, "abc.");
	strcat(name, "d:1");
	assert_non_null(strstr(endpoint(name), "253"));
}

static bool is_private(const char *text)
{
	struct policy_address address = { .family = strchr(text, ':') ? 6 : 4 };

	inet_pton(address.family == 6 ? AF_INET6 : AF_INET, text, address.addr);
	return policy_address_is_private(&address);
}

static void private_addresses_are_known(void **state)
{
	static const char *const private[] = { "10.1.2.3",   "127.0.0.1",  "192.168.1.1",
					       "172.16.0.1", "172.31.9.9", "169.254.169.254",
					       "100.64.0.1", "0.0.0.0" };
	static const char *const private6[] = { "::1", "::", "fd00::1", "fe80::1", "fec0::1" };
	static const char *const public[] = { "8.8.8.8",	 "172.32.0.1", "100.128.0.1",
					      "2001:4860::8888", "11.0.0.1",   "192.169.0.1" };

	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		assert_true(is_private(private[i]));
	for (size_t i = 0; i < ARRAY_LEN(private6); i++)
		assert_true(is_private(private6[i]));
	for (size_t i = 0; i < ARRAY_LEN(public); i++)
		assert_false(is_private(public[i]));
}

static void connecting_to_no_address_is_connecting_here(void **state)
{
	struct policy_address address = { .family = 4 };

	policy_address_connected(&address);
	assert_memory_equal(address.addr, "\x7f\0\0\x01", 4);
	address = (struct policy_address){ .family = 6 };
	policy_address_connected(&address);
	assert_int_equal(address.addr[15], 1);
	address = (struct policy_address){ .family = 6, .addr = { [10] = 0xff, [11] = 0xff } };
	policy_address_connected(&address);
	assert_int_equal(address.family, 4);
	assert_memory_equal(address.addr, "\x7f\0\0\x01", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_normalised_as_text),
		cmocka_unit_test(a_path_that_no_file_has_is_refused),
		cmocka_unit_test(a_relative_path_is_relative_to_the_directory_given),
		cmocka_unit_test(a_tree_holds_what_is_below_it_at_whole_names),
		cmocka_unit_test(links_are_followed_to_the_object),
		cmocka_unit_test(links_that_lead_nowhere_are_told),
		cmocka_unit_test(without_a_world_a_path_is_what_it_says),
		cmocka_unit_test(an_endpoint_is_host_and_port),
		cmocka_unit_test(what_is_no_endpoint_is_told_why),
		cmocka_unit_test(a_host_name_has_bounds),
		cmocka_unit_test(private_addresses_are_known),
		cmocka_unit_test(connecting_to_no_address_is_connecting_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
