/* replay.c: runs every file of the folders (or files) named through a fuzz target, where there
 * has no libFuzzer; the last line is `N passed, N failed`. A target that finds something aborts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned passed;
static unsigned failed;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    uint8_t *data = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (data == NULL || fseek(file, 0, SEEK_SET) != 0 ||
        fread(data, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "cannot be read: %s\n", path);
        failed++;
    } else {
        fprintf(stderr, "%s\n", path); /* before: the input that aborts is then known */
        /* a block of just the size, so that a sanitizer sees a read past it */
        uint8_t *exact = malloc(size > 0 ? (size_t)size : 1);
        for (long i = 0; exact != NULL && i < size; i++) {
            exact[i] = data[i];
        }
        LLVMFuzzerTestOneInput(exact, (size_t)size);
        free(exact);
        passed++;
    }
    free(data);
    if (file != NULL) {
        fclose(file);
    }
}

static void replay_folder(const char *path)
{
    struct dirent **names;
    const int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (names[i]->d_name[0] != '.' &&
            snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name) < (int)sizeof file) {
            replay_file(file);
        }
        free(names[i]);
    }
    if (count >= 0) {
        free(names);
    }
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0);
    passed++;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            replay_folder(argv[i]);
        } else {
            replay_file(argv[i]);
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
