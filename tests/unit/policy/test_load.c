/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/interpreter.h"
#include "policy/load.h"

static char place[] = "/tmp/test-policy-load-XXXXXX";

static void put(const char *name, const char *text)
{
	_cleanup_fd_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(place));
	assert_int_equal(chdir(place), 0);
	assert_int_equal(mkdir("own", 0700), 0);
	assert_int_equal(mkdir("shelf", 0700), 0);
	assert_int_equal(mkdir("shelf/runtime", 0700), 0);
	assert_int_equal(mkdir("tree", 0700), 0);
	assert_int_equal(symlink("nowhere", "tree/link"), 0);
	assert_int_equal(symlink("own", "way"), 0);
	put("own/p.policy", "version 1\nbase\n  include near\n  include runtime/far\n");
	put("own/near.policy", "version 1\nblock near\n  read /near\n");
	put("shelf/near.policy", "version 1\nblock near\n  read /not-this\n");
	put("shelf/runtime/far.policy",
	    "version 1\nblock runtime/far\n  include runtime/further\n  read /far\n");
	put("shelf/runtime/further.policy", "version 1\nblock runtime/further\n  read /further\n");
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {
		"own/p.policy",
		"own/near.policy",
		"shelf/near.policy",
		"shelf/runtime/far.policy",
		"shelf/runtime/further.policy",
		"tree/link",
		"way",
		"flat.policy",
		"near.policy",
		"links.policy",
		"names.policy",
		"pipe",
	};
	static const char *const folders[] = { "own", "shelf/runtime", "shelf", "tree" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(files[i]);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(rmdir(folders[i]), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(place), 0);
	return 0;
}

static struct policy_tree *load(const char *file, const struct policy_load *options)
{
	struct policy_tree *tree = NULL;
	size_t failed = 0;

	assert_int_equal(policy_load(&file, 1, options, &tree, &failed), 0);
	return tree;
}

static void includes_are_looked_for_beside_the_file_and_then_on_the_path(void **state)
{
	const struct policy_load options = { .search = "/no/such::shelf" };
	_cleanup_policy_tree_ struct policy_tree *tree = load("own/p.policy", &options);

	assert_int_equal(tree->notes.errors, 0);
	assert_int_equal(tree->sources.count, 4);
	assert_string_equal(tree->sources.files[1].name, "own/near.policy");
	assert_string_equal(tree->sources.files[2].name, "shelf/runtime/far.policy");
	assert_string_equal(tree->sources.files[3].name, "shelf/runtime/further.policy");
}

static void the_environment_has_the_path(void **state)
{
	const struct policy_load options = { 0 };
	_cleanup_policy_tree_ struct policy_tree *without = NULL, *with = NULL;

	unsetenv(POLICY_SEARCH_ENV);
	without = load("own/p.policy", &options);
	assert_int_equal(without->notes.errors, 1);
	setenv(POLICY_SEARCH_ENV, "shelf", 1);
	with = load("own/p.policy", &options);
	unsetenv(POLICY_SEARCH_ENV);
	assert_int_equal(with->notes.errors, 0);
}

static void a_file_without_a_directory_includes_from_here(void **state)
{
	const struct policy_load options = { .search = "" };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	put("flat.policy", "version 1\nbase\n  include near\n");
	put("near.policy", "version 1\nblock near\n  read /\n");
	tree = load("flat.policy", &options);
	assert_int_equal(tree->notes.errors, 0);
	assert_string_equal(tree->sources.files[1].name, "near.policy");
}

static void another_files_directory_is_not_searched(void **state)
{
	const struct policy_load options = { .search = "shelf" };
	static const char *const files[] = { "own/p.policy", "flat.policy" };
	struct policy_tree *tree = NULL;
	size_t failed = 0, own = 0, shelf = 0;

	put("flat.policy", "version 1\ntool t\n  include near\n");
	unlink("near.policy");
	assert_int_equal(policy_load(files, 2, &options, &tree, &failed), 0);
	assert_int_equal(tree->notes.errors, 0);
	/* each means its own: the second file's is that of the search path */
	for (size_t i = 0; i < tree->sources.count; i++) {
		own += strcmp(tree->sources.files[i].name, "own/near.policy") == 0;
		shelf += strcmp(tree->sources.files[i].name, "shelf/near.policy") == 0;
	}
	assert_int_equal(own, 1);
	assert_int_equal(shelf, 1);
	policy_tree_free(tree);
}

static void what_cannot_be_read_is_named(void **state)
{
	static const char *const files[] = { "own/p.policy", "no-such" };
	static const char *const folder[] = { "own" }, *const device[] = { "/dev/null" };
	static const char *const pipes[] = { "pipe" };
	const struct policy_load options = { .search = "shelf" };
	struct policy_tree *tree = NULL;
	size_t failed = 0;

	assert_int_equal(policy_load(files, 2, &options, &tree, &failed), -ENOENT);
	assert_int_equal(failed, 1);
	assert_int_equal(policy_load(folder, 1, &options, &tree, &failed), -EISDIR);
	assert_int_equal(policy_load(device, 1, &options, &tree, &failed), -ENODEV);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(policy_load(pipes, 1, &options, &tree, &failed), -ESPIPE);
	assert_null(tree);
}

static void what_is_below_a_file_is_missing_and_what_cannot_be_looked_at_is_told(void **state)
{
	const struct policy_load options = { 0 };
	_cleanup_buf_ struct buf target = { 0 };
	struct policy_world world = { 0 };
	char name[300];

	policy_load_world(&options, &world);
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(world.look(world.data, "/etc/passwd/x", &target), POLICY_PATH_MISSING);
	assert_int_equal(world.look(world.data, "/no-such", &target), POLICY_PATH_MISSING);
	assert_int_equal(world.look(world.data, "/dev/null", &target), POLICY_PATH_FILE);
	assert_int_equal(world.look(world.data, "/", &target), POLICY_PATH_DIRECTORY);
	assert_int_equal(world.look(world.data, name, &target), -ENAMETOOLONG);
	assert_int_equal(buf_size(&target), 0);
}

static void a_program_is_an_interpreter_by_its_name_wherever_it_lies(void **state)
{
	assert_true(policy_is_interpreter("sh"));
	assert_true(policy_is_interpreter("/opt/x/python3.12"));
	assert_false(policy_is_interpreter("/opt/sh/cat"));
	assert_false(policy_is_interpreter("/"));
}

static void a_file_over_the_limit_is_not_read(void **state)
{
	static const char *const big[] = { "big" };
	const struct policy_load options = { 0 };
	struct policy_tree *tree = NULL;
	size_t failed = 7;

	put("big", "");
	assert_int_equal(truncate("big", POLICY_FILE_BYTES_MAX + 200000), 0);
	assert_int_equal(policy_load(big, 1, &options, &tree, &failed), -EFBIG);
	assert_int_equal(truncate("big", POLICY_FILE_BYTES_MAX + 1), 0);
	assert_int_equal(policy_load(big, 1, &options, &tree, &failed), -EFBIG);
	unlink("big");
}

static void links_and_missing_paths_are_those_of_the_machine(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	const struct policy_load options = { .workspace = place };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	put("links.policy", "version 1\nbase\n  read ${workspace}/way\n  read ${workspace}/tree\n"
			    "  read ${workspace}/flat.policy/x\n  read /dev/null\n");
	tree = load("links.policy", &options);
	assert_int_equal(tree->notes.errors, 0);
	assert_int_equal(
		buf_printf(&text,
			   "links.policy:3:8: warning: %s/way leads to %s/own: that is what the "
			   "line means\n"
			   "links.policy:5:8: warning: %s/flat.policy/x does not exist\n",
			   place, place, place),
		0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	assert_string_equal(notes_of(tree), (const char *)buf_bytes(&text));
}

static void names_are_asked_for_only_when_that_is_wanted(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *not_asked = NULL, *stands_in = NULL,
						 *again = NULL;
	const struct policy_load no = { 0 }, stand_in = { .stand_in = true };
	const struct policy_line *line;

	put("names.policy", "version 1\nbase\n  connect api.test:443\n  connect db.test:443\n");
	not_asked = load("names.policy", &no);
	assert_int_equal(not_asked->blocks[0].lines[0].address_count, 0);
	assert_int_equal(not_asked->notes.count, 0);
	stands_in = load("names.policy", &stand_in);
	again = load("names.policy", &stand_in);
	line = &stands_in->blocks[0].lines[0];
	assert_int_equal(line->address_count, 1);
	assert_int_equal(line->addresses[0].family, 6);
	assert_int_equal(line->addresses[0].addr[0], 1);
	assert_memory_equal(&line->addresses[0], &again->blocks[0].lines[0].addresses[0],
			    sizeof(struct policy_address));
	assert_memory_not_equal(&line->addresses[0], &line[1].addresses[0],
				sizeof(struct policy_address));
}

static void addresses_written_as_names_need_no_network(void **state)
{
	const struct policy_load load_with = { .resolve = true };
	struct policy_address addresses[4];
	struct policy_world world;

	policy_load_world(&load_with, &world);
	assert_int_equal(world.resolve(world.data, "192.0.2.7", addresses, 4), 1);
	assert_int_equal(addresses[0].family, 4);
	assert_memory_equal(addresses[0].addr, "\xc0\0\x02\x07", 4);
	assert_int_equal(world.resolve(world.data, "2001:db8::7", addresses, 4), 1);
	assert_int_equal(addresses[0].family, 6);
	assert_int_equal(world.resolve(world.data, "192.0.2.7", addresses, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_are_looked_for_beside_the_file_and_then_on_the_path),
		cmocka_unit_test(the_environment_has_the_path),
		cmocka_unit_test(a_file_without_a_directory_includes_from_here),
		cmocka_unit_test(another_files_directory_is_not_searched),
		cmocka_unit_test(what_cannot_be_read_is_named),
		cmocka_unit_test(
			what_is_below_a_file_is_missing_and_what_cannot_be_looked_at_is_told),
		cmocka_unit_test(a_program_is_an_interpreter_by_its_name_wherever_it_lies),
		cmocka_unit_test(a_file_over_the_limit_is_not_read),
		cmocka_unit_test(links_and_missing_paths_are_those_of_the_machine),
		cmocka_unit_test(names_are_asked_for_only_when_that_is_wanted),
		cmocka_unit_test(addresses_written_as_names_need_no_network),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
