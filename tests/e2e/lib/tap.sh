# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# TAP for test scripts in bash: source it. See tests/README.md.

tap_count=0
tap_failed=0
tap_planned=

plan()
{
	tap_planned=$1
	printf '1..%d\n' "$1"
}

ok()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# not_ok NAME [DIAGNOSTIC…]
not_ok()
{
	local name=$1

	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$name"
}

# check NAME COMMAND…: ok when the command succeeds; its output is the diagnostic
check()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "exit status $? of: $*" "$(tail -c 4000 <<<"$out")"
	fi
}

# equal NAME EXPECTED ACTUAL
equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "expected: $2" "actual:   $3"
	fi
}

# skip NAME REASON
skip()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# wait_for SECONDS COMMAND…: runs it every 20 ms until it succeeds; fails when the time is over
wait_for()
{
	local patience=${MCPFLOOR_VM:+4} # a guest emulates
	local end=$((${EPOCHREALTIME/./} + $1 * ${patience:-1} * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# At the end: prints the plan if there was none, and exits.
done_testing()
{
	[ -n "$tap_planned" ] || printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
