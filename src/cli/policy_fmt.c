/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy fmt`: the one layout of a policy's text. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/policy.h"
#include "policy/format.h"

#define FAULTS_MAX 20 /* that are told one by one */

struct faults {
	const char *path;
	struct buf told;
	size_t count;
};

static void faults_free(struct faults *faults)
{
	buf_free(&faults->told);
}

static int add_fault(void *data, const struct policy_format_fault *fault)
{
	struct faults *faults = data;
	int r;

	if (faults->count++ >= FAULTS_MAX)
		return 0;
	r = escape_text(&faults->told, faults->path, strlen(faults->path));
	return r ? r
		 : buf_printf(&faults->told, ":%u:%u: error: %s\n", fault->line, fault->column,
			      fault->text);
}

/* Of standard input whatever comes, as filters do; a terminal included. */
static int read_stdin(struct buf *out)
{
	char bytes[65536];
	size_t size;
	int r = 0;

	while (r == 0 && (size = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
		r = buf_append(out, bytes, size);
	return r == -ENOBUFS ? -EFBIG : r ? r : ferror(stdin) ? -errno : 0;
}

int cli_policy_fmt(const struct cli_args *args)
{
	const char *path = args->operand_count ? args->operands[0] : "-";
	_cleanup_buf_ struct buf text = { .limit = POLICY_FILE_BYTES_MAX }, out = { 0 };
	_cleanup_(faults_free) struct faults faults = { .path = path };
	int r = strcmp(path, "-") == 0 ? read_stdin(&text) : policy_read_file(path, &text);

	if (r == 0)
		r = policy_format_check((const char *)buf_bytes(&text), buf_size(&text), add_fault,
					&faults);
	if (r == 0 && faults.count > FAULTS_MAX)
		r = buf_printf(&faults.told, "%zu more\n", faults.count - FAULTS_MAX);
	if (r == 0 && faults.count)
		return cli_policy_print(&faults.told, stderr) < 0 ? CLI_POLICY_FAILED
								  : CLI_POLICY_NO;
	if (r == 0)
		r = policy_format((const char *)buf_bytes(&text), buf_size(&text), &out);
	if (r < 0) {
		_cleanup_free_ char *shown = cli_shown(path);

		cli_error("policy fmt: %s: %s", shown, policy_read_why(r));
		return CLI_POLICY_FAILED;
	}
	return cli_policy_print(&out, stdout) < 0 ? CLI_POLICY_FAILED : CLI_OK;
}
