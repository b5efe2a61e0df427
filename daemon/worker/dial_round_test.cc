#include "daemon/worker/dial_round.h"

#include "tests/catch.h"

namespace weir {
namespace {

constexpr Duration kPause = Duration::Millis(200);

TEST_CASE("one manager is dialled again after a pause") {
  DialRound round({"a"}, kPause);
  for (int i = 0; i < 3; i++) {
    CHECK(round.Next() == "a");
    CHECK(round.pause() == kPause);
  }
}

TEST_CASE("managers are dialled in turn, with a pause when all have been tried") {
  DialRound round({"a", "b", "c"}, kPause);
  for (int i = 0; i < 2; i++) {
    CHECK(round.Next() == "a");
    CHECK(round.pause() == Duration{});
    CHECK(round.Next() == "b");
    CHECK(round.pause() == Duration{});
    CHECK(round.Next() == "c");
    CHECK(round.pause() == kPause);
  }
}

TEST_CASE("a session that broke is back with its manager before there is a pause") {
  DialRound round({"a", "b"}, kPause);
  CHECK(round.Next() == "a");
  round.Taken();
  CHECK(round.Next() == "b");  // It stands by.
  CHECK(round.pause() == Duration{});
  CHECK(round.Next() == "a");
  CHECK(round.pause() == kPause);
}

}  // namespace
}  // namespace weir
