/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy fmt`: the one layout of a policy's text. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/policy.h"
#include "policy/format.h"

static int read_stream(FILE *file, struct buf *out)
{
	char bytes[65536];
	size_t size;
	int r = 0;

	while (r == 0 && (size = fread(bytes, 1, sizeof(bytes), file)) > 0)
		r = buf_append(out, bytes, size);
	return r == -ENOBUFS ? -EFBIG : r ? r : ferror(file) ? -EIO : 0;
}

int cli_policy_fmt(const struct cli_args *args)
{
	const char *path = args->operand_count ? args->operands[0] : "-";
	bool is_stdin = strcmp(path, "-") == 0;
	_cleanup_file_ FILE *file = is_stdin ? fopen("/dev/stdin", "re") : fopen(path, "re");
	_cleanup_buf_ struct buf text = { .limit = POLICY_FILE_BYTES_MAX }, out = { 0 };
	int r = file ? read_stream(file, &text) : -errno;

	if (r == 0)
		r = policy_format((const char *)buf_bytes(&text), buf_size(&text), &out);
	if (r < 0) {
		_cleanup_free_ char *shown = cli_shown(path);

		cli_error("policy fmt: %s: %s", shown, strerror(-r));
		return CLI_POLICY_FAILED;
	}
	return cli_policy_print(&out, stdout) < 0 ? CLI_POLICY_FAILED : CLI_OK;
}
