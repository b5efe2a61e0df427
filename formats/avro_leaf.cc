#include "formats/avro_leaf.h"

#include <algorithm>

namespace weir {
namespace {

AvroSource SourceOf(AvroKind kind) {
  switch (kind) {
    case AvroKind::kBoolean:
      return AvroSource::kBoolean;
    case AvroKind::kInt:
      return AvroSource::kInt;
    case AvroKind::kLong:
      return AvroSource::kLong;
    case AvroKind::kFloat:
      return AvroSource::kFloat;
    case AvroKind::kDouble:
      return AvroSource::kDouble;
    case AvroKind::kFixed:
      return AvroSource::kFixed;
    case AvroKind::kEnum:
      return AvroSource::kEnum;
    case AvroKind::kNull:
      return AvroSource::kNull;
    default:
      return AvroSource::kText;
  }
}

bool IsTimestamp(const AvroType& type) {
  return type.logical >= AvroLogical::kTimestampMillis &&
         type.logical <= AvroLogical::kLocalTimestampMicros;
}

/// Microseconds of one; 0 where it is no time of day or timestamp.
int64_t UnitOf(const AvroType& type) {
  switch (type.logical) {
    case AvroLogical::kTimeMillis:
    case AvroLogical::kTimestampMillis:
    case AvroLogical::kLocalTimestampMillis:
      return 1000;
    case AvroLogical::kTimeMicros:
    case AvroLogical::kTimestampMicros:
    case AvroLogical::kLocalTimestampMicros:
      return 1;
    default:
      return 0;
  }
}

AvroStore StoreOf(const AvroType& writer, const AvroType& reader, const Type& type) {
  const bool is_text = reader.Is(AvroKind::kString);
  switch (type.kind()) {
    case TypeKind::kBool:
      return AvroStore::kBoolean;
    case TypeKind::kInt32:
      return AvroStore::kInt32;
    case TypeKind::kFloat:
      return AvroStore::kFloat;
    case TypeKind::kDouble:
      return AvroStore::kDouble;
    case TypeKind::kDate:
      return is_text ? AvroStore::kDateOfText : AvroStore::kDate;
    case TypeKind::kTimestamp:
      if (is_text) return AvroStore::kTimeOfText;
      return IsTimestamp(reader) || IsTimestamp(writer) ? AvroStore::kTimestamp
                                                        : AvroStore::kTimeOfNumber;
    case TypeKind::kDecimal:
      return AvroStore::kDecimal;
    case TypeKind::kString:
      return reader.Is(AvroKind::kFixed) ? AvroStore::kUuid : AvroStore::kString;
    case TypeKind::kBytes:
      return AvroStore::kBytes;
    default:
      return AvroStore::kInt64;
  }
}

/// Makes the last of `steps` do more, or appends a new one.
void AddCount(AvroStep::Do what, size_t count, const std::string& name,
              std::vector<AvroStep>& steps) {
  if (!steps.empty() && steps.back().what == what) {
    steps.back().count += count;
    return;
  }
  AvroStep step;
  step.what = what;
  step.count = count;
  step.name = name;
  steps.push_back(std::move(step));
}

}  // namespace

void FillAvroLeaf(const AvroType& writer, const AvroType& reader, const Type& type,
                  const TimeReader& times, AvroNode& node) {
  node.source = SourceOf(writer.kind);
  node.store = StoreOf(writer, reader, type);
  node.writer = &writer;
  node.size = writer.size;
  node.times = &times;
  node.through_float = reader.Is(AvroKind::kFloat);
  if (type.Is(TypeKind::kDecimal)) {
    node.bound = PowerOfTen(type.precision());
    node.scale = type.scale();
  }
  const int64_t written_us = UnitOf(writer);
  const int64_t read_us = UnitOf(reader);
  if (node.store == AvroStore::kTimestamp) {
    node.multiply = written_us > 0 ? written_us : read_us;
  } else if (written_us > 0 && read_us > 0) {
    node.multiply = std::max<int64_t>(written_us / read_us, 1);
    node.divide = std::max<int64_t>(read_us / written_us, 1);
  }
  for (const std::string& symbol : writer.symbols) {
    const bool known =
        std::find(reader.symbols.begin(), reader.symbols.end(), symbol) != reader.symbols.end();
    const auto fallback = reader.default_symbol;
    node.symbols.push_back(known ? symbol : fallback ? reader.symbols[*fallback] : "");
  }
}

AvroStep AvroReadStep(const AvroNode& node) {
  using Do = AvroStep::Do;
  AvroStep step;
  step.what = Do::kRead;
  step.node = &node;
  const auto is_text = [](const AvroNode& one) {
    return one.source == AvroSource::kText && one.store == AvroStore::kString;
  };
  const bool as_it_is = node.multiply == 1 && node.divide == 1;
  if (is_text(node)) {
    step.what = Do::kReadText;
  } else if (node.source == AvroSource::kLong && node.store == AvroStore::kInt64 && as_it_is) {
    step.what = Do::kReadLong;
  } else if (node.source == AvroSource::kInt && node.store == AvroStore::kInt32) {
    step.what = Do::kReadInt;
  } else if (node.source == AvroSource::kUnion && node.parts.size() == 2) {
    for (size_t null : {0, 1}) {
      if (node.parts[null]->source != AvroSource::kNull || !is_text(*node.parts[1 - null])) {
        continue;
      }
      step.what = Do::kReadNullableText;
      step.count = null;
    }
  }
  return step;
}

void AddAvroSkip(const AvroType& type, const std::string& name, std::vector<AvroStep>& steps) {
  using Do = AvroStep::Do;
  AvroStep step;
  step.what = Do::kSkip;
  step.writer = &type;
  step.name = name;
  const auto is_text = [](const AvroType& one) {
    return one.Is(AvroKind::kString) || one.Is(AvroKind::kBytes);
  };
  switch (type.kind) {
    case AvroKind::kNull:
      return;
    case AvroKind::kInt:
    case AvroKind::kLong:
    case AvroKind::kEnum:
      return AddCount(Do::kSkipLongs, 1, name, steps);
    case AvroKind::kBoolean:
      return AddCount(Do::kSkipBytes, 1, name, steps);
    case AvroKind::kFloat:
      return AddCount(Do::kSkipBytes, sizeof(float), name, steps);
    case AvroKind::kDouble:
      return AddCount(Do::kSkipBytes, sizeof(double), name, steps);
    case AvroKind::kFixed:
      return AddCount(Do::kSkipBytes, type.size, name, steps);
    case AvroKind::kString:
    case AvroKind::kBytes:
      step.what = Do::kSkipText;
      break;
    case AvroKind::kUnion:
      for (size_t null : {0, 1}) {
        if (type.parts.size() != 2 || !type.parts[null]->Is(AvroKind::kNull)) continue;
        if (!is_text(*type.parts[1 - null])) continue;
        step.what = Do::kSkipNullableText;
        step.count = null;
      }
      break;
    default:
      break;
  }
  steps.push_back(std::move(step));
}

}  // namespace weir
