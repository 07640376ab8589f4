/* test_parity_keys.cpp: see parity_play.hpp. Here: the keys of a call, and where one is.
 */
#include "parity_play.hpp"

namespace parity
{

using redis::Arguments;

/* A key for most of count messages, of few keys, or of as many as there may be; some cannot be. The
 * plain script has no 0. */
bool Play::choose_keys(uint32_t count, bool packed)
{
    const bool has_keys = (image_.geometry().flags & SLOTQ_FLAG_KEYS) != 0;
    const bool crowded = kind_ == Kind::crowded && !choices_.one_in(is_rush() ? 2 : 5);
    if (count == 0 || count > SLOTQ_CALL_MESSAGES_MAX ||
        (!crowded && !choices_.one_in(has_keys ? 2 : 40))) {
        return false;
    }
    const uint32_t most = count > 8 ? 40000 : crowded ? 9 : 30;
    const uint32_t without = 1 + choices_.small(5);
    keys_.assign(count, 0);
    for (uint32_t i = 0; i < count; i++) {
        keys_[i] = choices_.one_in(without + 1) ? 0 : one_key(most);
    }
    if (choices_.one_in(60)) {
        keys_[0] = packed ? 0x100 : keys_[0];
    }
    return true;
}

/* The lower half decides the bucket, so that some chains are long. */
uint64_t Play::one_key(uint32_t most)
{
    const uint64_t chosen = choices_.small(most);
    return 1 + chosen % 7 * 65536 + (chosen / 7 << 32);
}

slotq_key_mode Play::choose_mode()
{
    return static_cast<slotq_key_mode>(choices_.one_in(60) ? choices_.small(2) * 4
                                                           : 1 + choices_.small(3));
}

void Play::put_mode(Arguments &arguments, slotq_key_mode mode)
{
    static const char *const words[] = {"none", "unique", "once", "resend", ""};
    arguments.push_back(words[mode]);
}

void Play::put_keys(Arguments &arguments, slotq_key_mode mode)
{
    std::string packed;
    for (const uint64_t key : keys_) {
        packed += number(key, 8);
    }
    put_mode(arguments, mode);
    arguments.push_back(packed);
}

void Play::put_key_pairs(Arguments &arguments, slotq_key_mode mode)
{
    put_mode(arguments, mode);
    for (size_t i = 0; i < keys_.size(); i++) {
        arguments.push_back(keys_[i] == 0 ? "" : number(keys_[i], 8));
        arguments.push_back(payloads_[i]);
    }
}

std::string Play::find()
{
    slotq_call call = fresh(SLOTQ_FIND);
    call.find.key = choices_.one_in(20) ? choices_.small(2) * 256 : one_key(30);
    send("find", {any_now(), number(call.find.key, 8)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_find(call, outcome));
}

} // namespace parity
