/* SPDX-License-Identifier: BSD-2-Clause */
/* An event and its row, written and read back, ask the same of a policy and get the same answer. */
#include "unit/policy/policies.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "record/json.h"
#include "record/question.h"
#include "record/row_read.h"
#include "record/tree.h"

#define EVENTS 200000

static const char text[] = "version 1\n"
			   "default deny\n"
			   "ceiling\n"
			   "  write /\n"
			   "  exec /\n"
			   "  connect *:*\n"
			   "  connect unix:/\n"
			   "  connect unix:@*\n"
			   "  listen *:*\n"
			   "  deny read /a/b\n"
			   "base\n"
			   "  read /a\n"
			   "  read /proc/self\n"
			   "  deny write /a/deny\n"
			   "  allow raw-sockets\n"
			   "tool t\n"
			   "  write /a\n"
			   "  exec /x\n"
			   "  connect 127.0.0.1:1\n"
			   "  connect unix:/a\n"
			   "  connect unix:@\"n\\u{E9}\\\\\"\n"
			   "  listen 127.0.0.1:*\n"
			   "  allow anonymous-exec\n"
			   "  deny connect unix:/a/x\n"
			   "tool u\n"
			   "  read /x\n"
			   "  deny /a/x\n"
			   "  allow mount\n";

static uint64_t state = 1;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

static size_t any_text(char *out)
{
	static const struct {
		const char *bytes;
		size_t size;
	} words[] = {
		{ "", 0 },
		{ "/a", 2 },
		{ "/a/b", 4 },
		{ "/a/deny", 7 },
		{ "/a/x/y", 6 },
		{ "/x", 2 },
		{ "/a\xff", 3 },
		{ "/a/\xc3\xa9", 5 },
		{ "/a\\x41", 6 },
		{ "/a/\xc3", 4 },
		{ "\xa9/b", 3 },
		{ "/x/\\\\", 5 },
		{ "/proc/7/maps", 12 },
		{ "/proc/8/maps", 12 },
		{ "memfd:x", 7 },
		{ "n\xc3\xa9\\", 4 },
		{ "n\0m", 3 },
		{ "\0", 1 },
		{ "/a\n\x1b", 4 },
		{ "/a/\xe2\x80\xae", 6 },
		{ "\xe2\x90\x80", 3 },
	};
	size_t at = any(ARRAY_LEN(words));

	memcpy(out, words[at].bytes, words[at].size);
	return words[at].size;
}

/* A row of any kind with whatever an engine could say, and more. */
struct any_row {
	_Alignas(8) char body[sizeof(struct mf_ev_send_on) + 64];
	struct mf_event head;
	struct row row;
	struct row_label label;
	struct event_view view;
};

static const uint32_t open_flags[] = { 0,	O_WRONLY,  O_RDWR,	O_ACCMODE,
				       O_CREAT, O_TRUNC,   O_PATH,	O_DIRECTORY,
				       O_SYNC,	O_TMPFILE, 0x80000000U, O_EXCL | O_CREAT };

static void fill_body(struct any_row *any_row, size_t first, size_t second)
{
	void *body = any_row->body;
	struct mf_ev_exec *exec = body;
	struct mf_ev_file *file = body;
	struct mf_ev_change *change = body;
	struct mf_ev_net *net = body;
	struct mf_ev_act *act = body;
	uint16_t path_flags = any(2) ? 0 : (uint16_t)any(16);

	switch (event_kind(any_row->head.kind)->body) {
	case BODY_EXEC:
		exec->path_flags = path_flags;
		exec->exe_len = (uint16_t)first;
		exec->argv_len = exec->argv_total = (uint32_t)second;
		break;
	case BODY_FILE:
		file->path_flags = path_flags;
		file->how = any(4);
		for (int i = 0; i < 3; i++)
			file->open_flags |= open_flags[any(ARRAY_LEN(open_flags))];
		file->path_len = (uint16_t)first;
		break;
	case BODY_CHANGE:
		change->path_flags = path_flags;
		change->path2_flags = any(2) ? 0 : (uint16_t)any(16);
		change->path_len = (uint16_t)first;
		change->path2_len = (uint16_t)second;
		break;
	case BODY_NET:
	case BODY_SEND_ON:
		net->family = any(2) ? 4 : 6;
		net->port = (uint16_t)any(3);
		memcpy(net->addr, any(2) ? "\x7f\0\0\1" : "\0\0\0\0", 4);
		if (net->family == 6 && any(2))
			memcpy(net->addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
		net->addr[15] |= net->family == 6 ? (uint8_t)any(2) : 0;
		break;
	case BODY_ACT:
		act->path_flags = path_flags;
		act->path_len = (uint16_t)first;
		act->name_len = (uint16_t)second;
		act->number = any(2) ? any(50) : AF_INET;
		act->value = (uint64_t)any(6) << 32 | any(60);
		break;
	case BODY_FORK:
	case BODY_EXIT:
		break;
	}
}

static void make_any(struct any_row *any_row)
{
	const struct event_kind *kind;
	char words[2][32];
	size_t sizes[2], wanted[2], body_size;

	memset(any_row, 0, sizeof(*any_row));
	any_row->head.kind = (uint16_t)(1 + any(MF_EV_KIND_MAX - 1));
	any_row->head.pid = 7;
	any_row->head.flags = any(8) ? 0 : MF_EVF_PROC_UNKNOWN;
	kind = event_kind(any_row->head.kind);
	sizes[0] = any_text(words[0]);
	sizes[1] = any_text(words[1]);
	fill_body(any_row, sizes[0], sizes[1]);
	event_texts(any_row->head.kind, any_row->body, &body_size, &wanted[0], &wanted[1]);
	memcpy(any_row->body + body_size, words[0], wanted[0]);
	memcpy(any_row->body + body_size + wanted[0], words[1], wanted[1]);
	any_row->view = (struct event_view){
		.head = &any_row->head,
		.body = any_row->body,
		.body_size = body_size,
		.text = { any_row->body + body_size, any_row->body + body_size + wanted[0] },
		.text_size = { wanted[0], wanted[1] },
	};
	any_row->label.label = (struct label){ .kind = LABEL_BACKGROUND };
	any_row->row = (struct row){ .kind = any_row->head.kind,
				     .pid = 7,
				     .flags = any_row->head.flags,
				     .label = &any_row->label,
				     .verdict = VERDICT_NONE,
				     .body = any_row->body,
				     .count = 1,
				     .comm = "c" };
	assert_non_null(kind);
}

static void answer_to(const struct made *made, const struct event_view *event,
		      struct answer *ret_answer)
{
	static const char *const tools[] = { "t", "u" };
	struct policy_request requests[2];
	struct policy_state now = { .requests = requests, .mode = MF_POL_ENFORCE };
	struct question question;

	for (uint32_t i = 0; i < 2; i++)
		requests[i] = (struct policy_request){ .block = policy_tool_block(&made->policy,
										  tools[i], 1) };
	now.request_count = state >> 40 & 1 ? 2 : state >> 41 & 1;
	question_of(event, &question);
	question_answer(&made->policy, &now, &question, state >> 42 & 3, ret_answer);
}

static bool same_answer(const struct answer *a, const struct answer *b)
{
	return a->reason == b->reason && a->decision.verdict == b->decision.verdict &&
	       a->decision.reason == b->decision.reason && a->decision.rule == b->decision.rule &&
	       a->decision.block == b->decision.block &&
	       a->decision.request == b->decision.request && a->decision.verb == b->decision.verb;
}

static void an_event_read_back_gets_the_answer_that_it_got(void **unused)
{
	_cleanup_made_ struct made made = { 0 };
	struct session session = { .id = "s" };
	const struct row_place place = { .session = &session };
	size_t answers[4] = { 0 }, reasons[64] = { 0 };

	make(text, &made);
	for (size_t i = 0; i < EVENTS; i++) {
		_cleanup_buf_ struct buf out = { 0 };
		_cleanup_tree_ yajl_val row = NULL;
		_cleanup_row_event_ struct row_event event = { 0 };
		struct jsonout json = { .buf = &out };
		struct answer before, after;
		struct any_row any_row;

		make_any(&any_row);
		json_row(&json, &place, &any_row.row);
		assert_int_equal(json.error, 0);
		row = tree_parse((const char *)buf_bytes(&out), buf_size(&out));
		assert_non_null(row);
		assert_int_equal(row_read(row, &event), 1);
		answer_to(&made, &any_row.view, &before);
		answer_to(&made, &event.view, &after);
		if (!same_answer(&before, &after))
			fail_msg("%.*s: verdict %d by %d line %u, read back %d by %d line %u",
				 (int)buf_size(&out), (const char *)buf_bytes(&out),
				 before.decision.verdict, before.reason, before.decision.rule,
				 after.decision.verdict, after.reason, after.decision.rule);
		answers[before.decision.verdict]++;
		reasons[before.reason]++;
	}
	/* each answer was among them, else this says nothing */
	assert_true(answers[MF_DENY] && answers[MF_OBSERVED] && answers[MF_ALLOW]);
	for (int reason = POLICY_BY_ALLOW; reason <= POLICY_BY_BELOW; reason++)
		assert_true(reasons[reason]);
	assert_true(reasons[QUESTION_NO_PATH] && reasons[QUESTION_NO_CALL]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_read_back_gets_the_answer_that_it_got),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
