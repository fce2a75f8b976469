# For the benchmarks that need programs of the tests: sourced, not run. Sets $build.
#
#   build_tests FOLDER [CMake option…] -- TARGET…: configures build/FOLDER with tests, once, and
#   builds the targets; what the compiler says is shown only if it fails.
build_tests() {
    build=$root/build/$1
    log=$build.log
    shift
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    mkdir -p "$root/build"
    # shellcheck disable=SC2086 # options are words
    {
        cmake -S "$root" --preset host -B "$build" -DOTTER_TESTS=ON $options &&
            cmake --build "$build" --parallel 2 --target "$@"
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "otter bench: building the test programs failed; the whole log is ${log#"$root"/}" >&2
        exit 1
    }
}

# Optimised, without sanitizers: what is measured or has to run long.
build_optimised() {
    build_tests bench -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 -- "$@"
}
