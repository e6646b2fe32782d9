#!/usr/bin/env bash
# clang_tidy.sh REPORT ARGUMENT...: runs clang-tidy and says nothing unless it
# found something.
set -u
report=$1
shift

clang-tidy "$@" >"$report" 2>&1 && exit
# Without the sandbox's own path, and without the count of the warnings that
# clang-tidy keeps to itself.
sed -e "s|$PWD/||" -e '/^[0-9]* warnings\? generated\.$/d' "$report"
exit 1
