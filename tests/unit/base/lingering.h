/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Descriptors that do harm to who closes them.
 */

/* A TCP socket whose last close waits: its peer does not read. *ret_peer must be closed later. */
int lingering(int *ret_peer);

/* A socket in which `fd`, closed here, waits to be received: who closes it closes that. */
int wrapped(int fd);
