/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "record/render.h"
#include "record/session.h"
#include "story.h"

#define ENTRIES_MAX 64

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static size_t refused_bytes; /* there is no memory for so many */

void *__wrap_malloc(size_t size)
{
	return size && size == refused_bytes ? NULL : __real_malloc(size);
}

struct entry {
	enum log_type type;
	char *json;
	yajl_val tree;
};

/* one session and all that it emitted */
struct scene {
	struct session *session;
	struct session_stats stats;
	struct mf_session_counters counters;
	struct buf scratch;
	struct entry entries[ENTRIES_MAX];
	size_t count;
	struct story_packet packet;
	struct story_event event;
};

static void keep_entry(void *data, enum log_type type, const struct buf *json)
{
	struct scene *scene = data;
	struct entry *entry = &scene->entries[scene->count++];
	char error[256];

	assert_in_range(scene->count, 1, ENTRIES_MAX - 1);
	entry->type = type;
	entry->json = strndup((const char *)buf_bytes(json), buf_size(json));
	assert_null(strchr(entry->json, '\n'));
	/* every entry is JSON for a parser that is not ours */
	entry->tree = yajl_tree_parse(entry->json, error, sizeof(error));
	if (!entry->tree)
		print_message("%s\n%s\n", error, entry->json);
	assert_non_null(entry->tree);
}

static int begin_scene_with(void **state, uint64_t lost)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct mf_r_session info = story_session();
	struct session_setup setup = { .info = &info,
				       .mapped = &scene->counters,
				       .seed = 1,
				       .stats = &scene->stats,
				       .scratch = &scene->scratch,
				       .emit = keep_entry,
				       .emit_data = scene };

	*state = scene;
	scene->counters.session = info.session;
	scene->counters.lost[MF_LOSS_RING_FULL] = lost;
	return session_new(&setup, &scene->session);
}

static int begin_scene(void **state)
{
	return begin_scene_with(state, 0);
}

/* The recorder is told of the session late: the first call has lost something already. */
static int begin_scene_late(void **state)
{
	return begin_scene_with(state, 7);
}

static int end_scene(void **state)
{
	struct scene *scene = *state;

	session_free(scene->session);
	buf_free(&scene->scratch);
	for (size_t i = 0; i < scene->count; i++) {
		free(scene->entries[i].json);
		yajl_tree_free(scene->entries[i].tree);
	}
	free(scene);
	return 0;
}

static void begin(struct scene *scene, uint64_t ordinal, uint64_t stamp, const char *id,
		  const char *tool, const char *args)
{
	story_begin(&scene->packet, ordinal, stamp, id, tool, args);
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

static yajl_val last(const struct scene *scene, enum log_type type)
{
	for (size_t i = scene->count; i-- > 0;)
		if (scene->entries[i].type == type)
			return scene->entries[i].tree;
	return NULL;
}

static yajl_val at(yajl_val tree, const char *key)
{
	const char *path[] = { key, NULL };

	return yajl_tree_get(tree, path, yajl_t_any);
}

static yajl_val item(yajl_val array, size_t index)
{
	assert_true(YAJL_IS_ARRAY(array));
	assert_in_range(index, 0, YAJL_GET_ARRAY(array)->len - 1);
	return YAJL_GET_ARRAY(array)->values[index];
}

static size_t count_of(yajl_val array)
{
	assert_true(YAJL_IS_ARRAY(array));
	return YAJL_GET_ARRAY(array)->len;
}

static void expect(yajl_val tree, const char *key, const char *text)
{
	yajl_val value = key ? at(tree, key) : tree;

	assert_non_null(value);
	if (YAJL_IS_NUMBER(value))
		assert_string_equal(YAJL_GET_NUMBER(value), text);
	else
		assert_string_equal(YAJL_GET_STRING(value), text);
}

/* One call that reads a file of its own and /etc/passwd. */
static yajl_val lie(struct scene *scene)
{
	begin(scene, 1, MF_STAMP(1, 1), "\"req-42\"", "read_customer_data", "{\"customer\":7}");
	story_open(&scene->event, MF_STAMP(1, 1), "/srv/app/customers.db", O_RDONLY | O_CLOEXEC);
	happen(scene);
	story_open(&scene->event, MF_STAMP(1, 1), "/etc/passwd", O_RDONLY);
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	return last(scene, LOG_REQUEST);
}

static void a_record_says_who_asked_what_was_claimed_and_what_happened(void **state)
{
	yajl_val record = lie(*state);
	yajl_val events = at(record, "events");

	expect(record, "schema", "mcpfloor.record/1");
	expect(record, "uid", "1122334455667788-1");
	expect(record, "req_id", "req-42");
	expect(record, "tool", "read_customer_data");
	expect(record, "tenant", "acme");
	expect(record, "end", "response");
	expect(record, "duration_ns", "1000000");
	expect(record, "started", "2023-11-14T22:13:20.001000000Z");
	expect(at(record, "arguments"), "customer", "7");
	expect(at(record, "app_log"), "outcome", "completed successfully");
	expect(at(record, "app_log"), "text", "done");
	assert_int_equal(count_of(events), 2);
	expect(item(events, 0), "kind", "open");
	expect(item(events, 0), "label", "exclusive");
	expect(item(events, 0), "risk", "baseline");
	expect(item(events, 0), "process", "100@1000");
	expect(item(at(item(events, 0), "flags"), 1), NULL, "O_CLOEXEC");
	expect(item(events, 1), "path", "/etc/passwd");
	expect(item(events, 1), "risk", "alert");
	expect(at(record, "summary"), "alerts", "1");
	expect(at(record, "summary"), "files_read", "2");
	assert_true(YAJL_IS_TRUE(at(record, "complete")));
	assert_int_equal(count_of(at(record, "processes")), 1);
}

static void equal_events_are_folded_with_count_and_last_time(void **state)
{
	struct scene *scene = *state;
	yajl_val events;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	for (int i = 0; i < 1000; i++) {
		story_open(&scene->event, MF_STAMP(1, 1), i % 2 ? "/a" : "/b", O_RDONLY);
		scene->event.head.t_ns += (uint64_t)i;
		happen(scene);
	}
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	events = at(last(scene, LOG_REQUEST), "events");
	assert_int_equal(count_of(events), 2);
	expect(item(events, 0), "count", "500");
	expect(item(events, 0), "t_ns", "500");
	expect(item(events, 0), "last_ns", "1498");
	assert_int_equal(scene->stats.folded, 998);
}

static void rows_beyond_the_bound_are_counted_and_the_record_says_so(void **state)
{
	struct scene *scene = *state;
	char path[32];
	yajl_val record;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	for (int i = 0; i < ROWS_MAX + 7; i++) {
		snprintf(path, sizeof(path), "/f%d", i);
		story_open(&scene->event, MF_STAMP(1, 1), path, O_RDONLY);
		happen(scene);
	}
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	assert_int_equal(count_of(at(record, "events")), ROWS_MAX);
	expect(record, "events_more", "7");
	assert_true(YAJL_IS_FALSE(at(record, "complete")));
	expect(item(at(record, "incomplete"), 0), NULL, "more rows than are kept");
}

/* E38 */
static void what_is_sent_on_an_earlier_requests_connection_names_both(void **state)
{
	static const uint8_t ip[4] = { 198, 51, 100, 7 };
	struct scene *scene = *state;
	yajl_val record, row;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	begin(scene, 2, MF_STAMP(3, 1), "2", "t", "{}");
	story_send_on(&scene->event, MF_STAMP(3, 1), ip, MF_STAMP(1, 1), STORY_ROOT_PID);
	happen(scene);
	story_send_on(&scene->event, MF_STAMP(3, 1), ip, MF_STAMP(0, 0), STORY_ROOT_PID);
	happen(scene);
	story_send_on(&scene->event, MF_STAMP(3, 1), ip, 0, 0);
	happen(scene);
	end(scene, 2, MF_STAMP(4, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	row = item(at(record, "events"), 0);
	expect(row, "kind", "send");
	expect(row, "label", "exclusive");
	expect(row, "dst_ip", "198.51.100.7");
	expect(row, "opened_in", "1122334455667788-1");
	expect(row, "opened_by", "100@1000");
	assert_true(YAJL_IS_TRUE(at(row, "connected")));
	row = item(at(record, "events"), 1);
	assert_true(YAJL_IS_NULL(at(row, "opened_in")));
	row = item(at(record, "events"), 2);
	assert_null(at(row, "opened_in"));
	assert_null(at(row, "opened_by"));
	assert_string_equal(YAJL_GET_STRING(item(at(at(record, "summary"), "hosts"), 0)),
			    "198.51.100.7:443");
}

static void a_summary_tells_who_listens(void **state)
{
	static const uint8_t any[4];
	struct scene *scene = *state;
	yajl_val summary;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_connect(&scene->event, MF_STAMP(1, 1), any, 4444);
	scene->event.head.kind = MF_EV_LISTEN;
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	summary = at(last(scene, LOG_REQUEST), "summary");
	assert_string_equal(YAJL_GET_STRING(item(at(summary, "listens"), 0)), "0.0.0.0:4444");
	assert_int_equal(count_of(at(summary, "hosts")), 0);
}

static void records_that_share_their_events_share_a_bound(void **state)
{
	struct scene *scene = *state;
	uint64_t rows = 0;
	char path[4000] = "/";

	memset(path + 1, 'x', sizeof(path) - 2);
	for (unsigned i = 1; i <= 8; i++)
		begin(scene, i, MF_STAMP(i, i), "1", "t", "{}");
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(path + 3990, 9, "%08u", i);
		story_open(&scene->event, MF_STAMP(8, 8), path, O_RDONLY);
		happen(scene);
	}
	assert_in_range(scene->session->rows_bytes, ROWS_SHARED_MAX - 8 * 8192, ROWS_SHARED_MAX);
	for (const struct request *request = scene->session->oldest; request;
	     request = request->newer) {
		assert_int_equal(request->rows.count + request->rows.capped, 3000);
		rows += request->rows.count;
	}
	assert_in_range(rows, 1, ROWS_SHARED_MAX / 4000);
	for (unsigned i = 1; i <= 8; i++) {
		end(scene, i, MF_STAMP(8 + i, 8 - i));
		session_close_first(scene->session);
	}
	assert_true(YAJL_IS_FALSE(at(last(scene, LOG_REQUEST), "complete")));
	assert_int_equal(scene->session->rows_bytes, 0);
}

static void an_event_of_an_epoch_that_is_not_told_waits(void **state)
{
	struct scene *scene = *state;
	struct event_view event;

	story_open(&scene->event, MF_STAMP(1, 1), "/x", O_RDONLY);
	assert_int_equal(event_parse(&scene->event, scene->event.head.size, &event), 0);
	assert_int_equal(session_event(scene->session, &event, false), -EAGAIN);
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	assert_int_equal(session_event(scene->session, &event, false), 0);
	assert_int_equal(scene->stats.epoch_unknown, 0);
}

static void an_event_that_stays_untold_makes_records_incomplete(void **state)
{
	struct scene *scene = *state;
	struct event_view event;
	yajl_val record;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_open(&scene->event, MF_STAMP(2, 2), "/x", O_RDONLY);
	assert_int_equal(event_parse(&scene->event, scene->event.head.size, &event), 0);
	assert_int_equal(session_event(scene->session, &event, true), 0);
	end(scene, 1, MF_STAMP(3, 1));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	expect(item(at(record, "events"), 0), "label", "candidates");
	assert_true(YAJL_IS_TRUE(at(item(at(record, "events"), 0), "in_flight_unknown")));
	assert_true(YAJL_IS_FALSE(at(record, "complete")));
	assert_int_equal(scene->stats.epoch_unknown, 1);
}

static void settle(struct scene *scene)
{
	uint64_t lost[MF_LOSS_MAX];

	if (session_losing(scene->session, lost))
		session_settle(scene->session, lost);
}

static void losses_of_the_kernel_side_make_open_records_incomplete(void **state)
{
	struct scene *scene = *state;
	yajl_val record;

	scene->counters.lost[MF_LOSS_RING_FULL] = 5;
	settle(scene);
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	scene->counters.lost[MF_LOSS_RING_FULL] = 8;
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	expect(at(record, "lost"), "ring_full", "3");
	assert_true(YAJL_IS_FALSE(at(record, "complete")));
}

static void a_loss_before_the_beginning_was_read_counts_for_the_request(void **state)
{
	struct scene *scene = *state;

	settle(scene);
	scene->counters.lost[MF_LOSS_RING_BULK] =
		2; /* it happened after the page showed the call */
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	expect(at(last(scene, LOG_REQUEST), "lost"), "ring_bulk", "2");
}

static void a_loss_before_the_session_was_told_of_counts_for_its_first_request(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	expect(at(last(scene, LOG_REQUEST), "lost"), "ring_full", "7");
}

static void a_process_that_was_not_born_is_counted_and_nothing_is_missing(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	scene->counters.lost[MF_LOSS_FORK_REFUSED] = 3;
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	expect(at(last(scene, LOG_REQUEST), "lost"), "fork_refused", "3");
	assert_true(YAJL_IS_TRUE(at(last(scene, LOG_REQUEST), "complete")));
}

static void a_text_that_there_was_no_memory_for_makes_the_record_incomplete(void **state)
{
	struct scene *scene = *state;
	char args[777];
	yajl_val record;

	memset(args, ' ', sizeof(args));
	memcpy(args, "{}", 2);
	args[sizeof(args) - 1] = '\0';
	refused_bytes = sizeof(args) - 1;
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", args);
	refused_bytes = 0;
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	assert_null(at(record, "arguments"));
	assert_true(YAJL_IS_FALSE(at(record, "complete")));
	assert_string_equal(YAJL_GET_STRING(item(at(record, "incomplete"), 0)), "no memory");
}

static void losses_of_the_slots_next_session_are_not_charged(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	scene->counters.session++;
	scene->counters.lost[MF_LOSS_RING_FULL] = 9;
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	assert_int_equal(YAJL_GET_OBJECT(at(last(scene, LOG_REQUEST), "lost"))->len, 0);
}

static void requests_that_a_cut_list_does_not_name_are_incomplete(void **state)
{
	const unsigned all = HISTORY_NAMES_MAX + 4;
	struct scene *scene = *state;
	unsigned incomplete = 0;
	char id[16];

	for (unsigned i = 1; i <= all; i++) {
		snprintf(id, sizeof(id), "%u", i);
		begin(scene, i, MF_STAMP(i, i), id, "t", "{}");
	}
	story_open(&scene->event, MF_STAMP(all, all), "/x", O_RDONLY);
	happen(scene);
	/* whichever end of the list is cut: the first four or the last four */
	for (unsigned i = 0; i < 8; i++) {
		end(scene, i < 4 ? i + 1 : all + 4 - i, MF_STAMP(all + 1 + i, all - 1 - i));
		session_close_first(scene->session);
		incomplete += YAJL_IS_FALSE(at(last(scene, LOG_REQUEST), "complete"));
	}
	assert_int_equal(incomplete, 4);
}

static bool is_complete(struct scene *scene)
{
	session_close_first(scene->session);
	return YAJL_IS_TRUE(at(last(scene, LOG_REQUEST), "complete"));
}

static void gap(struct scene *scene, uint64_t stamp, uint32_t mask)
{
	story_change(&scene->event, MF_EV_MOUNT_GAP, stamp, "");
	((struct mf_ev_change *)scene->event.body)->mask = mask;
}

static void a_process_whose_opens_are_not_seen_makes_records_incomplete_while_it_lives(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_fork(&scene->event, MF_STAMP(1, 1), 200, MF_STAMP(1, 1));
	happen(scene);
	gap(scene, MF_STAMP(1, 1), 0);
	story_by(&scene->event, 200, MF_STAMP(1, 1));
	happen(scene);
	story_fork(&scene->event, MF_STAMP(1, 1), 201, MF_STAMP(1, 1));
	story_by(&scene->event, 200, MF_STAMP(1, 1));
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	assert_false(is_complete(scene));
	story_exit_event(&scene->event, MF_STAMP(2, 0), 0);
	story_by(&scene->event, 200, MF_STAMP(1, 1));
	happen(scene);
	/* its child is there still */
	begin(scene, 2, MF_STAMP(3, 1), "2", "t", "{}");
	end(scene, 2, MF_STAMP(4, 0));
	assert_false(is_complete(scene));
	story_exit_event(&scene->event, MF_STAMP(4, 0), 0);
	story_by(&scene->event, 201, MF_STAMP(1, 1));
	happen(scene);
	begin(scene, 3, MF_STAMP(5, 1), "3", "t", "{}");
	end(scene, 3, MF_STAMP(6, 0));
	assert_true(is_complete(scene));
}

static void a_gap_that_stays_makes_all_later_records_incomplete(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	gap(scene, MF_STAMP(1, 1), MF_GAP_STAYS);
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	assert_false(is_complete(scene));
	begin(scene, 2, MF_STAMP(3, 1), "2", "t", "{}");
	end(scene, 2, MF_STAMP(4, 0));
	assert_false(is_complete(scene));
}

static void two_in_flight_share_an_event_as_candidates(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	begin(scene, 2, MF_STAMP(2, 2), "2", "t", "{}");
	story_open(&scene->event, MF_STAMP(2, 2), "/x", O_RDONLY);
	happen(scene);
	end(scene, 1, MF_STAMP(3, 1));
	end(scene, 2, MF_STAMP(4, 0));
	for (int i = 0; i < 2; i++) {
		yajl_val row;

		session_close_first(scene->session);
		row = item(at(last(scene, LOG_REQUEST), "events"), 0);
		expect(row, "label", "candidates");
		assert_int_equal(count_of(at(row, "candidates")), 2);
	}
}

static void a_child_is_of_its_request_and_late_after_its_end(void **state)
{
	struct scene *scene = *state;
	yajl_val record, late;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_fork(&scene->event, MF_STAMP(1, 1), 200, MF_STAMP(1, 1));
	happen(scene);
	story_exec(&scene->event, MF_STAMP(1, 1), "/usr/bin/curl", "curl\0--token\0abc\0http://x",
		   25);
	story_by(&scene->event, 200, MF_STAMP(1, 1));
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	story_open(&scene->event, MF_STAMP(2, 0), "/late", O_RDONLY);
	story_by(&scene->event, 200, MF_STAMP(1, 1));
	happen(scene); /* the record is still open: it waits for its barrier */
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	assert_int_equal(count_of(at(record, "events")), 3);
	expect(item(at(record, "events"), 2), "label", "lineage");
	assert_true(YAJL_IS_TRUE(at(item(at(record, "events"), 2), "late")));
	expect(item(at(record, "processes"), 1), "exe", "/usr/bin/curl");
	expect(item(at(record, "processes"), 1), "born", "1122334455667788-1");
	expect(item(at(item(at(record, "processes"), 1), "argv"), 2), NULL, "[masked]");
	expect(at(record, "summary"), "unexpected_subprocesses", "1");
	happen(scene); /* now it is closed */
	session_flush(scene->session, STORY_MONO, true);
	late = last(scene, LOG_LATE);
	expect(item(at(late, "uids"), 0), NULL, "1122334455667788-1");
	expect(item(at(late, "events"), 0), "request", "1122334455667788-1");
	assert_true(YAJL_IS_TRUE(at(item(at(late, "events"), 0), "late")));
}

static void a_late_entry_names_each_request_once(void **state)
{
	struct scene *scene = *state;
	yajl_val uids;

	for (unsigned i = 1; i <= 2; i++) {
		begin(scene, i, MF_STAMP(2 * i - 1, 1), "1", "t", "{}");
		story_fork(&scene->event, MF_STAMP(2 * i - 1, 1), 100 + 100 * i,
			   MF_STAMP(2 * i - 1, 1));
		happen(scene);
		end(scene, i, MF_STAMP(2 * i, 0));
		session_close_first(scene->session);
	}
	for (unsigned i = 0; i < 3; i++) {
		uint64_t now = i < 2 ? MF_STAMP(4, 0) : MF_STAMP(5, 1);

		if (i == 2)
			begin(scene, 3, now, "1", "t", "{}");
		story_open(&scene->event, now, "/late", O_RDONLY);
		story_by(&scene->event, i == 1 ? 300 : 200, MF_STAMP(i == 1 ? 3 : 1, 1));
		happen(scene);
	}
	session_flush(scene->session, STORY_MONO, true);
	uids = at(last(scene, LOG_LATE), "uids");
	assert_int_equal(count_of(uids), 3);
	expect(item(uids, 0), NULL, "1122334455667788-1");
	expect(item(uids, 1), NULL, "1122334455667788-2");
}

static void what_belongs_to_no_request_is_background(void **state)
{
	struct scene *scene = *state;
	yajl_val background;

	story_open(&scene->event, MF_STAMP(0, 0), "/usr/lib/node/x.js", O_RDONLY);
	happen(scene);
	assert_null(last(scene, LOG_BACKGROUND));
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}"); /* flushes */
	background = last(scene, LOG_BACKGROUND);
	expect(item(at(background, "events"), 0), "label", "background");
	assert_null(at(item(at(background, "events"), 0), "request"));
}

static void claims_are_held_against_what_happened(void **state)
{
	static const uint8_t there[4] = { 198, 51, 100, 42 };
	static const uint8_t here[4] = { 127, 0, 0, 1 };
	struct scene *scene = *state;
	yajl_val claims;

	story_tool(&scene->packet, "t", 2, 1, 1);
	assert_int_equal(session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			 0);
	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_open(&scene->event, MF_STAMP(1, 1), "/srv/app/x.db-wal", O_RDWR | O_CREAT);
	happen(scene); /* a side file of a read is no contradiction */
	story_open(&scene->event, MF_STAMP(1, 1), "/srv/app/out", O_WRONLY);
	happen(scene);
	story_change(&scene->event, MF_EV_DELETE, MF_STAMP(1, 1), "/srv/app/old");
	happen(scene);
	story_change(&scene->event, MF_EV_DELETE, MF_STAMP(1, 1), "/srv/app/dir");
	scene->event.head.flags |= MF_EVF_ASKED;
	happen(scene);
	story_connect(&scene->event, MF_STAMP(1, 1), here, 80);
	happen(scene);
	story_connect(&scene->event, MF_STAMP(1, 1), there, 443);
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	claims = at(last(scene, LOG_REQUEST), "claims");
	assert_true(YAJL_IS_TRUE(at(at(claims, "hints"), "readOnlyHint")));
	assert_int_equal(count_of(at(claims, "contradictions")), 3);
	expect(item(at(claims, "contradictions"), 0), NULL,
	       "readOnlyHint is true, but open /srv/app/out, delete /srv/app/old, asked for delete "
	       "/srv/app/dir");
	expect(item(at(claims, "contradictions"), 2), NULL,
	       "openWorldHint is false, but connect 198.51.100.42 port 443");
	expect(item(at(at(last(scene, LOG_REQUEST), "summary"), "hosts"), 1), NULL,
	       "198.51.100.42:443");
}

static void ids_are_kept_as_written(void **state)
{
	static const char *const ids[] = { "0",		 "\"\"", "\"0\"",
					   "-1",	 "1.0",	 "9007199254740993",
					   "\"\\u0031\"" };
	struct scene *scene = *state;
	char want[64];

	for (uint64_t i = 0; i < ARRAY_LEN(ids); i++) {
		begin(scene, i + 1, MF_STAMP(2 * i + 1, 1), ids[i], "t", "{}");
		end(scene, i + 1, MF_STAMP(2 * i + 2, 0));
		session_close_first(scene->session);
		snprintf(want, sizeof(want), "\"req_id\":%s,", ids[i]);
		assert_non_null(strstr(scene->entries[scene->count - 1].json, want));
	}
}

static void bytes_that_are_no_text_are_escaped_and_said_so(void **state)
{
	struct scene *scene = *state;
	yajl_val row;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{\"a\":\xff}");
	story_open(&scene->event, MF_STAMP(1, 1), "/a\xff\\x\n\x1b[31m", O_RDONLY);
	happen(scene);
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	row = item(at(last(scene, LOG_REQUEST), "events"), 0);
	expect(row, "path", "/a\\xff\\\\x\n\x1b[31m");
	assert_true(YAJL_IS_TRUE(at(row, "escaped")));
	assert_true(YAJL_IS_STRING(at(last(scene, LOG_REQUEST), "arguments")));
}

static void each_object_says_itself_that_it_holds_such_bytes(void **state)
{
	struct scene *scene = *state;
	yajl_val record;

	strcpy(scene->session->info.name, "n\xff\\");
	begin(scene, 1, MF_STAMP(1, 1), "1", "a\\b", "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	expect(at(record, "session"), "name", "n\\xff\\\\");
	assert_true(YAJL_IS_TRUE(at(at(record, "session"), "escaped")));
	expect(record, "tool", "a\\b");
	assert_null(at(record, "escaped"));
	strcpy(scene->session->info.cwd, "/\xff");
	session_finish(scene->session, NULL, "exit", STORY_MONO);
	assert_true(YAJL_IS_TRUE(at(at(last(scene, LOG_SESSION_END), "session"), "escaped")));
}

static void a_name_that_may_be_cut_is_said_to_be(void **state)
{
	struct scene *scene = *state;
	char tool[MF_TOOL_MAX + 1];
	yajl_val notes;

	memset(tool, 't', MF_TOOL_MAX);
	tool[MF_TOOL_MAX] = '\0';
	begin(scene, 1, MF_STAMP(1, 1), "1", tool, "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	notes = at(last(scene, LOG_REQUEST), "notes");
	assert_string_equal(YAJL_GET_STRING(item(notes, 0)), "tool_cut");
	assert_int_equal(notes->u.array.len, 1);
}

static void a_cut_number_is_no_number(void **state)
{
	struct scene *scene = *state;
	char id[MF_ID_MAX + 1];
	yajl_val record;

	memset(id, '7', MF_ID_MAX);
	id[MF_ID_MAX] = '\0';
	begin(scene, 1, MF_STAMP(1, 1), id, "t", "{}");
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	record = last(scene, LOG_REQUEST);
	assert_true(YAJL_IS_STRING(at(record, "req_id")));
	assert_string_equal(YAJL_GET_STRING(item(at(record, "notes"), 0)), "id_cut");
}

static void a_broken_journal_makes_everything_after_it_incomplete(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	story_begin(&scene->packet, 2, MF_STAMP(1, 1), "2", "t", "{}"); /* no new epoch */
	assert_int_equal(session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			 -EBADMSG);
	assert_int_equal(scene->stats.journal_bad, 1);
	session_end_request(scene->session, scene->session->oldest, MF_END_RELAY_GONE, STORY_MONO);
	session_close_first(scene->session);
	assert_true(YAJL_IS_FALSE(at(last(scene, LOG_REQUEST), "complete")));
	expect(last(scene, LOG_REQUEST), "end", "relay-gone");
}

static void dead_processes_are_forgotten_when_no_record_names_them(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, MF_STAMP(1, 1), "1", "t", "{}");
	for (uint32_t pid = 1000; pid < 41000; pid++) {
		story_fork(&scene->event, MF_STAMP(1, 1), pid, MF_STAMP(1, 1));
		happen(scene);
		story_exit_event(&scene->event, MF_STAMP(1, 1), 0);
		story_by(&scene->event, pid, MF_STAMP(1, 1));
		happen(scene);
	}
	assert_true(scene->session->processes.count <= ROWS_PROCESSES_MAX + 2);
	end(scene, 1, MF_STAMP(2, 0));
	session_close_first(scene->session);
	assert_int_equal(scene->session->processes.count, 1);
}

/* A notification is read, and a handshake fails, when the process is gone already. */
static void what_comes_after_a_process_is_gone_does_not_keep_it(void **state)
{
	struct scene *scene = *state;

	for (uint32_t pid = 1000; pid < 2000; pid++) {
		story_fork(&scene->event, MF_STAMP(0, 0), pid, MF_STAMP(0, 0));
		happen(scene);
		story_exit_event(&scene->event, MF_STAMP(0, 0), 0);
		story_by(&scene->event, pid, MF_STAMP(0, 0));
		happen(scene);
		session_flush(scene->session, scene->event.head.t_ns, true);
		story_change(&scene->event, MF_EV_CREATE, MF_STAMP(0, 0), "/x");
		scene->event.head.flags = MF_EVF_LATE_SEEN;
		story_by(&scene->event, pid, MF_STAMP(0, 0));
		happen(scene);
		session_flush(scene->session, scene->event.head.t_ns, true);
		while (scene->count) {
			free(scene->entries[--scene->count].json);
			yajl_tree_free(scene->entries[scene->count].tree);
		}
	}
	assert_int_equal(process_live_count(&scene->session->processes), 1);
	assert_in_range(scene->session->processes.count, 1, 2);
}

static void the_session_end_tells_status_counts_and_leftovers(void **state)
{
	struct scene *scene = *state;
	struct mf_r_gone gone = { .session = STORY_SESSION, .killed = 1 };
	yajl_val end_entry;

	gone.leftovers[0].pid = 200;
	strcpy(gone.leftovers[0].comm, "helper");
	lie(scene);
	story_exit(&scene->packet, 7 << 8);
	assert_int_equal(session_journal(scene->session, scene->packet.bytes, scene->packet.size),
			 0);
	session_finish(scene->session, &gone, "exit", STORY_MONO + 5000000);
	end_entry = last(scene, LOG_SESSION_END);
	expect(end_entry, "end", "exit");
	expect(at(end_entry, "exit"), "code", "7");
	expect(end_entry, "requests", "1");
	expect(item(at(end_entry, "leftovers"), 0), "comm", "helper");
}

static void text_of_a_record_leads_with_the_alert_and_is_safe_to_print(void **state)
{
	struct scene *scene = *state;
	_cleanup_buf_ struct buf out = { 0 };
	struct render_style style = { 0 };
	struct json_text json;

	lie(scene);
	json.json = scene->entries[scene->count - 1].json;
	json.size = strlen(json.json);
	assert_int_equal(render_record(&out, &style, &json, NULL, 0), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_non_null(strstr((const char *)buf_bytes(&out), "/etc/passwd"));
	assert_non_null(strstr((const char *)buf_bytes(&out), "completed successfully"));
	assert_null(strchr((const char *)buf_bytes(&out), '\x1b'));
	assert_int_equal(record_has_id(&json, "req-42"), 1);
	assert_int_equal(record_has_id(&json, "req-43"), 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, begin_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_record_says_who_asked_what_was_claimed_and_what_happened),
		SCENE(equal_events_are_folded_with_count_and_last_time),
		SCENE(rows_beyond_the_bound_are_counted_and_the_record_says_so),
		SCENE(what_is_sent_on_an_earlier_requests_connection_names_both),
		SCENE(a_summary_tells_who_listens),
		SCENE(records_that_share_their_events_share_a_bound),
		SCENE(an_event_of_an_epoch_that_is_not_told_waits),
		SCENE(an_event_that_stays_untold_makes_records_incomplete),
		SCENE(losses_of_the_kernel_side_make_open_records_incomplete),
		SCENE(a_loss_before_the_beginning_was_read_counts_for_the_request),
		cmocka_unit_test_setup_teardown(
			a_loss_before_the_session_was_told_of_counts_for_its_first_request,
			begin_scene_late, end_scene),
		SCENE(losses_of_the_slots_next_session_are_not_charged),
		SCENE(requests_that_a_cut_list_does_not_name_are_incomplete),
		SCENE(a_process_whose_opens_are_not_seen_makes_records_incomplete_while_it_lives),
		SCENE(a_gap_that_stays_makes_all_later_records_incomplete),
		SCENE(two_in_flight_share_an_event_as_candidates),
		SCENE(a_child_is_of_its_request_and_late_after_its_end),
		SCENE(a_late_entry_names_each_request_once),
		SCENE(what_belongs_to_no_request_is_background),
		SCENE(claims_are_held_against_what_happened),
		SCENE(ids_are_kept_as_written),
		SCENE(bytes_that_are_no_text_are_escaped_and_said_so),
		SCENE(each_object_says_itself_that_it_holds_such_bytes),
		SCENE(a_name_that_may_be_cut_is_said_to_be),
		SCENE(a_cut_number_is_no_number),
		SCENE(a_process_that_was_not_born_is_counted_and_nothing_is_missing),
		SCENE(a_text_that_there_was_no_memory_for_makes_the_record_incomplete),
		SCENE(a_broken_journal_makes_everything_after_it_incomplete),
		SCENE(dead_processes_are_forgotten_when_no_record_names_them),
		SCENE(what_comes_after_a_process_is_gone_does_not_keep_it),
		SCENE(the_session_end_tells_status_counts_and_leftovers),
		SCENE(text_of_a_record_leads_with_the_alert_and_is_safe_to_print),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
