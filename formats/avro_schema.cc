#include "formats/avro_schema.h"

#include <fmt/format.h>

#include "formats/avro_names.h"

namespace weir {

const AvroField* AvroType::Find(std::string_view field) const {
  for (const AvroField& one : fields) {
    if (one.name == field) return &one;
  }
  return nullptr;
}

std::string Describe(const AvroType& type) {
  std::string text;
  switch (type.kind) {
    case AvroKind::kArray:
      return "array of " + Describe(*type.parts[0]);
    case AvroKind::kMap:
      return "map of " + Describe(*type.parts[0]);
    case AvroKind::kUnion:
      for (const AvroType* branch : type.parts) {
        // A message names the first of a great many.
        if (text.size() > 100) {
          text += ", ...";
          break;
        }
        text += (text.empty() ? "" : ", ") + Describe(*branch);
      }
      return "[" + text + "]";
    default:
      break;
  }
  text = NameOf(type.kind);
  if (type.IsNamed()) text += " " + type.name;
  if (type.logical == AvroLogical::kDecimal) {
    text += fmt::format(" (decimal({},{}))", type.precision, type.scale);
  } else if (type.logical != AvroLogical::kNone) {
    text += fmt::format(" ({})", NameOf(type.logical));
  }
  return text;
}

std::string_view UnqualifiedName(std::string_view full_name) {
  return full_name.substr(full_name.rfind('.') + 1);
}

bool IsAvroName(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !is_letter(name[0])) return false;
  for (char c : name) {
    if (!is_letter(c) && (c < '0' || c > '9')) return false;
  }
  return true;
}

}  // namespace weir
