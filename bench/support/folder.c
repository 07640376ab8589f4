/* folder.c: see folder.h.
 */
#include "folder.h"
#include "sure.h"

#include <dirent.h>
#include <fcntl.h>
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
    const struct dirent *entry;
    uint64_t blocks = 0;
    DIR *folder = opendir(path);
    bench_need(folder != NULL, path);
    while ((entry = readdir(folder)) != NULL) {
        struct stat about;
        if (fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode)) {
            blocks += (uint64_t)about.st_blocks;
        }
    }
    closedir(folder);
    return blocks * BLOCK_BYTES;
}
