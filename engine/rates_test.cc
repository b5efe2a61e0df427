#include "engine/rates.h"

#include "engine/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

TaskProgress Task(const char* fragment, uint32_t index, int64_t busy_ms) {
  TaskProgress task;
  task.task = {fragment, index};
  task.is_source = task.task.fragment == "clicks";
  task.busy_us = busy_ms * 1000;
  task.blocked_us = task.busy_us / 2;
  return task;
}

JobProgress Progress(int64_t rows_read, std::vector<TaskProgress> tasks) {
  JobProgress progress;
  progress.rows_read = rows_read;
  progress.tasks = std::move(tasks);
  return progress;
}

JobProgress Committed(uint64_t number, int64_t age_ms, int64_t in, int64_t written) {
  JobProgress progress;
  progress.checkpoint = number;
  progress.checkpoint_age = Duration::Millis(age_ms);
  progress.totals = {{"clicks.in", in},         {"clicks.out", in},     {"sessions.in", in},
                     {"sessions.out", written}, {"screen.in", written}, {"screen.passed", written}};
  return progress;
}

Duration Ms(int64_t n) { return Duration::Millis(n); }

TEST_CASE("rates of tasks are taken between two looks, half a second apart at least") {
  const JobPlan plan = testing::ShopPlan();
  RateMeter meter(plan);
  CHECK_FALSE(meter.Look(Progress(100, {Task("clicks", 0, 0)}), Ms(1000)).rows_in);
  CHECK_FALSE(meter.Look(Progress(400, {Task("clicks", 0, 100)}), Ms(1400)).rows_in);
  const JobRates& rates = meter.Look(Progress(2100, {Task("clicks", 0, 500)}), Ms(3000));
  CHECK(rates.rows_in == 1000.0);
  CHECK(rates.tasks.at({"clicks", 0}).busy == 0.25);
  CHECK(rates.tasks.at({"clicks", 0}).waiting == 0.125);
}

TEST_CASE("counters that fall are of a new attempt, and give no rate") {
  const JobPlan plan = testing::ShopPlan();
  RateMeter meter(plan);
  meter.Look(Progress(5000, {Task("clicks", 0, 900)}), Ms(1000));
  CHECK_FALSE(meter.Look(Progress(10, {Task("clicks", 0, 5)}), Ms(2000)).rows_in);
  const JobRates& rates = meter.Look(Progress(510, {Task("clicks", 0, 5)}), Ms(3000));
  CHECK(rates.rows_in == 500.0);
  CHECK(rates.tasks.at({"clicks", 0}).busy == 0.0);
}

TEST_CASE("rates of nodes are taken between two checkpoints, by the times of these") {
  const JobPlan plan = testing::ShopPlan();
  RateMeter meter(plan);
  CHECK(meter.Look(Committed(4, 200, 1000, 10), Ms(10'000)).nodes.empty());
  CHECK(meter.Look(Committed(4, 1200, 1000, 10), Ms(11'000)).nodes.empty());
  JobRates rates = meter.Look(Committed(5, 300, 5000, 30), Ms(12'100));
  CHECK(rates.nodes.at("clicks").out == 2000.0);
  CHECK(rates.nodes.at("sessions").in == 2000.0);
  CHECK(rates.nodes.at("sessions").out == 10.0);
  CHECK(rates.nodes.at("screen").out == 10.0);
  CHECK(rates.rows_out == 10.0);
  // They stand until there is another one, and not too soon.
  rates = meter.Look(Committed(6, 0, 6000, 90), Ms(12'700));
  CHECK(rates.rows_out == 10.0);
  rates = meter.Look(Committed(7, 3300, 9000, 70), Ms(17'100));
  CHECK(rates.rows_out == 20.0);
}

TEST_CASE("the slowest fragment is the last one that is always at work") {
  const JobPlan plan = testing::ShopPlan();
  JobRates rates;
  rates.tasks = {
      {{"clicks", 0}, {0.99, 0}}, {{"clicks", 1}, {0.2, 0}}, {{"sessions", 0}, {0.5, 0}}};
  CHECK(SlowestFragments(plan, rates) == std::set<std::string>{"clicks"});
  rates.tasks[{"sessions", 0}].busy = 0.95;
  CHECK(SlowestFragments(plan, rates) == std::set<std::string>{"sessions"});
  rates.tasks = {{{"clicks", 0}, {0.25, 0.5}}, {{"clicks", 1}, {0.75, 0}}};
  CHECK(SlowestFragments(plan, rates).empty());
  CHECK(rates.OfFragments().at("clicks").busy == 0.5);
  CHECK(rates.OfFragments().at("clicks").waiting == 0.25);
}

TEST_CASE("the watermark is held by the source whose task is furthest behind") {
  const JobPlan plan = testing::ShopPlan();
  JobProgress progress = Progress(0, {Task("clicks", 0, 0), Task("sessions", 0, 0)});
  progress.tasks[0].watermark = EventTime{5};
  CHECK(WatermarkHolder(plan, progress) == "clicks");
  progress.tasks[0].watermark = EventTime::Max();
  CHECK(WatermarkHolder(plan, progress).empty());
}

}  // namespace
}  // namespace weir
