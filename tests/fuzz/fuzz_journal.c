/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Journal packets as a hostile relay would write them: whatever they hold, the session survives,
 * and its entries are JSON that can be rendered.
 *
 * An input is a row of: one byte of switches, two bytes of length, the packet's bytes.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "abi/page.h"
#include "record/render.h"
#include "record/session.h"

enum {
	GOOD_HEAD = 1 << 0, /* version, size and kind are put right */
	GOOD_STAMP = 1 << 1, /* the next epoch, and the count that it should have */
	GOOD_LENGTHS = 1 << 2, /* all that is there is one string: the kind's third, or its first */
	CLOSE = 1 << 3,
};

static void check_entry(void *data, enum log_type type, const struct buf *json)
{
	struct render_style style = { 0 };
	struct json_text text = { (const char *)buf_bytes(json), buf_size(json) };
	struct log_entry entry = { .type = type, .json = text.json, .size = text.size };
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_buf_ struct buf copy = { 0 };
	char error[128];
	yajl_val tree;

	if (buf_append(&copy, text.json, text.size) || buf_append(&copy, "", 1))
		abort();
	tree = yajl_tree_parse((const char *)buf_bytes(&copy), error, sizeof(error));
	if (!tree || memchr(text.json, '\n', text.size))
		abort();
	yajl_tree_free(tree);
	if (render_tail(&out, &style, &entry))
		abort();
	if (type == LOG_REQUEST &&
	    (render_record(&out, &style, &text, NULL, 0) || render_list_row(&out, &style, &entry) ||
	     record_has_id(&text, "req-42") < 0 || render_record_json(&out, &text, NULL, 0)))
		abort();
}

static void put_right(struct session *session, uint8_t switches, char *packet, size_t size)
{
	struct mf_journal_entry *head = (struct mf_journal_entry *)packet;
	struct mf_j_begin *begin = (struct mf_j_begin *)(head + 1);
	struct mf_j_end *end = (struct mf_j_end *)(head + 1);
	bool begins = head->kind != MF_J_END;

	if (switches & GOOD_HEAD) {
		head->version = MF_ABI_VERSION;
		head->size = (uint32_t)size;
		head->kind = (uint16_t)(1 + head->kind % MF_J_RESUME);
		begins = head->kind != MF_J_END;
	}
	if (switches & GOOD_STAMP) {
		size_t count = session->history.open_count;

		head->ordinal = begins ? session->requests_begun + 1 : session->requests_begun;
		head->stamp = MF_STAMP(session->history.last + 1, begins  ? count + 1
								  : count ? count - 1
									  : 0);
	}
	if (!(switches & GOOD_LENGTHS))
		return;
	if ((head->kind == MF_J_BEGIN || head->kind == MF_J_IDENTIFY) &&
	    size >= sizeof(*head) + sizeof(*begin)) {
		size_t left = size - sizeof(*head) - sizeof(*begin);

		begin->id_len = (uint16_t)(left / 4);
		begin->tool_len = (uint32_t)(left / 4);
		begin->args_len = (uint32_t)(left / 4);
		begin->trace_len = begin->method_len = (uint32_t)(left / 8);
	}
	if (head->kind == MF_J_END && size >= sizeof(*head) + sizeof(*end))
		end->text_len = (uint32_t)(size - sizeof(*head) - sizeof(*end));
}

static void one(struct session *session, uint8_t switches, const uint8_t *bytes, size_t size)
{
	_cleanup_free_ char *packet = NULL;

	if (switches & GOOD_HEAD)
		size &= ~(size_t)7;
	packet = malloc(size ? size : 1);
	memcpy(packet, bytes, size);
	if (size >= sizeof(struct mf_journal_entry))
		put_right(session, switches, packet, size);
	(void)session_journal(session, packet, size); /* refusing is fine */
	while ((switches & CLOSE) && session->ended_first)
		session_close_first(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mf_r_session info = { .session = 1, .coverage = 63, .name = "f" };
	_cleanup_buf_ struct buf scratch = { 0 };
	struct session_stats stats = { 0 };
	struct session_setup setup = {
		.info = &info, .seed = 1, .stats = &stats, .scratch = &scratch, .emit = check_entry
	};
	struct session *session;

	if (size && data[0] & 0x80)
		info.flags = MF_RS_RESUMED;
	if (session_new(&setup, &session))
		return 0;
	while (size >= 3) {
		uint8_t switches = data[0];
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;

		data += 3;
		size -= 3;
		length = length < size ? length : size;
		one(session, switches, data, length);
		data += length;
		size -= length;
	}
	for (struct request *request = session->oldest; request; request = request->newer)
		session_end_request(session, request, MF_END_RELAY_GONE, 0);
	while (session->ended_first)
		session_close_first(session);
	session_finish(session, NULL, "exit", 0);
	session_free(session);
	return 0;
}
