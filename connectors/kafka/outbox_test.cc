#include "connectors/kafka/outbox.h"

#include <deque>
#include <random>

#include "connectors/kafka/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir::kafka {
namespace {

/// A record and what its views point into.
struct Sample {
  OutboxRecord record;
  std::deque<std::string> texts;
  std::string_view Keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

std::string RandomText(std::mt19937& random) {
  std::string text(random() % 5 == 0 ? random() % 400 : random() % 12, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

void Fill(Sample& sample, std::mt19937& random) {
  if (random() % 3 != 0) sample.record.key = sample.Keep(RandomText(random));
  if (random() % 5 != 0) sample.record.value = sample.Keep(RandomText(random));
  if (random() % 2 == 0) sample.record.partition = static_cast<int32_t>(random() & INT32_MAX);
  sample.record.timestamp_ms = static_cast<int64_t>(random()) * random();
  for (size_t i = random() % 4; i > 0; i--) {
    std::optional<std::string_view> value;
    if (random() % 3 != 0) value = sample.Keep(RandomText(random));
    sample.record.headers.emplace_back(sample.Keep(RandomText(random)), value);
  }
}

bool Same(const OutboxRecord& a, const OutboxRecord& b) {
  return a.key == b.key && a.value == b.value && a.partition == b.partition &&
         a.timestamp_ms == b.timestamp_ms && a.headers == b.headers;
}

}  // namespace

TEST_CASE("a sealed outbox is read back record by record") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::deque<Sample> samples(300);
  std::string sealed(kOutboxMagic);
  for (Sample& sample : samples) {
    Fill(sample, random);
    AppendOutboxRecord(sealed, sample.record);
  }
  const SealedPart part{sealed, 0, nullptr};
  OutboxReader reader(part);
  OutboxRecord record;
  for (const Sample& sample : samples) {
    REQUIRE(reader.Next(record));
    CHECK(Same(record, sample.record));
  }
  CHECK_FALSE(reader.Next(record));
  CHECK(reader.status().ok());
}

TEST_CASE("a sealed outbox in a file is read back record by record, in pieces") {
  const weir::testing::TemporaryFolder folder;
  auto store = weir::testing::Check(CheckpointStore::Open(folder.path(), "j"));
  const auto spool = std::make_shared<Spool>(store.get());
  std::string bytes(kOutboxMagic);
  OutboxRecord record;
  constexpr int kRecords = 3000;
  const auto value = [](int i) {  // One is larger than what is read at once.
    return std::string(i == 1234 ? 1'500'000 : i % 800, static_cast<char>('a' + i % 26));
  };
  for (int i = 0; i < kRecords; i++) {
    const std::string text = value(i);
    record.value = text;
    record.timestamp_ms = i;
    AppendOutboxRecord(bytes, record);
    REQUIRE(spool->Append(bytes).ok());
    bytes.clear();
  }
  REQUIRE(spool->Finish().ok());
  const SealedPart part{{}, kRecords, spool};
  OutboxReader reader(part);
  for (int i = 0; i < kRecords; i++) {
    REQUIRE(reader.Next(record));
    CHECK(record.timestamp_ms == i);
    CHECK((record.value == value(i)));
  }
  CHECK_FALSE(reader.Next(record));
  CHECK(reader.status().ok());
}

TEST_CASE("the outbox's form is what the grammar says") {
  std::string bytes;
  OutboxRecord record;
  record.key = "k";
  record.value = "value";
  record.partition = 300;
  record.timestamp_ms = 258;
  record.headers = {{"h", std::nullopt}, {"i", "v"}};
  AppendOutboxRecord(bytes, record);
  using std::string_literals::operator""s;
  CHECK(bytes == "\x0f\x02\x01\0\0\0\0\0\0\xac\x02\x02\x01h\0\x01i\x01\x01v\x01k\x05value"s);
}

TEST_CASE("no bytes make the outbox reader go wrong: they are read or called damaged") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int run = 0; run < 2000; run++) {
    std::string sealed(kOutboxMagic);
    for (int i = 0; i < 5; i++) {
      Sample sample;
      Fill(sample, random);
      AppendOutboxRecord(sealed, sample.record);
    }
    switch (random() % 3) {
      case 0:
        sealed.resize(random() % sealed.size());
        break;
      case 1:
        sealed[random() % sealed.size()] ^= static_cast<char>(1 << random() % 8);
        break;
      default:
        sealed += RandomText(random);
        break;
    }
    // A copy of exactly that size, so that a sanitizer sees a read beyond the end.
    const SealedPart exact{std::string(sealed), 0, nullptr};
    OutboxReader reader(exact);
    OutboxRecord record;
    size_t records = 0;
    while (reader.Next(record)) records++;
    CHECK(records <= sealed.size());
    if (!reader.status().ok()) CHECK(reader.status().Is(errors::kDamagedOutbox));
  }
  std::string huge(kOutboxMagic);
  huge += '\x08' + std::string(8, '\0') + "\xff\xff\xff\xff\x0f";  // Four milliards of headers.
  const SealedPart part{huge, 0, nullptr};
  OutboxReader reader(part);
  OutboxRecord record;
  CHECK_FALSE(reader.Next(record));
  CHECK(reader.status().Is(errors::kDamagedOutbox));
}

TEST_CASE("an empty outbox holds nothing, one with other bytes is damaged") {
  OutboxRecord record;
  const SealedPart no_bytes;
  OutboxReader nothing(no_bytes);
  CHECK_FALSE(nothing.Next(record));
  CHECK(nothing.status().ok());
  const SealedPart other_bytes{"WKO2abc", 0, nullptr};
  OutboxReader other(other_bytes);
  CHECK_FALSE(other.Next(record));
  CHECK(other.status().Is(errors::kDamagedOutbox));
}

}  // namespace weir::kafka
