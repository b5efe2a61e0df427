#include "connectors/generator/generator.h"

#include <map>
#include <random>
#include <set>

#include "batch/render.h"
#include "connectors/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::PlannedSource;

/// All rows of a generator as JSON lines, by split, read by `tasks` readers, each restarted from
/// its positions after every `restart` polls (0: never).
std::map<std::string, std::vector<std::string>> ReadAll(const PlannedSource& source, uint32_t tasks,
                                                        int restart, size_t max_rows = 1000) {
  const auto finder = source.plan->MakeFinder(source.context).value();
  const std::vector<Split> splits = finder->Find({}).value();
  std::map<std::string, std::vector<std::string>> rows;
  for (uint32_t task = 0; task < tasks; task++) {
    std::vector<Split> mine;
    for (size_t i = task; i < splits.size(); i += tasks) mine.push_back(splits[i]);
    std::set<std::string> finished;
    auto reader = source.Reader();
    for (const Split& split : mine) REQUIRE(reader->Add(split).ok());
    PollRequest request;
    request.max_rows = max_rows;
    request.wait = Duration::Millis(0);
    for (int polls = 1; finished.size() < mine.size(); polls++) {
      REQUIRE(polls < 100000);
      const Polled polled = reader->Poll(request).value();
      if (polled.activity == SplitActivity::kFinished) finished.insert(polled.split);
      if (polled.batch) {
        REQUIRE(polled.records == static_cast<int64_t>(polled.batch->rows()));
        for (size_t r = 0; r < polled.batch->rows(); r++) {
          rows[polled.split].push_back(testing::RowText(*polled.batch, r));
          const Origin origin = (*polled.batch->origins())[r];
          REQUIRE(std::to_string(origin.partition) == polled.split);
          REQUIRE(origin.offset == static_cast<int64_t>(rows[polled.split].size()) - 1);
        }
      }
      if (restart > 0 && polls % restart == 0) {
        const auto positions = reader->Positions();
        reader = source.Reader();
        for (Split split : mine) {
          if (finished.contains(split.id)) continue;
          split.position = positions.at(split.id);
          REQUIRE(reader->Add(split).ok());
        }
      }
    }
  }
  return rows;
}

TEST_CASE("a generator gives the same rows at any parallelism and after any restart") {
  for (const char* kind : {"clickstream, users: 5", "stock", "taxi", "blog"}) {
    const PlannedSource source(std::string("{ kind: ") + kind +
                               ", delay: none, count: 1003, seed: 7, start_time: 2026-01-01 }");
    const auto whole = ReadAll(source, 1, 0);
    size_t rows = 0;
    for (const auto& [split, lines] : whole) rows += lines.size();
    CHECK(rows == 1003);
    CHECK(ReadAll(source, 3, 1, 37) == whole);
    CHECK(ReadAll(source, 2, 2, 1) == whole);
    const PlannedSource other(std::string("{ kind: ") + kind +
                              ", delay: none, count: 1003, seed: 8, start_time: 2026-01-01 }");
    CHECK(ReadAll(other, 1, 0) != whole);
  }
}

TEST_CASE("clickstream walks go where links lead, with a new user for each walk") {
  const PlannedSource source(
      "{ kind: clickstream, users: 3, delay: none, count: 30000, seed: 3, start_time: 2026-01-01 "
      "}");
  const std::map<std::string, std::set<std::string>> ways = {
      {"home_page", {"product_catalog"}},
      {"product_catalog", {"home_page", "product_detail"}},
      {"product_detail", {"product_catalog", "add_to_cart"}},
      {"add_to_cart", {"product_catalog", "remove_from_cart", "order"}},
      {"order", {"order_checkout", "remove_from_cart", "product_catalog"}},
      {"remove_from_cart", {"", "product_detail", "product_catalog"}},
      {"order_checkout", {""}},
      {"", {"home_page"}}};
  std::set<std::pair<std::string, std::string>> seen;
  std::set<int64_t> sequences;
  for (const std::vector<std::string>& lines : testing::RowsBySplit(source)) {
    std::string page;
    int64_t previous = 0;
    int64_t time = 0;
    int32_t user = 0;
    std::string product;
    for (const std::string& line : lines) {
      const auto row = testing::ParseRow(line);
      const std::string next = row.at("event_type");
      REQUIRE(ways.at(page).contains(next));
      seen.emplace(page, next);
      REQUIRE(sequences.insert(row.at("globalseq").get<int64_t>()).second);
      REQUIRE(row.at("prevglobalseq") == previous);
      REQUIRE(row.at("globalseq") > previous);
      previous = row.at("globalseq");
      REQUIRE(row.at("eventtimestamp") > time);
      time = row.at("eventtimestamp");
      if (page.empty()) {
        REQUIRE(row.at("userid") != user);
        user = row.at("userid");
      }
      REQUIRE(row.at("userid") == user);
      REQUIRE(user > 0);
      REQUIRE(row.at("ip").get<std::string>().starts_with("66.249.1."));
      const std::string shown = row.at("product_type");
      if (next == "home_page" || next == "product_catalog") {
        REQUIRE(shown == "N/A");
      } else if (next.empty()) {
        REQUIRE(shown.empty());
      } else {
        if (next == "product_detail") product = shown;
        REQUIRE(shown == product);
        REQUIRE(shown != "N/A");
      }
      page = next;
    }
  }
  CHECK(sequences.size() == 30000);
  CHECK(*sequences.rbegin() == 30000);
  size_t all = 0;
  for (const auto& [from, to] : ways) all += to.size();
  CHECK(seen.size() == all);
}

TEST_CASE("a generator keeps to the clock") {
  PlannedSource source("{ kind: stock, rate: 4/s, duration: 1m, seed: 1 }");
  source.clock.Advance(Duration::Seconds(1000));
  const Split split = testing::Splits(source).at(0);
  const auto reader = source.Reader();
  REQUIRE(reader->Add(split).ok());
  PollRequest request;
  request.wait = Duration::Millis(0);
  size_t rows = 0;
  const auto poll = [&] {
    for (int i = 0; i < 3; i++) {
      const Polled polled = reader->Poll(request).value();
      if (polled.batch) rows += polled.batch->rows();
    }
    return rows;
  };
  CHECK(poll() == 1);
  source.clock.Advance(Duration::Millis(249));
  CHECK(poll() == 1);
  source.clock.Advance(Duration::Millis(1));
  CHECK(poll() == 2);
  source.clock.Advance(Duration::Seconds(10));
  CHECK(poll() == 42);
  source.clock.Advance(Duration::Seconds(1000));
  CHECK(poll() == 240);
}

TEST_CASE("delays of clickstream users are those asked for") {
  PlannedSource source(
      "{ kind: clickstream, users: 1, delay: 50ms..550ms, count: 5000, start_time: 2020-01-01 }");
  source.clock.Advance(Duration::Seconds(100000));
  const auto reader = source.Reader();
  const auto splits = testing::Splits(source);
  REQUIRE(reader->Add(splits[0]).ok());
  source.clock.Advance(Duration::Seconds(100000));
  std::vector<int64_t> times;
  while (times.size() < 5000) {
    const Polled polled = reader->Poll({}).value();
    REQUIRE(polled.batch);
    for (size_t r = 0; r < polled.batch->rows(); r++) {
      times.push_back(polled.batch->column(1).values<int64_t>()[r]);
    }
  }
  CHECK(times[0] == 1577836800000);
  double sum = 0;
  for (size_t i = 1; i < times.size(); i++) {
    REQUIRE(times[i] - times[i - 1] >= 49);
    REQUIRE(times[i] - times[i - 1] <= 551);
    sum += static_cast<double>(times[i] - times[i - 1]);
  }
  CHECK(sum / 4999 == Approx(300).margin(10));
}

TEST_CASE("taxi trips are sorted by their end and touch the city, its outside and its airports") {
  const PlannedSource source(
      "{ kind: taxi, count: 20000, seed: 5, start_time: 2026-01-01T00:00:00Z }");
  int inside = 0;
  int jfk = 0;
  int lga = 0;
  int64_t last = 0;
  const std::vector<std::string> lines = testing::RowsBySplit(source).at(0);
  for (const std::string& line : lines) {
    const auto row = testing::ParseRow(line);
    const auto in = [&](const char* end, double south, double west, double north, double east) {
      const double latitude = row.at(std::string(end) + "_latitude");
      const double longitude = row.at(std::string(end) + "_longitude");
      return latitude >= south && latitude <= north && longitude >= west && longitude <= east;
    };
    REQUIRE(row.at("dropoff_datetime") >= last);
    last = row.at("dropoff_datetime");
    const int64_t took = last - row.at("pickup_datetime").get<int64_t>();
    REQUIRE(took >= 60000);
    REQUIRE(took < 4 * 3600000);
    if (in("pickup", 40.560, -74.054, 40.878, -73.722) &&
        in("dropoff", 40.560, -74.054, 40.878, -73.722)) {
      inside++;
      if (in("dropoff", 40.632, -73.800, 40.654, -73.761)) jfk++;
      if (in("dropoff", 40.766, -73.881, 40.778, -73.859)) lga++;
    }
  }
  CHECK(inside > 17000);
  CHECK(inside < 19500);
  CHECK(jfk > 300);
  CHECK(lga > 300);
}

TEST_CASE("faults of a generator are told with their place") {
  CHECK(testing::SourceFault("{ kind: clickstraem }") ==
        "there is no generator 'clickstraem' (did you mean 'clickstream'?)");
  CHECK(testing::SourceFault("{ kind: stock, users: 3 }") ==
        "'stock' has no users (leave 'users' away)");
  CHECK(testing::SourceFault("{ kind: stock, start_time: noon }") ==
        "'noon' is no time (write it as 2026-01-02T03:04:05Z)");
}

TEST_CASE("a damaged generator position is refused") {
  const PlannedSource source("{ kind: clickstream, users: 2, count: 5 }");
  const auto reader = source.Reader();
  for (const char* position :
       {"", "1", "1 2 3 4", "a b c d e", "1 2 3 4 9/9/9/9/9/9", "1 2 3 4 0/0"}) {
    CHECK(reader->Add({"0", position, "", 0}).Is(errors::kDamagedPosition));
  }
  CHECK(reader->Add({"7", "1 1 0 0 ", "", 0}).Is(errors::kDamagedPosition));
}

}  // namespace
}  // namespace weir
