#!/bin/sh
# Rebuilds both programs for both processors and prints their SHA-256, for README.md.
# Needs Debian's gcc and gcc-aarch64-linux-gnu (README.md names the versions).
set -eu
cd "$(dirname "$0")"
flags="-std=c11 -Wall -Wextra -Werror -Os -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pie -fno-ident -fcf-protection=none
    -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,norelro -s"
for program in launch hosted gocache; do
    # A launcher is called by its platform alone, as it came first.
    prefix=""
    [ "$program" = launch ] || prefix="$program-"
    # shellcheck disable=SC2086
    x86_64-linux-gnu-gcc $flags -o "${prefix}linux-x86_64" "$program.c"
    # The x86 hardening flag has no meaning on aarch64.
    # shellcheck disable=SC2086
    aarch64-linux-gnu-gcc $(echo $flags | sed 's/-fcf-protection=none//') -o "${prefix}linux-aarch64" "$program.c"
done
chmod 755 ./*linux-x86_64 ./*linux-aarch64
sha256sum ./*linux-x86_64 ./*linux-aarch64
