/* fuzz_model.cpp: the core against the naive model, the moves chosen by the fuzzer's bytes.
 */
#include <cstdio>
#include <cstdlib>

#include "../tests/support/model/play.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    constexpr uint32_t steps_max = 500;
    support::ByteChoices choices(data, size);
    support::Play play(choices);
    for (uint32_t i = 0; i < steps_max && !choices.over(); i++) {
        const std::string fault = play.step();
        if (!fault.empty()) {
            std::fprintf(stderr, "step %u: %s\n%s\n%s\n", i, fault.c_str(),
                         play.geometry_told().c_str(), play.told().c_str());
            std::abort();
        }
    }
    return 0;
}
