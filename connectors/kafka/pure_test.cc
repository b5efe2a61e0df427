#include <librdkafka/rdkafka.h>

#include <random>
#include <set>

#include "connectors/kafka/client.h"
#include "connectors/kafka/connection_count.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/marker.h"
#include "connectors/kafka/options.h"
#include "connectors/kafka/position.h"
#include "connectors/kafka/progress.h"
#include "connectors/kafka/reader.h"
#include "connectors/kafka/transaction.h"
#include "tests/catch.h"

namespace weir::kafka {

TEST_CASE("kafka positions are read back as written, and nothing else is one") {
  const Position positions[] = {
      {0, -1, ""}, {7, -1, ""}, {1204, 3, "Kq0mXyQFTl6uRBS9mpbV7A"}, {INT64_MAX, 0, "x"}};
  for (const Position& position : positions) {
    const auto read = DecodePosition(EncodePosition(position), "clicks/0");
    REQUIRE(read.ok());
    CHECK(*read == position);
  }
  CHECK(EncodePosition({1204, 3, "abc"}) == "1204/3@abc");
  for (const char* text : {"", "-1", "+1", " 1", "01", "1/", "1/-1", "1@", "1/2/3", "a", "1x",
                           "9223372036854775808", "1/2147483648", "@abc"}) {
    INFO(text);
    const auto read = DecodePosition(text, "clicks/0");
    REQUIRE_FALSE(read.ok());
    CHECK(read.status().Is(errors::kBadKafkaPosition));
    CHECK(read.status().message().find("clicks/0") != std::string::npos);
  }
}

TEST_CASE("kafka split names hold topic and partition") {
  const auto name = ParseSplitId(SplitId("a.b_c-d", 12));
  REQUIRE(name.ok());
  CHECK(name->topic == "a.b_c-d");
  CHECK(name->partition == 12);
  for (const char* id : {"", "a", "a/", "/1", "a/b", "a/01", "a b/1", "a/-1", "a/1/2", "../1"}) {
    INFO(id);
    CHECK_FALSE(ParseSplitId(id).ok());
  }
}

TEST_CASE("a marker names its job, and what weir did not write is somebody else's") {
  const std::string checksum("\x00 \xff\n", 4);  // Bytes that no text may hold.
  const Marker marker{"0123abcd", {41}, checksum};
  const LaneMarker read = ReadLaneMarker(41, EncodeMarker(marker));
  CHECK(read.found);
  CHECK(read.epoch == Epoch{41});
  CHECK(read.instance == "0123abcd");
  CHECK(read.manifest_checksum == checksum);
  CHECK(EncodeMarker(marker) == "weir1 0123abcd 41 0020ff0a");
  CHECK(EncodeMarker({"i", {1}, ""}) == "weir1 i 1 -");

  CHECK_FALSE(ReadLaneMarker(RD_KAFKA_OFFSET_INVALID, "").found);
  CHECK_FALSE(ReadLaneMarker(-1, EncodeMarker(marker)).found);
  // The offset and the metadata contradict each other, or the metadata is another program's.
  for (const char* metadata :
       {"", "weir1", "weir1 0123abcd", "weir1 0123abcd 40 aa", "weir1 0123abcd 41 a",
        "weir1 0123abcd 41 xx", "weir1 0123abcd x aa", "weir2 0123abcd 41 aa", "weir1  41 aa"}) {
    INFO(metadata);
    const LaneMarker foreign = ReadLaneMarker(41, metadata);
    CHECK(foreign.found);
    CHECK(foreign.epoch == Epoch{41});
    CHECK(foreign.instance == "?");
  }
  CHECK(LaneName("clickstream", "departments", 2) == "weir-clickstream-departments-2");
}

TEST_CASE("a partition's progress drops what was read and what lies behind the stop") {
  Progress progress(5, 9);
  CHECK_FALSE(progress.Accept(4));
  CHECK(progress.Accept(5));
  CHECK_FALSE(progress.Accept(5));
  CHECK(progress.Accept(7));  // Gaps are legal.
  CHECK(progress.next() == 8);
  CHECK_FALSE(progress.finished());
  CHECK_FALSE(progress.Accept(12));
  CHECK(progress.next() == 9);
  CHECK(progress.finished());
  CHECK(progress.Activity() == SplitActivity::kFinished);

  Progress behind_aborted(5, 9);
  behind_aborted.End(30);  // Only control records and aborted ones up to there.
  CHECK(behind_aborted.finished());
  CHECK(behind_aborted.next() == 9);

  Progress past(8, 3);  // It began behind its stop.
  CHECK(past.finished());
  past.End(9);
  CHECK_FALSE(past.Accept(9));
  CHECK(past.next() == 8);

  CHECK(Progress(3, 3).finished());
  CHECK_FALSE(Progress(3, std::nullopt).finished());
}

TEST_CASE("lag is counted up to the last stable offset, or to the stop") {
  Progress progress(3, std::nullopt);
  progress.Leader(20, std::nullopt);
  CHECK_FALSE(progress.Lag());  // Up to where records are committed is not known yet.
  progress.Stable(9);
  CHECK(progress.Lag() == 6);
  progress.Accept(8);
  CHECK(progress.Lag() == 0);
  Progress bounded(3, 7);
  bounded.Stable(9);
  CHECK(bounded.Lag() == 4);
}

TEST_CASE("positions are committed to the job's group, another one, or none") {
  SourceOptions options;
  CHECK(GroupOf(options, "clicks") == "weir-clicks");
  options.group = "billing.v2";
  CHECK(GroupOf(options, "clicks") == "billing.v2");
  options.group = "none";
  CHECK(GroupOf(options, "clicks").empty());
  CHECK(IsGroupName("weir-clicks"));
  for (const char* name : {"", "a:b", "a b", "caf\xc3\xa9"}) CHECK_FALSE(IsGroupName(name));
}

TEST_CASE("a partition is caught up only where its leader says that nothing is left") {
  Progress progress(0, std::nullopt);
  CHECK(progress.Activity() == SplitActivity::kReading);
  progress.Accept(0);
  progress.Accept(1);
  progress.End(2);
  CHECK(progress.Activity() == SplitActivity::kReading);  // The leader was not asked.
  progress.Leader(2, 2);
  CHECK(progress.Activity() == SplitActivity::kCaughtUp);
  CHECK(progress.Lag() == 0);

  progress.Leader(9, 2);  // Behind somebody's open transaction.
  CHECK(progress.Activity() == SplitActivity::kHeld);
  CHECK(progress.Lag() == 0);
  progress.Leader(9, 9);
  CHECK(progress.Activity() == SplitActivity::kReading);
  CHECK(progress.Lag() == 7);
  progress.End(9);  // It was aborted: only its traces were there.
  CHECK(progress.Activity() == SplitActivity::kCaughtUp);

  progress.Unreachable();
  CHECK(progress.Activity() == SplitActivity::kHeld);
  progress.Accept(9);
  CHECK(progress.Activity() == SplitActivity::kReading);
}

TEST_CASE("random events never take a partition's position back nor past its stop") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int run = 0; run < 500; run++) {
    const int64_t stop = random() % 60;
    const bool bounded = random() % 2 == 0;
    Progress progress(random() % 20, bounded ? std::optional<int64_t>(stop) : std::nullopt);
    const bool born_behind = bounded && progress.next() > stop;
    std::set<int64_t> given;
    int64_t before = progress.next();
    for (int i = 0; i < 50; i++) {
      const int64_t offset = random() % 80;
      if (random() % 4 == 0) {
        progress.End(offset);
      } else if (progress.Accept(offset)) {
        CHECK(given.insert(offset).second);
        CHECK(offset >= before);
        if (bounded) CHECK(offset < stop);
      }
      CHECK(progress.next() >= before);
      if (bounded && !born_behind) CHECK(progress.next() <= stop);
      before = progress.next();
    }
  }
}

TEST_CASE("errors of transactions are sorted by what must happen next") {
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR__FENCED) == PublishFault::kFenced);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH) == PublishFault::kFenced);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) == PublishFault::kRefused);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) == PublishFault::kDenied);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT) == PublishFault::kBroken);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR__TIMED_OUT) == PublishFault::kUnknown);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR__TRANSPORT) == PublishFault::kUnknown);
  CHECK(ClassifyFault(RD_KAFKA_RESP_ERR__FATAL) == PublishFault::kUnknown);
}

TEST_CASE("errors of the client name the address and tell whether to try again") {
  const Status away = ToStatus(RD_KAFKA_RESP_ERR__TIMED_OUT, "", "describing topics", "host:9092");
  CHECK(away.Is(errors::kBrokersAway));
  CHECK(away.kind() == ErrorKind::kRetry);
  CHECK(away.message().find("host:9092") != std::string::npos);
  const Status denied =
      ToStatus(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "", "topic 'a'", "host:9092");
  CHECK(denied.Is(errors::kNotAllowed));
  CHECK(denied.kind() == ErrorKind::kFailed);
}

TEST_CASE("a client library below 2.8 is refused with its version") {
  CHECK(CheckClientVersion(0x020800ff, "2.8.0").ok());
  CHECK(CheckClientVersion(0x020f00ff, "2.15.0").ok());
  const Status old = CheckClientVersion(0x020002ff, "2.0.2");
  CHECK(old.Is(errors::kClientTooOld));
  CHECK(old.message().find("2.0.2") != std::string::npos);
}

TEST_CASE("fetch limits of all partitions together stay within the budget") {
  for (const size_t partitions : {1, 2, 4, 5, 64, 500}) {
    const FetchLimits limits = LimitsFor(64 << 20, partitions);
    CHECK(limits.capacity >= partitions);
    CHECK(limits.queued_kbytes * 1024 * static_cast<int64_t>(partitions) <= 64 << 20);
    CHECK(limits.queued_messages * 512 * static_cast<int64_t>(partitions) <= 64 << 20);
    CHECK(limits.queued_messages >= 100);
  }
}

TEST_CASE("settings that name files, programs or guarantees are not a job's to make") {
  for (const char* name :
       {"plugin.library.paths", "ssl.ca.location", "sasl.oauthbearer.token.endpoint.url",
        "transactional.id", "enable.idempotence", "isolation.level", "auto.offset.reset",
        "bootstrap.servers", "group.id", "acks", "debug", "", "ssl.engine.location"}) {
    INFO(name);
    CHECK(UseOfProperty(name) == PropertyUse::kRefused);
  }
  CHECK(UseOfProperty("socket.timeout.ms") == PropertyUse::kBoth);
  // The library knows each that is allowed.
  for (const std::string& name : AllowedProperties()) {
    rd_kafka_conf_t* config = rd_kafka_conf_new();
    char value[256];
    size_t size = sizeof value;
    INFO(name);
    CHECK(rd_kafka_conf_get(config, name.c_str(), value, &size) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(config);
  }
}

TEST_CASE("topics have names that Kafka takes") {
  for (const char* name : {"a", "ExampleTopic", "a.b-c_d9", "..."}) CHECK(IsTopicName(name));
  for (const char* name : {"", ".", "..", "a b", "a/b", "ä", "a\n"}) CHECK_FALSE(IsTopicName(name));
  CHECK(IsTopicName(std::string(249, 'x')));
  CHECK_FALSE(IsTopicName(std::string(250, 'x')));
}

TEST_CASE("a pattern matches whole names, and a wrong one is told") {
  CHECK(*MatchesPattern("clicks-.*", "clicks-eu"));
  CHECK_FALSE(*MatchesPattern("clicks", "clicks-eu"));
  const auto wrong = MatchesPattern("(", "x");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.status().Is(errors::kSourceOption));
}

/// What Java's `Utils.toPositive(Utils.murmur2(key)) % partitions` gives; the hashes are those of
/// Kafka's own test of it.
TEST_CASE("keys go to the partitions that Java's client takes") {
  const std::pair<std::string, int32_t> golden[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107}};
  for (const auto& [key, hash] : golden) {
    for (const int32_t partitions : {1, 3, 16, 1000}) {
      INFO(key);
      CHECK(rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr,
                                             nullptr) == (hash & 0x7fffffff) % partitions);
    }
  }
}

TEST_CASE("connections are counted by tasks, lanes and brokers") {
  // One broker: a reader has it twice (as its group's coordinator, too), who looks for partitions
  // once, who tells the group twice.
  CHECK(SourceConnections(1, /*tells_group=*/true, 1) == 2 + 1 + 2);
  CHECK(SourceConnections(4, /*tells_group=*/false, 1) == 4 * 2 + 1);
  // Three: all of them and the coordinator; who tells the group needs two of them.
  CHECK(SourceConnections(4, /*tells_group=*/true, 3) == 4 * 4 + 3 + 3);
  CHECK(SinkConnections(1, 1) == 2 + 2);
  CHECK(SinkConnections(2, 3) == 2 * (4 + 3));
}

TEST_CASE("what handles tell of a connection adds up; of a topic the newest counts") {
  Connection connection({});
  CHECK(connection.Link().connections_opened == 0);
  CHECK_FALSE(connection.Link().login_end);
  connection.SocketOpened();
  connection.Throttled(Duration::Millis(200));
  connection.Throttled(Duration::Millis(300));
  connection.SawTopic("clicks", {2, 5});
  connection.SawTopic("counts", {1, 1});
  connection.SawTopic("clicks", {0, 3});
  const LinkStatus status = connection.Link();
  CHECK(status.connections_opened == 1);
  CHECK(status.throttled.us == 500'000);
  CHECK(status.partitions_leaderless == 1);
  CHECK(status.partitions_under_replicated == 4);
}

}  // namespace weir::kafka
