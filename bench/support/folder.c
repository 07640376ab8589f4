/* folder.c: see folder.h.
 */
#include "folder.h"
#include "sure.h"

#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

enum { BLOCK_BYTES = 512, FOLDERS_DEEP = 8 };

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
    (void)about;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(const char *path)
{
    (void)nftw(path, remove_one, FOLDERS_DEEP, FTW_DEPTH | FTW_PHYS);
}

void folder_make(const char *path)
{
    folder_remove(path);
    bench_need(mkdir(path, 0700) == 0, path);
}

uint64_t folder_disk_bytes(const char *path)
{
    char *const paths[] = {(char *)(uintptr_t)path, NULL};
    uint64_t blocks = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bench_need(walk != NULL, path);
    for (const FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        blocks += entry->fts_info == FTS_F ? (uint64_t)entry->fts_statp->st_blocks : 0;
    }
    fts_close(walk);
    return blocks * BLOCK_BYTES;
}
