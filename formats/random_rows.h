#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "batch/batch.h"

namespace weir::testing {

using Random = std::mt19937_64;

inline uint64_t Below(Random& random, uint64_t bound) { return random() % bound; }

/// UTF-8 with quotes, commas, line breaks, escapes and characters of every length.
inline std::string RandomText(Random& random) {
  static const std::vector<std::string> pieces = {
      "a",    "Z",      "0",      " ",          "\"",   "\\",   ",",   ";", "\n",
      "\r\n", "\t",     "/",      "\x01",       "'",    "{",    "}",   "[", "]",
      ":",    "\u00e9", "\u20ac", "\U0001F600", "null", "\x7f", "\\u", "%", "="};
  std::string text;
  for (uint64_t n = Below(random, 8); n > 0; n--) text += pieces[Below(random, pieces.size())];
  return text;
}

inline int64_t RandomInteger(Random& random) {
  const auto bits = static_cast<int64_t>(random());
  return bits >> Below(random, 64);
}

inline double RandomDouble(Random& random) {
  switch (Below(random, 5)) {
    case 0:
      return static_cast<double>(RandomInteger(random));
    case 1:
      return std::ldexp(static_cast<double>(RandomInteger(random)),
                        static_cast<int>(Below(random, 1200)) - 1000);
    case 2:
      return static_cast<double>(Below(random, 100000)) / 100.0;
    case 3:
      return -0.0;
    default:
      return 5e-324 * static_cast<double>(Below(random, 3));
  }
}

/// A type that records can hold, at most `depth` deep.
inline Type RandomType(Random& random, int depth) {
  static const std::vector<TypeKind> plain = {
      TypeKind::kBool,      TypeKind::kInt32,  TypeKind::kInt64, TypeKind::kFloat,
      TypeKind::kDouble,    TypeKind::kString, TypeKind::kBytes, TypeKind::kDate,
      TypeKind::kTimestamp, TypeKind::kJson};
  const uint64_t pick = Below(random, depth > 0 ? 14 : 11);
  if (pick < 10) return plain[pick];
  if (pick == 10) {
    const int precision = static_cast<int>(1 + Below(random, 38));
    return Type::Decimal(precision, static_cast<int>(Below(random, precision + 1)));
  }
  if (pick == 11) return Type::List(RandomType(random, depth - 1));
  if (pick == 12) return Type::Map(RandomType(random, depth - 1));
  return Type::Struct(
      {{"a", RandomType(random, depth - 1)}, {"b c", RandomType(random, depth - 1)}});
}

inline void AppendRandom(Random& random, ColumnBuilder& out) {
  if (Below(random, 6) == 0) {
    out.AppendNull();
    return;
  }
  switch (out.type().kind()) {
    case TypeKind::kBool:
      out.AppendBool(Below(random, 2) == 1);
      return;
    case TypeKind::kInt32:
      out.Append(static_cast<int32_t>(RandomInteger(random)));
      return;
    case TypeKind::kInt64:
      out.Append(RandomInteger(random));
      return;
    case TypeKind::kFloat: {
      const auto value = static_cast<float>(RandomDouble(random));
      out.Append(std::isfinite(value) ? value : 1.5f);
      return;
    }
    case TypeKind::kDouble: {
      const double value = RandomDouble(random);
      out.Append(std::isfinite(value) ? value : 1.5);
      return;
    }
    case TypeKind::kDecimal: {
      Int128 value = 0;
      for (uint64_t n = Below(random, static_cast<uint64_t>(out.type().precision()) + 1); n > 0;
           n--) {
        value = value * 10 + static_cast<int>(Below(random, 10));
      }
      out.Append(Below(random, 2) == 0 ? value : -value);
      return;
    }
    case TypeKind::kString:
      out.AppendText(RandomText(random));
      return;
    case TypeKind::kBytes: {
      std::string bytes;
      for (uint64_t n = Below(random, 7); n > 0; n--) bytes += static_cast<char>(random());
      out.AppendText(bytes);
      return;
    }
    case TypeKind::kJson: {
      static const std::vector<std::string> texts = {
          "1", "{}", "[]", "\"x\"", "[1,{\"a\":null}]", "{\"k\":\"v \\\" \"}", "true", "1.50"};
      out.AppendText(texts[Below(random, texts.size())]);
      return;
    }
    case TypeKind::kDate:
      out.Append(static_cast<int32_t>(Below(random, 40000)) - 10000);
      return;
    case TypeKind::kTimestamp:
      out.Append(static_cast<int64_t>(Below(random, 4000000000000000)) - 1000000000000000);
      return;
    case TypeKind::kList:
      for (uint64_t n = Below(random, 4); n > 0; n--) AppendRandom(random, out.child(0));
      out.AppendNested();
      return;
    case TypeKind::kMap:
      for (uint64_t n = Below(random, 4); n > 0; n--) {
        out.child(0).AppendText("k" + std::to_string(n) + RandomText(random));
        AppendRandom(random, out.child(1));
      }
      out.AppendNested();
      return;
    default:
      AppendRandom(random, out.child(0));
      AppendRandom(random, out.child(1));
      out.AppendNested();
  }
}

inline SchemaPtr RandomSchema(Random& random, int depth) {
  std::vector<Field> fields;
  const uint64_t count = 2 + Below(random, 5);
  for (uint64_t c = 0; c < count; c++) {
    fields.push_back(
        {"c" + std::to_string(c) + (c == 1 ? " \"\u20ac.x" : ""), RandomType(random, depth)});
  }
  return std::make_shared<const Schema>(std::move(fields));
}

inline BatchPtr RandomBatch(Random& random, const SchemaPtr& schema, size_t rows) {
  BatchBuilder builder(schema);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < schema->size(); c++) AppendRandom(random, builder.column(c));
  }
  return builder.Finish();
}

}  // namespace weir::testing
