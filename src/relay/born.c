/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/born.h"

#include <stdio.h>
#include <string.h>

#include "abi/control.h"
#include "abi/page.h"
#include "base/escape.h"

void born_begin(struct born *born, uint64_t ordinal, uint64_t epoch, const uint8_t *id,
		size_t id_size)
{
	struct born_row *row = &born->rows[ordinal % BORN_MAX];

	*row = (struct born_row){ .ordinal = ordinal, .first = epoch, .end = UINT64_MAX };
	row->id_size = (uint8_t)(id_size < BORN_ID_MAX ? id_size : BORN_ID_MAX);
	if (row->id_size)
		memcpy(row->id, id, row->id_size);
}

void born_end(struct born *born, uint64_t ordinal, uint64_t epoch)
{
	struct born_row *row = &born->rows[ordinal % BORN_MAX];

	if (row->ordinal == ordinal)
		row->end = epoch;
}

void born_text(const struct born *born, uint64_t stamp, char *text, size_t size)
{
	_cleanup_buf_ struct buf out = { .limit = size - 1 };
	uint64_t epoch = MF_STAMP_EPOCH(stamp);

	if (stamp == MF_BIRTH_UNKNOWN) {
		snprintf(text, size, "at a time that is not known");
		return;
	}
	if (!MF_STAMP_COUNT(stamp)) {
		snprintf(text, size, "outside any request");
		return;
	}
	for (size_t i = 0; i < BORN_MAX; i++) {
		const struct born_row *row = &born->rows[i];

		if (!row->ordinal || epoch < row->first || epoch >= row->end)
			continue;
		if (buf_append_str(&out, buf_size(&out) ? ", " : "in request ") < 0 ||
		    (row->id_size ? escape_text(&out, row->id, row->id_size)
				  : buf_append_str(&out, "without an id")) < 0)
			break;
	}
	if (!buf_size(&out))
		snprintf(text, size, "in a request that is not remembered");
	else
		snprintf(text, size, "%.*s", (int)buf_size(&out), (const char *)buf_bytes(&out));
}
