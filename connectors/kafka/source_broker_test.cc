#include <chrono>
#include <set>
#include <thread>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/group_teller.h"
#include "connectors/kafka/reader.h"
#include "formats/testing.h"
#include "tests/parts/kafka_broker.h"

namespace weir::kafka {
namespace {

ConnectorContext Context(size_t memory_budget = 64 << 20) {
  ConnectorContext context;
  context.job = "test-" + RandomId().substr(0, 8);
  context.instance = RandomId();
  context.clock = &SystemClock();
  context.memory_budget = memory_budget;
  return context;
}

SourceOptions Options(const std::string& topic, bool bounded = true) {
  SourceOptions options;
  options.topic = topic;
  if (bounded) options.stop.where = StopWhere::kLatest;
  return options;
}

/// What reading brought, by split.
struct Reading {
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, SplitActivity> activity;
  std::map<std::string, int> confirmed;  ///< How often it was told to be caught up.
  Status status;

  size_t records() const {
    size_t count = 0;
    for (const auto& [split, list] : values) count += list.size();
    return count;
  }
  bool All(SplitActivity wanted, size_t splits) const {
    size_t count = 0;
    for (const auto& [split, is] : activity) count += is == wanted ? 1 : 0;
    return count == splits;
  }
};

std::unique_ptr<Reader> MakeTestReader(const SourceOptions& options,
                                       size_t memory_budget = 64 << 20) {
  return std::make_unique<Reader>(
      Context(memory_budget), TestConnection(), options,
      std::make_unique<RowBuilder>(testing::RawDecoder(), std::vector<int>{}, true));
}

/// Polls until `enough`, an error, or too long.
template <typename Enough>
void Read(Reader& reader, Reading& reading, Enough enough, size_t max_rows = 1000,
          int seconds = 20) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!enough()) {
    if (std::chrono::steady_clock::now() > until) {
      FAIL_CHECK("reading took longer than " << seconds << " s");
      return;
    }
    PollRequest request;
    request.max_rows = max_rows;
    auto polled = reader.Poll(request);
    if (!polled.ok()) {
      reading.status = polled.status();
      return;
    }
    if (polled->split.empty()) continue;
    reading.activity[polled->split] = polled->activity;
    if (polled->activity == SplitActivity::kCaughtUp) reading.confirmed[polled->split]++;
    if (!polled->batch) continue;
    auto& values = reading.values[polled->split];
    for (size_t row = 0; row < polled->batch->rows(); row++) {
      values.emplace_back(polled->batch->column(0).text(row));
    }
    CHECK(polled->batch->origins()->size() == polled->batch->rows());
  }
}

std::vector<Split> FindFirst(const SourceOptions& options) {
  Finder finder(TestConnection(), options);
  auto splits = finder.Find({});
  if (!splits.ok()) FAIL(splits.status().ToString());
  return *splits;
}

Reading ReadBounded(const SourceOptions& options) {
  const auto splits = FindFirst(options);
  const auto reader = MakeTestReader(options);
  for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
  Reading reading;
  Read(*reader, reading, [&] { return reading.All(SplitActivity::kFinished, splits.size()); });
  return reading;
}

}  // namespace

TEST_CASE("a bounded read gives every committed record once, in order, and ends", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(4);
  TestProducer plain;
  TestProducer transactional("weir-test-" + RandomId());
  std::map<std::string, std::vector<std::string>> expected;
  for (int i = 0; i < 40; i++) {
    const int partition = i % 3;  // The last partition stays empty.
    const std::string value = std::to_string(i);
    const bool aborted = i % 10 == 7 || i > 36;  // Also at the very end.
    if (i % 2 == 0 && !aborted) {
      plain.Send(topic, partition, value);
      plain.Flush();
    } else {
      transactional.Begin();
      transactional.Send(topic, partition, value);
      transactional.Flush();
      if (aborted) {
        transactional.Abort();
        continue;
      }
      transactional.Commit();
    }
    expected[topic + "/" + std::to_string(partition)].push_back(value);
  }
  AwaitStable(topic, 4);
  const Reading reading = ReadBounded(Options(topic));
  CHECK(reading.status.ok());
  CHECK(reading.values == expected);

  SourceOptions all = Options(topic);
  all.isolation = Isolation::kReadUncommitted;
  CHECK(ReadBounded(all).records() == 40);
}

TEST_CASE("reading goes on from any position without loss or repeat", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(2);
  TestProducer producer("weir-test-" + RandomId());
  for (int i = 0; i < 200; i += 4) {
    producer.Begin();
    for (int k = 0; k < 4; k++) producer.Send(topic, k % 2, std::to_string(i + k));
    if (i % 20 == 0) {
      producer.Flush();
      producer.Abort();
    } else {
      producer.Commit();
    }
  }
  AwaitStable(topic, 2);
  const SourceOptions options = Options(topic);
  auto splits = FindFirst(options);
  Reading whole;
  int runs = 0;
  while (!whole.All(SplitActivity::kFinished, 2) && runs++ < 100) {
    const auto reader = MakeTestReader(options);
    for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
    const size_t before = whole.records();
    Read(
        *reader, whole,
        [&] { return whole.records() > before + 10 || whole.All(SplitActivity::kFinished, 2); },
        /*max_rows=*/7);
    REQUIRE(whole.status.ok());
    const auto positions = reader->Positions();
    for (Split& split : splits) split.position = positions.at(split.id);
  }
  CHECK(whole.records() == 160);
  for (auto& [split, values] : whole.values) {
    CHECK(std::set<std::string>(values.begin(), values.end()).size() == values.size());
  }
  CHECK(runs > 5);
}

TEST_CASE("a bounded read ends before somebody's open transaction", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  TestProducer plain;
  plain.Send(topic, 0, "before");
  plain.Flush();
  TestProducer open("weir-test-" + RandomId());
  open.Begin();
  open.Send(topic, 0, "open");
  open.Flush();
  const Reading reading = ReadBounded(Options(topic));
  CHECK(reading.values.at(topic + "/0") == std::vector<std::string>{"before"});
  open.Abort();
}

TEST_CASE("behind an open transaction a partition is held, at its end it is caught up",
          "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  TestProducer plain;
  plain.Send(topic, 0, "first");
  plain.Flush();
  const SourceOptions options = Options(topic, /*bounded=*/false);
  const auto splits = FindFirst(options);
  const auto reader = MakeTestReader(options);
  REQUIRE(reader->Add(splits[0]).ok());
  const std::string& id = splits[0].id;
  Reading reading;
  Read(*reader, reading, [&] { return reading.confirmed[id] >= 3; });
  CHECK(reading.records() == 1);
  CHECK(reader->Lag().at(id).records == 0);

  TestProducer open("weir-test-" + RandomId());
  open.Begin();
  open.Send(topic, 0, "open");
  open.Flush();
  Read(*reader, reading, [&] { return reading.activity[id] == SplitActivity::kHeld; });
  CHECK(reading.records() == 1);
  open.Abort();
  Read(*reader, reading, [&] { return reading.activity[id] == SplitActivity::kCaughtUp; });
  CHECK(reading.records() == 1);
  plain.Send(topic, 0, "second");
  plain.Flush();
  Read(*reader, reading, [&] { return reading.records() == 2; });
  CHECK(reading.status.ok());
}

TEST_CASE("a quiet partition is told of beside one that always has rows", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(2);
  TestProducer plain;
  for (int i = 0; i < 20'000; i++) plain.Send(topic, 0, std::to_string(i));
  plain.Flush();
  const SourceOptions options = Options(topic, /*bounded=*/false);
  const auto splits = FindFirst(options);
  const auto reader = MakeTestReader(options);
  for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
  const std::string quiet = topic + "/1";
  Reading reading;
  // A row at a time, by somebody who has other things to do: there are always more.
  while (reading.confirmed[quiet] == 0 && reading.records() < 20'000) {
    const size_t before = reading.records();
    const auto some = [&] { return reading.records() > before || reading.confirmed[quiet] > 0; };
    Read(*reader, reading, some, /*max_rows=*/1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(reading.records() < 20'000);
  CHECK(reading.status.ok());
}

TEST_CASE("partitions made while reading are found and read from their first record", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(2);
  TestProducer plain;
  plain.Send(topic, 0, "old");
  plain.Flush();
  SourceOptions options = Options(topic, /*bounded=*/false);
  options.start.where = StartWhere::kLatest;  // Counts for the first look only.
  Finder finder(TestConnection(), options);
  CHECK(finder.Grows());
  auto splits = finder.Find({});
  REQUIRE(splits.ok());
  REQUIRE(splits->size() == 2);
  const auto reader = MakeTestReader(options);
  for (const Split& split : *splits) REQUIRE(reader->Add(split).ok());

  cluster.Grow(topic, 9);  // More than what the reader's limits were made for.
  TestProducer fresh;      // The other one does not know of the new partitions yet.
  for (int p = 0; p < 9; p++) fresh.Send(topic, p, "new");
  fresh.Flush();
  auto grown = finder.Find(*splits);
  REQUIRE(grown.ok());
  REQUIRE(grown->size() == 9);
  std::set<int32_t> ordinals;
  for (const Split& split : *grown) ordinals.insert(split.ordinal);
  CHECK(ordinals.size() == 9);
  CHECK((*grown)[0].ordinal == (*splits)[0].ordinal);
  for (size_t i = 2; i < grown->size(); i++) REQUIRE(reader->Add((*grown)[i]).ok());
  Reading reading;
  Read(*reader, reading, [&] { return reading.records() == 9; });
  CHECK(reading.values.size() == 9);
  for (const auto& [split, values] : reading.values) {
    CHECK(values == std::vector<std::string>{"new"});
  }

  // A bounded run's partitions are those of its start.
  Finder bounded(TestConnection(), Options(topic));
  CHECK_FALSE(bounded.Grows());
  CHECK(bounded.Find(*splits)->size() == 2);
}

TEST_CASE("start and stop become offsets at the first look", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  TestProducer plain;
  for (int i = 0; i < 10; i++)
    plain.Send(topic, 0, std::to_string(i), 1'700'000'000'000 + i * 1000);
  plain.Flush();
  const auto positions = [&](const SourceOptions& options) {
    const Split split = FindFirst(options)[0];
    const auto stop = split.stop.empty() ? -1 : DecodePosition(split.stop, "stop")->offset;
    return std::pair<int64_t, int64_t>(DecodePosition(split.position, "start")->offset, stop);
  };
  const auto at = [](int seconds) {
    return Moment{{(1'700'000'000 + static_cast<int64_t>(seconds)) * 1'000'000}};
  };
  SourceOptions options = Options(topic, false);
  CHECK(positions(options) == std::pair<int64_t, int64_t>(0, -1));
  options.start.timestamp = at(3);
  options.stop.timestamp = at(7);
  CHECK(positions(options) == std::pair<int64_t, int64_t>(3, 7));
  options.start.timestamp = at(100);  // Nothing is that late.
  options.stop.timestamp = at(100);
  CHECK(positions(options) == std::pair<int64_t, int64_t>(10, 10));
  options = Options(topic);
  options.start.offsets = {{"0", 4}};
  CHECK(positions(options) == std::pair<int64_t, int64_t>(4, 10));
  options.start.offsets = {{topic + "/0", 5}};
  CHECK(positions(options) == std::pair<int64_t, int64_t>(5, 10));
  options.start.offsets = {{"3", 5}};
  Finder finder(TestConnection(), options);
  CHECK(finder.Find({}).status().Is(errors::kSourceOption));
}

TEST_CASE("offsets that are gone are dealt with as the policy says", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  TestProducer plain;
  for (int i = 0; i < 10; i++) plain.Send(topic, 0, std::to_string(i));
  plain.Flush();
  for (const LostOffsets policy :
       {LostOffsets::kFail, LostOffsets::kEarliest, LostOffsets::kLatest}) {
    SourceOptions options = Options(topic, false);
    options.on_lost_offsets = policy;
    auto splits = FindFirst(options);
    splits[0].position = EncodePosition({1, -1, DecodePosition(splits[0].position, "")->topic_id});
    cluster.Truncate(topic, 0, 6);
    const auto reader = MakeTestReader(options);
    REQUIRE(reader->Add(splits[0]).ok());
    Reading reading;
    Read(*reader, reading, [&] { return reading.confirmed[splits[0].id] > 0; });
    INFO(weir::ShowValue(policy));
    if (policy == LostOffsets::kFail) {
      REQUIRE_FALSE(reading.status.ok());
      CHECK(reading.status.Is(errors::kOffsetsLost));
      CHECK(reading.status.message().find("5 records") != std::string::npos);
    } else if (policy == LostOffsets::kEarliest) {
      CHECK(reading.values[splits[0].id] == std::vector<std::string>{"6", "7", "8", "9"});
    } else {
      CHECK(reading.records() == 0);
      CHECK(DecodePosition(reader->Positions().at(splits[0].id), "")->offset == 10);
    }
  }
}

TEST_CASE("a topic that was made anew is noticed, at the start and while reading", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  TestProducer plain;
  for (int i = 0; i < 10; i++) plain.Send(topic, 0, "old");
  plain.Flush();
  const SourceOptions options = Options(topic, false);
  Finder finder(TestConnection(), options);
  const auto splits = finder.Find({});
  REQUIRE(splits.ok());
  const auto running = MakeTestReader(options);
  REQUIRE(running->Add((*splits)[0]).ok());
  Reading reading;
  Read(*running, reading, [&] { return reading.records() == 10; });

  cluster.Delete(topic);
  cluster.Create(topic, 1);
  TestProducer again;
  for (int i = 0; i < 20; i++) again.Send(topic, 0, "new");
  again.Flush();
  Read(*running, reading, [] { return false; });
  REQUIRE_FALSE(reading.status.ok());
  CHECK(reading.status.Is(errors::kTopicRemade));

  const auto found = finder.Find(*splits);
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().Is(errors::kTopicRemade));

  const auto restarted = MakeTestReader(options);
  REQUIRE(restarted->Add((*splits)[0]).ok());
  Reading nothing;
  Read(*restarted, nothing, [] { return false; });
  CHECK(nothing.records() == 0);
  REQUIRE_FALSE(nothing.status.ok());
  CHECK(nothing.status.Is(errors::kTopicRemade));
}

TEST_CASE("a topic that is deleted for good stops the reader", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  const SourceOptions options = Options(topic, false);
  const auto splits = FindFirst(options);
  const auto reader = MakeTestReader(options);
  REQUIRE(reader->Add(splits[0]).ok());
  cluster.Delete(topic);
  Reading reading;
  Read(*reader, reading, [] { return false; }, 1000, /*seconds=*/30);
  REQUIRE_FALSE(reading.status.ok());
  CHECK(reading.status.Is(errors::kTopicDeleted));
}

TEST_CASE("500 partitions are read within a small budget", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(500);
  TestProducer plain;
  const std::string filling(200, 'x');
  for (int i = 0; i < 20'000; i++) plain.Send(topic, i % 500, std::to_string(i) + filling);
  plain.Flush();
  const SourceOptions options = Options(topic);
  const auto splits = FindFirst(options);
  const auto reader = MakeTestReader(options, 16 << 20);
  for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
  Reading reading;
  Read(*reader, reading, [&] { return reading.All(SplitActivity::kFinished, 500); }, 1000, 60);
  CHECK(reading.status.ok());
  CHECK(reading.records() == 20'000);
  for (const auto& [split, values] : reading.values) CHECK(values.size() == 40);
  cluster.Delete(topic);
}

TEST_CASE("a missing topic is told with the nearest name, before anything runs", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  Finder finder(TestConnection(), Options(topic + "x"));
  const auto found = finder.Find({});
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().Is(errors::kTopicMissing));
  CHECK(found.status().message().find("did you mean '" + topic + "'") != std::string::npos);
}

TEST_CASE("brokers that are away are named, and asked again") {
  SourceOptions options;
  options.topic = "clicks";
  ConnectionOptions connection;
  connection.bootstrap_servers = "127.0.0.1:1";
  Finder finder(std::make_shared<Connection>(connection), options);
  const auto found = finder.Find({});
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().Is(errors::kBrokersAway));
  CHECK(found.status().kind() == ErrorKind::kRetry);
  CHECK(found.status().message().find("127.0.0.1:1") != std::string::npos);
}

TEST_CASE("positions told to a group are where a source begins that starts from it", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(3);
  TestProducer producer;
  for (int i = 0; i < 30; i++) producer.Send(topic, i % 3, std::to_string(i));
  producer.Flush();
  const std::string group = "weir-test-" + RandomId();
  SourceOptions options = Options(topic, /*bounded=*/false);
  options.start.group = group;
  Finder finder(TestConnection(), options);
  CHECK(finder.Find({}).status().Is(errors::kGroupEmpty));

  std::vector<Split> splits = FindFirst(Options(topic));
  splits.pop_back();  // One partition stays without an offset.
  splits[0].position = EncodePosition({4, -1, {}});
  splits[1].position = EncodePosition({7, -1, {}});
  GroupTeller teller(TestConnection(), group);
  REQUIRE(teller.Tell(splits).ok());
  const auto told = teller.Poll(Duration::Seconds(10));
  REQUIRE(told);
  CHECK(told->ToString() == Status::Ok().ToString());

  const auto starts = [&] {
    std::vector<int64_t> offsets;
    for (const Split& split : FindFirst(options)) {
      offsets.push_back(DecodePosition(split.position, split.id)->offset);
    }
    return offsets;
  };
  CHECK(starts() == std::vector<int64_t>{4, 7, 0});
  options.start.otherwise = StartWhere::kLatest;
  CHECK(starts() == std::vector<int64_t>{4, 7, 10});
}

}  // namespace weir::kafka
