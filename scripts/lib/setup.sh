# shellcheck shell=bash
# What all scripts share: installing what is missing, configuring, building. Source it; it runs nothing by itself.
#
#   tollgate_install_packages [PACKAGE...]   what the project needs (and these) from the distribution; silent if nothing is missing
#   tollgate_configure PRESET                configures build/PRESET (or build/$TOLLGATE_BUILD_NAME) by the CMake preset, with
#                                            "${TOLLGATE_CMAKE_ARGS[@]}" as extra arguments
#   tollgate_build PRESET [TARGET...]        the same, and builds on all cores; silent but for one line, unless it fails
#
# All work from any directory, read nothing from standard input and return non-zero after saying what is wrong.
# TOLLGATE_SKIP_INSTALL=1 trusts that everything is there, for distributions without apt.

TOLLGATE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
TOLLGATE_CMAKE_ARGS=()

# Debian 12 and Ubuntu 24.04 have the same names.
TOLLGATE_PACKAGES=(g++ cmake ninja-build pkg-config ccache
    libpoco-dev libfmt-dev libboost-dev libboost-test-dev libssl-dev zlib1g-dev libcli11-dev
    ca-certificates openssl)

# The tests also need these: real servers to be tried against, which they start themselves on ports of their own.
TOLLGATE_TEST_PACKAGES=(librapidcheck-dev redis-server nginx-light haproxy squid python3-h11)

tollgate_say() { printf '==> %s\n' "$*" >&2; }
tollgate_fail() { printf 'error: %s\n' "$1" >&2; shift; [ $# -eq 0 ] || printf '       %s\n' "$@" >&2; return 1; }

# Those of the given packages that are not installed, one a line.
tollgate_missing_packages() {
    local installed
    installed="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)"
    printf '%s\n' "$@" | grep -Fxv -f <(printf '%s\n' "$installed") || true
}

# Installs as "${as_root[@]}". What is a server must not run now, nor at the next start of the system, because somebody runs the tests of this project.
tollgate_apt_install() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap '"${as_root[@]}" rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" || exit
    command -v systemctl >/dev/null || exit 0
    for name; do
        case "$name" in redis-server | haproxy | squid) ;; nginx-light) name=nginx ;; *) continue ;; esac
        "${as_root[@]}" systemctl disable --quiet "$name" || true
    done
)

tollgate_install_packages() {
    [ "${TOLLGATE_SKIP_INSTALL:-0}" != 1 ] || return 0
    local needed=("${TOLLGATE_PACKAGES[@]}" "$@") missing as_root=() log
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        tollgate_fail "this system has no apt, so the packages cannot be installed from here." \
            "Install what Debian calls: ${needed[*]}" "and run this again with TOLLGATE_SKIP_INSTALL=1."
        return 1
    fi
    mapfile -t missing < <(tollgate_missing_packages "${needed[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0

    tollgate_say "Missing packages: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            tollgate_fail "installing them needs root, and there is no sudo." \
                "As root: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
            return 1
        fi
        if sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        elif [ -t 0 ] && [ -t 2 ]; then
            tollgate_say "Installing them needs root: sudo asks for your password."
            sudo -v || { tollgate_fail "sudo was refused."; return 1; }
            as_root=(sudo)
        else
            tollgate_fail "installing them needs root; sudo wants a password, and nobody is there to type it." \
                "First: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
            return 1
        fi
    fi
    log="$(mktemp)"
    tollgate_say "Installing them (this can take a few minutes) ..."
    # A list that cannot be refreshed may still be good enough: what counts is whether the installation works.
    "${as_root[@]}" apt-get update -q </dev/null >"$log" 2>&1 || tollgate_say "apt-get update failed; trying with the lists at hand."
    if ! tollgate_apt_install "${missing[@]}" </dev/null >>"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        tollgate_fail "apt-get could not install: ${missing[*]}" "Its last words stand above."
        return 1
    fi
    rm -f "$log"
}

# A compiler cache that cannot be written must not fail the build.
tollgate_check_ccache() {
    command -v ccache >/dev/null || return 0
    local directory
    directory="$(ccache --get-config cache_dir 2>/dev/null)" || directory=
    if [ -z "$directory" ] || ! mkdir -p "$directory" 2>/dev/null || [ ! -w "$directory" ]; then
        export CCACHE_DISABLE=1
    fi
}

tollgate_configure() {
    local preset="$1" name="${TOLLGATE_BUILD_NAME:-$1}" home log
    local directory="$TOLLGATE_ROOT/build/$name"
    if [ -f "$directory/CMakeCache.txt" ]; then
        home="$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$directory/CMakeCache.txt")"
        if [ "$home" != "$TOLLGATE_ROOT" ]; then
            tollgate_fail "build/$name was made for ${home:-another place}, not for $TOLLGATE_ROOT." \
                "Remove it and try again: rm -rf '$directory'"
            return 1
        fi
    fi
    mkdir -p "$directory" || { tollgate_fail "cannot make $directory."; return 1; }
    log="$directory/configure.log"
    if ! (cd "$TOLLGATE_ROOT" && cmake --preset "$preset" -B "$directory" "${TOLLGATE_CMAKE_ARGS[@]}") </dev/null >"$log" 2>&1; then
        cat "$log" >&2
        tollgate_fail "CMake could not configure build/$name; its words stand above." \
            "If the directory is damaged, remove it and try again: rm -rf '$directory'"
        return 1
    fi
}

tollgate_build() {
    local preset="$1" name="${TOLLGATE_BUILD_NAME:-$1}" log targets=()
    local directory="$TOLLGATE_ROOT/build/$name"
    shift
    tollgate_check_ccache
    tollgate_configure "$preset" || return 1
    [ $# -eq 0 ] || targets=(--target "$@")
    log="$directory/build.log"
    tollgate_say "Building build/$name on $(nproc) cores (the first time takes some minutes) ..."
    if ! cmake --build "$directory" --parallel "$(nproc)" "${targets[@]}" </dev/null >"$log" 2>&1; then
        grep -v '^\[[0-9]*/[0-9]*\] [A-Z]' "$log" | tail -n 80 >&2
        tollgate_fail "the build failed; its last words stand above, all of them in $log."
        return 1
    fi
}
