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

as_root() {
    if (($(id -u) == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'tools/setup.sh: needs root or sudo to run: %s\n' "$*" >&2
        exit 1
    fi
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

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
    echo chromium curl wrk nghttp2-client python3-websockets
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

missing_packages() {
    # openssl is the command line tool: it makes the certificates, and the tests talk to it. With iproute2 and iptables
    # the tests of UDP make networks of their own that lose or hold back what is sent.
    local packages=(g++ cmake ninja-build pkg-config libssl-dev openssl zlib1g-dev libgtest-dev libgmock-dev
        libbenchmark-dev python3 iproute2 iptables $(llhttp_package))
    local package
    if $fuzz; then packages+=(clang $(clang_runtime)); fi
    if $peers; then packages+=($(peer_packages)); fi
    for package in "${packages[@]}"; do
        # pkg-config is a virtual package of pkgconf on newer systems: what counts there is the command.
        [[ $package == pkg-config ]] && command -v pkg-config >/dev/null && continue
        installed "$package" || echo "$package"
    done
}

set_up_debian() {
    local missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} > 0)) || return 0

    as_root apt-get update -qq
    # Asked again, because fresh package lists know the name of clang's run-time.
    mapfile -t missing < <(missing_packages)
    printf 'installing: %s\n' "${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
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
    set_up_debian
elif [[ $(uname) == Darwin ]]; then
    set_up_macos
else
    printf 'tools/setup.sh: knows apt and brew only; needs a C++20 compiler, CMake 3.20, Ninja, pkg-config, OpenSSL 3 (also its ' >&2
    printf 'command line tool), zlib, GoogleTest, Google Benchmark and Python 3. Going on with what is there.\n' >&2
fi
