#include "connectors/kafka/outbox.h"

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <random>

#include "connectors/kafka/errors.h"
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

std::string Folder() {
  return (std::filesystem::temp_directory_path() / ("weir-spool-" + std::to_string(::getpid())))
      .string();
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
  OutboxReader reader(sealed);
  OutboxRecord record;
  for (const Sample& sample : samples) {
    REQUIRE(reader.Next(record));
    CHECK(Same(record, sample.record));
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
    const std::vector<char> exact(sealed.begin(), sealed.end());
    OutboxReader reader({exact.data(), exact.size()});
    OutboxRecord record;
    size_t records = 0;
    while (reader.Next(record)) records++;
    CHECK(records <= sealed.size());
    if (!reader.status().ok()) CHECK(reader.status().Is(errors::kDamagedOutbox));
  }
  std::string huge(kOutboxMagic);
  huge += '\x08' + std::string(8, '\0') + "\xff\xff\xff\xff\x0f";  // Four milliards of headers.
  OutboxReader reader(huge);
  OutboxRecord record;
  CHECK_FALSE(reader.Next(record));
  CHECK(reader.status().Is(errors::kDamagedOutbox));
}

TEST_CASE("an empty outbox holds nothing, one with other bytes is damaged") {
  OutboxRecord record;
  OutboxReader nothing("");
  CHECK_FALSE(nothing.Next(record));
  CHECK(nothing.status().ok());
  OutboxReader other("WKO2abc");
  CHECK_FALSE(other.Next(record));
  CHECK(other.status().Is(errors::kDamagedOutbox));
}

TEST_CASE("a spool gives back what it was given, from memory and from its file") {
  for (const size_t limit : {size_t{10}, size_t{1000}, size_t{1} << 20}) {
    Spool spool(Folder(), limit);
    for (int epoch = 0; epoch < 3; epoch++) {
      std::string all;
      for (int i = 0; i < 500; i++) {
        const std::string piece = std::to_string(epoch) + "/" + std::to_string(i) + ";";
        REQUIRE(spool.Append(piece).ok());
        all += piece;
        CHECK(spool.size() == all.size());
      }
      const auto taken = spool.Take();
      REQUIRE(taken.ok());
      CHECK(*taken == all);
      CHECK(spool.size() == 0);
    }
  }
  // Its file has no name: nothing is left to clean up.
  CHECK(std::filesystem::is_empty(Folder()));
  std::filesystem::remove_all(Folder());
}

TEST_CASE("a spool without a folder makes do with memory for a while, and loses nothing") {
  Spool spool("/proc/weir-cannot-be-made", 100);
  std::string all;
  Status status;
  while (status.ok() && all.size() < 100'000) {
    status = spool.Append("0123456789");
    if (status.ok()) all += "0123456789";
  }
  REQUIRE_FALSE(status.ok());
  CHECK(status.Is(errors::kSpool));
  CHECK(all.size() > 200);
  const auto taken = spool.Take();
  REQUIRE(taken.ok());
  CHECK(*taken == all);
}

}  // namespace weir::kafka
