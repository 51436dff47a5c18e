#!/bin/bash
# Instructions of the peer's and of the server's half of an authentication, beside a bare OpenSSL handshake.
#	tests/bench/handshake.sh [path of the program]
set -euo pipefail

program=${1:-tests/bench/handshake}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# half …: the instructions of one half in so many conversations
half() { # who key version kind count
	local out=$scratch/callgrind function=client_half_$1
	case $1 in server-*) function=server_half_${1#server-} ;; esac
	valgrind -q --tool=callgrind --callgrind-out-file="$out" \
		--toggle-collect="$function*" "$program" "$@" >/dev/null 2>&1
	awk '/^(summary|totals):/ { print $2; exit }' "$out"
}

# each WHO KEY VERSION KIND: of one conversation, when OpenSSL's caches are warm
each() {
	local few many
	few=$(half "$@" 3)
	many=$(half "$@" 7)
	echo $(((many - few) / 4))
}

# compare END KINDS…: one table
compare() {
	local end=$1 key version kind bare ours
	shift
	printf '%-6s %-4s %-8s %15s %15s %6s\n' key TLS kind "${end}bare" "${end}latchkey" ratio
	for key in p256 rsa; do
		for version in 1.2 1.3; do
			for kind in "$@"; do
				bare=$(each "${end}bare" "$key" "$version" "$kind")
				ours=$(each "${end}latchkey" "$key" "$version" "$kind")
				printf '%-6s %-4s %-8s %15d %15d %6.3f\n' "$key" "$version" "$kind" "$bare" \
					"$ours" "$(awk "BEGIN { print $ours / $bare }")"
			done
		done
	done
}

compare "" full resumed
compare server- full resumed tickets
