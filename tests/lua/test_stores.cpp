/* test_stores.cpp: one random play through slotq.h, on a queue in memory and on one in Redis: what
 * the library answers, and the bytes, are the same after each step. So the client's packing and
 * its reading of replies are held too, not only the scripts.
 */
#include <cstdlib>
#include <sstream>

#include "../../engine/slotq.h"
#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "parity_play.hpp"

namespace
{

namespace field = support::field;
using support::Choices;
using support::Image;

enum class What {
    push,
    reserve,
    next,
    settle,
    settle_batch,
    settle_message,
    status,
    stats,
    peek,
    dead_list,
    remove,
    reclaim,
    redrive,
    dead_purge,
    pause,
    resume,
    purge
};

/* A call, all its numbers chosen, to be made on both. */
struct Call {
    What what = What::push;
    uint8_t group = 0;
    uint8_t reason = 0;
    uint8_t bits = 0;
    uint32_t limit = 0;
    uint64_t ms = 0;
    uint64_t id = 0;
    slotq_settle_how how = SLOTQ_SETTLE_ACK;
    std::vector<slotq_run> runs;
    std::vector<std::string> payloads;
};

/* A queue somewhere, a batch that lives on from call to call. */
struct Side {
    slotq *queue = nullptr;
    slotq_batch *batch = slotq_batch_new();
    std::vector<slotq_run> given; /* by the last call */

    ~Side()
    {
        slotq_batch_free(batch);
        slotq_close(queue);
    }
    std::string make(const Call &call);

private:
    slotq_outcome push(const Call &call, std::ostream &told);
    slotq_outcome settle(const Call &call, std::ostream &told);
    slotq_outcome take(const Call &call, std::ostream &told);
    slotq_outcome look(const Call &call, std::ostream &told);
    slotq_outcome mend(const Call &call, std::ostream &told);
    void tell_batch(slotq_batch *told_of, std::ostream &told);
};

slotq_outcome Side::push(const Call &call, std::ostream &told)
{
    std::vector<slotq_data> data;
    for (const std::string &payload : call.payloads) {
        data.push_back({payload.data(), static_cast<uint32_t>(payload.size())});
    }
    uint64_t id = 0;
    const slotq_outcome outcome =
        slotq_push(queue, data.data(), static_cast<uint32_t>(data.size()), &id);
    told << " id " << id;
    return outcome;
}

void Side::tell_batch(slotq_batch *told_of, std::ostream &told)
{
    slotq_message message;
    slotq_batch_rewind(told_of);
    while (slotq_batch_next(told_of, &message)) {
        told << "\n  " << message.id << " token " << message.token << " attempts "
             << +message.attempts << " state " << message.state << " pushed " << message.pushed_ms
             << " died " << message.died_at_ms << " group " << +message.group << " reason "
             << +message.reason << " damaged " << message.damaged << " ";
        told.write(static_cast<const char *>(message.payload), message.payload_bytes);
        given.push_back({message.id, message.token, 1});
    }
}

slotq_outcome Side::take(const Call &call, std::ostream &told)
{
    slotq_settled settled = {};
    const slotq_outcome outcome =
        call.what == What::next
            ? slotq_next(queue, call.group, call.limit, call.ms, 0, batch, &settled)
            : slotq_reserve(queue, call.group, call.limit, call.ms, 0, batch);
    told << " settled " << settled.outcome << " ok " << settled.ok_count << " refused "
         << settled.refused_count << " first " << settled.refused_id;
    tell_batch(batch, told);
    return outcome;
}

slotq_outcome Side::settle(const Call &call, std::ostream &told)
{
    if (call.what == What::settle_batch) {
        return slotq_settle_batch(queue, call.how, batch, call.ms, call.reason);
    }
    if (call.what == What::settle_message) {
        return slotq_settle_message(queue, call.how, batch, call.id, call.ms, call.reason);
    }
    uint32_t count = 0;
    for (const slotq_run &run : call.runs) {
        count += run.count;
    }
    std::vector<uint8_t> outcomes(count + 1, 99);
    std::vector<uint32_t> tokens(count + 1, 99);
    const slotq_outcome outcome =
        slotq_settle(queue, call.how, call.group, call.runs.data(),
                     static_cast<uint32_t>(call.runs.size()), call.ms, call.reason, outcomes.data(),
                     call.how == SLOTQ_SETTLE_EXTEND ? tokens.data() : nullptr);
    for (uint32_t i = 0; i < count && outcome <= SLOTQ_DEADFULL; i++) {
        told << " " << +outcomes[i] << ":" << tokens[i];
    }
    return outcome;
}

slotq_outcome Side::look(const Call &call, std::ostream &told)
{
    slotq_outcome outcome;
    if (call.what == What::status) {
        slotq_status status = {};
        outcome = slotq_get_status(queue, call.group, call.id, &status);
        told << " state " << status.state << " why " << status.why << " attempts "
             << +status.attempts << " deadline " << status.deadline_ms << " pushed "
             << status.pushed_ms << " position " << status.position;
    } else if (call.what == What::stats) {
        slotq_stats stats = {};
        outcome = slotq_get_stats(queue, call.group, &stats);
        told << " last " << stats.last_id << " used " << stats.used << " ready " << stats.ready
             << " undelivered " << stats.undelivered << " leased " << stats.leased << " waiting "
             << stats.waiting << " acked " << stats.acked << " redelivered " << stats.redelivered
             << " died " << stats.died << " due " << stats.next_due_ms << " oldest "
             << stats.oldest_ms << " dead " << stats.dead << " dropped " << stats.dropped << " "
             << stats.dead_dropped << " paused " << +stats.paused << " holder " << stats.holder.id
             << " " << stats.holder.held << " " << stats.holder.unfinished << " "
             << stats.holder.state;
    } else {
        slotq_batch *seen = slotq_batch_new();
        const std::vector<slotq_run> before = given;
        outcome = call.what == What::peek ? slotq_peek(queue, call.group, call.id, call.limit, seen)
                                          : slotq_dead_list(queue, call.bits, call.limit, seen);
        tell_batch(seen, told);
        given = before;
        slotq_batch_free(seen);
    }
    return outcome;
}

slotq_outcome Side::mend(const Call &call, std::ostream &told)
{
    uint32_t first = 0;
    uint32_t second = 0;
    slotq_outcome outcome = SLOTQ_OK;
    switch (call.what) {
    case What::remove:
        return slotq_remove(queue, call.group, call.id);
    case What::reclaim:
        outcome = slotq_reclaim(queue, call.group, &first, &second);
        break;
    case What::redrive:
        outcome = slotq_dead_redrive(queue, call.limit, nullptr, &first, &second);
        break;
    case What::dead_purge:
        outcome = slotq_dead_purge(queue, &first);
        break;
    case What::pause:
        return slotq_pause(queue, call.bits);
    case What::resume:
        return slotq_resume(queue, call.bits);
    default:
        return slotq_purge(queue);
    }
    told << " " << first << " " << second;
    return outcome;
}

/* The call's answer, whole, as text. */
std::string Side::make(const Call &call)
{
    std::ostringstream told;
    slotq_outcome outcome;
    given.clear();
    switch (call.what) {
    case What::push:
        outcome = push(call, told);
        break;
    case What::reserve:
    case What::next:
        outcome = take(call, told);
        break;
    case What::settle:
    case What::settle_batch:
    case What::settle_message:
        outcome = settle(call, told);
        break;
    case What::status:
    case What::stats:
    case What::peek:
    case What::dead_list:
        outcome = look(call, told);
        break;
    default:
        outcome = mend(call, told);
        break;
    }
    return std::string(slotq_outcome_name(outcome)) + told.str();
}

uint64_t read_clock(void *context)
{
    return *static_cast<uint64_t *>(context);
}

/* Both of them, from the same bytes on. */
class Game
{
public:
    Game(Choices &choices, const std::string &name);
    ~Game()
    {
        slotq_remove_queue(redis::shared_server().url().c_str(), name_.c_str(), nullptr);
    }
    std::string step(); /* "" or how they differ */

private:
    Call choose();
    void choose_settle(Call &call);
    uint64_t choose_id();
    std::string images();

    Choices &choices_;
    std::string name_;
    uint64_t now_ms_ = 1700000000000;
    slotq_geometry shape_;
    std::vector<uint64_t> buffer_;
    uint64_t last_id_;
    std::vector<slotq_run> held_;
    uint8_t held_group_ = 0;
    Side memory_;
    Side server_;
};

Game::Game(Choices &choices, const std::string &name)
    : choices_(choices), name_(name),
      shape_(support::geometry(2 + choices.small(40), 1 + choices.small(20), 1 + choices.small(3),
                               choices.small(32) & ~4u, choices.small(4), choices.small(6),
                               choices.one_in(2) ? 1 : 100))
{
    static const uint64_t starts[] = {0, 0, UINT64_C(1) << 31, UINT64_C(1) << 32};
    Image image(shape_);
    last_id_ = starts[choices.small(4)];
    last_id_ -= last_id_ > 0 ? choices.small(60) : 0;
    image.start_at(last_id_, choices.small(shape_.ring_slots));
    buffer_.resize((image.bytes().size() + 7) / 8);
    std::memcpy(buffer_.data(), image.data(), image.bytes().size());
    slotq_options options = {};
    options.clock_ms = read_clock;
    options.clock_context = &now_ms_;
    slotq_error error = {};
    const std::string url = redis::shared_server().url();
    if (slotq_open_memory(buffer_.data(), image.bytes().size(), nullptr, &options, &memory_.queue,
                          &error) != SLOTQ_OK ||
        slotq_import(url.c_str(), name_.c_str(), image.data(), image.bytes().size(), &error) !=
            SLOTQ_OK ||
        slotq_open(url.c_str(), name_.c_str(), &options, &server_.queue, &error) != SLOTQ_OK) {
        throw std::runtime_error(error.text);
    }
}

uint64_t Game::choose_id()
{
    return last_id_ + 2 - std::min<uint64_t>(last_id_ + 2, choices_.below(shape_.ring_slots + 3u));
}

void Game::choose_settle(Call &call)
{
    call.how = static_cast<slotq_settle_how>(choices_.one_in(2) ? 0 : choices_.small(5));
    call.ms = call.how == SLOTQ_SETTLE_EXTEND || choices_.one_in(2)
                  ? 1 + choices_.below(20 * shape_.tick_ms)
                  : 0;
    call.group = held_group_;
    const uint32_t count = 1 + choices_.small(4);
    for (uint32_t i = 0; i < count && !held_.empty(); i++) {
        slotq_run run = held_[choices_.small(static_cast<uint32_t>(held_.size()))];
        run.token += choices_.one_in(9) ? 4 : 0;
        call.runs.push_back(run);
    }
    call.id = held_.empty() ? choose_id() : held_[0].id;
}

Call Game::choose()
{
    static const What whats[] = {
        What::push,    What::push,         What::push,           What::push,    What::reserve,
        What::reserve, What::next,         What::next,           What::settle,  What::settle,
        What::settle,  What::settle_batch, What::settle_message, What::status,  What::stats,
        What::peek,    What::dead_list,    What::remove,         What::reclaim, What::redrive,
        What::resume,  What::resume,       What::pause,          What::purge,   What::dead_purge};
    Call call;
    call.what = whats[choices_.small(choices_.one_in(8) ? 25 : 21)];
    call.group = static_cast<uint8_t>(choices_.small(shape_.groups));
    call.reason = static_cast<uint8_t>(choices_.small(256));
    call.bits = static_cast<uint8_t>(call.what == What::resume ? 3 : choices_.small(4));
    call.limit = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(9);
    call.ms = 1 + choices_.below(30 * shape_.tick_ms);
    call.id = choose_id();
    if (call.what == What::push) {
        call.payloads.resize(1 + choices_.small(choices_.one_in(4) ? shape_.ring_slots : 3u));
        for (std::string &payload : call.payloads) {
            payload.assign(choices_.small(shape_.payload_bytes + (choices_.one_in(60) ? 2u : 1u)),
                           static_cast<char>('a' + choices_.small(26)));
        }
    } else if (call.what == What::settle || call.what == What::settle_batch ||
               call.what == What::settle_message) {
        choose_settle(call);
    } else if (call.what == What::remove && choices_.one_in(3)) {
        call.group = SLOTQ_ALL_GROUPS;
    }
    return call;
}

std::string Game::images()
{
    const uint64_t size = slotq_image_bytes(memory_.queue);
    support::Bytes left(size);
    std::string right(size, '\0');
    if (slotq_export(memory_.queue, left.data(), size) != SLOTQ_OK ||
        slotq_export(server_.queue, &right[0], size) != SLOTQ_OK) {
        return std::string("export: ") + slotq_error_of(server_.queue)->text;
    }
    for (const size_t at : {28u, 40u}) { /* an import has its own generation, and its check */
        right.replace(at, 4, reinterpret_cast<const char *>(left.data()) + at, 4);
    }
    const Image image(left);
    last_id_ = image.last_id();
    return parity::differ(image, right);
}

std::string Game::step()
{
    const uint32_t kind = choices_.small(60);
    now_ms_ += kind < 20    ? choices_.below(3 * shape_.tick_ms)
               : kind < 25  ? choices_.below(60 * shape_.tick_ms)
               : kind == 25 ? (UINT64_C(1) << 23) * shape_.tick_ms
                            : 0;
    now_ms_ -= kind == 26 ? choices_.below(30 * shape_.tick_ms) : 0;
    const Call call = choose();
    const std::string left = memory_.make(call);
    const std::string right = server_.make(call);
    if (!memory_.given.empty()) {
        held_ = memory_.given;
        held_group_ = call.group;
    }
    const std::string told = "call " + std::to_string(static_cast<int>(call.what)) + "\n";
    if (left != right) {
        return told + "memory: " + left + "\nredis:  " + right + "\n" +
               slotq_error_of(server_.queue)->text;
    }
    const std::string bytes = images();
    return bytes.empty() ? "" : told + left + "\n" + bytes;
}

} // namespace

TEST_CASE("stores: the library on Redis answers as in memory, and leaves the same bytes", "[deep]")
{
    const uint32_t games = std::getenv("SLOTQ_PROVE") != nullptr ? 100 : 12;
    for (uint32_t seed = 1; seed <= games; seed++) {
        support::RandomChoices choices(seed);
        Game game(choices, "game" + std::to_string(seed));
        std::string fault;
        for (uint32_t i = 0; i < 400 && fault.empty(); i++) {
            fault = game.step();
            fault += fault.empty() ? "" : "\nstep " + std::to_string(i);
        }
        CAPTURE(seed);
        INFO(fault);
        REQUIRE(fault.empty());
    }
    support::counted(games * 400, "calls");
}
