/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/id_key.h"

#include <math.h>

/* The text is followed by a NUL: see keep() in meaning.c. Without a locale of its own this room
 * relies on the C locale, which no mcpfloor program leaves. */
static int number_key(const struct mcp_id *id, struct buf *out)
{
	double value = strtod((const char *)id->text.data, NULL);

	if (!isfinite(value) || id->raw_total > id->raw.size)
		return buf_append(out, id->raw.data, id->raw.size);
	if (value == 0)
		value = 0; /* -0 is 0 */
	return buf_append(out, &value, sizeof(value));
}

int id_key(const struct mcp_id *id, struct buf *out)
{
	uint8_t kind = (uint8_t)id->kind;
	int err;

	if (id->kind == MCP_ID_MISSING || id->kind == MCP_ID_NULL)
		return -EINVAL;
	err = buf_append(out, &kind, 1);
	if (err)
		return err;
	switch (id->kind) {
	case MCP_ID_NUMBER:
		return number_key(id, out);
	case MCP_ID_STRING:
		return buf_append(out, id->text.data, id->text.size);
	default:
		return buf_append(out, id->raw.data, id->raw.size);
	}
}
