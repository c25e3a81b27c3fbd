# shellcheck shell=bash
# What the consumer tests share: a directory that vanishes afterwards, and plain words for what fails.

set -euo pipefail
: "${SOURCE_DIR:?}" "${BUILD_DIR:?}" "${VERSION:?}" "${CMAKE:?}" "${CXX:?}"

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

step() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# Runs a command and shows what it said only if it fails.
quietly() { "$@" >"$WORK/log" 2>&1 || { cat "$WORK/log"; fail "$*"; }; }

# configure SOURCE BUILD [ARGUMENT...]
configure() {
    local source="$1" build="$2"
    shift 2
    "$CMAKE" -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$CXX" \
        ${CCACHE:+-DCMAKE_CXX_COMPILER_LAUNCHER="$CCACHE"} "$@"
}
