#!/usr/bin/env bash
# Instructions per request, by Valgrind's callgrind: the same on every run of one binary, whatever else the machine does.
# Arguments: texts that the names of the benchmarks have; none for the whole runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$(cargo bench --locked --bench requests --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*requests-[^"]*\)".*/\1/p' | tail -1)
count() {
    local output
    output=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='requests::once' "$binary" --once "$1" 2>&1)
    local requests instructions
    requests=$(sed -n 's/.*: \([0-9]*\) requests$/\1/p' <<<"$output")
    instructions=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' <<<"$output")
    printf '%-48s %8d instructions per request\n' "$1" "$((instructions / requests))"
}
if [ $# -eq 0 ]; then
    set -- "light load" "as shipped (48" "heavy load (85" "past saturation" "512 tokens" "64 replicas" "1,000 replicas"
fi
for text in "$@"; do count "$text"; done
