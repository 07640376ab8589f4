/* test_open.cpp: names, URLs, and files that are not what they should be: each a clear answer
 * with offset or limit, nothing changed.
 */
#include "catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../support/image/fields.hpp"
#include "any_queue.hpp"

using namespace any_queue;

namespace
{

struct Close {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, Close>;

slotq_outcome open_in(const Folder &folder, slotq_error &error, Handle &handle,
                      const slotq_options *options = nullptr, const char *name = "q")
{
    slotq *queue = nullptr;
    const slotq_outcome outcome = slotq_open(folder.path(), name, options, &queue, &error);
    handle.reset(queue);
    return outcome;
}

slotq_outcome create_in(const Folder &folder, const Geometry &geometry = Geometry(),
                        slotq_error *error = nullptr, const char *name = "q")
{
    return slotq_create(folder.path(), name, geometry, nullptr, error);
}

/* Opening must answer this, say so, and change nothing. */
slotq_error refused(const Folder &folder, slotq_outcome outcome,
                    const slotq_options *options = nullptr)
{
    slotq_error error = {};
    Handle handle;
    const std::vector<uint8_t> before = read_file(folder.file("q.slotq"));
    CHECK(open_in(folder, error, handle, options) == outcome);
    CHECK(handle == nullptr);
    CHECK(error.outcome == outcome);
    CHECK(std::string(error.text) != "");
    CHECK(read_file(folder.file("q.slotq")) == before);
    return error;
}

bool says(const slotq_error &error, const char *words)
{
    INFO(error.text);
    const bool found = std::string(error.text).find(words) != std::string::npos;
    CHECK(found);
    return found;
}

std::vector<std::string> list(const Folder &folder)
{
    std::vector<std::string> names;
    const auto visit = [](void *context, const char *name) {
        static_cast<std::vector<std::string> *>(context)->push_back(name);
        return true;
    };
    REQUIRE(slotq_list(folder.path(), visit, &names, nullptr) == SLOTQ_OK);
    return names;
}

} // namespace

TEST_CASE("two fields make a geometry: the library fills in tick, group and generation")
{
    const Folder folder;
    slotq_geometry geometry = {};
    geometry.ring_slots = 8;
    geometry.payload_bytes = 16;
    slotq_error error = {};
    REQUIRE(slotq_create(folder.path(), "q", &geometry, nullptr, &error) == SLOTQ_OK);
    Handle handle;
    REQUIRE(open_in(folder, error, handle) == SLOTQ_OK);
    const slotq_geometry *made = slotq_geometry_of(handle.get());
    CHECK(made->tick_ms == 100);
    CHECK(made->groups == 1);
    CHECK(made->generation != 0);
    CHECK(slotq_geometry_bytes(made, &error) == slotq_image_bytes(handle.get()));
    CHECK(slotq_create(folder.path(), "copy", made, nullptr, &error) == SLOTQ_OK);
    CHECK(slotq_geometry_bytes(&geometry, &error) == slotq_image_bytes(handle.get()));
    slotq *in_memory = nullptr;
    REQUIRE(slotq_create_memory(&geometry, nullptr, &in_memory, &error) == SLOTQ_OK);
    CHECK(slotq_geometry_of(in_memory)->tick_ms == 100);
    slotq_close(in_memory);
}

TEST_CASE("a struct that was not zeroed is told from one of today by its reserved fields")
{
    const Folder folder;
    slotq_error error = {};
    slotq_geometry geometry = *static_cast<const slotq_geometry *>(Geometry());
    geometry.reserved[4] = 1;
    CHECK(slotq_create(folder.path(), "q", &geometry, nullptr, &error) == SLOTQ_INVALID);
    CHECK(says(error, "reserved field of the geometry"));
    CHECK(slotq_geometry_bytes(&geometry, &error) == 0);
    CHECK(says(error, "reserved field of the geometry"));
    slotq *queue = nullptr;
    CHECK(slotq_create_memory(&geometry, nullptr, &queue, &error) == SLOTQ_INVALID);
    REQUIRE(create_in(folder) == SLOTQ_OK);
    slotq_options options = {};
    options.reserved[3] = 1;
    refused(folder, SLOTQ_INVALID, &options);
    Handle handle;
    REQUIRE(open_in(folder, error, handle) == SLOTQ_OK);
    slotq_producer_options producing = {};
    producing.reserved[1] = 1;
    slotq_producer *producer = nullptr;
    CHECK(slotq_producer_new(handle.get(), &producing, &producer) == SLOTQ_INVALID);
    CHECK(says(*slotq_error_of(handle.get()), "reserved field of the options of the producer"));
}

TEST_CASE("invalid names are refused", "[open]")
{
    Folder folder;
    const Geometry geometry;
    slotq_error error = {};
    for (const std::string &name :
         {std::string(), std::string("../x"), std::string("a/b"), std::string(".hidden"),
          std::string("-x"), std::string(201, 'n'), std::string(300, 'n')}) {
        Handle handle;
        INFO(name);
        CHECK(create_in(folder, geometry, &error, name.c_str()) == SLOTQ_INVALID);
        CHECK(open_in(folder, error, handle, nullptr, name.c_str()) == SLOTQ_INVALID);
        CHECK(slotq_remove_queue(folder.path(), name.c_str(), &error) == SLOTQ_INVALID);
        CHECK(std::string(error.text) != "");
    }
    CHECK(create_in(folder, geometry, &error, nullptr) == SLOTQ_INVALID);
    CHECK(list(folder).empty());
    const std::string longest(200, 'n');
    CHECK(create_in(folder, geometry, &error, longest.c_str()) == SLOTQ_OK);
    Handle handle;
    CHECK(open_in(folder, error, handle, nullptr, longest.c_str()) == SLOTQ_OK);
}

TEST_CASE("URLs that this build cannot do", "[open]")
{
    slotq *queue = nullptr;
    slotq_error error = {};
    CHECK(slotq_open("unix:///no/such/socket", "q", nullptr, &queue, &error) == SLOTQ_CONNECT);
    says(error, "/no/such/socket");
    CHECK(slotq_open("http://x", "q", nullptr, &queue, &error) == SLOTQ_UNSUPPORTED);
    CHECK(slotq_open("", "q", nullptr, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_open(nullptr, "q", nullptr, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_open("/nonexistent/folder", "q", nullptr, &queue, &error) == SLOTQ_IO);
    CHECK(error.system_errno == ENOENT);
    CHECK(slotq_list(
              "/nonexistent/folder", [](void *, const char *) { return true; }, nullptr, &error) ==
          SLOTQ_IO);
}

TEST_CASE("geometries out of range name the field", "[open]")
{
    Folder folder;
    slotq_error error = {};
    CHECK(create_in(folder, Geometry(1), &error) == SLOTQ_INVALID);
    says(error, "ring_slots");
    CHECK(create_in(folder, Geometry(9, 0), &error) == SLOTQ_INVALID);
    CHECK(create_in(folder, Geometry().groups(17), &error) == SLOTQ_INVALID);
    CHECK(create_in(folder, Geometry().tick(60001), &error) == SLOTQ_INVALID);
    CHECK(create_in(folder, Geometry(65535, 65535), &error) == SLOTQ_INVALID);
    says(error, "512 MiB");
    CHECK(slotq_geometry_bytes(Geometry(65535, 65535), &error) == 0);
    CHECK(slotq_geometry_bytes(nullptr, &error) == 0);
    CHECK(slotq_geometry_bytes(Geometry(9, 16), nullptr) == 136 + 36 + 9 * 18);
    CHECK(list(folder).empty());
}

TEST_CASE("create twice is OK, with another geometry EXISTS", "[open]")
{
    Folder folder;
    slotq_error error = {};
    REQUIRE(create_in(folder) == SLOTQ_OK);
    Handle handle;
    REQUIRE(open_in(folder, error, handle) == SLOTQ_OK);
    CHECK(create_in(folder) == SLOTQ_OK); /* while others have it open, too */
    CHECK(create_in(folder, Geometry(10), &error) == SLOTQ_EXISTS);
    says(error, "slots 8, payload 16");
    write_file(folder.file("w.slotq"), std::vector<uint8_t>(5000, 7));
    CHECK(create_in(folder, Geometry(), &error, "w") == SLOTQ_CORRUPT);
    CHECK(list(folder) == std::vector<std::string>{"q", "w"});
}

TEST_CASE("a queue that is not there", "[open]")
{
    Folder folder;
    says(refused(folder, SLOTQ_NOQUEUE), "create");
    slotq_error error = {};
    CHECK(slotq_remove_queue(folder.path(), "q", &error) == SLOTQ_NOQUEUE);
}

TEST_CASE("files of the wrong size", "[open]")
{
    Folder folder;
    REQUIRE(create_in(folder) == SLOTQ_OK);
    const std::vector<uint8_t> sound = read_file(folder.file("q.slotq"));
    for (const size_t size : {size_t(0), size_t(1), size_t(135), size_t(136), sound.size() - 1,
                              sound.size() + 1, sound.size() + 4096}) {
        std::vector<uint8_t> bytes = sound;
        bytes.resize(size);
        write_file(folder.file("q.slotq"), bytes);
        const slotq_error error = refused(folder, SLOTQ_CORRUPT);
        says(error, "byte");
        CHECK(error.offset == std::min(size, sound.size()));
    }
    CHECK(truncate(folder.file("q.slotq").c_str(), off_t(600) * 1024 * 1024) == 0);
    slotq_error error = {};
    Handle handle;
    CHECK(open_in(folder, error, handle) == SLOTQ_CORRUPT);
    says(error, "512 MiB");
}

TEST_CASE("zeroed, other magic, other version, damaged front", "[open]")
{
    Folder folder;
    REQUIRE(create_in(folder) == SLOTQ_OK);
    const std::vector<uint8_t> sound = read_file(folder.file("q.slotq"));
    const auto with = [&](size_t at, uint8_t byte) {
        std::vector<uint8_t> bytes = sound;
        bytes[at] = byte;
        write_file(folder.file("q.slotq"), bytes);
    };
    write_file(folder.file("q.slotq"), std::vector<uint8_t>(sound.size(), 0));
    CHECK(refused(folder, SLOTQ_CORRUPT).offset == 8);
    with(8, 'X');
    CHECK(refused(folder, SLOTQ_CORRUPT).offset == 8);
    with(11, '2');
    CHECK(refused(folder, SLOTQ_VERSION).offset == 11);
    with(14, 99);
    CHECK(refused(folder, SLOTQ_CORRUPT).offset == support::field::geometry_geometry_check.offset);
    with(4, 200);
    CHECK(refused(folder, SLOTQ_CORRUPT).offset == 4); /* header.head */
    write_file(folder.file("q.slotq"), sound);
    slotq_error error = {};
    Handle handle;
    CHECK(open_in(folder, error, handle) == SLOTQ_OK);
}

TEST_CASE("damage that is found while the queue is open", "[open]")
{
    Folder folder;
    slotq_error error = {};
    Handle handle;
    REQUIRE(create_in(folder) == SLOTQ_OK);
    REQUIRE(open_in(folder, error, handle) == SLOTQ_OK);
    const int file = open(folder.file("q.slotq").c_str(), O_RDWR);
    const uint8_t bad = 200;
    REQUIRE(pwrite(file, &bad, 1, support::front_offset) == 1); /* group 0's head */
    close(file);
    const Batch given = batch();
    CHECK(slotq_reserve(handle.get(), 0, 1, 1000, 0, given.get()) == SLOTQ_CORRUPT);
    CHECK(slotq_error_of(handle.get())->offset == support::front_offset);
    CHECK(slotq_check(handle.get()) == SLOTQ_CORRUPT);
    says(*slotq_error_of(handle.get()), "byte 80");
}

TEST_CASE("symbolic links and folders in place of the file", "[open]")
{
    Folder folder;
    REQUIRE(create_in(folder, Geometry(), nullptr, "real") == SLOTQ_OK);
    REQUIRE(symlink(folder.file("real.slotq").c_str(), folder.file("q.slotq").c_str()) == 0);
    says(refused(folder, SLOTQ_UNSUPPORTED), "symbolic link");
    REQUIRE(unlink(folder.file("q.slotq").c_str()) == 0);
    REQUIRE(mkdir(folder.file("q.slotq").c_str(), 0700) == 0);
    slotq_error error = {};
    Handle handle;
    CHECK(open_in(folder, error, handle) == SLOTQ_IO);
    REQUIRE(rmdir(folder.file("q.slotq").c_str()) == 0);
}

TEST_CASE("exclusive and shared handles exclude each other", "[open]")
{
    Folder folder;
    slotq_error error = {};
    slotq_options exclusive = {};
    exclusive.exclusive = true;
    REQUIRE(create_in(folder) == SLOTQ_OK);
    Handle first;
    Handle second;
    REQUIRE(open_in(folder, error, first) == SLOTQ_OK);
    CHECK(open_in(folder, error, second) == SLOTQ_OK);
    says(refused(folder, SLOTQ_LOCKED, &exclusive), "open in another");
    CHECK(slotq_remove_queue(folder.path(), "q", &error) == SLOTQ_LOCKED);
    first.reset();
    second.reset();
    REQUIRE(open_in(folder, error, first, &exclusive) == SLOTQ_OK);
    says(refused(folder, SLOTQ_LOCKED), "exclusively");
    refused(folder, SLOTQ_LOCKED, &exclusive);
    slotq *clone = nullptr;
    REQUIRE(slotq_clone(first.get(), &clone, &error) == SLOTQ_OK);
    first.reset();
    refused(folder, SLOTQ_LOCKED); /* the clone still has it */
    const slotq_data data = {"x", 1};
    CHECK(slotq_push(clone, &data, 1, nullptr) == SLOTQ_OK);
    slotq_close(clone);
    CHECK(open_in(folder, error, second) == SLOTQ_OK);
}

TEST_CASE("a read-only handle looks and changes nothing", "[open]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    slotq_options options = {};
    options.read_only = true;
    slotq_error error = {};
    Handle reader;
    REQUIRE(open_in(queue.folder(), error, reader, &options) == SLOTQ_OK);
    const std::vector<uint8_t> before = queue.image();
    const Batch given = batch();
    const slotq_data data = {"x", 1};
    slotq_stats stats = {};
    CHECK(slotq_get_stats(reader.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.ready == 2);
    CHECK(slotq_peek(reader.get(), 0, 0, 2, given.get()) == SLOTQ_OK);
    CHECK(messages(given.get())[1].payload == "2");
    CHECK(slotq_check(reader.get()) == SLOTQ_OK);
    CHECK(slotq_push(reader.get(), &data, 1, nullptr) == SLOTQ_UNSUPPORTED);
    CHECK(slotq_reserve(reader.get(), 0, 1, 1000, 0, given.get()) == SLOTQ_UNSUPPORTED);
    CHECK(slotq_purge(reader.get()) == SLOTQ_UNSUPPORTED);
    CHECK(queue.image() == before);
    queue.fill(1); /* a writer beside it is seen */
    CHECK(slotq_get_stats(reader.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.ready == 3);
}

TEST_CASE("removed while open: calls say so", "[open]")
{
    Queue queue(GENERATE(from_range(file_kinds())));
    queue.fill(1);
    REQUIRE(unlink(queue.folder().file("q.slotq").c_str()) == 0);
    queue.now_ms += 1000;
    CHECK(queue.push("lost") == SLOTQ_IO);
    CHECK(queue.error().find("removed") != std::string::npos);
    slotq_stats stats;
    queue.now_ms += 1000;
    CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_IO);
}

TEST_CASE("remove_queue takes the journal along", "[open]")
{
    Queue queue(Kind::file);
    slotq_error error = {};
    CHECK(slotq_remove_queue(queue.folder().path(), "q", &error) == SLOTQ_LOCKED);
    queue.close();
    CHECK(access(queue.folder().file("q.slotq-journal").c_str(), F_OK) == 0);
    CHECK(slotq_remove_queue(queue.folder().path(), "q", &error) == SLOTQ_OK);
    CHECK(access(queue.folder().file("q.slotq-journal").c_str(), F_OK) != 0);
    CHECK(access(queue.folder().file("q.slotq").c_str(), F_OK) != 0);
    CHECK(create_in(queue.folder(), Geometry(20)) == SLOTQ_OK);
    queue.reopen();
    CHECK(queue.stats().capacity == 19);
}

TEST_CASE("a journal left behind by a queue that was deleted by hand", "[open]")
{
    Queue queue(Kind::file);
    queue.fill(3);
    queue.close();
    REQUIRE(unlink(queue.folder().file("q.slotq").c_str()) == 0);
    SECTION("at rest it gives way")
    {
        CHECK(create_in(queue.folder()) == SLOTQ_OK);
        queue.reopen();
        CHECK(queue.stats().last_id == 0);
    }
    SECTION("with a step cut short it is not thrown away without a word")
    {
        std::vector<uint8_t> journal = read_file(queue.folder().file("q.slotq-journal"));
        REQUIRE(journal.size() == 4096);
        std::fill(journal.begin() + 192, journal.begin() + 196, uint8_t(1));
        write_file(queue.folder().file("q.slotq-journal"), journal);
        slotq_error error = {};
        CHECK(create_in(queue.folder(), Geometry(), &error) == SLOTQ_IO);
        says(error, "remove q.slotq-journal");
        CHECK(list(queue.folder()).empty());
        REQUIRE(unlink(queue.folder().file("q.slotq-journal").c_str()) == 0);
        CHECK(create_in(queue.folder()) == SLOTQ_OK);
    }
}

TEST_CASE("a file that is not a journal is refused", "[open]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    queue.close();
    const std::string path = queue.folder().file("q.slotq-journal");
    const std::vector<uint8_t> sound = read_file(path);
    for (const size_t size : {size_t(0), size_t(100), size_t(8192)}) {
        std::vector<uint8_t> bytes = sound;
        bytes.resize(size);
        write_file(path, bytes);
        says(refused(queue.folder(), SLOTQ_CORRUPT), "Move the journal away");
        CHECK(read_file(path) == bytes);
    }
    for (const size_t at : {size_t(0), size_t(4), size_t(17), size_t(40), size_t(193)}) {
        std::vector<uint8_t> bytes = sound;
        bytes[at] ^= 0x20;
        write_file(path, bytes);
        refused(queue.folder(), SLOTQ_CORRUPT);
        CHECK(read_file(path) == bytes);
    }
    REQUIRE(rename(path.c_str(), queue.folder().file("aside").c_str()) == 0);
    queue.reopen(); /* a new one is made */
    CHECK(queue.stats().ready == 2);
}

TEST_CASE("export and import carry a queue over", "[open]")
{
    Queue queue(GENERATE(from_range(all_kinds())), Geometry(9, 8).groups(2).dead(2));
    queue.fill(5);
    queue.reserve(2);
    std::vector<uint8_t> image(slotq_image_bytes(queue) + 1);
    REQUIRE(slotq_export(queue, image.data() + 1, image.size() - 1) == SLOTQ_OK);
    CHECK(slotq_export(queue, image.data(), image.size() - 2) == SLOTQ_INVALID);
    Folder folder;
    slotq_error error = {};
    const uint64_t bytes = image.size() - 1;
    REQUIRE(slotq_import(folder.path(), "q", image.data() + 1, bytes, &error) == SLOTQ_OK);
    CHECK(slotq_import(folder.path(), "q", image.data() + 1, bytes, &error) == SLOTQ_EXISTS);
    Handle handle;
    REQUIRE(open_in(folder, error, handle) == SLOTQ_OK);
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(handle.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.leased == 2);
    CHECK(stats.ready == 3);
    CHECK(slotq_import(folder.path(), "w", image.data() + 1, bytes - 1, &error) == SLOTQ_CORRUPT);
    CHECK(slotq_import(folder.path(), "w", image.data() + 1, 50, &error) == SLOTQ_CORRUPT);
    image[1 + support::front_offset +
          support::field::group_leased.offset]++; /* one leased more than there are */
    CHECK(slotq_import(folder.path(), "w", image.data() + 1, bytes, &error) == SLOTQ_CORRUPT);
    image[1 + 11]++;
    CHECK(slotq_import(folder.path(), "w", image.data() + 1, bytes, &error) == SLOTQ_VERSION);
    CHECK(list(folder) == std::vector<std::string>{"q"});
}

TEST_CASE("list ends when visit says so and shows queues alone", "[open]")
{
    Folder folder;
    for (const char *name : {"b", "a-b", "a", "c"}) {
        REQUIRE(create_in(folder, Geometry(), nullptr, name) == SLOTQ_OK);
    }
    write_file(folder.file("other.txt"), {});
    write_file(folder.file(".slotq"), {});
    CHECK(list(folder) == std::vector<std::string>{"a", "a-b", "b", "c"});
    int seen = 0;
    const auto once = [](void *context, const char *) {
        return ++*static_cast<int *>(context) < 2;
    };
    CHECK(slotq_list(folder.path(), once, &seen, nullptr) == SLOTQ_OK);
    CHECK(seen == 2);
    CHECK(slotq_list(folder.path(), nullptr, nullptr, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("buffers that are no queue", "[open]")
{
    const Geometry geometry(9, 8);
    const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
    std::vector<uint64_t> buffer(bytes / 8 + 2);
    auto *start = reinterpret_cast<uint8_t *>(buffer.data());
    slotq *queue = nullptr;
    slotq_error error = {};
    CHECK(slotq_open_memory(start + 1, bytes, geometry, nullptr, &queue, &error) == SLOTQ_INVALID);
    says(error, "aligned");
    CHECK(slotq_open_memory(start, bytes + 1, geometry, nullptr, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_open_memory(start, bytes, Geometry(1), nullptr, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_open_memory(start, bytes, nullptr, nullptr, &queue, &error) == SLOTQ_CORRUPT);
    REQUIRE(slotq_open_memory(start, bytes, geometry, nullptr, &queue, &error) == SLOTQ_OK);
    slotq_close(queue);
    CHECK(slotq_open_memory(start, bytes - 1, nullptr, nullptr, &queue, &error) == SLOTQ_CORRUPT);
    start[11] = '9';
    CHECK(slotq_open_memory(start, bytes, nullptr, nullptr, &queue, &error) == SLOTQ_VERSION);
    start[11] = '1';
    CHECK(slotq_open_memory(start, bytes, nullptr, nullptr, &queue, &error) == SLOTQ_OK);
    CHECK(slotq_geometry_of(queue)->ring_slots == 9);
    slotq_close(queue);
}
