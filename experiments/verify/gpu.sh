#!/bin/sh
# What to run on a GPU, in the order of its worth; each part ends within ten minutes on one of today's,
# and goes on where it was stopped.
#
#   sh experiments/verify/gpu.sh check IMAGES OUT    the package's tests for a GPU; what a step costs
#   sh experiments/verify/gpu.sh order IMAGES OUT    does the recipe fast order cells as the table does?
#   sh experiments/verify/gpu.sh cell IMAGES OUT     the benchmark's recipe on its best cell; AutoAttack
#
# IMAGES: cifar10, with the official files in $SURROBUST_DATA, or a folder with a folder per class.
# OUT: keep it from part to part, checkpoints and records are in it.
set -u
part=$1 images=$2 out=$3 limit=${LIMIT:-570}
mkdir -p "$out"
export PYTHONUNBUFFERED=1
run="timeout -s INT $limit python3 experiments/verify/run.py"
on="--images $images --device cuda --scale full --out $out"
case $part in
check)
    timeout -s INT 300 python3 -m pytest -q -p no:cacheprovider tests/test_gpu.py >"$out/check.log" 2>&1
    tail -n 40 "$out/check.log"
    timeout -s INT 240 python3 experiments/verify/run.py speed $on
    ;;
order) $run order $on --n 24 --at-once 8 --captured ;;
cell)
    $run cell $on --captured &&
        $run cell $on --attacks autoattack-8 --n-test 1000
    ;;
*) echo "gpu.sh: expected check, order or cell, got $part" >&2; exit 2 ;;
esac
