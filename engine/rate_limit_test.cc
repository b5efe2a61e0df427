#include "engine/rate_limit.h"

#include "tests/catch.h"

namespace weir {
namespace {

/// Rows taken in `time` by somebody who asks each `every`, for at most `most` at once.
int64_t TakenIn(RateLimit& limit, Duration from, Duration time, Duration every, int64_t most) {
  int64_t taken = 0;
  for (Duration now = from; now.us < from.us + time.us; now.us += every.us) {
    const int64_t rows = std::min(limit.Allowed(now), most);
    limit.Take(rows);
    taken += rows;
  }
  return taken;
}

TEST_CASE("rows are held to their rate, whatever is asked for at once") {
  for (const int64_t most : {1, 7, 1000, 1'000'000}) {
    RateLimit limit(5000, Duration::Seconds(3));
    const int64_t taken =
        TakenIn(limit, Duration::Seconds(3), Duration::Seconds(10), Duration::Micros(100), most);
    CHECK(taken <= 50'000);
    CHECK(taken >= 49'900);
  }
}

TEST_CASE("less than a row a turn adds up") {
  RateLimit limit(2, Duration{});
  CHECK(limit.Allowed(Duration::Millis(499)) == 0);
  CHECK(limit.Allowed(Duration::Millis(500)) == 1);
}

TEST_CASE("a pause is made good for a tenth of a second's rows only") {
  RateLimit limit(1000, Duration{});
  CHECK(limit.Allowed(Duration::Minutes(1)) == 100);
}

TEST_CASE("what was taken too much is paid back") {
  RateLimit limit(1000, Duration{});
  REQUIRE(limit.Allowed(Duration::Millis(50)) == 50);
  limit.Take(150);
  CHECK(limit.Allowed(Duration::Millis(149)) == 0);
  CHECK(limit.Allowed(Duration::Millis(160)) == 10);
}

}  // namespace
}  // namespace weir
