#include "daemon/manager/autoscale.h"

#include "tests/catch.h"

namespace weir::manager {
namespace {

LoadWindow Load(double busy, int64_t lag_from = 0, int64_t lag_to = 0, double rows = 1000) {
  LoadWindow load;
  load.Add(busy, rows, lag_from, Duration::Seconds(1));
  load.Add(busy, rows, lag_to, Duration::Seconds(31));
  return load;
}
constexpr AutoscaleBounds kBounds{1, 16, 0.7, {}};

TEST_CASE("busy jobs get as many tasks as bring them to the target, at most twice as many") {
  CHECK(WantedParallelism(kBounds, Load(0.95), 4, 100) == 6);
  CHECK(WantedParallelism(kBounds, Load(1.0), 8, 100) == 12);
  CHECK(WantedParallelism({1, 16, 0.3, {}}, Load(1.0), 4, 100) == 8);
  CHECK(WantedParallelism(kBounds, Load(0.75), 4, 100) == 4);  // Close enough.
}

TEST_CASE("growing lag asks for one more, whatever the tasks are at") {
  CHECK(WantedParallelism(kBounds, Load(0.5, 0, 100'000), 4, 100) == 5);
  CHECK(WantedParallelism(kBounds, Load(0.1, 0, 100'000), 4, 100) == 5);
  CHECK(WantedParallelism(kBounds, Load(0.5, 0, 500), 4, 100) == 4);
  CHECK(WantedParallelism(kBounds, Load(0.5, -1, 100'000), 4, 100) == 4);
}

TEST_CASE("idle jobs give tasks back, but not so many that they would ask for them again") {
  CHECK(WantedParallelism(kBounds, Load(0.2), 4, 100) == 2);
  CHECK(WantedParallelism(kBounds, Load(0.0), 4, 100) == 1);
  CHECK(WantedParallelism(kBounds, Load(0.5), 4, 100) == 4);
  for (int busy = 0; busy <= 100; busy++) {
    for (uint32_t current = 1; current <= 16; current++) {
      const uint32_t wanted = WantedParallelism(kBounds, Load(busy / 100.0), current, 100);
      if (wanted >= current) continue;
      // The same load on fewer tasks asks for no more.
      const double then = busy / 100.0 * current / wanted;
      CHECK(WantedParallelism(kBounds, Load(then), wanted, 100) == wanted);
    }
  }
}

TEST_CASE("bounds, rows per task and room hold") {
  CHECK(WantedParallelism({2, 5, 0.7, {}}, Load(1.0), 4, 100) == 5);
  CHECK(WantedParallelism({2, 5, 0.7, {}}, Load(0.0), 4, 100) == 2);
  CHECK(WantedParallelism(kBounds, Load(1.0), 4, 5) == 5);
  CHECK(WantedParallelism(kBounds, Load(1.0), 4, 4) == 4);
  CHECK(WantedParallelism(kBounds, Load(1.0), 4, 2) == 4);  // Keeps what it has.
  CHECK(WantedParallelism({1, 16, 0.7, 200.0}, Load(0.5), 4, 100) == 5);
  CHECK(WantedParallelism({1, 16, 0.7, 300.0}, Load(0.0), 8, 100) == 4);
  CHECK(WantedParallelism(kBounds, LoadWindow{}, 4, 100) == 4);
}

}  // namespace
}  // namespace weir::manager
