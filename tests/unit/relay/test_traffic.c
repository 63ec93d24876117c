/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/page.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "relay/traffic.h"

#define LONG_BYTES (9U << 20) /* more than is held of a line */
#define HOUR_NS (3600 * NS_PER_S)

static const char head[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"x\":\"";
static const char tail[] = "\"}}\n";

static size_t give(struct traffic *traffic, const char *bytes, size_t size)
{
	return traffic_from_client(traffic, (const uint8_t *)bytes, size, 0);
}

static void an_overlong_line_may_outlive_its_request(void **state)
{
	_cleanup_free_ char *filler = malloc(LONG_BYTES);
	struct traffic traffic;

	(void)state;
	assert_non_null(filler);
	memset(filler, 'x', LONG_BYTES);
	assert_int_equal(traffic_init(&traffic, false), 0);
	give(&traffic, head, strlen(head));
	give(&traffic, filler, LONG_BYTES);
	assert_int_equal(MF_STAMP_COUNT(traffic.page.stamp), 1);
	traffic_expire(&traffic, clock_mono_ns() + HOUR_NS);
	assert_int_equal(MF_STAMP_COUNT(traffic.page.stamp), 0);
	give(&traffic, filler, LONG_BYTES);
	assert_int_equal(MF_STAMP_COUNT(traffic.page.stamp), 0);
	/* now it is known what it was: a request after all */
	give(&traffic, tail, strlen(tail));
	assert_int_equal(MF_STAMP_COUNT(traffic.page.stamp), 1);
	traffic_server_exit(&traffic);
	assert_int_equal(MF_STAMP_COUNT(traffic.page.stamp), 0);
	traffic_free(&traffic);
}

static void the_server_may_exit_in_the_midst_of_an_overlong_line(void **state)
{
	_cleanup_free_ char *filler = malloc(LONG_BYTES);
	struct traffic traffic;

	(void)state;
	assert_non_null(filler);
	memset(filler, 'x', LONG_BYTES);
	assert_int_equal(traffic_init(&traffic, false), 0);
	give(&traffic, head, strlen(head));
	give(&traffic, filler, LONG_BYTES);
	traffic_server_exit(&traffic);
	give(&traffic, tail, strlen(tail));
	traffic_client_end(&traffic);
	traffic_free(&traffic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_overlong_line_may_outlive_its_request),
		cmocka_unit_test(the_server_may_exit_in_the_midst_of_an_overlong_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
