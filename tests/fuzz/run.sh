#!/bin/bash
# run.sh - coverage-guided fuzzing of one target with libFuzzer.
# usage: run.sh TARGET [SECONDS]      TARGET: X of tests/fuzz/fuzz_X.c; new inputs go to build/fuzz/X, crashes beside them
set -eu
cd "$(dirname "$0")/../.."
target=${1:-}
[ -e "tests/fuzz/fuzz_$target.c" ] || { echo "usage: make fuzz TARGET=NAME [SECONDS=60]; NAME is one of:" $(ls tests/fuzz/fuzz_*.c | sed 's,.*/fuzz_\(.*\)\.c,\1,') >&2; exit 2; }
command -v clang >/dev/null || { echo "fuzz: install clang and libclang-rt-14-dev" >&2; exit 1; }
mkdir -p "build/fuzz/$target"
sources=$(ls {netstack,conntrack,tables,nat,helpers,router}/*.c | grep -v router/main.c)
pkgs="libevent libnl-3.0 libnl-route-3.0 fuse3 jansson"
clang -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-strict-aliasing -I. -D_GNU_SOURCE \
	-DTAPGATE_VERSION='"fuzz"' $(pkg-config --cflags $pkgs) -o "build/fuzz/fuzz_$target" "tests/fuzz/fuzz_$target.c" $sources \
	$(pkg-config --libs $pkgs) -liniparser
exec "build/fuzz/fuzz_$target" -max_total_time="${2:-60}" -artifact_prefix="build/fuzz/$target-" "build/fuzz/$target" "tests/fuzz/corpus/$target"
