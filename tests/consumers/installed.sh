#!/usr/bin/env bash
# Installs the build tree, builds and runs test_package against it by find_package and by pkg-config, moves it, does it again.

source "$(dirname "$0")/common.sh"

# Runs a consumer and looks at what it says about itself.
run_consumer() {
    local said
    said="$(LD_LIBRARY_PATH="$(dirname "$1")" "$2")" || { printf '%s\n' "$said"; fail "$2 ended with an error"; }
    printf '%s\n' "$said"
    grep -qF "tollgate $VERSION, package $VERSION," <<<"$said" || fail "the version is not $VERSION"
    grep -qF 'all as expected' <<<"$said" || fail "the consumer does not say that all went well"
    for part in "${@:3}"; do grep -qF "$part" <<<"$said" || fail "the consumer was built without $part"; done
}

# The compiler is asked for C++14: tollgate::tollgate itself must raise it to C++17.
with_cmake() {
    local prefix="$1" build="$WORK/cmake-$2"
    step "find_package, $2"
    quietly configure "$SOURCE_DIR/test_package" "$build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_STANDARD=14
    quietly "$CMAKE" --build "$build"
    run_consumer "$3" "$build/consumer" scripted: sqlite: redis:
}

with_pkgconfig() {
    local program="$WORK/pkgconfig-$2" flags
    step "pkg-config, $2"
    export PKG_CONFIG_PATH="$3"
    [ "$(pkg-config --modversion tollgate)" = "$VERSION" ] || fail "tollgate.pc has another version"
    read -ra flags <<<"$(pkg-config --cflags --libs tollgate-testing)"
    quietly "$CXX" -std=c++17 -DPACKAGE_VERSION="\"$VERSION\"" -DWITH_TESTING "$SOURCE_DIR/test_package/main.cpp" -o "$program" "${flags[@]}"
    run_consumer "$3" "$program"
    read -ra flags <<<"$(pkg-config --cflags --libs tollgate)"
    quietly "$CXX" -std=c++17 -DPACKAGE_VERSION="\"$VERSION\"" "$SOURCE_DIR/test_package/main.cpp" -o "$program-core" "${flags[@]}"
    run_consumer "$3" "$program-core"
    read -ra flags <<<"$(pkg-config --cflags --libs tollgate-sqlite tollgate-redis)"
    quietly "$CXX" -std=c++17 -DPACKAGE_VERSION="\"$VERSION\"" -DWITH_SQLITE -DWITH_REDIS "$SOURCE_DIR/test_package/main.cpp" \
        -o "$program-stores" "${flags[@]}"
    run_consumer "$3" "$program-stores" sqlite: redis:
}

# What must not be found: another minor version, a component that does not exist.
refused() {
    local prefix="$1" what="$2" project="$WORK/refused"
    mkdir -p "$project"
    printf 'cmake_minimum_required(VERSION 3.22)\nproject(refused LANGUAGES CXX)\nfind_package(tollgate %s)\n' "$what" >"$project/CMakeLists.txt"
    ! configure "$project" "$WORK/refused-build" -DCMAKE_PREFIX_PATH="$prefix" >"$WORK/log" 2>&1 || fail "find_package(tollgate $what) should fail"
    grep -q tollgate "$WORK/log" || { cat "$WORK/log"; fail "the refusal does not name tollgate"; }
}

step "install"
quietly "$CMAKE" --install "$BUILD_DIR" --prefix "$WORK/first"
pc="$(find "$WORK/first" -name tollgate.pc -printf '%P\n')"
[ -n "$pc" ] || fail "no tollgate.pc"
[ -f "$WORK/first/include/tollgate/tollgate.h" ] || fail "no headers"
[ -n "$(find "$WORK/first" -name LICENSE)" ] || fail "no license"
if grep -rlIF -e "$SOURCE_DIR/" -e "$BUILD_DIR" -e "$WORK" "$WORK/first"; then fail "these files name places of this machine"; fi

with_cmake "$WORK/first" installed "$WORK/first/$(dirname "$pc")"
with_pkgconfig "$WORK/first" installed "$WORK/first/$(dirname "$pc")"

mv "$WORK/first" "$WORK/second"
with_cmake "$WORK/second" moved "$WORK/second/$(dirname "$pc")"
with_pkgconfig "$WORK/second" moved "$WORK/second/$(dirname "$pc")"
for program in "$WORK/second/bin/"*; do
    [ -x "$program" ] || continue
    step "$(basename "$program") --help, moved"
    quietly "$program" --help
done

step "what must be refused"
refused "$WORK/second" "9.0 CONFIG REQUIRED"
refused "$WORK/second" "CONFIG REQUIRED COMPONENTS nonsense"
step "done"
