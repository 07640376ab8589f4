#!/bin/sh
# installed.sh: make install into a folder, programs built against what is there (by pkg-config, by
# name, by CMake), and make uninstall, which must leave no file. Knows the public way to use the
# library, nothing inside.
#
# installed.sh FOLDER
set -u

folder=${1:?a folder}
make=${MAKE:-make}
rm -rf "$folder"
mkdir -p "$folder"
$make install DESTDIR="$folder" PREFIX=/opt/slotq >/dev/null || exit 1
prefix=$folder/opt/slotq

cat >"$folder/program.c" <<'C'
#include <slotq.h>
#include <stdio.h>

int main(void)
{
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq *queue = NULL;
    slotq_error error;
    static _Alignas(8) unsigned char buffer[1 << 20];
    const uint64_t bytes = slotq_geometry_bytes(&geometry, NULL);
    slotq_outcome outcome = slotq_open_memory(buffer, bytes, &geometry, NULL, &queue, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_push(queue, &(slotq_data){"hello", 5}, 1, NULL);
    }
    slotq_close(queue);
    puts(slotq_outcome_name(outcome));
    return outcome;
}
C

# A program whose functions have names that rooms use inside: both must do their work.
cat >"$folder/names.c" <<'C'
#include <slotq.h>
#include <stdio.h>
#include <stdlib.h>

void file_open(void);
void file_open(void) { abort(); }
void monotonic_ms(void);
void monotonic_ms(void) { abort(); }
void ring_push(void);
void ring_push(void) { abort(); }
void journal_lock(void);
void journal_lock(void) { abort(); }
void frame_begin(void);
void frame_begin(void) { abort(); }

int main(int count, char **arguments)
{
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq_batch *batch = slotq_batch_new();
    slotq *queue = NULL;
    slotq_error error = {0};
    if (count != 2 || slotq_create(arguments[1], "names", &geometry, NULL, &error) != SLOTQ_OK ||
        slotq_open(arguments[1], "names", NULL, &queue, &error) != SLOTQ_OK ||
        slotq_push(queue, &(slotq_data){"hello", 5}, 1, NULL) != SLOTQ_OK ||
        slotq_reserve(queue, 0, 1, 1000, 1000, batch) != SLOTQ_OK) {
        puts(error.text);
        return 1;
    }
    slotq_batch_free(batch);
    slotq_close(queue);
    puts("OK");
    return 0;
}
C

# Both libraries, shared by pkg-config's word, and static by name.
for library in slotq slotq_redis; do
    flags="-I$prefix/include/slotq -L$prefix/lib -l$library"
    if command -v pkg-config >/dev/null 2>&1; then
        flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder \
            pkg-config --cflags --libs $library) || exit 1
    fi
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/program.c" -o "$folder/shared" $flags || exit 1
    LD_LIBRARY_PATH=$prefix/lib "$folder/shared" | grep -qx OK || exit 1
    also=$(sed -n 's/^Libs.private: //p' "$prefix/lib/pkgconfig/$library.pc")
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/program.c" -o "$folder/static" "-I$prefix/include/slotq" \
        "$prefix/lib/lib$library.a" $also -pthread || exit 1
    "$folder/static" | grep -qx OK || exit 1
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/names.c" -o "$folder/names" "-I$prefix/include/slotq" \
        "$prefix/lib/lib$library.a" $also -pthread || exit 1
    rm -f "$folder"/names.slotq*
    "$folder/names" "$folder" | grep -qx OK || {
        echo "a program's own functions were called in place of those of lib$library.a"
        exit 1
    }
done

# A worker, with either library below it, in the same ways.
cat >"$folder/worker.c" <<'C'
#include <slotq_worker.h>
#include <stdio.h>

static slotq_result say(void *context, slotq_task *task)
{
    (void)context;
    printf("%s\n", (const char *)slotq_task_info_of(task)->body);
    return slotq_result_done();
}

int main(void)
{
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    const slotq_handler handler = {.run = say};
    const slotq_task_spec task = {.type = "word:say", .body = "OK", .body_bytes = 3};
    slotq_mux *mux;
    slotq_worker *worker;
    slotq *queue;
    if (slotq_create_memory(&geometry, NULL, &queue, NULL) != SLOTQ_OK ||
        slotq_task_push(queue, &task, NULL) != SLOTQ_OK || slotq_mux_new(&mux) != SLOTQ_OK ||
        slotq_mux_exact(mux, "word:say", &handler) != SLOTQ_OK ||
        slotq_worker_new(mux, NULL, &worker, NULL) != SLOTQ_OK ||
        slotq_worker_add_queue(worker, queue, "words", NULL) != SLOTQ_OK) {
        return 1;
    }
    slotq_worker_drain(worker);
    if (slotq_worker_run(worker) != SLOTQ_OK || slotq_worker_free(worker) != SLOTQ_OK) {
        return 1;
    }
    slotq_mux_free(mux);
    slotq_close(queue);
    return 0;
}
C
for library in slotq slotq_redis; do
    also=$(sed -n 's/^Libs.private: //p' "$prefix/lib/pkgconfig/$library.pc")
    flags="-I$prefix/include/slotq -L$prefix/lib -lslotq_worker -l$library"
    if command -v pkg-config >/dev/null 2>&1; then
        flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder \
            pkg-config --cflags --libs slotq_worker $library) || exit 1
    fi
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/worker.c" -o "$folder/worker" $flags || exit 1
    LD_LIBRARY_PATH=$prefix/lib "$folder/worker" | grep -qx OK || exit 1
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/worker.c" -o "$folder/worker" "-I$prefix/include/slotq" \
        "$prefix/lib/libslotq_worker.a" "$prefix/lib/lib$library.a" $also -pthread || exit 1
    "$folder/worker" | grep -qx OK || exit 1
done

# Redis with TLS: what OpenSSL needs comes with the library, in each way.
cat >"$folder/tls.c" <<'C'
#include <slotq_redis_tls.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    slotq *queue = NULL;
    slotq_error error = {0};
    (void)slotq_open("rediss://127.0.0.1:1?ca_file=/none.pem", "jobs", NULL, &queue, &error);
    const bool refused = strstr(error.text, "/none.pem of ca_file cannot be used") != NULL;
    puts(refused && slotq_redis_tls_library() != NULL ? "OK" : error.text);
    return 0;
}
C
flags="-I$prefix/include/slotq -L$prefix/lib -lslotq_redis"
if command -v pkg-config >/dev/null 2>&1; then
    flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder \
        pkg-config --cflags --libs slotq_redis) || exit 1
fi
also=$(sed -n 's/^Libs.private: //p' "$prefix/lib/pkgconfig/slotq_redis.pc")
# shellcheck disable=SC2086 # options
gcc -std=c11 "$folder/tls.c" -o "$folder/tls" $flags || exit 1
LD_LIBRARY_PATH=$prefix/lib "$folder/tls" | grep -qx OK || exit 1
# shellcheck disable=SC2086 # options
gcc -std=c11 "$folder/tls.c" -o "$folder/tls" "-I$prefix/include/slotq" \
    "$prefix/lib/libslotq_redis.a" $also -pthread || exit 1
"$folder/tls" | grep -qx OK || exit 1

# The same through CMake, with each of its targets.
cmake_says='no cmake here: its package was not tried'
if command -v cmake >/dev/null 2>&1; then
    mkdir "$folder/cmake"
    cp "$folder/program.c" "$folder/worker.c" "$folder/tls.c" "$folder/cmake"
    cat >"$folder/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(program C)
find_package(slotq 0.1 REQUIRED COMPONENTS redis worker)
foreach(target slotq slotq_static slotq_redis slotq_redis_static)
  add_executable(program_${target} program.c)
  target_link_libraries(program_${target} PRIVATE slotq::${target})
endforeach()
foreach(target slotq_redis slotq_redis_static)
  add_executable(program_tls_${target} tls.c)
  target_link_libraries(program_tls_${target} PRIVATE slotq::${target})
endforeach()
add_executable(program_worker worker.c)
target_link_libraries(program_worker PRIVATE slotq::slotq_worker slotq::slotq)
add_executable(program_worker_static worker.c)
target_link_libraries(program_worker_static PRIVATE slotq::slotq_worker_static slotq::slotq_static)
CMAKE
    {
        cmake -S "$folder/cmake" -B "$folder/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" &&
            cmake --build "$folder/cmake/build"
    } >"$folder/cmake/log" 2>&1 || {
        tail -n 20 "$folder/cmake/log"
        exit 1
    }
    for program in "$folder"/cmake/build/program_*; do
        "$program" | grep -qx OK || exit 1
    done
    cmake_says='six CMake targets, two of them with TLS'
fi

$make uninstall DESTDIR="$folder" PREFIX=/opt/slotq >/dev/null || exit 1
left=$(find "$folder/opt" -type f -o -type l)
[ -z "$left" ] || {
    echo "uninstall left: $left"
    exit 1
}
echo "shared and static programs ran, $cmake_says, uninstall left nothing"
