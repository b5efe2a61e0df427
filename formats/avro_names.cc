#include "formats/avro_names.h"

#include <array>
#include <unordered_set>

#include <fmt/format.h>

#include "batch/render.h"

namespace weir {
namespace {

// In the order of AvroKind, the primitive ones first.
constexpr std::array<std::string_view, 14> kKinds = {
    "null",   "boolean", "int",  "long",   "float", "double", "bytes",
    "string", "fixed",   "enum", "record", "array", "map",    "union"};
constexpr size_t kPrimitives = 8;

struct NamedLogical {
  std::string_view name;
  AvroLogical logical;
  AvroKind kind;  // That it annotates.
};
constexpr NamedLogical kLogicals[] = {
    {"date", AvroLogical::kDate, AvroKind::kInt},
    {"time-millis", AvroLogical::kTimeMillis, AvroKind::kInt},
    {"time-micros", AvroLogical::kTimeMicros, AvroKind::kLong},
    {"timestamp-millis", AvroLogical::kTimestampMillis, AvroKind::kLong},
    {"timestamp-micros", AvroLogical::kTimestampMicros, AvroKind::kLong},
    {"local-timestamp-millis", AvroLogical::kLocalTimestampMillis, AvroKind::kLong},
    {"local-timestamp-micros", AvroLogical::kLocalTimestampMicros, AvroKind::kLong},
    {"decimal", AvroLogical::kDecimal, AvroKind::kBytes},
    {"decimal", AvroLogical::kDecimal, AvroKind::kFixed},
    {"uuid", AvroLogical::kUuid, AvroKind::kString},
    {"uuid", AvroLogical::kUuid, AvroKind::kFixed},
};

class Writer {
 public:
  std::string Take() { return std::move(out_); }

  void Type(const AvroType& type) {
    if (type.Is(AvroKind::kUnion)) {
      List(type.parts, [this](const AvroType* branch) { Type(*branch); });
      return;
    }
    if (type.IsNamed() && !written_.insert(&type).second) {
      AppendJsonString(out_, type.name);
      return;
    }
    if (type.kind <= AvroKind::kString && type.logical == AvroLogical::kNone) {
      AppendJsonString(out_, NameOf(type.kind));
      return;
    }
    out_ += "{\"type\":";
    AppendJsonString(out_, NameOf(type.kind));
    if (type.IsNamed()) Named(type);
    if (type.logical != AvroLogical::kNone) {
      out_ += ",\"logicalType\":";
      AppendJsonString(out_, NameOf(type.logical));
    }
    if (type.logical == AvroLogical::kDecimal) {
      out_ += fmt::format(",\"precision\":{},\"scale\":{}", type.precision, type.scale);
    }
    if (type.Is(AvroKind::kArray) || type.Is(AvroKind::kMap)) {
      out_ += type.Is(AvroKind::kArray) ? ",\"items\":" : ",\"values\":";
      Type(*type.parts[0]);
    }
    out_ += '}';
  }

 private:
  void Named(const AvroType& type) {
    out_ += ",\"name\":";
    AppendJsonString(out_, type.name);
    Texts(",\"aliases\":", type.aliases);
    if (type.Is(AvroKind::kFixed)) out_ += fmt::format(",\"size\":{}", type.size);
    if (type.Is(AvroKind::kEnum)) {
      Texts(",\"symbols\":", type.symbols);
      if (type.default_symbol) {
        out_ += ",\"default\":";
        AppendJsonString(out_, type.symbols[*type.default_symbol]);
      }
    }
    if (!type.Is(AvroKind::kRecord)) return;
    out_ += ",\"fields\":";
    List(type.fields, [this](const AvroField& field) { Field(field); });
  }
  void Field(const AvroField& field) {
    out_ += "{\"name\":";
    AppendJsonString(out_, field.name);
    Texts(",\"aliases\":", field.aliases);
    out_ += ",\"type\":";
    Type(*field.type);
    if (field.default_json) out_ += ",\"default\":" + *field.default_json;
    out_ += '}';
  }
  void Texts(std::string_view before, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    out_ += before;
    List(texts, [this](const std::string& text) { AppendJsonString(out_, text); });
  }
  template <typename Items, typename Write>
  void List(const Items& items, const Write& write) {
    char open = '[';
    for (const auto& one : items) {
      out_ += open;
      open = ',';
      write(one);
    }
    if (open == '[') out_ += open;
    out_ += ']';
  }

  std::string out_;
  std::unordered_set<const AvroType*> written_;
};

}  // namespace

std::string_view NameOf(AvroKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::string_view NameOf(AvroLogical logical) {
  for (const NamedLogical& one : kLogicals) {
    if (one.logical == logical) return one.name;
  }
  return {};
}

std::optional<AvroKind> PrimitiveNamed(std::string_view name) {
  for (size_t i = 0; i < kPrimitives; i++) {
    if (kKinds[i] == name) return static_cast<AvroKind>(i);
  }
  return std::nullopt;
}

AvroLogical LogicalNamed(std::string_view name, const AvroType& type) {
  for (const NamedLogical& one : kLogicals) {
    if (one.name == name && one.kind == type.kind) return one.logical;
  }
  return AvroLogical::kNone;
}

std::string NormalisedText(const AvroType& root) {
  Writer writer;
  writer.Type(root);
  return writer.Take();
}

}  // namespace weir
