#!/usr/bin/env bash
# Compiles every C++ block of README.md and docs/*.md, so that the pages stay in step with the headers.
#
#   check_readme.sh <include directory> <library> <compiler> [compiler option ...] [-- linked library ...]
#
# The options go to the compiler too: a library built with -fsanitize=address needs them here as well. What follows "--"
# is linked behind the library; without it, that is -lssl -lcrypto -lz.
#
# A block is what stands between a line ```cpp and a line ```. There are two kinds:
#   - a block with an #include is a whole program: compiled as it is, and linked with the library;
#   - any other block is a fragment: it becomes the body of a function that has, as parameters, an `engine`, a
#     `reactor`, a `connection`, a `server`, a `client`, a `udp`, a `router`, an `http_client`, a `socket` and a
#     `ws_client` (of WebSocket), an `id` and `data`, and sees a handler `Echo`, the standard headers below and the
#     literals of std::chrono. A fragment may declare variables of these names itself.
# The fragments of a page are compiled together; errors are reported at the line of the page.
#
# The first C++ block of README.md must be a whole program: the echo server.
set -euo pipefail

if (($# < 3)); then
    sed -n '2,/^set -/{/^#/p}' "$0" | sed 's/^# \{0,1\}//' >&2
    exit 2
fi
include=$1
library=$2
compiler=$3
shift 3
options=(-std=c++20 -Wall -Wextra -Wpedantic -Werror -Wno-unused -isystem "$include")
while (($# > 0)) && [[ $1 != -- ]]; do
    options+=("$1")
    shift
done
linked=(-lssl -lcrypto -lz)
(($# == 0)) || linked=("${@:2}")

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

split='
function finish() {
    if (is_program) {
        file = sprintf("%s/%s.program.%d.cpp", work, name, ++programs)
        printf "#line %d \"%s\"\n%s", first, page, block > file
        close(file)
    } else {
        printf "void fragment_%d(Parameters) {{\n", ++fragments >> fragment_file
        printf "#line %d \"%s\"\n%s}}\n", first, page, block >> fragment_file
    }
}
BEGIN { fragment_file = work "/" name ".fragments.body" }
/^```cpp[ \t]*$/ { inside = 1; block = ""; first = FNR + 1; is_program = 0; next }
/^```/ && inside { inside = 0; finish(); next }
inside {
    block = block $0 "\n"
    if ($0 ~ /^#include/) is_program = 1
}
END {
    if (inside) { printf "%s: a C++ block is not closed\n", page > "/dev/stderr"; exit 1 }
    printf "%s: %d whole programs, %d fragments\n", page, programs, fragments
}'

prologue='
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>
#include <pollux/http/client.h>
#include <pollux/http/server.h>
#include <pollux/pollux.h>
#include <pollux/ws/client.h>
#include <pollux/ws/server.h>
using namespace std::chrono_literals;
struct Echo : pollux::ConnectionHandler {
    void on_data(pollux::Connection& peer, pollux::Bytes data) override { peer.send(data); }
};
#define Parameters                                                                              \
    pollux::Engine& engine, pollux::Reactor& reactor, pollux::Connection& connection,           \
    pollux::ServerBase& server, pollux::ClientBase& client, pollux::UdpBase& udp,               \
    pollux::http::Router& router, pollux::http::Client& http_client,                            \
    pollux::ws::WebSocket& socket, pollux::ws::ClientBase& ws_client,                           \
    pollux::ConnectionId id, pollux::Bytes data
'

failures=0
for page in "$root"/README.md "$root"/docs/*.md; do
    [[ -e $page ]] || continue
    name=$(basename "$page" .md)
    awk -v work="$work" -v name="$name" -v page="${page#"$root"/}" "$split" "$page"

    for program in "$work/$name".program.*.cpp; do
        [[ -e $program ]] || continue
        "$compiler" "${options[@]}" "$program" "$library" "${linked[@]}" -pthread -o "$program.out" ||
            failures=$((failures + 1))
    done

    if [[ -e $work/$name.fragments.body ]]; then
        { printf '%s' "$prologue"; cat "$work/$name.fragments.body"; } >"$work/$name.fragments.cpp"
        "$compiler" "${options[@]}" -c "$work/$name.fragments.cpp" -o "$work/fragments.o" || failures=$((failures + 1))
    fi
done

first=$(grep -m1 -A1 '^```cpp' "$root/README.md" | tail -n1)
if [[ $first != '#include'* ]]; then
    echo "README.md: the first C++ block is not a whole program" >&2
    failures=$((failures + 1))
fi

((failures == 0)) || { echo "$failures failed" >&2; exit 1; }
