/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call's arguments come to in the decision. How they are read is in test_grant_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "asked.h"
#include "machine.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/grant.h"

/* A policy with one call in flight. */
struct scene {
	struct machine machine;
	struct policy_tree *tree;
	struct buf image, grants;
	struct policy policy, granted;
	struct policy_grant_reports reports;
};

static void scene_free(struct scene *scene)
{
	machine_free(&scene->machine);
	policy_tree_free(scene->tree);
	buf_free(&scene->image);
	buf_free(&scene->grants);
	free(scene->reports.reports);
}
#define _cleanup_scene_ _cleanup_(scene_free)

/* `lines` are those of the block of tool `t`, which begins in line 3; the ceiling is empty or not. */
static void begin(struct scene *scene, const char *lines)
{
	struct policy_sources sources = { 0 };
	_cleanup_buf_ struct buf text = { 0 };

	*scene = (struct scene){ 0 };
	machine_init(&scene->machine);
	assert_int_equal(buf_printf(&text, "version 1\nbase\ntool t\n%s", lines), 0);
	assert_int_equal(policy_sources_add(&sources, "p", buf_bytes(&text), buf_size(&text)), 0);
	assert_int_equal(policy_parse(&sources, &scene->machine.world, &scene->tree), 0);
	for (size_t i = 0; i < scene->tree->notes.count; i++) {
		if (scene->tree->notes.notes[i].severity == POLICY_ERROR)
			fail_msg("%s: %s", lines, scene->tree->notes.notes[i].text);
	}
	assert_int_equal(policy_compile(scene->tree, &scene->image), 0);
	assert_int_equal(policy_validate(buf_bytes(&scene->image), buf_size(&scene->image),
					 &scene->policy, NULL),
			 0);
}

static void call_as(struct scene *scene, const char *tool, const char *arguments)
{
	struct policy_grant_call call = {
		.block = policy_tool_block(&scene->policy, tool, strlen(tool)),
		.arguments = arguments,
		.arguments_size = arguments ? strlen(arguments) : 0,
		.cwd = "/srv/app",
		.world = &scene->machine.world,
	};
	const char *reason = "";

	free(scene->reports.reports);
	scene->reports = (struct policy_grant_reports){ 0 };
	buf_free(&scene->grants);
	assert_int_equal(policy_grant_build(&scene->policy, &call, &scene->grants, &scene->reports),
			 0);
	if (policy_validate(buf_bytes(&scene->grants), buf_size(&scene->grants), &scene->granted,
			    &reason))
		fail_msg("the image of %s: %s", arguments, reason);
}

static void call(struct scene *scene, const char *arguments)
{
	call_as(scene, "t", arguments);
}

static struct policy_decision decide(const struct scene *scene, const char *question)
{
	struct policy_request request = { .block = policy_tool_block(&scene->policy, "t", 1),
					  .grants = &scene->granted };
	struct policy_state state = { .requests = &request,
				      .request_count = 1,
				      .mode = MF_POL_ENFORCE };
	struct policy_decision decision;
	_cleanup_asked_ struct asked asked = { 0 };

	assert_int_equal(asked_read(question, &asked), 0);
	policy_decide(&scene->policy, &state, &asked.access, &decision);
	return decision;
}

static uint32_t line_of(const struct scene *scene, const struct policy_decision *decision)
{
	const struct mf_pol_rule *rule = policy_rule(&scene->policy, decision->rule);

	return rule ? rule->line : 0;
}

static void expect_allowed(const struct scene *scene, const char *question, uint32_t line)
{
	struct policy_decision decision = decide(scene, question);

	if (decision.verdict != MF_ALLOW || line_of(scene, &decision) != line)
		fail_msg("%s: verdict %d by line %u, expected to be allowed by line %u", question,
			 decision.verdict, line_of(scene, &decision), line);
}

static void expect_denied(const struct scene *scene, const char *question, uint32_t line)
{
	struct policy_decision decision = decide(scene, question);

	if (decision.verdict != MF_DENY || line_of(scene, &decision) != line)
		fail_msg("%s: verdict %d by line %u, expected to be denied by line %u", question,
			 decision.verdict, line_of(scene, &decision), line);
}

/* "4 ok, 5 absent": line and word of each report. */
static void expect_reports(const struct scene *scene, const char *expected)
{
	_cleanup_buf_ struct buf out = { 0 };

	for (size_t i = 0; i < scene->reports.count; i++)
		assert_int_equal(
			buf_printf(
				&out, "%s%u %s", i ? ", " : "",
				policy_rule(&scene->policy, scene->reports.reports[i].rule)->line,
				policy_grant_why_word(scene->reports.reports[i].why)),
			0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal((const char *)buf_bytes(&out), expected);
}

static void an_argument_grants_its_object_and_names_its_line(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.path}\n");
	call(&scene, "{\"path\":\"/srv/docs\"}");
	expect_allowed(&scene, "read /srv/docs/a", 4);
	expect_denied(&scene, "read /srv/docs2", 0);
	expect_denied(&scene, "write /srv/docs/a", 0);
	expect_denied(&scene, "read /etc/passwd", 0);
	assert_true(decide(&scene, "read /srv/docs").by_grant);
	expect_reports(&scene, "4 ok");
}

static void write_implies_read(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  write ${arg.path}\n");
	call(&scene, "{\"path\":\"out\"}");
	expect_allowed(&scene, "write /srv/app/out/x", 4);
	expect_allowed(&scene, "read /srv/app/out/x", 4);
	expect_allowed(&scene, "listen unix:/srv/app/out/s", 4);
	expect_denied(&scene, "exec /srv/app/out/x", 0);
	expect_denied(&scene, "connect unix:/srv/app/out/s", 0);
}

static void each_string_of_an_array_grants(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.paths}\n");
	call(&scene, "{\"paths\":[\"/a\",5,\"/b\",\"\",\"/c\\u0000\",[\"/d\"]]}");
	expect_allowed(&scene, "read /a/x", 4);
	expect_allowed(&scene, "read /b", 4);
	expect_denied(&scene, "read /c", 0);
	expect_denied(&scene, "read /d", 0);
	expect_reports(&scene, "4 type, 4 empty, 4 nul, 4 type, 4 ok");
}

static void a_deny_holds_over_a_grant(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.path}\n"
		      "  deny read /srv/docs/secret\n"
		      "  deny /home/u/.ssh\n");
	machine_link(&scene.machine, "/srv/docs/sneaky", "/home/u/.ssh");
	call(&scene, "{\"path\":\"/srv/docs/secret/x\"}");
	expect_denied(&scene, "read /srv/docs/secret/x", 5);
	call(&scene, "{\"path\":\"/\"}");
	expect_denied(&scene, "read /srv/docs/secret", 5);
	expect_allowed(&scene, "read /srv/docs/a", 4);
	call(&scene, "{\"path\":\"/srv/docs/sneaky/id\"}");
	expect_denied(&scene, "read /home/u/.ssh/id", 6);
}

static void a_ceiling_holds_over_a_grant(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.path}\n"
		      "ceiling\n"
		      "  read /srv\n");
	call(&scene, "{\"path\":\"/\"}");
	expect_allowed(&scene, "read /srv/x", 4);
	assert_int_equal(decide(&scene, "read /etc/passwd").verdict, MF_DENY);
	assert_int_equal(decide(&scene, "read /etc/passwd").reason, POLICY_BY_CEILING);
}

static void traversal_leaves_a_directory_for_nothing(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read /srv/docs/${arg.name}\n");
	call(&scene, "{\"name\":\"../../etc/passwd\"}");
	expect_denied(&scene, "read /etc/passwd", 0);
	expect_reports(&scene, "4 outside");
	call(&scene, "{\"name\":\"a/../../../etc\"}");
	expect_denied(&scene, "read /etc/passwd", 0);
	expect_reports(&scene, "4 outside");
	call(&scene, "{\"name\":\"/etc/passwd\"}");
	expect_denied(&scene, "read /etc/passwd", 0);
	expect_allowed(&scene, "read /srv/docs/etc/passwd", 4);
	call(&scene, "{\"name\":\"a\"}");
	expect_allowed(&scene, "read /srv/docs/a", 4);
	expect_denied(&scene, "read /srv/docs/b", 0);
}

static void F67_a_missing_argument_grants_nothing(void **state)
{
	const char *const calls[] = { NULL,
				      "{}",
				      "{\"path\":null}",
				      "{\"path\":\"\"}",
				      "{\"path\":[]}",
				      "{\"path\":[\"\"]}",
				      "[]",
				      "" };
	const char *const reports[] = { "4 absent", "4 absent", "4 absent", "4 empty",
					"4 empty",  "4 empty",	"4 json",   "4 json" };
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.path}\n");
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		call(&scene, calls[i]);
		expect_denied(&scene, "read /", 0);
		expect_denied(&scene, "read /srv/app", 0);
		expect_reports(&scene, reports[i]);
	}
	/* not even with something before it */
	scene_free(&scene);
	begin(&scene, "  read /srv/docs/${arg.path}\n");
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		call(&scene, calls[i]);
		expect_denied(&scene, "read /srv/docs", 0);
		expect_reports(&scene, reports[i]);
	}
}

static void F02_a_path_of_many_bytes_grants_exactly_itself(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.path}\n");
	call(&scene, "{\"path\":\"/srv/\xf0\x9f\x98\x80.txt\"}");
	expect_allowed(&scene, "read /srv/\xf0\x9f\x98\x80.txt", 4);
	expect_denied(&scene, "read /srv/\xef\xbf\xbd.txt", 0);
}

static void a_denial_by_argument_denies_it(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  write /srv\n"
		      "  deny write ${arg.source}\n");
	call(&scene, "{\"source\":\"/srv/in\"}");
	expect_denied(&scene, "write /srv/in/x", 5);
	expect_allowed(&scene, "read /srv/in/x", 4);
	expect_allowed(&scene, "write /srv/out/x", 4);
	call(&scene, "{}");
	expect_allowed(&scene, "write /srv/in/x", 4);
}

static void a_denial_that_cannot_be_made_out_denies_everything_of_its_kind(void **state)
{
	const char *const calls[] = { "{\"x\":5}",
				      "{\"x\":{}}",
				      "{\"x\":\"/a\\u0000\"}",
				      "{\"x\":\"/a\",\"x\":\"/b\"}",
				      "{\"x\":[\"/a\",5]}",
				      "{\"x\":\"/loop\"}",
				      "{\"x\":\"/a\"} trailing",
				      "[\"/a\"]" };
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  write /srv\n"
		      "  connect *:*\n"
		      "  deny write ${arg.x}\n"
		      "  deny connect ${arg.url}\n");
	machine_link(&scene.machine, "/loop", "/loop");
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		call(&scene, calls[i]);
		expect_denied(&scene, "write /srv/x", 6);
		expect_allowed(&scene, "read /srv/x", 4);
	}
	call(&scene, "{\"url\":\"http://127.1/\"}");
	expect_denied(&scene, "connect 192.0.2.1:80", 7);
	expect_denied(&scene, "connect [2001:db8::1]:80", 7);
	expect_allowed(&scene, "write /srv/x", 4);
}

static void a_url_grants_its_host_and_port(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  connect ${arg.url}\n");
	machine_host(&scene.machine, "api.test", "192.0.2.1 2001:db8::1");
	call(&scene, "{\"url\":\"https://api.test/x\"}");
	expect_allowed(&scene, "connect 192.0.2.1:443", 4);
	expect_allowed(&scene, "connect [::ffff:192.0.2.1]:443", 4);
	expect_allowed(&scene, "connect [2001:db8::1]:443", 4);
	expect_denied(&scene, "connect 192.0.2.1:80", 0);
	expect_denied(&scene, "connect 192.0.2.2:443", 0);
	expect_denied(&scene, "listen 192.0.2.1:443", 0);
	call(&scene, "{\"url\":\"http://api.test@198.51.100.6/\"}");
	expect_denied(&scene, "connect 192.0.2.1:80", 0);
	expect_allowed(&scene, "connect 198.51.100.6:80", 4);
}

static void the_unspecified_address_is_this_machine(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  connect ${arg.url}\n"
		      "  deny connect 127.0.0.0/8:*\n");
	call(&scene, "{\"url\":\"http://0.0.0.0:8080/\"}");
	expect_denied(&scene, "connect 0.0.0.0:8080", 5);
	expect_denied(&scene, "connect 127.0.0.1:8080", 5);
	call(&scene, "{\"url\":\"http://[::]:8080/\"}");
	expect_allowed(&scene, "connect [::1]:8080", 4);
	expect_allowed(&scene, "connect [::]:8080", 4);
}

static void a_socket_may_be_an_argument(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  connect unix:${arg.socket}\n"
		      "  connect unix:/run/app/${arg.name}.sock\n"
		      "  connect unix:@app-${arg.name}\n");
	call(&scene, "{\"socket\":\"/run/x.sock\",\"name\":\"a\"}");
	expect_allowed(&scene, "connect unix:/run/x.sock", 4);
	expect_allowed(&scene, "connect unix:/run/app/a.sock", 5);
	expect_allowed(&scene, "connect unix:@app-a", 6);
	expect_denied(&scene, "connect unix:@app-ab", 0);
	expect_denied(&scene, "read /run/x.sock", 0);
	call(&scene, "{\"socket\":\"@bus\",\"name\":\"../../x\"}");
	expect_allowed(&scene, "connect unix:@bus", 4);
	expect_denied(&scene, "connect unix:/run/x.sock", 0);
	/* the abstract name is bytes */
	expect_allowed(&scene, "connect unix:@app-../../x", 6);
	expect_reports(&scene, "4 ok, 5 outside, 6 ok");
	call(&scene, "{\"socket\":\"@*\",\"name\":\"*\"}");
	expect_denied(&scene, "connect unix:@any", 0);
	call(&scene, "{\"socket\":\"@\"}");
	expect_denied(&scene, "connect unix:@any", 0);
	expect_reports(&scene, "4 empty, 5 absent, 6 absent");
	call(&scene,
	     "{\"socket\":\"@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
	expect_reports(&scene, "4 long, 5 absent, 6 absent");
}

static void templates_of_another_block_do_not_count(void **state)
{
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read /srv\n"
		      "tool u\n"
		      "  read ${arg.path}\n");
	call(&scene, "{\"path\":\"/etc\"}");
	expect_denied(&scene, "read /etc/passwd", 0);
	assert_int_equal(scene.reports.count, 0);
	call_as(&scene, "nobody", "{\"path\":\"/etc\"}");
	expect_denied(&scene, "read /etc/passwd", 0);
}

static void what_is_too_much_grants_what_there_is_room_for(void **state)
{
	_cleanup_buf_ struct buf json = { 0 };
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.paths}\n");
	assert_int_equal(buf_append_str(&json, "{\"paths\":[\"/first\""), 0);
	for (int i = 0; i < 2 * POLICY_GRANT_ENTRIES_MAX; i++)
		assert_int_equal(buf_printf(&json, ",\"/%d\"", i), 0);
	assert_int_equal(buf_append_str(&json, ",\"/last\"]}"), 0);
	assert_int_equal(buf_append(&json, "", 1), 0);
	call(&scene, (const char *)buf_bytes(&json));
	expect_allowed(&scene, "read /first", 4);
	expect_denied(&scene, "read /last", 0);
	expect_reports(&scene, "4 too-many, 4 ok");
}

static void deep_paths_have_a_bound_together(void **state)
{
	_cleanup_buf_ struct buf json = { 0 };
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.paths}\n");
	assert_int_equal(buf_append_str(&json, "{\"paths\":[\"/first\""), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(buf_printf(&json, ",\"/%d", i), 0);
		for (int depth = 0; depth < 1000; depth++)
			assert_int_equal(buf_append_str(&json, "/a"), 0);
		assert_int_equal(buf_append_str(&json, "\""), 0);
	}
	assert_int_equal(buf_append_str(&json, "]}"), 0);
	assert_int_equal(buf_append(&json, "", 1), 0);
	call(&scene, (const char *)buf_bytes(&json));
	expect_allowed(&scene, "read /first", 4);
	assert_true(buf_size(&scene.grants) < (8U << 20));
	assert_int_equal(scene.reports.reports[0].why, POLICY_GRANT_TOO_MANY);
}

static void the_bound_counts_names_whatever_their_length(void **state)
{
	_cleanup_buf_ struct buf json = { 0 };
	_cleanup_scene_ struct scene scene;

	/* 1,000 paths of 16 names with 200 bytes each are within both bounds */
	begin(&scene, "  read ${arg.paths}\n");
	assert_int_equal(buf_append_str(&json, "{\"paths\":["), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_printf(&json, "%s\"/%d", i ? "," : "", i), 0);
		for (int name = 0; name < 15; name++)
			assert_int_equal(buf_printf(&json, "/%0200d", name), 0);
		assert_int_equal(buf_append_str(&json, "\""), 0);
	}
	assert_int_equal(buf_append_str(&json, "]}"), 0);
	assert_int_equal(buf_append(&json, "", 1), 0);
	call(&scene, (const char *)buf_bytes(&json));
	expect_reports(&scene, "4 ok");
}

static void one_text_gives_the_same_bytes(void **state)
{
	_cleanup_buf_ struct buf first = { 0 };
	_cleanup_scene_ struct scene scene;

	begin(&scene, "  read ${arg.paths}\n");
	call(&scene, "{\"paths\":[\"/b\",\"/a\"]}");
	assert_int_equal(buf_append(&first, buf_bytes(&scene.grants), buf_size(&scene.grants)), 0);
	call(&scene, "{ \"paths\" : [ \"/b/\", \"/./a\" ], \"x\": 1 }");
	assert_int_equal(buf_size(&first), buf_size(&scene.grants));
	assert_memory_equal(buf_bytes(&first), buf_bytes(&scene.grants), buf_size(&first));
}

static void every_reason_has_a_word(void **state)
{
	for (int why = 0; why < POLICY_GRANT_WHY_MAX; why++) {
		assert_non_null(policy_grant_why_word((enum policy_grant_why)why));
		assert_non_null(policy_grant_why_text((enum policy_grant_why)why));
	}
	assert_string_equal(policy_grant_why_text(POLICY_GRANT_WHY_MAX), "?");
	assert_string_equal(policy_grant_why_word(POLICY_GRANT_WHY_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_argument_grants_its_object_and_names_its_line),
		cmocka_unit_test(write_implies_read),
		cmocka_unit_test(each_string_of_an_array_grants),
		cmocka_unit_test(a_deny_holds_over_a_grant),
		cmocka_unit_test(a_ceiling_holds_over_a_grant),
		cmocka_unit_test(traversal_leaves_a_directory_for_nothing),
		cmocka_unit_test(F67_a_missing_argument_grants_nothing),
		cmocka_unit_test(F02_a_path_of_many_bytes_grants_exactly_itself),
		cmocka_unit_test(a_denial_by_argument_denies_it),
		cmocka_unit_test(a_denial_that_cannot_be_made_out_denies_everything_of_its_kind),
		cmocka_unit_test(a_url_grants_its_host_and_port),
		cmocka_unit_test(the_unspecified_address_is_this_machine),
		cmocka_unit_test(a_socket_may_be_an_argument),
		cmocka_unit_test(templates_of_another_block_do_not_count),
		cmocka_unit_test(what_is_too_much_grants_what_there_is_room_for),
		cmocka_unit_test(deep_paths_have_a_bound_together),
		cmocka_unit_test(the_bound_counts_names_whatever_their_length),
		cmocka_unit_test(one_text_gives_the_same_bytes),
		cmocka_unit_test(every_reason_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
