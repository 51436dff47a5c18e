#!/bin/bash
# Instructions of the peer's half of an authentication, beside a bare OpenSSL handshake.
#	tests/bench/handshake.sh [path of the program]
set -euo pipefail

program=${1:-tests/bench/handshake}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# half COUNT: the peer's instructions in so many conversations
half() { # who key version kind count
	local out=$scratch/callgrind
	valgrind -q --tool=callgrind --callgrind-out-file="$out" \
		--toggle-collect="client_half_$1*" "$program" "$@" >/dev/null 2>&1
	awk '/^(summary|totals):/ { print $2; exit }' "$out"
}

# each WHO KEY VERSION KIND: of one conversation, when OpenSSL's caches are warm
each() {
	local few many
	few=$(half "$@" 3)
	many=$(half "$@" 7)
	echo $(((many - few) / 4))
}

printf '%-6s %-4s %-8s %12s %12s %6s\n' key TLS kind bare latchkey ratio
for key in p256 rsa; do
	for version in 1.2 1.3; do
		for kind in full resumed; do
			bare=$(each bare "$key" "$version" "$kind")
			ours=$(each latchkey "$key" "$version" "$kind")
			printf '%-6s %-4s %-8s %12d %12d %6.3f\n' "$key" "$version" "$kind" "$bare" \
				"$ours" "$(awk "BEGIN { print $ours / $bare }")"
		done
	done
done
