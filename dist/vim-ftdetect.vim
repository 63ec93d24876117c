" SPDX-License-Identifier: BSD-2-Clause
autocmd BufRead,BufNewFile */mcpfloor/*.policy,*/policies/*.policy setfiletype mcpfloor-policy
autocmd BufRead,BufNewFile *.policy if getline(1) =~# '^version 1' | setfiletype mcpfloor-policy | endif
