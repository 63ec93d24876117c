/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "peer.h"

/*
 * What a session costs processes that are in none: system calls are timed in rounds without a
 * session, without one again (the A/A noise), and with one alive. Prints its own table rows.
 */
void outside_measure(const struct bench_place *place, unsigned rounds);
