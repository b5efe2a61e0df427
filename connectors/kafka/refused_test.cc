#include "connectors/kafka/refused.h"

#include <random>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/outbox.h"
#include "tests/catch.h"

namespace weir::kafka {
namespace {

constexpr int64_t kRecordBytes = 500;

SealedPart PartOf(const std::vector<std::string>& values) {
  SealedPart part;
  if (!values.empty()) part.bytes = kOutboxMagic;
  for (const std::string& value : values) {
    OutboxRecord record;
    record.key = "key";
    record.value = value;
    record.timestamp_ms = 1000;
    record.headers = {{"from", "here"}, {"nothing", std::nullopt}};
    AppendOutboxRecord(part.bytes, record);
    part.rows++;
  }
  return part;
}

std::vector<std::string> Values(const std::string& sealed) {
  std::vector<std::string> values;
  const SealedPart part{sealed, 0, nullptr};
  OutboxReader reader(part);
  OutboxRecord record;
  while (reader.Next(record)) values.emplace_back(*record.value);
  REQUIRE(reader.status().ok());
  return values;
}

/// A broker that refuses what begins with "bad", and counts how often it is asked.
struct Broker {
  int asked = 0;
  Status operator()(const std::string& sealed) {
    asked++;
    for (const std::string& value : Values(sealed)) {
      CHECK(value.size() < kRecordBytes);  // Those are told by their size.
      if (value.starts_with("bad")) return Status(errors::kRecordRefused, "against the policy");
    }
    return Status::Ok();
  }
};

}  // namespace

TEST_CASE("refused records are taken out of their epochs, all others stay as they are") {
  const std::string large(600, 'x');
  std::vector<SealedEpoch> epochs = {{{4}, {PartOf({"a", "bad 1"}), PartOf({})}},
                                     {{5}, {PartOf({large}), PartOf({"bad 2"})}},
                                     {{6}, {PartOf({"b"}), PartOf({"bad 3", "c"})}}};
  Broker broker;
  const auto refused = TakeRefused(epochs, "out", kRecordBytes, std::ref(broker));
  REQUIRE(refused.ok());
  REQUIRE(epochs.size() == 2);
  CHECK(epochs[0].epoch == Epoch{4});
  REQUIRE(epochs[0].parts.size() == 1);
  CHECK(epochs[0].parts[0].bytes == PartOf({"a"}).bytes);
  CHECK(epochs[0].parts[0].rows == 1);
  CHECK(epochs[1].epoch == Epoch{6});
  REQUIRE(epochs[1].parts.size() == 2);
  CHECK(epochs[1].parts[1].bytes == PartOf({"c"}).bytes);

  REQUIRE(refused->size() == 4);
  CHECK((*refused)[0].value == "bad 1");
  CHECK((*refused)[0].code == &errors::kRecordRefused);
  CHECK((*refused)[0].reason == "against the policy");
  CHECK((*refused)[1].value == large);
  CHECK((*refused)[1].code == &errors::kRecordTooLarge);
  CHECK((*refused)[2].value == "bad 2");
  CHECK((*refused)[3].topic == "out");
  CHECK((*refused)[3].key == "key");
  CHECK((*refused)[3].timestamp == EventTime{1'000'000});
  REQUIRE((*refused)[3].headers.size() == 2);
  CHECK((*refused)[3].headers[0].second == "here");
  CHECK_FALSE((*refused)[3].headers[1].second);
}

TEST_CASE("few refused records among many are found with few questions") {
  std::mt19937 random(7);
  std::vector<std::string> values(4096, "good");
  for (int i = 0; i < 3; i++) values[random() % values.size()] = "bad";
  std::vector<SealedEpoch> epochs = {{{1}, {PartOf(values)}}};
  Broker broker;
  const auto refused = TakeRefused(epochs, "out", kRecordBytes, std::ref(broker));
  REQUIRE(refused.ok());
  std::erase(values, "bad");
  CHECK(refused->size() + values.size() == 4096);
  CHECK(Values(epochs[0].parts[0].bytes) == values);
  CHECK(broker.asked < 3 * 2 * 12 + 2);
}

TEST_CASE("where the broker is away nothing is taken") {
  std::vector<SealedEpoch> epochs = {{{1}, {PartOf({"a", std::string(600, 'x')})}}};
  const auto refused = TakeRefused(epochs, "out", kRecordBytes, [](const std::string&) {
    return Status(errors::kBrokersAway, "nobody answers");
  });
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().Is(errors::kBrokersAway));
  CHECK(epochs[0].parts[0].rows == 2);
}

}  // namespace weir::kafka
