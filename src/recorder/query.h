/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The query socket (abi/query.h), served by a thread of its own that reads the segments like any
 * other reader: a slow client, or a cold disk, never holds up the ring.
 */

#include <stdint.h>

struct query_server;

/* Takes `listen_fd` over; `dir_fd` is borrowed. */
int query_start(int listen_fd, int dir_fd, struct query_server **ret_server);
void query_stop(struct query_server *server);
uint64_t query_count(const struct query_server *server);
