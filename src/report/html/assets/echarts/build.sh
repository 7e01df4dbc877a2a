#!/usr/bin/env bash
# Makes echarts.min.js anew, from the versions that package-lock.json pins, and the licences of what is in it.
# Needs npm and its registry; neither is needed to build Cutover, for which the file is committed.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json package-lock.json entry.js "$work"
(
    cd "$work"
    npm ci --no-audit --no-fund --silent
    npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts --target=es2020 --charset=utf8 \
        --define:process.env.NODE_ENV='"production"' --legal-comments=none --outfile=built.js
)
version() { node -p "require('$work/node_modules/$1/package.json').version"; }
{
    printf '/*! Apache ECharts %s (Apache-2.0), zrender %s (BSD-3-Clause), tslib %s (0BSD); licences: LICENSE.txt */\n' \
        "$(version echarts)" "$(version zrender)" "$(version tslib)"
    cat "$work/built.js"
} > echarts.min.js
{
    for package in echarts zrender tslib; do
        printf '==== %s %s ====\n\n' "$package" "$(version $package)"
        cat "$work/node_modules/$package/LICENSE"* "$work/node_modules/$package/NOTICE" 2> /dev/null || true
        printf '\n'
    done
} > LICENSE.txt
