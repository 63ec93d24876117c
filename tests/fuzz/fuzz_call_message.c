/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a hostile server, as `mcpfloor call` reads and answers them. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct message *message)
{
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_message_ struct message again = { 0 };

	if (message_write_answer(&out, message) < 0)
		abort();
	/* what is sent is one line, and a message */
	if (memchr(buf_bytes(&out), '\n', buf_size(&out)) != buf_bytes(&out) + buf_size(&out) - 1)
		abort();
	if (buf_append(&out, "", 1) < 0 ||
	    message_read((const char *)buf_bytes(&out), buf_size(&out) - 1, &again) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_message_ struct message message = { 0 };
	_cleanup_free_ char *line = malloc(size + 1);
	_cleanup_free_ char *why = NULL;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (message_read(line, size, &message) == 0) {
		message_answers(&message, "req-1");
		message_text(message.body, "message");
		message_member(message_member(message.body, "content"), "text");
		if (message.kind == MESSAGE_REQUEST)
			answer(&message);
	}
	message_check_arguments(line, &why);
	return 0;
}
