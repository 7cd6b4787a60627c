#!/bin/sh
# Runs every fuzz target of the project, one after the other, FUZZTIME each.
set -eu
cd "$(dirname "$0")"
grep -rl --include='*_test.go' '^func Fuzz' pkg | sort | while read -r file; do
  sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file" | while read -r target; do
    echo "== $target (${file%/*})"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "./${file%/*}"
  done
done
