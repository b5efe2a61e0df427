#include <fmt/format.h>

#include "formats/avro_decoder.h"
#include "formats/avro_encoder.h"
#include "formats/errors.h"
#include "formats/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Declared;

AvroSchemaPtr Parsed(std::string_view json) {
  Result<AvroSchemaPtr> schema = AvroSchema::Parse(json);
  INFO(json << "\n" << (schema.ok() ? "" : schema.status().ToString()));
  REQUIRE(schema.ok());
  return *schema;
}

/// A record of fields, `{"name":"a","type":"int"},…`.
AvroSchemaPtr Fields(std::string_view fields) {
  return Parsed(fmt::format(R"({{"type":"record","name":"R","fields":[{}]}})", fields));
}

std::vector<int> Every(size_t count) {
  std::vector<int> all(count);
  for (size_t i = 0; i < count; i++) all[i] = static_cast<int>(i);
  return all;
}

AvroColumns Columns(const AvroSchemaPtr& reader,
                    const std::vector<ColumnDeclaration>& declared = {}) {
  Result<AvroColumns> columns = AvroColumns::Make(
      reader, declared, Every(declared.empty() ? reader->root().fields.size() : declared.size()));
  INFO((columns.ok() ? "" : columns.status().ToString()));
  REQUIRE(columns.ok());
  return *columns;
}

/// Rows as testing::Decode shows them.
std::string Decode(const AvroSchemaPtr& writer, const AvroColumns& columns,
                   const std::vector<std::string_view>& payloads,
                   std::vector<Rejection>* told = nullptr) {
  auto program = AvroProgram::Make(writer, columns);
  if (!program.ok()) return program.status().ToString();
  class One final : public Decoder {
   public:
    explicit One(const AvroProgram& program) : program_(program) {}
    const SchemaPtr& schema() const override { return program_.schema(); }
    Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                  std::vector<Rejection>& rejected) override {
      decoder_.Decode(program_, records, out, rejected);
      return Status::Ok();
    }

   private:
    const AvroProgram& program_;
    AvroDecoder decoder_;
  } decoder(**program);
  return testing::Decode(decoder, payloads, told);
}

std::string Decode(const AvroSchemaPtr& schema, const std::vector<std::string_view>& payloads,
                   std::vector<Rejection>* told = nullptr) {
  return Decode(schema, Columns(schema), payloads, told);
}

using namespace std::string_view_literals;

TEST_CASE("the specification's own examples of Avro binary") {
  // {"a": 27, "b": "foo"} is 36 06 66 6f 6f.
  const auto test = Fields(R"({"name":"a","type":"long"},{"name":"b","type":"string"})");
  CHECK(Decode(test, {"\x36\x06"
                      "foo"}) == "27,\"foo\"");
  // The array [3, 27] is 04 06 36 00, also with its size before it.
  const auto list = Fields(R"({"name":"l","type":{"type":"array","items":"long"}})");
  CHECK(Decode(list, {"\x04\x06\x36\x00"sv, "\x03\x04\x06\x36\x00"sv, "\x02\x06\x02\x36\x00"sv,
                      "\x00"sv}) == "[3,27] | [3,27] | [3,27] | []");
  // Of ["null","string"] null is 00, and "a" is 02 02 61.
  const auto text = Fields(R"({"name":"u","type":["null","string"]})");
  CHECK(Decode(text, {"\x00"sv, "\x02\x02\x61"}) == "null | \"a\"");
  // 0, -1, 1, -2, 2, -64, 64 are 00 01 02 03 04 7f 80 01.
  const auto number = Fields(R"({"name":"n","type":"int"})");
  CHECK(Decode(number, {"\x00"sv, "\x01", "\x02", "\x03", "\x04", "\x7f", "\x80\x01"}) ==
        "0 | -1 | 1 | -2 | 2 | -64 | 64");
}

}  // namespace
}  // namespace weir
