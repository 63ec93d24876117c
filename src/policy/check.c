/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/parse.h"

int policy_check(struct policy_parser *parser)
{
	return parser->failed;
}
