#!/usr/bin/env bash
# clang_tidy.sh REPORT ARGUMENT...: runs clang-tidy and prints only if it found
# something.
set -u
report=$1
shift

clang-tidy "$@" >"$report" 2>&1 && exit
# Without the sandbox's path, and without the count of suppressed warnings.
sed -e "s|$PWD/||" -e '/^[0-9]* warnings\? generated\.$/d' "$report"
exit 1
