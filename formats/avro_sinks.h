#pragma once

#include <string>
#include <string_view>

#include "base/base64.h"
#include "batch/column.h"
#include "batch/render.h"
#include "batch/time_text.h"

namespace weir {

/// Where the scalars of Avro records go: a column.
struct AvroColumnSink {
  ColumnBuilder& out;
  void Boolean(bool value) { out.AppendBool(value); }
  void Int32(int32_t value) { out.Append(value); }
  void Int64(int64_t value) { out.Append(value); }
  void Float(float value) { out.Append(value); }
  void Double(double value) { out.Append(value); }
  void Date(int32_t days) { out.Append(days); }
  void Timestamp(int64_t us) { out.Append(us); }
  void Decimal(Int128 unscaled, int) { out.Append(unscaled); }
  void String(std::string_view text) { out.AppendText(text); }
  void Bytes(std::string_view bytes) { out.AppendText(bytes); }
};

/// Or a JSON text, as AppendJsonValue writes a column's values.
struct AvroJsonSink {
  std::string& out;
  void Boolean(bool value) { out += value ? "true" : "false"; }
  void Int32(int32_t value) { Int64(value); }
  void Int64(int64_t value) { out += std::to_string(value); }
  void Float(float value) { AppendFloat(out, value); }
  void Double(double value) { AppendDouble(out, value); }
  void Date(int32_t days) {
    out += '"';
    AppendIsoDate(out, days);
    out += '"';
  }
  void Timestamp(int64_t us) { AppendMillis(out, us); }
  void Decimal(Int128 unscaled, int scale) { AppendDecimal(out, unscaled, scale); }
  void String(std::string_view text) { AppendJsonString(out, text); }
  void Bytes(std::string_view bytes) {
    out += '"';
    AppendBase64(out, bytes);
    out += '"';
  }
};

}  // namespace weir
