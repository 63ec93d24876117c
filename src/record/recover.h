/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a writer that died left behind: torn tails are cut, sessions without an end get one. The
 * statements go to the caller's own segment; they are on disk before the old segment is closed, so
 * that none is lost when the caller dies as well.
 */

#include "record/log.h"

int log_recover(struct log_writer *log, int dir_fd);
