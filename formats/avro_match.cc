#include "formats/avro_match.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {
namespace {

bool NamesMatch(const AvroType& writer, const AvroType& reader) {
  if (UnqualifiedName(writer.name) == UnqualifiedName(reader.name)) return true;
  return std::find(reader.aliases.begin(), reader.aliases.end(), writer.name) !=
         reader.aliases.end();
}

bool Promotes(AvroKind from, AvroKind to) {
  switch (from) {
    case AvroKind::kInt:
    case AvroKind::kLong:
    case AvroKind::kFloat:
      return to > from && to <= AvroKind::kDouble;
    case AvroKind::kString:
      return to == AvroKind::kBytes;
    case AvroKind::kBytes:
      return to == AvroKind::kString;
    default:
      return false;
  }
}

enum class Sort { kNone, kDate, kTime, kTimestamp, kDecimal, kUuid };
Sort SortOf(AvroLogical logical) {
  switch (logical) {
    case AvroLogical::kNone:
      return Sort::kNone;
    case AvroLogical::kDate:
      return Sort::kDate;
    case AvroLogical::kTimeMillis:
    case AvroLogical::kTimeMicros:
      return Sort::kTime;
    case AvroLogical::kDecimal:
      return Sort::kDecimal;
    case AvroLogical::kUuid:
      return Sort::kUuid;
    default:
      return Sort::kTimestamp;
  }
}

/// What both sides say about the meaning must be the same sort of thing; one that says nothing
/// takes the other's word.
bool MeaningsMatch(const AvroType& writer, const AvroType& reader) {
  const Sort sort = SortOf(writer.logical);
  if (sort == Sort::kNone || reader.logical == AvroLogical::kNone) return true;
  if (sort != SortOf(reader.logical)) return false;
  return sort != Sort::kDecimal ||
         (writer.scale == reader.scale && writer.precision <= reader.precision);
}

}  // namespace

bool AvroMatches(const AvroType& writer, const AvroType& reader) {
  if (writer.Is(AvroKind::kUnion) || reader.Is(AvroKind::kUnion)) return true;
  if (writer.kind != reader.kind) {
    return Promotes(writer.kind, reader.kind) && MeaningsMatch(writer, reader);
  }
  switch (writer.kind) {
    case AvroKind::kArray:
    case AvroKind::kMap:
      return AvroMatches(*writer.parts[0], *reader.parts[0]);
    case AvroKind::kRecord:
    case AvroKind::kEnum:
      return NamesMatch(writer, reader);
    case AvroKind::kFixed:
      return NamesMatch(writer, reader) && writer.size == reader.size &&
             MeaningsMatch(writer, reader);
    default:
      return MeaningsMatch(writer, reader);
  }
}

std::string AvroMismatch(const AvroType& writer, const AvroType& reader) {
  return fmt::format("{} is not read as {}", Describe(writer), Describe(reader));
}

const AvroType* AvroBranchFor(const AvroType& writer, const AvroType& reader_union) {
  for (const AvroType* branch : reader_union.parts) {
    if (branch->IsNamed() && branch->kind == writer.kind && branch->name == writer.name &&
        AvroMatches(writer, *branch)) {
      return branch;
    }
  }
  for (const AvroType* branch : reader_union.parts) {
    if (AvroMatches(writer, *branch)) return branch;
  }
  return nullptr;
}

int AvroFieldFor(const AvroType& writer_record, const AvroField& reader_field) {
  const AvroField* found = writer_record.Find(reader_field.name);
  for (size_t i = 0; found == nullptr && i < reader_field.aliases.size(); i++) {
    found = writer_record.Find(reader_field.aliases[i]);
  }
  return found == nullptr ? -1 : static_cast<int>(found - writer_record.fields.data());
}

}  // namespace weir
