#include <algorithm>

#include "connectors/errors.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/outbox.h"
#include "connectors/kafka/publisher.h"
#include "connectors/kafka/sink_facts.h"
#include "connectors/kafka/writer.h"
#include "formats/testing.h"
#include "tests/parts/kafka_broker.h"

namespace weir::kafka {
namespace {

Transaction::Target TestTarget(const std::string& topic) {
  Transaction::Target target;
  target.connection = TestConnection();
  target.lane = LaneName("test-" + RandomId().substr(0, 8), "out", 0);
  target.topic = topic;
  target.timeout_ms = 60'000;
  return target;
}

std::string Sealed(const std::vector<std::string>& values) {
  std::string sealed(kOutboxMagic);
  for (const std::string& value : values) {
    OutboxRecord record;
    record.key = value;
    record.value = value;
    record.timestamp_ms = 1000;
    AppendOutboxRecord(sealed, record);
  }
  return sealed;
}

SealedEpoch EpochOf(uint64_t epoch, const std::vector<std::string>& values) {
  return {{epoch}, {{Sealed(values), static_cast<int64_t>(values.size()), nullptr}}};
}

std::vector<std::string> Values(const std::string& topic, int partitions,
                                Isolation isolation = Isolation::kReadCommitted) {
  std::vector<std::string> values;
  for (const TestRecord& record : ReadTopic(topic, partitions, isolation)) {
    values.push_back(record.value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

/// What a coordinator does with a lane on recovery, with one epoch sealed.
void Recover(Publisher& publisher, const SealedEpoch& epoch) {
  REQUIRE(publisher.Fence().ok());
  const auto marker = publisher.ReadMarker();
  REQUIRE(marker.ok());
  if (marker->found && marker->epoch >= epoch.epoch) return;
  const Status status = publisher.Publish({epoch}, "sum", true);
  INFO((status.ok() ? std::string() : status.ToString()));
  REQUIRE(status.ok());
}

}  // namespace

TEST_CASE("epochs are published once each, whole, with their marker", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(3);
  Publisher publisher("me", TestTarget(topic));
  CHECK(publisher.Publish({EpochOf(1, {"x"})}, "sum", false).Is(errors::kOutcomeUnknown));
  REQUIRE(publisher.Fence().ok());
  REQUIRE(publisher.ReadMarker().ok());
  CHECK_FALSE(publisher.ReadMarker()->found);
  REQUIRE(publisher.WriteMarker({0}, "sum").ok());
  REQUIRE(publisher.Publish({EpochOf(1, {"a", "b"})}, "sum", false).ok());
  publisher.Prepare();
  REQUIRE(publisher.Publish({EpochOf(2, {}), EpochOf(3, {"c"})}, "sum", false).ok());
  REQUIRE(publisher.Publish({{{4}, {{}, {}}}}, "sum", false).ok());  // No rows: no transaction.
  CHECK(Values(topic, 3) == std::vector<std::string>{"a", "b", "c"});
  const auto marker = publisher.ReadMarker();
  REQUIRE(marker.ok());
  CHECK(marker->epoch == Epoch{3});
  CHECK(marker->instance == "me");
}

TEST_CASE("a lane opened by its marker alone has it, and its owner's name", "[.broker]") {
  TestCluster cluster;
  const auto target = TestTarget(cluster.NewTopic(1));
  Publisher first("first", target);
  REQUIRE(first.Fence().ok());
  REQUIRE(first.WriteMarker({0}, "sum").ok());
  Publisher second("second", target);
  REQUIRE(second.Fence().ok());
  const auto marker = second.ReadMarker();
  REQUIRE(marker.ok());
  CHECK(marker->found);
  CHECK(marker->epoch == Epoch{0});
  CHECK(marker->instance == "first");
  REQUIRE(second.WriteMarker({7}, "sum").ok());  // Taken over.
  CHECK(second.ReadMarker()->instance == "second");
}

TEST_CASE("a publisher that dies at any step leaves each record once, and no zombie can commit",
          "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(2);
  size_t uncommitted_more = 0;
  std::vector<std::string> expected;
  // How far the dying one comes: made, fenced, begun, produced, marked, committed.
  for (int steps = 0; steps <= 5; steps++) {
    const auto target = TestTarget(topic);
    const std::string name = "step" + std::to_string(steps);
    const SealedEpoch epoch = EpochOf(1, {name + "a", name + "b"});
    auto zombie = Transaction::Make(target);
    REQUIRE(zombie.ok());
    Transaction& dying = **zombie;
    if (steps >= 1) REQUIRE(dying.Init().ok());
    if (steps >= 2) REQUIRE(dying.Begin().ok());
    if (steps >= 3) {
      REQUIRE(dying.Produce(epoch.parts[0]).ok());
      REQUIRE(dying.Flush().ok());
    }
    if (steps >= 4) REQUIRE(dying.Mark({"me", {1}, "sum"}).ok());
    if (steps >= 5) REQUIRE(dying.Commit().ok());

    Publisher successor("me", target);
    Recover(successor, epoch);
    // It wakes up and goes on with what it was about to do.
    INFO("steps " << steps);
    Status status;
    if (steps == 1) status = dying.Begin();
    if (steps <= 2 && steps >= 1) {
      if (status.ok()) status = dying.Produce(epoch.parts[0]);
      if (status.ok()) status = dying.Flush();
    }
    if (steps >= 1 && steps <= 3 && status.ok()) status = dying.Mark({"me", {1}, "sum"});
    if (steps >= 1 && steps <= 4) {
      if (status.ok()) status = dying.Commit();
      REQUIRE_FALSE(status.ok());
      INFO(status.ToString());
      CHECK(status.Is(errors::kFenced));
    }
    expected.push_back(name + "a");
    expected.push_back(name + "b");
    CHECK(successor.ReadMarker()->epoch == Epoch{1});
  }
  CHECK(Values(topic, 2) == expected);
  uncommitted_more = Values(topic, 2, Isolation::kReadUncommitted).size();
  CHECK(uncommitted_more > expected.size());  // The aborted ones were really there.
}

TEST_CASE("a publisher that slept through its replacement does not take the lane back",
          "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1);
  const auto target = TestTarget(topic);
  Publisher sleeper("me", target);
  REQUIRE(sleeper.Fence().ok());
  REQUIRE(sleeper.Publish({EpochOf(1, {"one"})}, "sum", false).ok());
  sleeper.Prepare();
  Publisher successor("me", target);
  Recover(successor, EpochOf(2, {"two"}));
  const Status status = sleeper.Publish({EpochOf(2, {"two"})}, "sum", false);
  REQUIRE_FALSE(status.ok());
  CHECK(status.Is(errors::kFenced));
  CHECK(Values(topic, 1) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a marker can be read right after the commit that wrote it", "[.broker]") {
  TestCluster cluster;
  const auto target = TestTarget(cluster.NewTopic(1));
  for (uint64_t epoch = 1; epoch <= 40; epoch++) {
    auto writing = Transaction::Make(target);
    REQUIRE(writing.ok());
    REQUIRE((*writing)->Init().ok());
    REQUIRE((*writing)->Begin().ok());
    REQUIRE((*writing)->Mark({"me", {epoch}, "sum"}).ok());
    const bool commits = epoch % 3 != 0;
    if (commits) REQUIRE((*writing)->Commit().ok());
    auto next = Transaction::Make(target);
    REQUIRE(next.ok());
    REQUIRE((*next)->Init().ok());
    auto reader = MarkerReader::Make(target.connection, target.lane, target.topic);
    REQUIRE(reader.ok());
    const auto marker = (*reader)->Read(/*settled=*/true);
    REQUIRE(marker.ok());
    CHECK(marker->epoch == Epoch{commits ? epoch : epoch - 1});
  }
}

TEST_CASE("rows go to the topic with key, headers, time and partition", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(5, {{"max.message.bytes", "2000"}});
  const auto facts = LearnSink(TestConnection(), topic);
  REQUIRE(facts.ok());
  CHECK(facts->limits.record_bytes == 2000);
  CHECK(facts->limits.partitions == 5);
  CHECK(facts->transaction_timeout_ms == 900'000);

  const auto schema = std::make_shared<const Schema>(
      std::vector<Field>{{"value", TypeKind::kString}, {"key", TypeKind::kString}});
  BatchBuilder builder(schema);
  const std::string keys[] = {"21", "foobar", "abc"};
  for (const std::string& key : keys) {
    builder.column(0).AppendText("v-" + key);
    builder.column(1).AppendText(key);
  }
  builder.column(0).AppendText(std::string(2000, 'x'));
  builder.column(1).AppendText("large");
  auto encoder = testing::RawEncoder();
  ConnectorContext context;
  context.clock = &SystemClock();
  SinkColumns columns;
  columns.key = 1;
  Writer writer(context, std::move(encoder), columns, topic, facts->limits);
  std::vector<Rejection> rejected;
  REQUIRE(writer.Write(*builder.Finish(), rejected).ok());
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].record == 3);
  CHECK(rejected[0].code->id == errors::kRecordTooLarge.id);
  auto sealed = writer.Seal({1}, false);
  REQUIRE(sealed.ok());
  CHECK(sealed->rows == 3);
  Publisher publisher("me", TestTarget(topic));
  Recover(publisher, {{1}, {*sealed}});
  auto records = ReadTopic(topic, 5);
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  // Java's murmur2 of the keys, positive, modulo 5.
  CHECK(records == std::vector<TestRecord>{{(-973932308 & 0x7fffffff) % 5, "21", "v-21"},
                                           {479470107 % 5, "abc", "v-abc"},
                                           {(-790332482 & 0x7fffffff) % 5, "foobar", "v-foobar"}});
}

TEST_CASE("the largest record that is let through is one that the broker takes", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1, {{"max.message.bytes", "3000"}});
  auto target = TestTarget(topic);
  target.max_message_bytes = 3000;
  for (const size_t headers : {0, 1, 70}) {
    OutboxRecord record;
    record.key = "key";
    record.timestamp_ms = 1000;
    for (size_t i = 0; i < headers; i++) record.headers.emplace_back("name", "value");
    std::string value(2000, 'v');
    record.value = value;
    const size_t size = LargestWireSize(record);
    if (size < 3000) value.append(3000 - size, 'v');
    record.value = value;
    while (LargestWireSize(record) > 3000) {
      value.pop_back();
      record.value = value;
    }
    std::string sealed(kOutboxMagic);
    AppendOutboxRecord(sealed, record);
    Publisher publisher("me", target);
    target.lane += "x";
    INFO(headers << " headers, " << value.size() << " bytes");
    REQUIRE(publisher.Fence().ok());
    CHECK(publisher.Publish({{{1}, {{sealed, 1, nullptr}}}}, "sum", false).ok());
  }
}

TEST_CASE("a record that the broker refuses is named, and nothing of the epoch shows",
          "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(1, {{"max.message.bytes", "2000"}});
  Publisher publisher("me", TestTarget(topic));
  REQUIRE(publisher.Fence().ok());
  const Status status =
      publisher.Publish({EpochOf(1, {"small", std::string(5000, 'x')})}, "sum", false);
  REQUIRE_FALSE(status.ok());
  CHECK(status.Is(errors::kRecordRefused));
  CHECK(Values(topic, 1).empty());
  // Until it was fenced again, the lane is not to be used.
  CHECK(publisher.Publish({EpochOf(1, {"small"})}, "sum", false).Is(errors::kOutcomeUnknown));
  Recover(publisher, EpochOf(1, {"small"}));
  CHECK(Values(topic, 1) == std::vector<std::string>{"small"});
}

TEST_CASE("records that the broker refuses are found, and the rest can be published", "[.broker]") {
  TestCluster cluster;
  // A compacted topic takes no record without a key: only the broker knows that.
  const std::string topic =
      cluster.NewTopic(1, {{"cleanup.policy", "compact"}, {"max.message.bytes", "2000"}});
  auto target = TestTarget(topic);
  target.max_message_bytes = 2000;
  std::string keyless(kOutboxMagic);
  OutboxRecord record;
  record.value = "no key";
  AppendOutboxRecord(keyless, record);
  std::vector<SealedEpoch> epochs = {
      EpochOf(1, {"a", std::string(5000, 'x')}), {{2}, {{keyless, 1, nullptr}}}, EpochOf(3, {"b"})};
  Publisher publisher("me", target);
  REQUIRE(publisher.Fence().ok());
  REQUIRE(publisher.ReadMarker().ok());
  CHECK(publisher.Publish(epochs, "sum", true).Is(errors::kRecordRefused));
  REQUIRE(publisher.Fence().ok());
  REQUIRE(publisher.ReadMarker().ok());
  const auto refused = publisher.TakeRefused(epochs);
  INFO((refused.ok() ? std::string() : refused.status().ToString()));
  REQUIRE(refused.ok());
  REQUIRE(refused->size() == 2);
  CHECK((*refused)[0].code == &errors::kRecordTooLarge);
  CHECK((*refused)[1].value == "no key");
  CHECK(Values(topic, 1).empty());
  REQUIRE(epochs.size() == 2);
  REQUIRE(publisher.Publish(epochs, "sum", true).ok());
  CHECK(Values(topic, 1) == std::vector<std::string>{"a", "b"});
  CHECK(publisher.ReadMarker()->epoch == Epoch{3});
}

TEST_CASE("an output topic that is not there is told with how to make it", "[.broker]") {
  TestCluster cluster;
  const auto broker = BrokerSettings(cluster.client(), Duration::Seconds(5));
  REQUIRE(broker.ok());
  const std::string topic = "weir-test-none-" + RandomId().substr(0, 8);
  const auto facts = LearnSink(TestConnection(), topic);
  if (broker->at("auto.create.topics.enable") == "true") {
    CHECK(facts.ok());
    return;
  }
  REQUIRE_FALSE(facts.ok());
  CHECK(facts.status().Is(errors::kTopicMissing));
  CHECK(facts.status().cure().find("--create --topic " + topic) != std::string::npos);
}

TEST_CASE("a large outbox goes out through the producer's small queue", "[.broker]") {
  TestCluster cluster;
  const std::string topic = cluster.NewTopic(4);
  std::string sealed(kOutboxMagic);
  OutboxRecord record;
  record.timestamp_ms = 1000;
  constexpr int kRecords = 200'000;
  for (int i = 0; i < kRecords; i++) {
    const std::string value = std::to_string(i);
    record.value = value;
    AppendOutboxRecord(sealed, record);
  }
  Publisher publisher("me", TestTarget(topic));
  Recover(publisher, {{1}, {{sealed, kRecords, nullptr}}});
  const auto values = Values(topic, 4);
  CHECK(values.size() == kRecords);
  CHECK(std::adjacent_find(values.begin(), values.end()) == values.end());
}

}  // namespace weir::kafka
