// Windows and sessions against a plain reference that looks at the whole list of rows at once:
// random rows, splits into batches, sources, tasks, watermarks, restores at other parallelisms.

#include <functional>
#include <map>
#include <random>
#include <set>

#include "batch/key.h"
#include "operators/column_reference.h"
#include "operators/partial_aggregate.h"
#include "operators/session_window.h"
#include "operators/slice_window.h"
#include "operators/testing/plain_aggregates.h"
#include "operators/testing/task_states.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Check;
using testing::MapState;
using testing::MapStates;
using testing::States;
using testing::StoredStates;

struct Row {
  std::string key;
  int64_t value;
  int64_t time;
  int64_t watermark;  ///< When it arrives; Min: none yet.
  Origin origin;
};

bool Fails(const Row& row) { return row.value < 0 || row.value % 1000 == 0; }

struct Windows {
  enum class Kind { kSlices, kSession, kWhole } kind;
  int64_t size = 0, every = 0, offset = 0, gap = 0;
  int64_t max = int64_t{1} << 40;  ///< Of sessions.
};

const SchemaPtr& InputSchema() {
  static const SchemaPtr schema = std::make_shared<const Schema>(
      std::vector<Field>{{"key", TypeKind::kString}, {"value", TypeKind::kInt64}});
  return schema;
}

GroupedStep MakeStep(const Windows& windows) {
  GroupedStep step;
  step.step = "s";
  step.groups = {std::make_shared<ColumnReference>(*InputSchema(), 0)};
  std::vector<Field> fields{{"key", TypeKind::kString}};
  if (windows.kind == Windows::Kind::kSlices) {
    step.windows.emplace(Duration{windows.size}, Duration{windows.every}, Duration{windows.offset});
  }
  if (windows.kind == Windows::Kind::kSession) {
    step.gap = Duration{windows.gap};
    if (windows.max < Windows{}.max) step.max = Duration{windows.max};
  }
  step.partial = std::make_shared<const Schema>(
      std::vector<Field>{fields[0],
                         {std::string(kSliceEndColumn), TypeKind::kTimestamp},
                         {std::string(kStatesColumn), TypeKind::kBytes},
                         {std::string(kWeightColumn), TypeKind::kInt64}});
  if (step.has_window()) {
    fields.push_back({"window_start", TypeKind::kTimestamp});
    fields.push_back({"window_end", TypeKind::kTimestamp});
  }
  fields.push_back({"$0", TypeKind::kInt64});
  fields.push_back({"$1", TypeKind::kInt64});
  fields.push_back({"$2", TypeKind::kString});
  step.output = std::make_shared<const Schema>(std::move(fields));
  step.layout = std::make_shared<const GroupLayout>(
      step.gap ? GroupLayout::Kind::kSession : GroupLayout::Kind::kSlice,
      std::vector<AggregatePtr>{testing::MakeRowCount(), testing::MakeSum(1),
                                testing::MakeListing(1)});
  return step;
}

BatchPtr MakeBatch(std::span<const Row> rows) {
  BatchBuilder builder(InputSchema());
  auto times = std::make_shared<std::vector<EventTime>>();
  auto origins = std::make_shared<std::vector<Origin>>();
  for (const Row& row : rows) {
    builder.column(0).AppendText(row.key);
    builder.column(1).Append(row.value);
    times->push_back({row.time});
    origins->push_back(row.origin);
  }
  return builder.Finish(times, origins);
}

/// What a task gave, and what it counts.
class Collected final : public Output {
 public:
  Status Emit(BatchPtr batch) override {
    out += static_cast<int64_t>(batch->rows());
    batches.push_back(std::move(batch));
    return Status::Ok();
  }
  Status Reject(const Batch& batch, std::vector<Rejection> rejections) override {
    for (const Rejection& rejection : rejections) REQUIRE(rejection.record < batch.rows());
    rejected += static_cast<int64_t>(rejections.size());
    return Status::Ok();
  }
  std::vector<BatchPtr> batches;
  int64_t out = 0;
  int64_t rejected = 0;
};

/// An operator with the chain's part of its ledger, checked after every call.
class Ledgered {
 public:
  explicit Ledgered(std::unique_ptr<Operator> work)
      : work_(std::move(work)), held_before_(work_->Held()) {}

  std::vector<BatchPtr> Push(const BatchPtr& batch, int64_t weight) {
    counts_.in += weight;
    Collected out;
    REQUIRE(work_->OnBatch(batch, out).ok());
    return Checked(out);
  }
  std::vector<BatchPtr> Watermark(EventTime watermark) {
    Collected out;
    const Result<EventTime> passed = work_->OnWatermark(watermark, out);
    REQUIRE(passed.ok());
    for (const BatchPtr& batch : out.batches) {
      // What leaves is not late behind the watermark that had been passed on before.
      if (!batch->times()) continue;
      for (EventTime time : *batch->times()) {
        REQUIRE(time > passed_);
        REQUIRE(time <= *passed);
      }
    }
    passed_ = *passed;
    return Checked(out);
  }
  std::vector<BatchPtr> Flush() {
    Collected out;
    REQUIRE(work_->Flush(out).ok());
    return Checked(out);
  }
  int64_t Held() const { return work_->Held(); }
  const RowCounts& counts() const { return counts_; }

 private:
  std::vector<BatchPtr> Checked(Collected& out) {
    counts_ += work_->TakeCounts();
    counts_.out += out.out;
    counts_.rejected += out.rejected;
    CHECK(counts_.in == counts_.passed + counts_.filtered + counts_.rejected + counts_.late +
                            counts_.absorbed + counts_.expanded + counts_.empty);
    CHECK(held_before_ + counts_.absorbed == work_->Held() + counts_.released);
    CHECK(counts_.out == counts_.passed + counts_.made);
    return std::move(out.batches);
  }
  std::unique_ptr<Operator> work_;
  const int64_t held_before_;
  RowCounts counts_;
  EventTime passed_ = EventTime::Min();
};

std::string Line(const std::string& key, int64_t start, int64_t end, int64_t count, int64_t sum,
                 const std::string& list) {
  return key + " [" + std::to_string(start) + "," + std::to_string(end) + ") " +
         std::to_string(count) + " " + std::to_string(sum) + " " + list;
}

struct Group {
  std::vector<const Row*> rows;
  std::string ToLine(const std::string& key, int64_t start, int64_t end) const {
    std::vector<const Row*> sorted = rows;
    std::sort(sorted.begin(), sorted.end(), [](const Row* a, const Row* b) {
      return std::tie(a->time, a->origin) < std::tie(b->time, b->origin);
    });
    int64_t sum = 0;
    std::string list;
    for (const Row* row : sorted) {
      sum += row->value;
      list += std::to_string(row->value) + ",";
    }
    return Line(key, start, end, static_cast<int64_t>(rows.size()), sum, list);
  }
};

struct Expected {
  std::multiset<std::string> lines;
  int64_t late = 0;
  int64_t rejected = 0;
};

Expected Reference(const Windows& windows, const std::vector<Row>& rows) {
  Expected expected;
  std::map<std::tuple<std::string, int64_t>, Group> groups;
  std::map<std::string, std::vector<const Row*>> by_key;
  for (const Row& row : rows) {
    if (Fails(row)) {
      expected.rejected++;
      continue;
    }
    if (windows.kind == Windows::Kind::kSession) {
      by_key[row.key].push_back(&row);
    } else if (windows.kind == Windows::Kind::kWhole) {
      groups[{row.key, 0}].rows.push_back(&row);
    } else {
      bool taken = false;
      for (int64_t k = (row.time - windows.size - windows.offset) / windows.every - 2;; k++) {
        const int64_t start = k * windows.every + windows.offset;
        if (start > row.time) break;
        if (row.time >= start + windows.size) continue;
        if (start + windows.size - 1 <= row.watermark) continue;  // Closed when it came.
        groups[{row.key, start}].rows.push_back(&row);
        taken = true;
      }
      if (!taken) expected.late++;
    }
  }
  for (auto& [at, group] : groups) {
    const auto& [key, start] = at;
    const int64_t end = windows.kind == Windows::Kind::kWhole ? 0 : start + windows.size;
    expected.lines.insert(group.ToLine(key, start, end));
  }
  for (auto& [key, of_key] : by_key) {
    std::sort(of_key.begin(), of_key.end(),
              [](const Row* a, const Row* b) { return a->time < b->time; });
    Group session;
    const auto close = [&, &key = key] {
      const int64_t start = session.rows.front()->time;
      const int64_t end = std::min(session.rows.back()->time + windows.gap, start + windows.max);
      expected.lines.insert(session.ToLine(key, start, end));
      session.rows.clear();
    };
    for (const Row* row : of_key) {
      if (!session.rows.empty() && (row->time - session.rows.back()->time > windows.gap ||
                                    row->time >= session.rows.front()->time + windows.max)) {
        close();
      }
      session.rows.push_back(row);
    }
    close();
  }
  return expected;
}

/// A step in several tasks, fed by several sources, as the engine would run it.
class Cluster {
 public:
  Cluster(const Windows& windows, std::unique_ptr<States> states, bool with_partials,
          uint32_t sources, uint32_t tasks)
      : step_(std::make_shared<const GroupedStep>(MakeStep(windows))),
        states_(std::move(states)),
        with_partials_(with_partials) {
    for (uint32_t i = 0; i < sources && with_partials; i++) {
      partials_.push_back(
          std::make_unique<Ledgered>(std::make_unique<PartialAggregate>(step_, clock_)));
    }
    Start(tasks);
  }

  void Push(size_t source, std::span<const Row> rows) {
    if (rows.empty()) return;
    const BatchPtr batch = MakeBatch(rows);
    if (with_partials_) {
      const std::vector<BatchPtr> passed =
          partials_[source]->Push(batch, static_cast<int64_t>(rows.size()));
      for (const BatchPtr& at : passed) passed_at_once += static_cast<int64_t>(at->rows());
      Route(passed);
    } else {
      Route({batch});
    }
  }

  /// How far the watermark has come for each row's key, by the task that has it.
  void Stamp(std::span<Row> rows) const {
    const BatchPtr batch = MakeBatch(rows);
    const KeyColumn keys = KeyColumn::Of(std::span(batch->columns()).first(1), rows.size());
    for (size_t i = 0; i < rows.size(); i++) rows[i].watermark = closed_[keys.slot(i)];
  }

  /// `lag` says how much less the next task sees of it: with idle channels tasks may differ.
  void Watermark(EventTime watermark, const std::function<int64_t()>& lag) {
    FlushPartials();
    const auto tasks = static_cast<uint32_t>(tasks_.size());
    for (uint32_t i = 0; i < tasks; i++) {
      const EventTime seen = std::max(watermark - Duration{lag()}, watermarks_[i]);
      watermarks_[i] = seen;
      Collect(tasks_[i]->Watermark(seen));
      const SlotRange slots = SlotsOf(i, tasks);
      for (uint32_t slot = slots.begin; slot < slots.end; slot++) {
        closed_[slot] = std::max(closed_[slot], seen.us);
      }
    }
    states_->BetweenBatches();
  }

  void Restore(uint32_t tasks) {
    FlushPartials();
    for (auto& partial : partials_) REQUIRE(partial->Held() == 0);
    int64_t held = 0;
    for (auto& task : tasks_) {
      held += task->Held();
      Count(*task);
    }
    states_->Checkpoint();
    Start(tasks);
    for (auto& task : tasks_) held -= task->Held();
    CHECK(held == 0);
  }

  void Finish() {
    Watermark(EventTime::Max(), [] { return 0; });
    for (auto& task : tasks_) {
      CHECK(task->Held() == 0);
      Count(*task);
    }
    CHECK(states_->IsEmpty());
    for (auto& partial : partials_) rejected += partial->counts().rejected;
  }

  std::multiset<std::string> lines;
  int64_t late = 0;
  int64_t rejected = 0;
  int64_t passed_at_once = 0;  ///< Rows that partial aggregates did not wait with.
  ManualClock clock_;

 private:
  void Start(uint32_t tasks) {
    tasks_.clear();
    watermarks_.assign(tasks, EventTime::Min());
    states_->Open(tasks);
    for (uint32_t i = 0; i < tasks; i++) {
      OperatorContext context{states_->state(i), clock_};
      std::unique_ptr<Operator> work;
      if (step_->gap) {
        work = std::make_unique<SessionWindow>(step_, context);
      } else {
        work = std::make_unique<SliceWindow>(step_, context);
      }
      tasks_.push_back(std::make_unique<Ledgered>(std::move(work)));
    }
  }

  void FlushPartials() {
    for (auto& partial : partials_) Route(partial->Flush());
  }

  void Route(const std::vector<BatchPtr>& batches) {
    const auto tasks = static_cast<uint32_t>(tasks_.size());
    for (const BatchPtr& batch : batches) {
      const KeyColumn keys = KeyColumn::Of(std::span(batch->columns()).first(1), batch->rows());
      for (uint32_t task = 0; task < tasks; task++) {
        std::vector<uint32_t> rows;
        int64_t weight = 0;
        const int column = batch->schema()->Find(kWeightColumn);
        for (uint32_t row = 0; row < batch->rows(); row++) {
          if (OwnerOf(keys.slot(row), tasks) != task) continue;
          rows.push_back(row);
          weight +=
              column < 0 ? 1 : batch->column(static_cast<size_t>(column)).values<int64_t>()[row];
        }
        if (!rows.empty()) Collect(tasks_[task]->Push(batch->Take(rows), weight));
      }
      states_->BetweenBatches();
    }
  }

  void Collect(const std::vector<BatchPtr>& batches) {
    std::pair<int64_t, std::string> before{EventTime::Min().us, ""};
    for (const BatchPtr& batch : batches) {
      REQUIRE(batch->origins());
      const bool windowed = step_->has_window();
      REQUIRE((batch->times() != nullptr) == windowed);
      const KeyColumn keys = KeyColumn::Of(std::span(batch->columns()).first(1), batch->rows());
      const size_t at = windowed ? 3 : 1;
      for (size_t i = 0; i < batch->rows(); i++) {
        const int64_t start = windowed ? batch->column(1).values<int64_t>()[i] : 0;
        const int64_t end = windowed ? batch->column(2).values<int64_t>()[i] : 0;
        if (windowed) REQUIRE((*batch->times())[i].us == end - 1);
        const std::pair<int64_t, std::string> order{end, std::string(keys.key(i))};
        REQUIRE(before < order);
        before = order;
        lines.insert(Line(std::string(batch->column(0).text(i)), start, end,
                          batch->column(at).values<int64_t>()[i],
                          batch->column(at + 1).values<int64_t>()[i],
                          std::string(batch->column(at + 2).text(i))));
      }
    }
  }

  void Count(const Ledgered& work) {
    late += work.counts().late;
    rejected += work.counts().rejected;
  }

  const std::shared_ptr<const GroupedStep> step_;
  const std::unique_ptr<States> states_;
  const bool with_partials_;
  std::vector<std::unique_ptr<Ledgered>> partials_;
  std::vector<std::unique_ptr<Ledgered>> tasks_;
  std::vector<EventTime> watermarks_;  ///< Of each task, since it began.
  std::vector<int64_t> closed_ = std::vector<int64_t>(kKeySlots, EventTime::Min().us);
};

/// One random run; `disorder` is how far rows are out of order, `delay` what the watermark allows,
/// `lag` how far tasks may differ in what they see of it.
template <typename KindOfStates = MapStates>
void Run(uint32_t seed, const Windows& windows, int64_t disorder, int64_t delay, int64_t lag = 0) {
  INFO("seed " << seed << " size " << windows.size << " every " << windows.every << " offset "
               << windows.offset << " gap " << windows.gap << " disorder " << disorder);
  std::mt19937 random(seed);
  const auto pick = [&random](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t count = pick(0, 1) ? pick(0, 40) : pick(0, 800);
  const int64_t keys = pick(0, 1) ? pick(1, 4) : pick(1, 500);
  const int64_t span = pick(1, 2000);
  const int64_t base = pick(-3000, 3000);
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; i++) {
    Row row;
    row.key = "k" + std::to_string(pick(1, keys));
    row.value = pick(0, 9) == 0 ? pick(-2, 1) * 1000 : pick(1, 999);
    row.time = base + i * span / std::max<int64_t>(count, 1) + pick(0, disorder);
    row.origin = {static_cast<int32_t>(pick(0, 3)), i};
    rows.push_back(row);
  }
  const auto sources = static_cast<uint32_t>(pick(1, 3));
  const bool partials = windows.kind != Windows::Kind::kSession && pick(0, 2) > 0;
  Cluster cluster(windows, std::make_unique<KindOfStates>(), partials, sources,
                  static_cast<uint32_t>(pick(1, 4)));
  int64_t greatest = EventTime::Min().us;
  EventTime watermark = EventTime::Min();
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end =
        std::min(rows.size(), begin + static_cast<size_t>(pick(0, 1) ? pick(1, 5) : pick(1, 400)));
    cluster.Stamp(std::span(rows).subspan(begin, end - begin));
    for (size_t i = begin; i < end; i++) {
      greatest = std::max(greatest, rows[i].time);
    }
    cluster.Push(static_cast<size_t>(pick(0, sources - 1)),
                 std::span(rows).subspan(begin, end - begin));
    begin = end;
    if (pick(0, 2) == 0 && EventTime{greatest - delay - 1} > watermark) {
      watermark = {greatest - delay - 1};
      cluster.Watermark(watermark, [&] { return lag == 0 ? 0 : pick(0, lag); });
    }
    if (pick(0, 9) == 0) cluster.Restore(static_cast<uint32_t>(pick(1, 4)));
  }
  cluster.Finish();
  const Expected expected = Reference(windows, rows);
  CHECK(cluster.lines == expected.lines);
  CHECK(cluster.late == expected.late);
  CHECK(cluster.rejected == expected.rejected);
}

Windows RandomWindows(uint32_t seed, bool tumbling) {
  std::mt19937 random(seed * 7919 + 1);
  const auto pick = [&random](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  Windows windows{Windows::Kind::kSlices};
  windows.every = pick(1, 120);
  windows.size = tumbling ? windows.every : windows.every + pick(0, 300);
  windows.offset = pick(0, 1) ? 0 : pick(-500, 500);
  return windows;
}

TEST_CASE("tumbling windows give what the whole list gives") {
  for (uint32_t seed = 1; seed <= 150; seed++) Run(seed, RandomWindows(seed, true), 50, 50);
}

TEST_CASE("hopping windows give what the whole list gives") {
  for (uint32_t seed = 1; seed <= 150; seed++) Run(seed, RandomWindows(seed, false), 50, 50);
}

TEST_CASE("late rows are those whose windows were all closed when they came") {
  for (uint32_t seed = 1; seed <= 150; seed++) {
    Run(seed, RandomWindows(seed, seed % 2 == 0), 200, static_cast<int64_t>(seed % 40));
  }
}

TEST_CASE("what tasks had not closed together is closed by those that go on from them") {
  for (uint32_t seed = 1; seed <= 150; seed++) {
    Run(seed, RandomWindows(seed, seed % 2 == 0), 200, 50, 300);
    Windows sessions{Windows::Kind::kSession};
    sessions.gap = 1 + seed * 31 % 60;
    Run(seed, sessions, 50, 50, 300);
  }
}

TEST_CASE("sessions give what the whole list gives") {
  for (uint32_t seed = 1; seed <= 300; seed++) {
    Windows windows{Windows::Kind::kSession};
    windows.gap = 1 + seed * 31 % 60;
    Run(seed, windows, 50, 50);
  }
}

TEST_CASE("sessions that may not last for ever give what the whole list gives") {
  for (uint32_t seed = 1; seed <= 300; seed++) {
    Windows windows{Windows::Kind::kSession};
    windows.gap = 1 + seed * 31 % 60;
    windows.max = 1 + seed * 17 % 150;
    Run(seed, windows, 50, 50);
  }
}

TEST_CASE("groups over a whole input give what the whole list gives") {
  for (uint32_t seed = 1; seed <= 50; seed++) Run(seed, Windows{Windows::Kind::kWhole}, 50, 50);
}

TEST_CASE("windows and sessions are the same over tables on disk") {
  for (uint32_t seed = 1; seed <= 12; seed++) {
    Run<StoredStates>(seed, RandomWindows(seed, seed % 2 == 0), seed % 3 == 0 ? 200 : 50, 50);
    Windows sessions{Windows::Kind::kSession};
    sessions.gap = 1 + seed * 31 % 60;
    if (seed % 3 == 0) sessions.max = 1 + seed * 17 % 150;
    Run<StoredStates>(seed, sessions, 50, 50);
    Run<StoredStates>(seed, RandomWindows(seed, seed % 2 == 0), 200, 50, 300);
    Run<StoredStates>(seed, sessions, 50, 50, 300);
  }
}

TEST_CASE("a partial aggregate wants to be flushed after a tenth of a second") {
  const auto step = std::make_shared<const GroupedStep>(
      MakeStep({Windows::Kind::kSlices, /*size=*/10, /*every=*/10, 0, 0}));
  ManualClock clock;
  PartialAggregate partial(step, clock);
  Collected out;
  CHECK_FALSE(partial.FlushWanted());
  const Row row{"a", 1, 5, 0, {}};
  REQUIRE(partial.OnBatch(MakeBatch({&row, 1}), out).ok());
  clock.Advance(Duration::Millis(99));
  CHECK_FALSE(partial.FlushWanted());
  clock.Advance(Duration::Millis(1));
  CHECK(partial.FlushWanted());
  REQUIRE(partial.Flush(out).ok());
  CHECK_FALSE(partial.FlushWanted());
  CHECK(out.out == 1);
}

TEST_CASE("a partial aggregate that saves nothing passes rows at once, and looks again later") {
  const auto step = std::make_shared<const GroupedStep>(
      MakeStep({Windows::Kind::kSlices, /*size=*/10, /*every=*/10, 0, 0}));
  ManualClock clock;
  Ledgered partial(std::make_unique<PartialAggregate>(step, clock));
  const auto push = [&](bool distinct) {
    std::vector<Row> rows;
    for (int i = 0; i < 512; i++) {
      rows.push_back({std::to_string(distinct ? i : i % 4), 1, 5, 0, {}});
    }
    size_t out = 0;
    for (const BatchPtr& batch : partial.Push(MakeBatch(rows), 512)) out += batch->rows();
    return out;
  };
  CHECK(push(true) == 0);
  partial.Flush();
  for (int i = 0; i < 63; i++) REQUIRE(push(false) == 512);
  CHECK(push(false) == 0);
  size_t groups = 0;
  for (const BatchPtr& batch : partial.Flush()) groups += batch->rows();
  CHECK(groups == 4);
  CHECK(push(false) == 0);
}

TEST_CASE("rows that a partial aggregate passes and those it gathers give the same together") {
  // Keys that hardly repeat and keys that always do take turns, for longer than rows are passed
  // without a look at whether it still pays.
  for (uint32_t seed = 1; seed <= 6; seed++) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto pick = [&random](int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    };
    Windows windows{Windows::Kind::kSlices};
    windows.size = windows.every = pick(200, 2000);
    std::vector<Row> rows;
    const bool first_rare = pick(0, 1) == 1;
    for (int64_t i = 0; i < 60'000; i++) {
      const bool rare = (i / 15'000 % 2 == 0) == first_rare;
      rows.push_back({"k" + std::to_string(pick(1, rare ? 100'000 : 4)),
                      pick(0, 99) == 0 ? 0 : pick(1, 999), i / 10 + pick(0, 50),
                      EventTime::Min().us, Origin{0, i}});
    }
    Cluster cluster(windows, std::make_unique<MapStates>(), /*with_partials=*/true, /*sources=*/1,
                    /*tasks=*/2);
    for (size_t begin = 0; begin < rows.size();) {
      const size_t end = std::min(rows.size(), begin + static_cast<size_t>(pick(200, 400)));
      cluster.Push(0, std::span(rows).subspan(begin, end - begin));
      begin = end;
      if (pick(0, 3) == 0)
        cluster.Watermark({rows[end - 1].origin.offset / 10 - 1}, [] { return 0; });
      if (pick(0, 40) == 0) cluster.Restore(static_cast<uint32_t>(pick(1, 4)));
    }
    cluster.Finish();
    const Expected expected = Reference(windows, rows);
    CHECK(cluster.lines == expected.lines);
    CHECK(cluster.late == 0);
    CHECK(cluster.rejected == expected.rejected);
    CHECK(cluster.passed_at_once > 10'000);
    CHECK(cluster.passed_at_once < 50'000);
  }
}

TEST_CASE("times beyond any window are row errors, and the ends of time are not") {
  const auto step = std::make_shared<const GroupedStep>(
      MakeStep({Windows::Kind::kSlices, kLongestWindow.us, kLongestWindow.us, -5, 0}));
  MapState state;
  const ManualClock clock;
  OperatorContext context{state, clock};
  Ledgered window(std::make_unique<SliceWindow>(step, context));
  std::vector<Row> rows;
  for (int64_t time : {EventTime::Min().us, -kFarthestTime - 1, -kFarthestTime, int64_t{0},
                       kFarthestTime, kFarthestTime + 1, EventTime::Max().us}) {
    rows.push_back({"a", 1, time, 0, {}});
  }
  window.Push(MakeBatch(rows), static_cast<int64_t>(rows.size()));
  CHECK(window.counts().rejected == 4);
  CHECK(window.Held() == 3);
  window.Watermark({-kFarthestTime - kLongestWindow.us});
  CHECK(window.Held() == 3);
  window.Watermark({kFarthestTime + kLongestWindow.us});
  CHECK(window.Held() == 0);
  window.Watermark(EventTime::Max());
  CHECK(window.counts().made == 3);
}

TEST_CASE("damaged partial aggregates are an error, not a crash") {
  const auto step = std::make_shared<const GroupedStep>(
      MakeStep({Windows::Kind::kSlices, /*size=*/10, /*every=*/10, 0, 0}));
  MapState state;
  const ManualClock clock;
  OperatorContext context{state, clock};
  SliceWindow window(step, context);
  for (const auto& [bytes, weight] : {std::pair<std::string, int64_t>{"", 1},
                                      {"abc", 1},
                                      {std::string(40, '\x7f'), 1},
                                      {std::string(24, '\x80'), 0}}) {
    BatchBuilder builder(step->partial);
    builder.column(0).AppendText("a");
    builder.column(1).Append(int64_t{10});
    builder.column(2).AppendText(bytes);
    builder.column(3).Append(weight);
    Collected out;
    CHECK_FALSE(window.OnBatch(builder.Finish(), out).ok());
  }
}

}  // namespace
}  // namespace weir
