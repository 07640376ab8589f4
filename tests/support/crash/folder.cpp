/* folder.cpp: plain system calls behind folder.hpp. The folder lies in memory where
 * the machine has such a place, for thousands of files are written.
 */
#include "folder.hpp"

#include <cstdlib>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace crash
{

namespace
{

std::string parent_folder()
{
    const char *chosen = getenv("SLOTQ_TEST_FOLDER");
    if (chosen != nullptr && *chosen != 0) {
        return chosen;
    }
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        return "/dev/shm";
    }
    chosen = getenv("TMPDIR");
    return chosen != nullptr && *chosen != 0 ? chosen : "/tmp";
}

void remove_all(const std::string &path)
{
    DIR *listing = opendir(path.c_str());
    if (listing == nullptr) {
        return;
    }
    while (const dirent *entry = readdir(listing)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") {
            unlink((path + "/" + name).c_str());
        }
    }
    closedir(listing);
    rmdir(path.c_str());
}

} // namespace

folder::folder() : owner(getpid())
{
    std::string wanted = parent_folder() + "/slotq-test-XXXXXX";
    if (mkdtemp(&wanted[0]) == nullptr) {
        abort();
    }
    where = wanted;
}

folder::~folder()
{
    if (owner == getpid()) {
        remove_all(where);
    }
}

bool exists(const std::string &path)
{
    return access(path.c_str(), F_OK) == 0;
}

bytes read_file(const std::string &path)
{
    bytes content;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0) {
        return content;
    }
    if (fstat(file, &about) == 0) {
        content.resize(static_cast<size_t>(about.st_size));
    }
    size_t done = 0;
    while (done < content.size()) {
        const ssize_t got = read(file, content.data() + done, content.size() - done);
        if (got <= 0) {
            break;
        }
        done += static_cast<size_t>(got);
    }
    content.resize(done);
    close(file);
    return content;
}

bool write_file(const std::string &path, const bytes &content)
{
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return false;
    }
    size_t done = 0;
    while (done < content.size()) {
        const ssize_t put = write(file, content.data() + done, content.size() - done);
        if (put <= 0) {
            break;
        }
        done += static_cast<size_t>(put);
    }
    const bool cut = ftruncate(file, static_cast<off_t>(content.size())) == 0;
    close(file);
    return cut && done == content.size();
}

uint64_t inode_of(const std::string &path)
{
    struct stat about;
    return stat(path.c_str(), &about) == 0 ? static_cast<uint64_t>(about.st_ino) : 0;
}

mapping::mapping(const std::string &path)
{
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file >= 0 && fstat(file, &about) == 0 && about.st_size > 0) {
        length = static_cast<size_t>(about.st_size);
        void *const at = mmap(nullptr, length, PROT_READ, MAP_SHARED, file, 0);
        data = at == MAP_FAILED ? nullptr : static_cast<const uint8_t *>(at);
    }
    if (file >= 0) {
        close(file);
    }
}

mapping::~mapping()
{
    if (data != nullptr) {
        munmap(const_cast<uint8_t *>(data), length);
    }
}

int open_descriptors()
{
    int count = 0;
    DIR *listing = opendir("/proc/self/fd");
    if (listing == nullptr) {
        return -1;
    }
    while (readdir(listing) != nullptr) {
        count++;
    }
    closedir(listing);
    return count;
}

} // namespace crash
