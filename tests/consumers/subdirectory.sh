#!/usr/bin/env bash
# A project that takes tollgate in by add_subdirectory or FetchContent gets the libraries, and no tests, programs or install rules.

source "$(dirname "$0")/common.sh"

mkdir "$WORK/project"
cp "$SOURCE_DIR/test_package/main.cpp" "$WORK/project"
cat >"$WORK/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(parent LANGUAGES CXX)
add_subdirectory("$SOURCE_DIR" tollgate)
foreach(target tollgate::tollgate tollgate::sqlite tollgate::redis tollgate::testing)
    if(NOT TARGET \${target})
        message(FATAL_ERROR "no target \${target}")
    endif()
endforeach()
add_executable(consumer main.cpp)
target_compile_definitions(consumer PRIVATE PACKAGE_VERSION="$VERSION" WITH_TESTING)
target_link_libraries(consumer PRIVATE tollgate::tollgate tollgate::testing)
END

step "configure"
quietly configure "$WORK/project" "$WORK/build"
step "compile the consumer"
quietly ninja -C "$WORK/build" CMakeFiles/consumer.dir/main.cpp.o
if ninja -C "$WORK/build" -t targets all | grep -E '(^|/)(test-|sample-|tollgate-sandbox)[a-z-]*:'; then fail "these targets are of no use to a parent project"; fi
step "done"
