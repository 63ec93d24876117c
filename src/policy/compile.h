/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A checked tree as an image (abi/policy.h). Deterministic: the same texts, variables, links and
 * host addresses give the same bytes. The image's source_sha256 is made from the texts and the
 * variables alone, so that it names what was written wherever host names lead today.
 */

#include "base/buf.h"
#include "policy/tree.h"

/*
 * Appends the image to `ret_image`. The tree must have no errors (-EINVAL). What cannot be kept
 * (MF_POL_*_MAX) is added to the tree's notes as an error with its line: -E2BIG. -ENOMEM.
 */
int policy_compile(struct policy_tree *tree, struct buf *ret_image);
