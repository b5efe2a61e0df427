#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "formats/avro_decoder.h"
#include "formats/testing.h"
#include "tests/catch.h"

namespace weir::testing {

inline AvroSchemaPtr Parsed(std::string_view json) {
  Result<AvroSchemaPtr> schema = AvroSchema::Parse(json);
  INFO(json << "\n" << (schema.ok() ? "" : schema.status().ToString()));
  REQUIRE(schema.ok());
  return *schema;
}

/// A record of fields, `{"name":"a","type":"int"},…`.
inline AvroSchemaPtr Fields(std::string_view fields) {
  return Parsed(fmt::format(R"({{"type":"record","name":"R","fields":[{}]}})", fields));
}

inline std::vector<int> Every(size_t count) {
  std::vector<int> all(count);
  for (size_t i = 0; i < count; i++) all[i] = static_cast<int>(i);
  return all;
}

inline AvroColumns Columns(const AvroSchemaPtr& reader,
                           const std::vector<ColumnDeclaration>& declared = {}) {
  Result<AvroColumns> columns = AvroColumns::Make(
      reader, declared, Every(declared.empty() ? reader->root().fields.size() : declared.size()));
  INFO((columns.ok() ? "" : columns.status().ToString()));
  REQUIRE(columns.ok());
  return *columns;
}

/// Rows as testing::Decode shows them.
inline std::string Decode(const AvroSchemaPtr& writer, const AvroColumns& columns,
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
  return Decode(static_cast<Decoder&>(decoder), payloads, told);
}

inline std::string Decode(const AvroSchemaPtr& schema,
                          const std::vector<std::string_view>& payloads,
                          std::vector<Rejection>* told = nullptr) {
  return Decode(schema, Columns(schema), payloads, told);
}

}  // namespace weir::testing
