#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "batch/render.h"
#include "formats/format.h"
#include "tests/catch.h"

namespace weir::testing {

inline ColumnDeclaration Declared(const std::string& name, const std::string& type,
                                  const std::string& from = "") {
  ColumnDeclaration column;
  column.name = name;
  column.type = Type::Parse(type).value();
  column.from = from;
  return column;
}

/// Codecs of format raw.
inline std::unique_ptr<Decoder> RawDecoder() {
  Diagnostics diagnostics;
  return FindFormat("raw")->PlanDecoding({}, diagnostics)->MakeDecoder({}, {0}).value();
}
inline std::unique_ptr<Encoder> RawEncoder() {
  Diagnostics diagnostics;
  const Schema schema({{"value", TypeKind::kString}});
  return FindFormat("raw")->PlanEncoding({}, schema, diagnostics)->MakeEncoder({}).value();
}

/// What a decoder gives for records in one call: each is a row or a rejection.
struct DecodedRecords {
  BatchPtr batch;
  std::vector<Rejection> rejected;
};

inline DecodedRecords DecodeAll(Decoder& decoder, const std::vector<std::string_view>& records) {
  BatchBuilder builder(decoder.schema());
  DecodedRecords decoded;
  REQUIRE(decoder.Decode(records, builder, decoded.rejected).ok());
  decoded.batch = builder.Finish();
  REQUIRE(decoded.batch->rows() + decoded.rejected.size() == records.size());
  return decoded;
}

/// The same as text, in the records' order: `1,"x" | null,"y"`, rejections as `!code`. They go to
/// `told`, too.
inline std::string Decode(Decoder& decoder, const std::vector<std::string_view>& records,
                          std::vector<Rejection>* told = nullptr) {
  auto [batch, rejected] = DecodeAll(decoder, records);
  std::string text;
  size_t next = 0;
  size_t row = 0;
  for (uint32_t i = 0; i < records.size(); i++) {
    if (i > 0) text += " | ";
    if (next < rejected.size() && rejected[next].record == i) {
      text += "!" + std::string(rejected[next++].code->id.substr(5));
      continue;
    }
    for (size_t c = 0; c < batch->columns().size(); c++) {
      if (c > 0) text += ",";
      AppendJsonValue(text, batch->column(c), row);
    }
    row++;
  }
  if (told != nullptr) *told = std::move(rejected);
  return text;
}

}  // namespace weir::testing
