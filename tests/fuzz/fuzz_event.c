/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Ring records through a session into a record, and the record through yajl: whatever the bytes of
 * an event are, the entries are JSON and can be rendered.
 *
 * An input is a row of: one byte of switches, two bytes of length, the record's bytes.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "abi/page.h"
#include "record/render.h"
#include "record/session.h"

enum {
	GOOD_HEAD = 1 << 0, /* version, size and session are put right */
	GOOD_LENGTHS = 1 << 1, /* the body's string lengths are cut down to what is there */
	FORCE = 1 << 2,
	NEXT_CALL = 1 << 3,
};

static uint64_t epoch, ordinal;

static void check_entry(void *data, enum log_type type, const struct buf *json)
{
	struct render_style style = { .color = true };
	struct log_entry entry = { .type = type,
				   .json = (const char *)buf_bytes(json),
				   .size = buf_size(json) };
	struct json_text text = { entry.json, entry.size };
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_buf_ struct buf copy = { 0 };
	char error[128];
	yajl_val tree;

	if (buf_append(&copy, entry.json, entry.size) || buf_append(&copy, "", 1))
		abort();
	tree = yajl_tree_parse((const char *)buf_bytes(&copy), error, sizeof(error));
	if (!tree || memchr(entry.json, '\n', entry.size))
		abort();
	yajl_tree_free(tree);
	if (render_tail(&out, &style, &entry))
		abort();
	if (type == LOG_REQUEST && render_record(&out, &style, &text, NULL, 0))
		abort();
	if (type == LOG_BACKGROUND && render_background(&out, &style, &text))
		abort();
}

static void journal(struct session *session, uint16_t kind, uint64_t stamp)
{
	struct {
		struct mf_journal_entry head;
		union {
			struct mf_j_begin begin;
			struct mf_j_end end;
		};
	} packet = { .head = { .kind = kind,
			       .version = MF_ABI_VERSION,
			       .t_ns = epoch,
			       .ordinal = ordinal,
			       .stamp = stamp } };

	packet.head.size = sizeof(packet.head) +
			   (kind == MF_J_BEGIN ? sizeof(packet.begin) : sizeof(packet.end));
	if (session_journal(session, &packet, packet.head.size))
		abort();
}

static void next_call(struct session *session)
{
	if (session->requests_count) {
		journal(session, MF_J_END, MF_STAMP(++epoch, 0));
		session_close_first(session);
		return;
	}
	ordinal++;
	journal(session, MF_J_BEGIN, MF_STAMP(++epoch, 1));
}

static void cut_lengths(char *record, size_t size)
{
	struct mf_event *head = (struct mf_event *)record;
	char *body = record + sizeof(*head);
	size_t left = size - sizeof(*head);

	switch (head->kind) {
	case MF_EV_OPEN:
	case MF_EV_OPEN_EXEC:
		if (left >= sizeof(struct mf_ev_file))
			((struct mf_ev_file *)body)->path_len =
				(uint16_t)(left - sizeof(struct mf_ev_file));
		break;
	case MF_EV_EXEC:
		if (left >= sizeof(struct mf_ev_exec)) {
			struct mf_ev_exec *exec = (struct mf_ev_exec *)body;

			left -= sizeof(*exec);
			exec->exe_len = (uint16_t)(left / 2);
			exec->argv_len = (uint32_t)(left - left / 2);
		}
		break;
	case MF_EV_CREATE:
	case MF_EV_DELETE:
	case MF_EV_RENAME:
	case MF_EV_ATTRIB:
	case MF_EV_MOUNT_GAP:
		if (left >= sizeof(struct mf_ev_change)) {
			struct mf_ev_change *change = (struct mf_ev_change *)body;

			left -= sizeof(*change);
			change->path_len = (uint16_t)(left / 2);
			change->path2_len = (uint16_t)(left - left / 2);
		}
		break;
	default:
		break;
	}
}

static void one(struct session *session, uint8_t switches, const uint8_t *bytes, size_t size)
{
	/* a copy of exactly its size, so that a read behind the end is seen */
	_cleanup_free_ char *record = malloc(size ? size : 1);
	struct event_view event;

	memcpy(record, bytes, size);
	if (size >= sizeof(struct mf_event)) {
		struct mf_event *head = (struct mf_event *)record;

		if (switches & GOOD_HEAD) {
			head->version = MF_ABI_VERSION;
			head->size = (uint32_t)size;
			head->kind = (uint16_t)(head->kind % MF_EV_KIND_MAX);
		}
		if (switches & GOOD_LENGTHS)
			cut_lengths(record, size);
	}
	if (!event_parse(record, size, &event) &&
	    session_event(session, &event, switches & FORCE) == -EAGAIN)
		session_event(session, &event, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mf_r_session info = { .session = 1, .coverage = 63, .name = "f", .cwd = "/srv" };
	_cleanup_buf_ struct buf scratch = { 0 };
	struct session_stats stats = { 0 };
	struct session_setup setup = {
		.info = &info, .seed = 1, .stats = &stats, .scratch = &scratch, .emit = check_entry
	};
	struct session *session;

	epoch = ordinal = 0;
	if (session_new(&setup, &session))
		return 0;
	next_call(session);
	while (size >= 3) {
		uint8_t switches = data[0];
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;

		data += 3;
		size -= 3;
		length = length < size ? length : size;
		if (switches & NEXT_CALL)
			next_call(session);
		one(session, switches, data, length);
		data += length;
		size -= length;
	}
	if (session->requests_count)
		next_call(session);
	session_finish(session, NULL, "exit", 0);
	session_free(session);
	return 0;
}
