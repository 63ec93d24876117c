/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Cuts the bytes of a JSON text at token boundaries before they go to the parser, so that
 *  - no token is ever parsed twice, however small the pieces are in which it arrives (yajl starts
 *    a split token again with each piece);
 *  - a string or number over the limit is shortened, never inside an escape;
 *  - control characters inside strings arrive as escapes.
 */

#include <stdbool.h>

#include "base/buf.h"

enum tokens_state {
	TOKENS_OUTSIDE = 0,
	TOKENS_STRING,
	TOKENS_WORD, /* a number or a literal */
};

struct tokens_sink {
	/* Bytes as they were sent; whole tokens only. */
	void (*plain)(void *data, const uint8_t *bytes, size_t size);
	/* A piece of a token that goes to the parser later. */
	void (*raw)(void *data, const uint8_t *bytes, size_t size);
	/* Such a token, changed or not; its raw pieces were told before. */
	void (*token)(void *data, const uint8_t *bytes, size_t size);
	void *data;
};

struct tokens {
	enum tokens_state state;
	bool held; /* the present token is in `token` */
	bool failed; /* no memory */
	bool elided; /* of the present token something was left out */
	uint8_t escape[6];
	uint8_t escape_size; /* bytes there, 0: not in an escape */
	struct buf token;
};

void tokens_reset(struct tokens *tokens);
void tokens_free(struct tokens *tokens);
void tokens_feed(struct tokens *tokens, const uint8_t *bytes, size_t size,
		 const struct tokens_sink *sink);
/* The text is over: hands on what is held. */
void tokens_finish(struct tokens *tokens, const struct tokens_sink *sink);
