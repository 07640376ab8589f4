/* folder.hpp: a private folder for a test, its files as bytes, and a file's shared
 * mapping. Knows the file system; knows no queue.
 */
#ifndef SLOTQ_TESTS_CRASH_FOLDER_HPP
#define SLOTQ_TESTS_CRASH_FOLDER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace crash
{

using bytes = std::vector<uint8_t>;

/* Made empty, removed with all in it at the end (the process that made it only). */
class folder
{
public:
    folder();
    ~folder();
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    const std::string &path() const
    {
        return where;
    }
    /* Path of a file in it. */
    std::string file(const std::string &name) const
    {
        return where + "/" + name;
    }

private:
    std::string where;
    long owner;
};

bool exists(const std::string &path);
/* Empty when it cannot be read. */
bytes read_file(const std::string &path);
/* Write over the same file, which keeps its inode; made when there is none. */
bool write_file(const std::string &path, const bytes &content);
uint64_t inode_of(const std::string &path);

/* A file, seen as others change it. */
class mapping
{
public:
    explicit mapping(const std::string &path);
    ~mapping();
    mapping(const mapping &) = delete;
    mapping &operator=(const mapping &) = delete;
    bool valid() const
    {
        return data != nullptr;
    }
    const uint8_t *begin() const
    {
        return data;
    }
    size_t size() const
    {
        return length;
    }
    bytes copy() const
    {
        return bytes(data, data + length);
    }

private:
    const uint8_t *data = nullptr;
    size_t length = 0;
};

/* Open descriptors of this process. */
int open_descriptors();

} // namespace crash

#endif
