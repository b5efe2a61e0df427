#include "daemon/manager/placement.h"

#include <algorithm>
#include <random>

#include "tests/catch.h"

namespace weir::manager {
namespace {

/// `w1 w2 w1`, or `none`.
std::string Show(const std::vector<PlacementCandidate>& candidates, PlacementRequest request) {
  const auto placed = Place(candidates, request);
  if (!placed) return "none";
  std::string text;
  for (const uint32_t i : *placed) {
    text += (text.empty() ? "" : " ") + std::string(candidates[i].id);
  }
  return text;
}

TEST_CASE("tasks go to the workers with most free slots") {
  CHECK(Show({{"w1", 2}, {"w2", 4}, {"w3", 2}}, {5, {}, false}) == "w2 w2 w1 w2 w3");
  CHECK(Show({{"w1", 1}, {"w2", 1}}, {3, {}, false}) == "none");
  CHECK(Show({}, {1, {}, false}) == "none");
  CHECK(Show({{"w1", 3}}, {0, {}, false}) == "none");
}

TEST_CASE("an index stays where it was while there is room") {
  const std::vector<std::string> previous = {"w1", "w2", "w1", "w2"};
  CHECK(Show({{"w1", 4}, {"w3", 8}}, {4, previous, false}) == "w1 w3 w1 w3");
  CHECK(Show({{"w1", 1}, {"w3", 8}}, {4, previous, false}) == "w1 w3 w3 w3");
  // Spread anew, it stays as far as its worker's share goes.
  CHECK(Show({{"w1", 4}, {"w3", 4}}, {2, std::vector<std::string>{"w1", "w1"}, true}) == "w1 w3");
  CHECK(Show({{"w1", 4}, {"w3", 4}}, {2, std::vector<std::string>{"w3", "w1"}, true}) == "w3 w1");
}

TEST_CASE("of workers that can't reach each other as few as possible are left out") {
  const std::vector<PlacementCandidate> all = {{"w1", 1}, {"w2", 4}, {"w3", 1}, {"w4", 1}};
  const auto names = [&](std::vector<std::pair<std::string, std::string>> apart) {
    std::string text;
    for (const auto& candidate : WithoutPairs(all, apart)) text += std::string(candidate.id) + " ";
    return text;
  };
  CHECK(names({}) == "w1 w2 w3 w4 ");
  CHECK(names({{"w2", "w3"}}) == "w1 w2 w4 ");
  CHECK(names({{"w1", "w3"}}) == "w1 w2 w4 ");
  CHECK(names({{"w1", "w2"}, {"w2", "w3"}, {"w2", "w4"}}) == "w1 w3 w4 ");
  CHECK(names({{"w1", "w9"}}) == "w1 w2 w3 w4 ");
}

TEST_CASE("placements never ask more of a worker than it has, and equal ones are equal") {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; round++) {
    std::vector<std::string> ids;
    for (uint32_t i = 0; i < 1 + random() % 6; i++) ids.push_back("w" + std::to_string(i));
    std::vector<PlacementCandidate> candidates;
    uint32_t room = 0;
    for (const std::string& id : ids) {
      candidates.push_back({id, static_cast<uint32_t>(random() % 4)});
      room += candidates.back().free;
    }
    std::vector<std::string> previous;
    for (uint32_t i = 0; i < random() % 10; i++) {
      previous.push_back("w" + std::to_string(random() % 8));
    }
    PlacementRequest request;
    request.parallelism = 1 + random() % 10;
    request.previous = previous;
    request.spread = random() % 2 == 0;
    const auto placed = Place(candidates, request);
    REQUIRE(placed.has_value() == (room >= request.parallelism));
    if (!placed) continue;
    REQUIRE(placed->size() == request.parallelism);
    for (uint32_t i = 0; i < candidates.size(); i++) {
      REQUIRE(std::count(placed->begin(), placed->end(), i) <= candidates[i].free);
    }
    REQUIRE(*placed == *Place(candidates, request));
  }
}

TEST_CASE("tasks of one job go where checkpoints are kept in one place") {
  const auto ids = [](const std::vector<PlacementCandidate>& candidates) {
    std::string text;
    for (const PlacementCandidate& one : candidates)
      text += (text.empty() ? "" : " ") + std::string(one.id);
    return text;
  };
  const std::vector<PlacementCandidate> all = {
      {"w1", 2, "a"}, {"w2", 3, "b"}, {"w3", 2, "a"}, {"w4", 1, "b"}};
  CHECK(ids(InOneStore(all, "a")) == "w1 w3");
  CHECK(ids(InOneStore(all, "b")) == "w2 w4");
  CHECK(ids(InOneStore(all, "c")).empty());
  // As much room in both.
  CHECK(ids(InOneStore(all, "")) == "w1 w3");
  CHECK(ids(InOneStore({{"w1", 2, "b"}, {"w2", 1, "a"}}, "")) == "w1");
  CHECK(ids(InOneStore({{"w1", 2}, {"w2", 1}}, "")) == "w1 w2");
}

}  // namespace
}  // namespace weir::manager
