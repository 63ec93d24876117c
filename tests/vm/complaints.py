# SPDX-License-Identifier: BSD-2-Clause
"""How a kernel says that something is wrong with it."""
import re

SIGNS = re.compile(r"WARNING: |BUG: |Oops: |general protection|blocked for more than|stalls on CPU")
