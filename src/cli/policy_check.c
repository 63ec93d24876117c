/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/cleanup.h"
#include "cli/policy.h"
#include "cli/print_json.h"
#include "policy/compile.h"

/* File names and texts of notes are escaped by whoever prints; JSON keeps names as they are. */
static int print_note_json(const struct policy_tree *tree, const struct policy_note *note)
{
	yajl_gen gen = print_json_new();

	if (!gen)
		return -1;
	yajl_gen_map_open(gen);
	print_json_field(gen, "file", tree->sources.files[note->where.file].name);
	print_json_count(gen, "line", note->where.line);
	print_json_count(gen, "column", note->where.column);
	print_json_field(gen, "severity", note->severity == POLICY_ERROR ? "error" : "warning");
	print_json_field(gen, "kind", policy_note_word(note->id));
	print_json_field(gen, "text", note->text);
	print_json_field(gen, "suggestion", note->suggestion);
	if (note->other.line) {
		print_json_text(gen, "other");
		yajl_gen_map_open(gen);
		print_json_field(gen, "file", tree->sources.files[note->other.file].name);
		print_json_count(gen, "line", note->other.line);
		yajl_gen_map_close(gen);
	}
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

static int print_note(const struct policy_tree *tree, const struct policy_note *note)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = policy_note_print(&out, &tree->sources, note);

	if (r == 0)
		r = buf_append_str(&out, "\n");
	return r ? r : cli_policy_print(&out, stdout);
}

/* Each file by itself: whether two of them fit together is what they are used together for. */
static int check_file(const struct cli_args *args, const char *file)
{
	_cleanup_policy_tree_ struct policy_tree *tree =
		cli_policy_read(args, &file, 1, false, false);
	int r = 0;

	if (!tree)
		return CLI_POLICY_FAILED;
	if (!tree->notes.errors) { /* what cannot be kept is an error, too */
		_cleanup_buf_ struct buf image = { 0 };

		(void)policy_compile(tree, &image);
	}
	for (size_t i = 0; r == 0 && i < tree->notes.count; i++)
		r = args->json ? print_note_json(tree, &tree->notes.notes[i])
			       : print_note(tree, &tree->notes.notes[i]);
	if (r == 0 && tree->notes.unkept && !args->json)
		printf("%zu more\n", tree->notes.unkept);
	if (r < 0)
		return CLI_POLICY_FAILED;
	return tree->notes.errors ? CLI_POLICY_NO : CLI_OK;
}

int cli_policy_check(const struct cli_args *args)
{
	int worst = CLI_OK;

	for (int i = 0; i < args->operand_count; i++) {
		int status = check_file(args, args->operands[i]);

		if (status > worst)
			worst = status;
	}
	return worst;
}
