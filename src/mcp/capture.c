/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/capture.h"

void capture_begin(struct capture *capture, size_t keep, bool digest, bool after_key)
{
	buf_reset(&capture->bytes, 64U << 10);
	capture->active = true;
	capture->leading = after_key;
	capture->digest = digest;
	capture->keep = keep;
	capture->total = 0;
	if (digest)
		crypto_hash_sha256_init(&capture->sha);
}

void capture_feed(struct capture *capture, const uint8_t *bytes, size_t size)
{
	size_t room;

	while (capture->leading && size) {
		if (*bytes != ' ' && *bytes != '\t' && *bytes != '\r' && *bytes != ':') {
			capture->leading = false;
			break;
		}
		bytes++;
		size--;
	}
	if (!size)
		return;
	if (capture->digest)
		crypto_hash_sha256_update(&capture->sha, bytes, size);
	capture->total += size;
	room = capture->keep - buf_size(&capture->bytes);
	if (buf_append(&capture->bytes, bytes, size < room ? size : room) < 0)
		capture->failed = true;
}

void capture_end(struct capture *capture, uint8_t *ret_sha256)
{
	capture->active = false;
	if (capture->digest && ret_sha256)
		crypto_hash_sha256_final(&capture->sha, ret_sha256);
}
