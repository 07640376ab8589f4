/* test_golden.cpp: images of version 1 that were once made and are kept in tests/golden: they open,
 * pass the check, hold the values that the text beside them says, and verbs still make the same.
 * `[.make-golden]` writes them anew: only for a new image, never to mend a failing one.
 */
#include <fstream>
#include <functional>
#include <sstream>

#include "sample.hpp"

#ifndef SLOTQ_SOURCE_DIR
#define SLOTQ_SOURCE_DIR "."
#endif

using namespace support;

namespace
{

struct Named {
    const char *part;
    const char *name;
    Field field;
};

const Named fields[] = {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) {#part, #name, {(offset), (bytes)}},
#include "../../../engine/layout/fields.def"
#undef SLOTQ_FIELD
};

void dump_fields(std::ostream &out, const std::string &part, const std::string &title,
                 const uint8_t *bytes)
{
    for (const Named &named : fields) {
        if (named.part == part) {
            out << title << "." << named.name << " "
                << load(bytes + named.field.offset, named.field.bytes) << "\n";
        }
    }
}

void dump_slot(std::ostream &out, const std::string &title, const Image &image, uint32_t offset)
{
    slotq_slot slot;
    const bool sound = slotq_core_slot(&image.view(), offset, &slot);
    out << title << " ";
    if (sound) {
        out << "\"" << std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes)
            << "\" stamp " << slot.stamp << " check " << slot.check << "\n";
    } else {
        out << "damaged\n";
    }
}

void dump_ring(std::ostream &out, const Image &image)
{
    const uint64_t slots = image.geometry().ring_slots;
    for (uint32_t group = 0; group < image.geometry().groups; group++) {
        const uint64_t written = image.get(field::group_written, group);
        for (uint64_t i = image.get(field::group_head, group); i != written; i = (i + 1) % slots) {
            out << "word " << group << "." << i << " 0x" << std::hex
                << image.get_word(group, static_cast<uint32_t>(i)) << std::dec << "\n";
        }
    }
    const uint64_t tail = image.get(field::header_tail);
    for (uint64_t i = image.get(field::header_head); i != tail; i = (i + 1) % slots) {
        dump_slot(out, "slot " + std::to_string(i), image,
                  image.slot_offset(static_cast<uint32_t>(i)));
    }
}

void dump_aside(std::ostream &out, const Image &image)
{
    for (uint32_t i = 0; i < image.aside_count(); i++) {
        const uint32_t slot = image.aside_slot(i);
        dump_fields(out, "aside", "aside " + std::to_string(i),
                    image.data() + image.aside_entry_offset(i));
        for (uint32_t group = 0; group < image.geometry().groups; group++) {
            out << "aside word " << group << "." << slot << " 0x" << std::hex
                << image.get_aside_word(group, slot) << std::dec << "\n";
        }
        dump_slot(out, "aside slot " + std::to_string(slot), image, image.aside_slot_offset(slot));
    }
}

void dump_rest(std::ostream &out, const Image &image)
{
    const slotq_view &view = image.view();
    for (uint32_t i = 0; i < image.geometry().later_slots; i++) {
        const uint8_t *entry = image.data() + view.later_index_offset + 12 * i;
        const uint64_t slot = load(entry + 10, 2) ^ i;
        dump_fields(out, "later", "later " + std::to_string(i), entry);
        if (i < image.get(field::shared_later_count)) {
            dump_slot(out, "later slot " + std::to_string(slot), image,
                      view.later_ring_offset + static_cast<uint32_t>(slot) * view.stride);
        }
    }
    const uint64_t span = image.get(field::shared_dead_count) + image.get(field::shared_dead_holes);
    for (uint64_t i = 0; i < span; i++) {
        const uint64_t entry =
            (image.get(field::shared_dead_head) + i) % image.geometry().dead_slots;
        const uint32_t offset = image.dead_offset(static_cast<uint32_t>(entry));
        if (load(image.data() + offset, 6) == 0) {
            out << "dead " << entry << " hole\n";
            continue;
        }
        dump_fields(out, "dead", "dead " + std::to_string(entry), image.data() + offset);
        if (image.geometry().note_bytes > 0) {
            out << "dead note " << entry << " \""
                << std::string(reinterpret_cast<const char *>(image.data()) + offset + 16,
                               image.data()[offset + 15])
                << "\"\n";
        }
        dump_slot(out, "dead slot " + std::to_string(entry), image,
                  image.dead_slot_offset(static_cast<uint32_t>(entry)));
    }
}

void dump_keys(std::ostream &out, const Image &image)
{
    const uint32_t count = image.geometry().flags & SLOTQ_FLAG_KEYS ? image.holders() : 0;
    const uint32_t slots = image.geometry().ring_slots;
    for (uint32_t i = 0; i < count; i++) {
        const std::string title = "holder " + std::to_string(i);
        out << "bucket " << i << " " << load(image.data() + image.bucket_offset(i), 2) << "\n";
        if (image.key_of(i) != 0) {
            const uint8_t *entry = image.data() + image.key_offset(i);
            dump_fields(out, "key", title, entry);
            dump_fields(out,
                        i < slots                                  ? "none"
                        : i < slots + image.geometry().aside_slots ? "aside_key"
                                                                   : "later_key",
                        title, entry);
        }
    }
}

std::string dump(const Image &image)
{
    std::ostringstream out;
    out << "bytes " << image.bytes().size() << "\n";
    for (const char *part : {"header", "geometry", "shared"}) {
        dump_fields(out, part, part, image.data());
    }
    for (uint32_t group = 0; group < image.geometry().groups; group++) {
        dump_fields(out, "group", "group " + std::to_string(group),
                    image.data() + front_offset + group_bytes * group);
    }
    dump_ring(out, image);
    dump_keys(out, image);
    dump_aside(out, image);
    dump_rest(out, image);
    return out.str();
}

/* ---- how each was made ---- */

Image make_fresh()
{
    return Image(geometry(2, 1));
}

/* All flags; last_id goes over 2^32, tail over the end, and the oldest messages are dropped. */
Image make_wrapped()
{
    slotq_geometry made = geometry(5, 6, 3, SLOTQ_FLAGS_ALL, 2, 2, 1000);
    made.later_slots = 3;
    Image image(made);
    image.start_at((UINT64_C(1) << 32) - 3, 3);
    REQUIRE(sample::push(image, {"1", "22", "333", "4444"}, 123456789, {7, 0, 0x10007, 23}) ==
            SLOTQ_OK);
    REQUIRE(sample::reserve(image, 2, 2, 60000, 123456789).size() == 1);
    REQUIRE(sample::remove(image, 1, UINT64_C(1) << 32, 123457000) == SLOTQ_OK);
    REQUIRE(sample::push(image, {"55555"}, 123460000) == SLOTQ_OK);
    return image;
}

slotq_outcome schedule(Image &image, const std::string &payload, uint64_t due_ms)
{
    const slotq_data message = {payload.data(), static_cast<uint32_t>(payload.size())};
    slotq_call call = {};
    call.verb = SLOTQ_SCHEDULE;
    call.now_ms = sample::now_ms;
    call.schedule.messages = &message;
    call.schedule.count = 1;
    call.schedule.due_ms = due_ms;
    return image.run(call);
}

/* Shard 1023 of a set, closed: one message leased, one new. */
Image make_shard()
{
    slotq_geometry made = geometry(5, 8, 2, SLOTQ_FLAG_STAMPS);
    made.set = 0xFEDCBA98;
    made.shard = 1023;
    Image image(made);
    REQUIRE(sample::push(image, {"first", "second"}, sample::now_ms) == SLOTQ_OK);
    slotq_run run;
    slotq_call call = {};
    call.verb = SLOTQ_RESERVE;
    call.now_ms = sample::now_ms;
    call.reserve.limit = 1;
    call.reserve.lease_ms = 30000;
    call.reserve.runs = &run;
    call.reserve.run_capacity = 1;
    REQUIRE(image.run(call) == SLOTQ_OK);
    call = {};
    call.verb = SLOTQ_PAUSE;
    call.now_ms = sample::now_ms;
    call.pause.what = SLOTQ_PAUSE_CLOSED;
    REQUIRE(image.run(call) == SLOTQ_OK);
    REQUIRE(sample::push(image, {"late"}, sample::now_ms) == SLOTQ_CLOSED);
    return image;
}

/* Eleven scheduled in mixed order: 4 was cancelled, 9 kicked, and the two that were due first
 * became messages 1 and 2 before message 3 was pushed. */
Image make_scheduled()
{
    slotq_geometry made = geometry(5, 8, 1, SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS);
    made.later_slots = 12;
    Image image(made);
    for (uint64_t i = 0; i < 11; i++) {
        const std::string payload = "job " + std::to_string(i + 1);
        REQUIRE(schedule(image, payload, sample::now_ms + 1000 * (1 + i * 7 % 11)) == SLOTQ_OK);
    }
    slotq_call call = {};
    call.verb = SLOTQ_CANCEL;
    call.now_ms = sample::now_ms;
    call.cancel.later_id = 4;
    REQUIRE(image.run(call) == SLOTQ_OK);
    call = {};
    call.verb = SLOTQ_KICK;
    call.now_ms = sample::now_ms + 500;
    call.kick.id = 9;
    call.kick.is_later = true;
    REQUIRE(image.run(call) == SLOTQ_OK);
    REQUIRE(sample::push(image, {"new"}, sample::now_ms + 1000) == SLOTQ_OK);
    REQUIRE(image.get(field::shared_later_count) == 8);
    return image;
}

/* Ten scheduled messages in twelve places, by hand, each with a key in another chain. */
Image make_later()
{
    slotq_geometry made = geometry(2, 3, 1, SLOTQ_FLAG_KEYS | SLOTQ_FLAG_CHECKS);
    made.later_slots = 12;
    Image image(made);
    const slotq_view &view = image.view();
    for (uint32_t i = 0; i < 12; i++) {
        const uint32_t number = (i * 5 + 7) % 12;
        uint8_t *entry = image.data() + view.later_index_offset + 12 * i;
        uint8_t *slot = image.data() + view.later_ring_offset + number * view.stride;
        store(entry, 6, i < 10 ? UINT64_C(1700000000000) + 1000 * i : 0);
        store(entry + 6, 4, i < 10 ? 4294967290u + (i < 6 ? i : i - 11) : 0);
        store(entry + 10, 2, number ^ i);
        if (i < 10) {
            slot[6] = static_cast<uint8_t>('a' + i);
            store(slot, 2, 1);
            store(slot + 2, 4, xxh32(slot + 6, 1));
            const uint32_t holder = 2 + number;
            const uint64_t key = 0x0100 * 14 + 1 + i; /* the bucket is 1 + i */
            store(image.data() + image.key_offset(holder), 8, key);
            store(image.data() + image.key_offset(holder) + 10, 4, load(entry + 6, 4));
            store(image.data() + image.bucket_offset(1 + i), 2, holder + 1);
        }
    }
    image.set(field::shared_later_count, 10);
    image.set(field::shared_later_due_ms, UINT64_C(1700000000000));
    image.set(field::shared_later_last_id, 4);
    return image;
}

struct Golden {
    const char *name;
    std::function<Image()> make;
};

const Golden goldens[] = {
    {"fresh", make_fresh},     {"states", sample::states},    {"dead", sample::dead},
    {"wrapped", make_wrapped}, {"later", make_later},         {"aside", sample::aside},
    {"notes", sample::noted},  {"scheduled", make_scheduled}, {"shard", make_shard},
};

std::string path_of(const std::string &file)
{
    return SLOTQ_SOURCE_DIR "/tests/golden/" + file;
}

std::string read(const std::string &file)
{
    std::ifstream in(path_of(file), std::ios::binary);
    INFO(file);
    REQUIRE(in.is_open());
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

} // namespace

TEST_CASE("golden images hold what the text beside them says", "[golden]")
{
    for (const Golden &golden : goldens) {
        const std::string name = golden.name;
        INFO(name);
        const std::string bytes = read(name + ".slotq");
        const Image kept(Bytes(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
        CHECK(kept.check() == "");
        CHECK(dump(kept) == read(name + ".txt"));
    }
}

TEST_CASE("verbs make the golden images to the byte", "[golden]")
{
    for (const Golden &golden : goldens) {
        INFO(golden.name);
        const std::string bytes = read(golden.name + std::string(".slotq"));
        const Image kept(Bytes(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
        const Image made = golden.make();
        CHECK(made.check() == "");
        CHECK(made.masked() == kept.masked());
    }
}

TEST_CASE("an image of the next version is refused by name", "[golden]")
{
    const std::string text = read("version-2.slotq");
    const Bytes bytes(reinterpret_cast<const uint8_t *>(text.data()), text.size());
    slotq_view view;
    slotq_damage damage;
    CHECK(slotq_core_open(&view, bytes.data(), bytes.size(), &damage) == SLOTQ_VERSION);
    CHECK(damage.offset == 11);
}

/* long: a filter that only leaves out some cases takes hidden ones too. */
TEST_CASE("write the golden images anew", "[.make-golden][long]")
{
    for (const Golden &golden : goldens) {
        const Image image = golden.make();
        const std::string name = golden.name;
        std::ofstream(path_of(name + ".slotq"), std::ios::binary)
            .write(reinterpret_cast<const char *>(image.data()),
                   static_cast<std::streamsize>(image.bytes().size()));
        std::ofstream(path_of(name + ".txt")) << dump(image);
    }
    Image next = make_fresh();
    next.data()[11] = '2';
    next.set(field::geometry_geometry_check, xxh32(next.data() + 8, 32));
    std::ofstream(path_of("version-2.slotq"), std::ios::binary)
        .write(reinterpret_cast<const char *>(next.data()),
               static_cast<std::streamsize>(next.bytes().size()));
}
