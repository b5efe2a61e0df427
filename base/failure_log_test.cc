#include "base/failure_log.h"

#include "tests/catch.h"

namespace weir {

TEST_CASE("a failure that goes on is told at once, then once in each interval, then its end") {
  FailureLog log(Duration::Seconds(10));
  CHECK_FALSE(log.OnSuccess());
  CHECK(log.OnFailure(Duration::Seconds(100)) == 1);
  for (int ms = 100'100; ms < 110'000; ms += 100) CHECK_FALSE(log.OnFailure(Duration::Millis(ms)));
  CHECK(log.OnFailure(Duration::Seconds(110)) == 100);
  CHECK_FALSE(log.OnFailure(Duration::Seconds(119)));
  CHECK(log.OnFailure(Duration::Seconds(125)) == 2);
  CHECK(log.OnSuccess() == 103);
  CHECK_FALSE(log.OnSuccess());
  // The next one is a new story.
  CHECK(log.OnFailure(Duration::Seconds(126)) == 1);
  CHECK(log.OnSuccess() == 1);
}

}  // namespace weir
