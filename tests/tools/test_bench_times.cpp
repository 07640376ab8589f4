// test_bench_times.cpp: times gathered by bench, and quantiles of them.
#include "catch.hpp"

#include <memory>

extern "C" {
#include "tools/slotq/bench/times.h"
}

TEST_CASE("quantiles of times are within a hundredth")
{
    auto times = std::make_unique<bench_times>();
    for (uint64_t i = 1; i <= 100000; i++) {
        bench_times_add(times.get(), i * 37);
    }
    for (double share : {0.0, 0.001, 0.5, 0.9, 0.99, 0.999}) {
        INFO(share);
        const double wanted = share * 100000 * 37;
        CHECK(bench_times_quantile(times.get(), share) == Approx(wanted).epsilon(0.01).margin(37));
    }
}

TEST_CASE("a quantile needs ten times beyond it")
{
    auto times = std::make_unique<bench_times>();
    CHECK(bench_times_quantile(times.get(), 0.5) < 0);
    for (int i = 0; i < 999; i++) {
        bench_times_add(times.get(), 5);
    }
    CHECK(bench_times_quantile(times.get(), 0.99) < 0);
    bench_times_add(times.get(), 5);
    CHECK(bench_times_quantile(times.get(), 0.99) == 5);
}

TEST_CASE("no time is too short or too long")
{
    for (uint64_t ns : {UINT64_C(0), UINT64_C(1), UINT64_C(255), UINT64_C(256), UINT64_MAX}) {
        auto times = std::make_unique<bench_times>();
        for (int i = 0; i < 20; i++) {
            bench_times_add(times.get(), ns);
        }
        INFO(ns);
        CHECK(bench_times_quantile(times.get(), 0.5) ==
              Approx(static_cast<double>(ns)).epsilon(0.01));
    }
}
