#!/bin/sh
# manual.sh MANDOC DIR - every page of the manual is sound mdoc.
set -eu
found=0
for page in "$2"/*.[1-9]; do
	[ -f "$page" ] || continue
	found=1
	"$1" -T lint -W warning "$page"
done
[ "$found" = 1 ]
