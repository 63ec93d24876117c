/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi/control.h"
#include "abi/page.h"
#include "relay/born.h"

static struct born born;

static const char *text(uint64_t epoch, uint32_t count)
{
	static char out[128];

	born_text(&born, MF_STAMP(epoch, count), out, sizeof(out));
	return out;
}

static void begin(uint64_t ordinal, uint64_t epoch, const char *id)
{
	born_begin(&born, ordinal, epoch, (const uint8_t *)id, strlen(id));
}

static void an_epoch_names_what_was_in_flight_then(void **state)
{
	char line[64];

	begin(1, 1, "\"a\"");
	begin(2, 2, "7");
	born_end(&born, 1, 3);
	assert_string_equal(text(1, 1), "in request \"a\"");
	assert_string_equal(text(2, 2), "in request \"a\", 7");
	assert_string_equal(text(3, 1), "in request 7");
	assert_string_equal(text(0, 0), "outside any request");
	born_text(&born, MF_BIRTH_UNKNOWN, line, sizeof(line));
	assert_string_equal(line, "at a time that is not known");
	begin(3, 4, "\x1b[2J");
	born_end(&born, 2, 5);
	assert_string_equal(text(5, 1), "in request \\x1b[2J");
}

static void what_is_long_ago_is_not_remembered(void **state)
{
	for (uint64_t i = 1; i <= BORN_MAX + 10; i++) {
		begin(i, 2 * i, "x");
		born_end(&born, i, 2 * i + 1);
	}
	assert_string_equal(text(2, 1), "in a request that is not remembered");
	assert_string_equal(text(2 * BORN_MAX, 1), "in request x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_epoch_names_what_was_in_flight_then),
		cmocka_unit_test(what_is_long_ago_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
