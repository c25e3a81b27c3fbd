#!/usr/bin/env bash
# Compiles every C++ example of README.md, each as the body of a function that is given what the examples take for granted.

source "$(dirname "$0")/common.sh"

# The compiler names README.md and the line of each example that it refuses.
awk -v file="$SOURCE_DIR/README.md" '
    /^```cpp$/ { inside = 1; ++examples; body = sprintf("void example%d(GIVEN)\n{{\n", examples); next }
    /^```$/ && inside { inside = 0; bodies = bodies body "}}\n"; next }
    inside && /^#include/ { includes = includes $0 "\n"; next }
    inside { body = body sprintf("#line %d \"%s\"\n%s\n", NR, file, $0) }
    END {
        print includes "#include <tollgate/tollgate.h>\n#include <chrono>\n#include <iostream>\n#include <string>\n#include <vector>"
        print "using namespace std::chrono_literals;"
        print "void show(const std::vector<std::string>&); void requeue(); void log(const std::string&);"
        print "void alarm(tollgate::WallTime, const std::string&); void schedule(tollgate::WallTime);"
        print "#define GIVEN [[maybe_unused]] tollgate::TransportPtr transport, [[maybe_unused]] const std::string& id, \\"
        print "    [[maybe_unused]] const std::vector<tollgate::bento::SubscriberRow>& rows, [[maybe_unused]] tollgate::Chatbot& chatbot"
        print bodies
        print "// examples: " examples
    }' "$SOURCE_DIR/README.md" >"$WORK/readme.cpp"

count="$(sed -n 's/^\/\/ examples: //p' "$WORK/readme.cpp")"
[ "$count" -ge 6 ] || fail "README.md has only $count examples in C++"
step "compile $count examples"
quietly "$CXX" -std=c++17 -Wall -Wextra -Werror -Wno-unused-variable -Wno-unused-but-set-variable -fsyntax-only -I"$SOURCE_DIR/include" "$WORK/readme.cpp"
step "done"
