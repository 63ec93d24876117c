/* SPDX-License-Identifier: BSD-2-Clause */
/* By whose blocks a session's events are decided, and what of it is told. */
#include "unit/policy/policies.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "base/cleanup.h"
#include "record/json.h"
#include "record/session.h"
#include "record/tree.h"
#include "story.h"

#define ENTRIES_MAX 16

static const char text[] = "version 1\n"
			   "default deny\n"
			   "base\n"
			   "  read /base\n"
			   "tool a\n"
			   "  read /a\n"
			   "  deny /b/secret\n"
			   "tool b\n"
			   "  read /b\n";

struct scene {
	struct session *session;
	struct session_stats stats;
	struct buf scratch;
	struct {
		enum log_type type;
		yajl_val tree;
	} entries[ENTRIES_MAX];
	size_t count;
	struct story_packet packet;
	struct story_event event;
};

static void keep_entry(void *data, enum log_type type, const struct buf *json)
{
	struct scene *scene = data;

	assert_in_range(scene->count, 0, ENTRIES_MAX - 1);
	scene->entries[scene->count].type = type;
	scene->entries[scene->count].tree =
		tree_parse((const char *)buf_bytes(json), buf_size(json));
	assert_non_null(scene->entries[scene->count++].tree);
}

static int begin_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct mf_r_session info = story_session();
	struct session_setup setup = { .info = &info,
				       .seed = 1,
				       .stats = &scene->stats,
				       .scratch = &scene->scratch,
				       .emit = keep_entry,
				       .emit_data = scene };
	_cleanup_made_ struct made made = { 0 };
	struct session_policy_said said;
	struct policy view;
	void *bytes;

	make(text, &made);
	bytes = malloc(buf_size(&made.image));
	assert_non_null(bytes);
	memcpy(bytes, buf_bytes(&made.image), buf_size(&made.image));
	policy_view(bytes, &view);
	info.flags |= MF_RS_POLICY;
	said = (struct session_policy_said){ .generation = 1,
					     .mode = MF_POL_AUDIT,
					     .name = info.policy_name };
	assert_int_equal(session_policy_new(&said, &view, bytes, &setup.policy), 0);
	*state = scene;
	return session_new(&setup, &scene->session);
}

static int end_scene(void **state)
{
	struct scene *scene = *state;

	session_free(scene->session);
	buf_free(&scene->scratch);
	for (size_t i = 0; i < scene->count; i++)
		yajl_tree_free(scene->entries[i].tree);
	free(scene);
	return 0;
}

static void begin(struct scene *scene, uint64_t ordinal, uint64_t stamp, const char *tool)
{
	story_begin(&scene->packet, ordinal, stamp, "1", tool, "{}");
	assert_int_equal(session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			 0);
}

static void end(struct scene *scene, uint64_t ordinal, uint64_t stamp)
{
	story_end(&scene->packet, ordinal, stamp, MF_END_RESPONSE, "done");
	assert_int_equal(session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			 0);
}

static void happen(struct scene *scene)
{
	struct event_view event;

	assert_int_equal(event_parse(&scene->event, scene->event.head.size, &event), 0);
	assert_int_equal(session_event(scene->session, &event, false), 0);
}

/* By a process that was born at `birth`, or by the root process where that is 0. */
static void open_by(struct scene *scene, uint64_t stamp, uint64_t birth, const char *path)
{
	story_open(&scene->event, stamp, path, O_RDONLY);
	if (birth)
		story_by(&scene->event, 200, birth);
	happen(scene);
}

static void be_born(struct scene *scene, uint64_t birth)
{
	story_fork(&scene->event, birth, 200, birth);
	happen(scene);
}

/* The row about `path` in the newest entry of a type. */
static yajl_val row_of(const struct scene *scene, enum log_type type, const char *path)
{
	for (size_t i = scene->count; i-- > 0;) {
		yajl_val rows = tree_get(scene->entries[i].tree, "events");

		for (size_t k = 0; scene->entries[i].type == type && k < tree_count(rows); k++) {
			if (strcmp(tree_text(tree_at(rows, k), "path"), path) == 0)
				return tree_at(rows, k);
		}
	}
	fail_msg("no row about %s", path);
	return NULL;
}

static void expect(const struct scene *scene, enum log_type type, const char *path,
		   const char *verdict)
{
	assert_string_equal(tree_text(row_of(scene, type, path), "verdict"), verdict);
}

static void what_is_late_has_what_base_allows_and_no_more(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	be_born(scene, MF_STAMP(1, 1));
	open_by(scene, MF_STAMP(1, 1), MF_STAMP(1, 1), "/a/1");
	end(scene, 1, MF_STAMP(2, 0));
	open_by(scene, MF_STAMP(2, 0), MF_STAMP(1, 1), "/a/2");
	open_by(scene, MF_STAMP(2, 0), MF_STAMP(1, 1), "/base/2");
	session_close_first(scene->session);
	expect(scene, LOG_REQUEST, "/a/1", "allow");
	expect(scene, LOG_REQUEST, "/a/2", "would-deny");
	expect(scene, LOG_REQUEST, "/base/2", "allow");
	open_by(scene, MF_STAMP(2, 0), MF_STAMP(1, 1), "/a/3");
	open_by(scene, MF_STAMP(2, 0), MF_STAMP(1, 1), "/base/3");
	session_flush(scene->session, STORY_MONO, true);
	expect(scene, LOG_LATE, "/a/3", "would-deny");
	expect(scene, LOG_LATE, "/base/3", "allow");
}

static void of_the_candidates_those_count_that_were_in_flight(void **state)
{
	struct scene *scene = *state;
	yajl_val row;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	be_born(scene, MF_STAMP(1, 1));
	end(scene, 1, MF_STAMP(2, 0));
	begin(scene, 2, MF_STAMP(3, 1), "b");
	open_by(scene, MF_STAMP(3, 1), MF_STAMP(1, 1), "/a/1");
	open_by(scene, MF_STAMP(3, 1), MF_STAMP(1, 1), "/b/secret");
	end(scene, 2, MF_STAMP(4, 0));
	session_close_first(scene->session);
	session_close_first(scene->session);
	expect(scene, LOG_REQUEST, "/a/1", "would-deny");
	expect(scene, LOG_REQUEST, "/b/secret", "allow");
	row = row_of(scene, LOG_REQUEST, "/a/1");
	assert_int_equal(tree_count(tree_get(row, "candidates")), 2);
	assert_int_equal(tree_count(tree_get(row, "in_flight")), 1);
	assert_string_equal(tree_string(tree_at(tree_get(row, "in_flight"), 0)),
			    "1122334455667788-2");
}

static void two_in_flight_have_what_either_may_and_neither_is_denied(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	begin(scene, 2, MF_STAMP(2, 2), "b");
	open_by(scene, MF_STAMP(2, 2), 0, "/a/1");
	open_by(scene, MF_STAMP(2, 2), 0, "/b/1");
	open_by(scene, MF_STAMP(2, 2), 0, "/b/secret");
	end(scene, 1, MF_STAMP(3, 1));
	session_close_first(scene->session);
	expect(scene, LOG_REQUEST, "/a/1", "allow");
	expect(scene, LOG_REQUEST, "/b/1", "allow");
	expect(scene, LOG_REQUEST, "/b/secret", "would-deny");
	assert_null(tree_get(row_of(scene, LOG_REQUEST, "/a/1"), "in_flight"));
}

/* Told so late that the record of the call it was in is written: what the call had is forgotten. */
static void what_a_forgotten_call_was_allowed_is_not_known(void **state)
{
	struct scene *scene = *state;
	yajl_val row;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	open_by(scene, MF_STAMP(1, 1), 0, "/b/1");
	session_flush(scene->session, STORY_MONO, true);
	row = row_of(scene, LOG_LATE, "/b/1");
	assert_string_equal(tree_text(row, "verdict"), "observed");
	assert_string_equal(tree_text(row, "because"), "calls in flight not known");
}

static void a_call_that_is_ambiguous_or_has_no_id_lends_no_block(void **state)
{
	static const uint32_t flags[] = { MF_JF_DUP_KEYS, MF_JF_ID_MISSING, MF_JF_ID_NULL };
	struct scene *scene = *state;
	struct mf_j_begin *begun = (void *)(scene->packet.bytes + sizeof(struct mf_journal_entry));

	for (uint64_t i = 0; i < ARRAY_LEN(flags); i++) {
		story_begin(&scene->packet, i + 1, MF_STAMP(2 * i + 1, 1), "1", "a", "{}");
		begun->flags = flags[i];
		assert_int_equal(
			session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			0);
		open_by(scene, MF_STAMP(2 * i + 1, 1), 0, "/a/1");
		open_by(scene, MF_STAMP(2 * i + 1, 1), 0, "/base/1");
		end(scene, i + 1, MF_STAMP(2 * i + 2, 0));
		session_close_first(scene->session);
		expect(scene, LOG_REQUEST, "/a/1", "would-deny");
		expect(scene, LOG_REQUEST, "/base/1", "allow");
	}
}

static yajl_val summary_of(struct scene *scene)
{
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	return tree_get(scene->entries[scene->count - 1].tree, "summary");
}

static void connect_to(struct scene *scene, uint16_t kind, const uint8_t ip[4])
{
	story_connect(&scene->event, MF_STAMP(1, 1), ip, 80);
	scene->event.head.kind = kind;
	happen(scene);
}

static void a_denied_connection_is_an_alert_and_counts_once(void **state)
{
	static const uint8_t none[4] = { 0 }, local[4] = { 127, 0, 0, 1 };
	struct scene *scene = *state;
	yajl_val summary;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	connect_to(scene, MF_EV_CONNECT, none);
	connect_to(scene, MF_EV_TCP_SYN, local);
	summary = summary_of(scene);
	assert_int_equal(tree_number(summary, "policy_violations"), 1);
	assert_int_equal(tree_number(summary, "alerts"), 2);
}

static void a_denied_program_is_an_alert(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	story_exec(&scene->event, MF_STAMP(1, 1), "/x", "x", 2);
	happen(scene);
	assert_int_equal(tree_number(summary_of(scene), "alerts"), 1);
}

/* A change or a local socket with two texts. */
static void two_texts(struct scene *scene, uint16_t kind, const char *first, const char *second)
{
	struct mf_ev_change change = { .path_len = (uint16_t)strlen(first),
				       .path2_len = (uint16_t)strlen(second) };
	struct mf_ev_act act = { .path_len = change.path_len, .name_len = change.path2_len };
	bool is_act = kind == MF_EV_UNIX_CONNECT;
	size_t size = is_act ? sizeof(act) : sizeof(change);

	story_change(&scene->event, MF_EV_CREATE, MF_STAMP(1, 1), "");
	scene->event.head.kind = kind;
	memcpy(scene->event.body, is_act ? (void *)&act : (void *)&change, size);
	memcpy(scene->event.body + size, first, strlen(first));
	memcpy(scene->event.body + size + strlen(first), second, strlen(second));
	scene->event.head.size =
		(uint32_t)(sizeof(scene->event.head) + size + strlen(first) + strlen(second));
	happen(scene);
}

static void what_is_done_to_different_objects_counts_for_each(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	two_texts(scene, MF_EV_UNIX_CONNECT, "", "one");
	two_texts(scene, MF_EV_UNIX_CONNECT, "", "two");
	two_texts(scene, MF_EV_RENAME, "/x", "/y");
	two_texts(scene, MF_EV_RENAME, "/x", "/z");
	two_texts(scene, MF_EV_RENAME, "/x", "/z");
	assert_int_equal(tree_number(summary_of(scene), "policy_violations"), 4);
}

/* Another text takes its place, by generation `generation`. */
static void load(struct scene *scene, const char *with, uint64_t generation, uint64_t since_ns)
{
	struct mf_r_policy said = { .session = STORY_SESSION,
				    .generation = generation,
				    .since_ns = since_ns,
				    .mode = MF_POL_AUDIT,
				    .change = MF_RP_LOADED,
				    .name = "x.policy" };
	struct session_policy_said about = { .generation = generation,
					     .since_ns = since_ns,
					     .mode = MF_POL_AUDIT,
					     .name = said.name };
	struct session_policy *policy;
	_cleanup_made_ struct made made = { 0 };
	struct policy view;
	void *bytes;

	make(with, &made);
	bytes = malloc(buf_size(&made.image));
	assert_non_null(bytes);
	memcpy(bytes, buf_bytes(&made.image), buf_size(&made.image));
	policy_view(bytes, &view);
	assert_int_equal(session_policy_new(&about, &view, bytes, &policy), 0);
	session_take_policy(scene->session, &said, policy);
}

/* As the kernel decided it. */
static int kernel_decides(struct scene *scene, const char *path, uint32_t generation,
			  uint8_t verdict)
{
	struct event_view event;

	story_open(&scene->event, MF_STAMP(1, 1), path, O_RDONLY);
	scene->event.head.decision = (struct mf_decision){ .flags = MF_DECIDED,
							   .verdict = verdict,
							   .reason = POLICY_BY_NO_RULE,
							   .generation = generation };
	assert_int_equal(event_parse(&scene->event, scene->event.head.size, &event), 0);
	return session_event(scene->session, &event, false);
}

static void what_the_kernel_decided_by_a_text_that_is_not_told_yet_waits_for_it(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	assert_int_equal(kernel_decides(scene, "/a/1", 2, MF_WOULD_DENY), -EAGAIN);
	load(scene, text, 2, STORY_MONO);
	assert_int_equal(kernel_decides(scene, "/a/1", 2, MF_WOULD_DENY), 0);
}

static void an_act_before_and_one_after_a_change_are_two_and_each_has_its_text(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	kernel_decides(scene, "/a/1", 1, MF_ALLOW);
	load(scene, text, 2, STORY_MONO + 1);
	kernel_decides(scene, "/a/1", 2, MF_WOULD_DENY);
	kernel_decides(scene, "/a/2", 1, MF_ALLOW); /* read late */
	end(scene, 1, MF_STAMP(2, 0));
	scene->session->ended_first->end_ns = STORY_MONO + 2;
	session_close_first(scene->session);
	assert_int_equal(tree_number(row_of(scene, LOG_REQUEST, "/a/1"), "generation"), 1);
	assert_int_equal(tree_number(row_of(scene, LOG_REQUEST, "/a/2"), "generation"), 1);
	assert_int_equal(tree_number(tree_get(scene->entries[scene->count - 1].tree, "summary"),
				     "policy_violations"),
			 1);
}

static void a_text_is_forgotten_when_nothing_can_speak_of_it_any_more(void **state)
{
	struct scene *scene = *state;
	struct session *session = scene->session;

	begin(scene, 1, MF_STAMP(1, 1), "a");
	kernel_decides(scene, "/a/1", 1, MF_ALLOW);
	load(scene, text, 2, STORY_MONO + 1);
	load(scene, text, 3, STORY_MONO + 2);
	assert_non_null(session_policy_of(session->policy, 2)); /* an event of it may come */
	session_settle_policies(session);
	assert_null(session_policy_of(session->policy, 2));
	assert_non_null(session_policy_of(session->policy, 1)); /* a row speaks of it */
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(session);
	assert_null(session_policy_of(session->policy, 1));
	assert_non_null(session_policy_of(session->policy, 3));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, begin_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(what_is_late_has_what_base_allows_and_no_more),
		SCENE(of_the_candidates_those_count_that_were_in_flight),
		SCENE(two_in_flight_have_what_either_may_and_neither_is_denied),
		SCENE(what_a_forgotten_call_was_allowed_is_not_known),
		SCENE(a_call_that_is_ambiguous_or_has_no_id_lends_no_block),
		SCENE(a_denied_connection_is_an_alert_and_counts_once),
		SCENE(a_denied_program_is_an_alert),
		SCENE(what_the_kernel_decided_by_a_text_that_is_not_told_yet_waits_for_it),
		SCENE(an_act_before_and_one_after_a_change_are_two_and_each_has_its_text),
		SCENE(a_text_is_forgotten_when_nothing_can_speak_of_it_any_more),
		SCENE(what_is_done_to_different_objects_counts_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
