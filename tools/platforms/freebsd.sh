#!/usr/bin/env bash
# Compiles and links Pollux for FreeBSD on Debian or Ubuntu; see --help.
exec "$(dirname "${BASH_SOURCE[0]}")/zig.sh" freebsd "$@"
