/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/places.h"

static enum field find(enum place in, const char *name, bool *ret_exact)
{
	const struct key *key = key_find(in, (const uint8_t *)name, strlen(name), ret_exact);

	return key ? key->field : FIELD_NONE;
}

static void keys_that_matter_are_found_in_any_case(void **state)
{
	bool exact;

	assert_int_equal(find(PLACE_MESSAGE, "method", &exact), FIELD_METHOD);
	assert_true(exact);
	assert_int_equal(find(PLACE_MESSAGE, "Method", &exact), FIELD_METHOD);
	assert_false(exact);
	assert_int_equal(find(PLACE_PARAMS, "ARGUMENTS", &exact), FIELD_ARGS);
	assert_int_equal(find(PLACE_MESSAGE, "Result", &exact), FIELD_NONE);
	assert_int_equal(find(PLACE_MESSAGE, "name", &exact), FIELD_NONE);
	assert_int_equal(find(PLACE_MESSAGE, "methods", &exact), FIELD_NONE);
	assert_int_equal(find(PLACE_MESSAGE, "", &exact), FIELD_NONE);
}

static void the_two_letters_beyond_ascii_that_go_folds_are_folded(void **state)
{
	bool exact;

	assert_int_equal(find(PLACE_MESSAGE, "param\xc5\xbf", &exact), FIELD_PARAMS);
	assert_int_equal(find(PLACE_PARAMS, "argument\xc5\xbf", &exact), FIELD_ARGS);
	assert_int_equal(find(PLACE_MESSAGE, "param\xc5", &exact), FIELD_NONE);
}

static void elements_lead_where_their_array_does(void **state)
{
	assert_int_equal(place_of_element(PLACE_ROOT, true), PLACE_MESSAGE);
	assert_int_equal(place_of_element(PLACE_ROOT, false), PLACE_BATCH);
	assert_int_equal(place_of_element(PLACE_BATCH, true), PLACE_MESSAGE);
	assert_int_equal(place_of_element(PLACE_BATCH, false), PLACE_SKIP);
	assert_int_equal(place_of_element(PLACE_TOOLS, true), PLACE_TOOL);
	assert_int_equal(place_of_element(PLACE_PARAMS, true), PLACE_SKIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_matter_are_found_in_any_case),
		cmocka_unit_test(the_two_letters_beyond_ascii_that_go_folds_are_folded),
		cmocka_unit_test(elements_lead_where_their_array_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
