#!/usr/bin/env bash
# Installs what building and testing Pollux needs and the system does not have yet. Says what it installs.
#   tools/setup.sh [--fuzz] [--peers]
#     --fuzz     also clang and its fuzzing run-time
#     --peers    also what the interop tests talk to where it is there: Chromium, curl, Node.js with npm, Python's
#                websockets, wrk and h2load
set -euo pipefail

fuzz=false
peers=false
for argument in "$@"; do
    case $argument in
        --fuzz) fuzz=true ;;
        --peers) peers=true ;;
        *) printf 'tools/setup.sh: no such option: %s\n' "$argument" >&2 && exit 2 ;;
    esac
done

# shellcheck source=tools/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# clang's run-time for sanitizers and fuzzers is named after clang's version, and is part of another package in old releases.
clang_runtime() {
    local version
    version=$(apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p' | head -n1)
    if [[ -n $version && -n $(apt-cache search --names-only "^libclang-rt-$version-dev\$") ]]; then
        echo "libclang-rt-$version-dev"
    fi
}

# A library on newer systems; on Debian 12, the C sources that come with Node's package of it.
llhttp_package() {
    if [[ -n $(apt-cache search --names-only '^libllhttp-dev$') ]]; then echo libllhttp-dev; else echo node-llhttp; fi
}

# Node.js and npm may come from elsewhere, and Debian's packages of them are not to stand beside those.
peer_packages() {
    echo curl wrk nghttp2-client python3-websockets
    # Ubuntu has no package of it.
    if [[ -n $(apt-cache search --names-only '^chromium$') ]]; then echo chromium; fi
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

packages() {
    # openssl is the command line tool: it makes the certificates, and the tests talk to it. With iproute2 and iptables
    # the tests of UDP make networks of their own that lose or hold back what is sent.
    echo g++ cmake ninja-build pkg-config libssl-dev openssl zlib1g-dev libgtest-dev libgmock-dev libbenchmark-dev \
        python3 iproute2 iptables
    llhttp_package
    if $fuzz; then echo clang && clang_runtime; fi
    if $peers; then peer_packages; fi
}

set_up_macos() {
    local formulas=(cmake ninja pkg-config openssl@3 llhttp googletest google-benchmark python3)
    local missing=() formula
    if $fuzz; then formulas+=(llvm); fi
    if $peers; then formulas+=(curl node wrk nghttp2); fi
    command -v brew >/dev/null || { printf 'tools/setup.sh: needs Homebrew on macOS\n' >&2 && exit 1; }
    for formula in "${formulas[@]}"; do
        brew list --formula "$formula" >/dev/null 2>&1 || missing+=("$formula")
    done
    ((${#missing[@]} > 0)) || return 0

    printf 'installing: %s\n' "${missing[*]}"
    brew install "${missing[@]}"
}

if command -v apt-get >/dev/null; then
    install_what packages
elif [[ $(uname) == Darwin ]]; then
    set_up_macos
else
    printf 'tools/setup.sh: knows apt and brew only; needs a C++20 compiler, CMake 3.20, Ninja, pkg-config, OpenSSL 3 (also its ' >&2
    printf 'command line tool), zlib, GoogleTest, Google Benchmark and Python 3. Going on with what is there.\n' >&2
fi
