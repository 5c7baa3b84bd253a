#!/usr/bin/env bash
# Compiles and links Pollux for macOS on Debian or Ubuntu; see --help.
exec "$(dirname "${BASH_SOURCE[0]}")/zig.sh" macos "$@"
