#include "formats/avro_record_decoder.h"

#include <zlib.h>

#include <thread>

#include "formats/errors.h"
#include "formats/fake_registry.h"
#include "formats/inflate.h"
#include "formats/testing.h"

namespace weir {
namespace {

using testing::FakeRegistry;
using testing::FakeShelf;
using testing::RecordOf;

const std::string kOne = RecordOf(R"({"name":"a","type":"long"})");
/// Has a field more, in front.
const std::string kTwo = RecordOf(R"({"name":"b","type":"string"},{"name":"a","type":"long"})");
const std::string kOther = RecordOf(R"({"name":"a","type":"string"})");

std::string Framed(const SchemaId& id, const std::string& payload) {
  return std::string(1, '\0') + std::string(id.bytes()) + payload;
}

struct Reading {
  std::shared_ptr<FakeRegistry> registry = std::make_shared<FakeRegistry>();
  std::shared_ptr<FakeShelf> shelf = std::make_shared<FakeShelf>();

  /// One that reads what is written with `reader`.
  AvroRecordDecoder Decoder(const std::string& reader = kOne) const {
    const auto schema = AvroSchema::Parse(reader).value();
    return AvroRecordDecoder(AvroColumns::Make(schema, {}, {0}).value(), registry, "rows-value",
                             std::make_unique<SchemaSource>(registry, "there", shelf));
  }
};

/// Asks until all are ready, or there is an error.
Status UntilReady(AvroRecordDecoder& decoder, const std::vector<std::string_view>& records) {
  for (;;) {
    const Result<size_t> ready = decoder.Ready(records);
    if (!ready.ok()) return ready.status();
    if (*ready == records.size()) return Status::Ok();
    std::this_thread::yield();
  }
}

TEST_CASE("each record is read by the schema that its frame names") {
  Reading reading;
  const std::string one = Framed(reading.registry->Add("rows-value", kOne), "\x02");
  const std::string two = Framed(reading.registry->Add("rows-value", kTwo), "\x02x\x04");
  AvroRecordDecoder decoder = reading.Decoder();
  const std::vector<std::string_view> records{one, two, two, one};
  REQUIRE(UntilReady(decoder, records).ok());
  CHECK(testing::Decode(decoder, records) == "1 | 2 | 2 | 1");
  CHECK(reading.registry->calls == 2);
  CHECK(reading.shelf->size() == 2);
}

TEST_CASE("records without a frame, of unknown ids and damaged ones are bad, the others go on") {
  Reading reading;
  const std::string good = Framed(reading.registry->Add("rows-value", kOne), "\x02");
  const std::string json =
      Framed(reading.registry->Add("json-value", "{}", SchemaKind::kJson), "{}");
  const std::string unknown = Framed(SchemaId::OfNumber(77), "\x02");
  const std::string cut = good.substr(0, 5);
  AvroRecordDecoder decoder = reading.Decoder();
  const std::vector<std::string_view> records{
      good, R"({"a":1})", unknown, good, cut, std::string_view(), "", json, good};
  REQUIRE(UntilReady(decoder, records).ok());
  std::vector<Rejection> told;
  CHECK(testing::Decode(decoder, records, &told) ==
        "1 | !F034 | !F035 | 1 | !F001 | !F004 | !F034 | !F035 | 1");
  CHECK(told[0].reason.find("looks like JSON") != std::string::npos);
  CHECK(told[1].reason == "the registry has no schema 77");
  CHECK(told.back().reason == "schema 2 is of kind JSON, not AVRO");
}

TEST_CASE("while the registry is away, known ids go on and unknown ones wait") {
  Reading reading;
  const std::string one = Framed(reading.registry->Add("rows-value", kOne), "\x02");
  const std::string two = Framed(reading.registry->Add("rows-value", kTwo), "\x02x\x04");
  AvroRecordDecoder decoder = reading.Decoder();
  REQUIRE(UntilReady(decoder, {one}).ok());
  reading.registry->away = true;
  const std::vector<std::string_view> records{one, one, two, one};
  const int before = reading.registry->calls;
  CHECK(decoder.Ready(records).value() == 2);
  while (reading.registry->calls < before + 2) std::this_thread::yield();
  CHECK(decoder.Ready(records).value() == 2);
  reading.registry->away = false;
  REQUIRE(UntilReady(decoder, records).ok());
  CHECK(testing::Decode(decoder, records) == "1 | 1 | 2 | 1");
}

TEST_CASE("what was seen once is read without the registry") {
  Reading reading;
  const std::string one = Framed(reading.registry->Add("rows-value", kOne), "\x02");
  {
    AvroRecordDecoder decoder = reading.Decoder();
    REQUIRE(UntilReady(decoder, {one}).ok());
  }
  reading.registry->away = true;
  const int before = reading.registry->calls;
  AvroRecordDecoder decoder = reading.Decoder();
  REQUIRE(UntilReady(decoder, {one}).ok());
  CHECK(testing::Decode(decoder, {one}) == "1");
  CHECK(reading.registry->calls == before);
}

TEST_CASE("a schema that cannot be read as the job wants it is an error of its own") {
  Reading reading;
  const std::string other = Framed(reading.registry->Add("rows-value", kOther), "\x02x");
  AvroRecordDecoder decoder = reading.Decoder();
  const Status status = UntilReady(decoder, {other});
  CHECK(status.Is(errors::kUnreadableSchema));
  CHECK(status.message().find("'rows-value'") != std::string::npos);
  CHECK(status.message().find("schema 1") != std::string::npos);
}

TEST_CASE("a schema may use types of those that it refers to") {
  const std::string inner =
      R"({"type":"record","name":"shop.Inner","fields":[{"name":"x","type":"long"}]})";
  const std::string outer =
      R"({"type":"record","name":"shop.Outer","fields":[{"name":"i","type":"Inner"}]})";
  CHECK_FALSE(AvroSchema::Parse(outer).ok());
  const std::vector<std::string> referred{inner};
  const auto schema = AvroSchema::Parse(outer, referred);
  REQUIRE(schema.ok());
  CHECK((*schema)->root().name == "shop.Outer");
  CHECK((*schema)->root().fields[0].type->name == "shop.Inner");
  const std::vector<std::string> wrong{"{"};
  CHECK_FALSE(AvroSchema::Parse(outer, wrong).ok());
}

TEST_CASE("compressed data is unpacked up to a bound") {
  const std::string text(100'000, 'x');
  std::string packed(compressBound(text.size()), '\0');
  uLongf size = packed.size();
  REQUIRE(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                   reinterpret_cast<const Bytef*>(text.data()), text.size()) == Z_OK);
  packed.resize(size);
  std::string out;
  CHECK(InflateZlib(packed, 200'000, out));
  CHECK(out == text);
  CHECK_FALSE(InflateZlib(packed, 99'999, out));
  CHECK(out.size() <= 99'999);
  CHECK_FALSE(InflateZlib(packed.substr(0, packed.size() - 1), 200'000, out));
  CHECK_FALSE(InflateZlib(packed + "x", 200'000, out));
  CHECK_FALSE(InflateZlib("", 200'000, out));
  CHECK_FALSE(InflateZlib("nonsense", 200'000, out));
}

}  // namespace
}  // namespace weir
