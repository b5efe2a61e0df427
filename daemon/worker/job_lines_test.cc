#include "daemon/worker/job_lines.h"

#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("lines are given once, in order, by job") {
  JobLines lines;
  lines.Add("clicks", "one");
  lines.Add("users", "other");
  lines.Add("clicks", "two");
  auto taken = lines.Take();
  REQUIRE(taken.size() == 2);
  CHECK(taken["clicks"].lines == std::deque<std::string>{"one", "two"});
  CHECK(taken["clicks"].left_out == 0);
  CHECK(taken["users"].lines == std::deque<std::string>{"other"});
  CHECK(lines.Take().empty());
}

TEST_CASE("a flood leaves the newest lines and how many are gone") {
  JobLines lines;
  for (size_t i = 0; i < JobLines::kMostLines + 30; i++) lines.Add("clicks", std::to_string(i));
  const auto taken = lines.Take().at("clicks");
  CHECK(taken.left_out == 30);
  CHECK(taken.lines.size() == JobLines::kMostLines);
  CHECK(taken.lines.front() == "30");
}

TEST_CASE("a line that is too long is cut") {
  JobLines lines;
  lines.Add("clicks", std::string(JobLines::kMostBytes + 1, 'x'));
  CHECK(lines.Take().at("clicks").lines.front().size() == JobLines::kMostBytes);
}

}  // namespace
}  // namespace weir
