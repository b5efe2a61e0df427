#pragma once

#include "batch/render.h"
#include "formats/format.h"

namespace weir {

/// How JSON is written: `format: { json: { timestamps: iso8601, nulls: omit } }`.
struct JsonOptions {
  enum class Nulls { kWrite, kOmit };
  TimestampStyle timestamps = TimestampStyle::kEpochMillis;
  Nulls nulls = Nulls::kWrite;
  static const Spec<JsonOptions>& Describe();
};

/// The words of JsonOptions, found by Spec.
std::vector<Choice<TimestampStyle>> ChoicesOf(TimestampStyle);
std::vector<Choice<JsonOptions::Nulls>> ChoicesOf(JsonOptions::Nulls);

/// One JSON object per row, its columns in order.
std::unique_ptr<Encoder> MakeJsonEncoder(const Schema& schema, const JsonOptions& options);

const Format& JsonFormat();

}  // namespace weir
