#!/usr/bin/env bash
# Makes Pollux for Windows on Debian or Ubuntu with mingw-w64, and runs its tests there with Wine. Needs nothing but the
# system's package manager; see --help.
set -euo pipefail

usage() {
    cat <<'ENDOFUSAGE'
usage: tools/platforms/windows.sh [options]

Installs mingw-w64, Wine and what they need, makes OpenSSL for Windows (five minutes, once: it stays in
build/windows-openssl), and hands on to tools/test, which builds, runs the tests and ends with "N passed, N failed".

  --short          the conformance suite of the back end alone, which needs no OpenSSL but its headers
  --filter REGEX   only the tests whose name matches, as `ctest -R` takes it
  --help           this text
ENDOFUSAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
preset=windows
filter=()

while (($# > 0)); do
    case $1 in
        --short) preset=windows-conformance ;;
        --filter) filter=(--filter "${2:?--filter needs a regular expression}") && shift ;;
        --help | -h) usage && exit 0 ;;
        *) printf 'tools/platforms/windows.sh: no such option: %s\n\n' "$1" >&2 && usage >&2 && exit 2 ;;
    esac
    shift
done

command -v apt-get >/dev/null || { printf 'tools/platforms/windows.sh: runs on Debian and Ubuntu only\n' >&2 && exit 1; }

# shellcheck source=tools/debian.sh
source "$root/tools/debian.sh"

packages() {
    # GoogleTest and llhttp are built from the sources in these packages.
    echo cmake ninja-build g++-mingw-w64-x86-64-posix libz-mingw-w64-dev googletest node-llhttp openssl libssl-dev wine \
        wine64 dpkg-dev make perl
}

# OpenSSL's sources are the system's own: those of its package, by the same lists of places, which are kept apart from the
# machine's.
apt_of_sources() {
    local program=$1
    shift
    "$program" -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/places" \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}

list_places_of_sources() {
    local list
    mkdir -p "$work/places" "$work/lists/partial" "$work/cache/archives/partial"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        # Other places than Debian's and Ubuntu's have no OpenSSL, and some have no sources.
        grep -qsE '/(debian|ubuntu)' "$list" || continue
        case $list in
            *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/places/${list##*/}" ;;
            *.list) sed -n 's/^deb /deb-src /p' "$list" >"$work/places/${list##*/}" ;;
        esac
    done
}

# A mirror may no longer have the newest that its lists name, so others will do. What Debian changes is not needed.
fetch_openssl() {
    local version
    list_places_of_sources
    apt_of_sources apt-get update || true
    while read -r version; do
        if apt_of_sources apt-get source --download-only --tar-only "openssl=$version"; then return 0; fi
    done < <(apt_of_sources apt-cache showsrc openssl | sed -n 's/^Version: //p' | sort -Vru)
    printf 'tools/platforms/windows.sh: no sources of OpenSSL can be had\n' >&2
    return 1
}

make_openssl() (
    local work=$build/windows-openssl-work
    rm -rf "$work"
    mkdir -p "$work/source"
    cd "$work"
    fetch_openssl
    tar -xf openssl_*.orig.tar.* --strip-components=1 -C source
    cd source
    ./Configure mingw64 --cross-compile-prefix=x86_64-w64-mingw32- --prefix="$build/windows-openssl" no-shared no-tests \
        no-engine no-legacy no-module >../log
    printf 'making OpenSSL for Windows; what it says goes to %s\n' "$work/log"
    make -j"$(getconf _NPROCESSORS_ONLN)" build_libs >>../log 2>&1
    make install_dev >>../log 2>&1
    rm -rf "$work"
)

# Enough to compile with: the headers are the same on all systems. The libraries are empty.
take_openssl_headers() {
    local target=$build/windows-openssl-headers
    mkdir -p "$target/include/openssl" "$target/lib"
    cp /usr/include/openssl/*.h /usr/include/"$(dpkg-architecture -qDEB_HOST_MULTIARCH)"/openssl/*.h "$target/include/openssl/"
    x86_64-w64-mingw32-ar rcs "$target/lib/libcrypto.a"
    x86_64-w64-mingw32-ar rcs "$target/lib/libssl.a"
}

apt_options=(--no-install-recommends)
install_what packages

if [[ $preset == windows-conformance ]]; then
    take_openssl_headers
elif [[ ! -f $build/windows-openssl/lib64/libssl.a ]]; then
    make_openssl
fi

# A server that stays saves its start for each test. It must not hold the output of whoever waits for this script.
export WINEPREFIX=$build/wine WINEDEBUG=-all
mkdir -p "$WINEPREFIX"

# quietly COMMAND...: what it says goes to a file, since processes that it leaves behind would hold on to a pipe.
quietly() {
    "$@" </dev/null >"$build/wine.log" 2>&1 && return
    printf 'tools/platforms/windows.sh: this failed: %s\n' "$*" >&2
    cat "$build/wine.log" >&2
    exit 1
}

wineserver --kill || true  # one that a run left behind that was broken off
quietly wineserver --persistent
trap 'wineserver --kill' EXIT
quietly wine wineboot --init
quietly wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f

"$root/tools/test" --preset "$preset" ${filter[@]+"${filter[@]}"}
