#include "formats/avro_compatibility.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "formats/avro_match.h"

namespace weir {
namespace {

constexpr int kDeepestCompared = 256;

class Comparison {
 public:
  std::vector<AvroIncompatibility> Take() { return std::move(found_); }

  void Compare(const AvroType& writer, const AvroType& reader, const std::string& path) {
    if (!seen_.insert({&writer, &reader}).second) return;
    if (++depth_ > kDeepestCompared) {
      Add(path, "is nested too deep to compare");
    } else {
      Types(writer, reader, path);
    }
    depth_--;
  }

 private:
  void Add(const std::string& path, std::string reason) {
    found_.push_back({path, std::move(reason)});
  }

  void Types(const AvroType& writer, const AvroType& reader, const std::string& path) {
    if (writer.Is(AvroKind::kUnion)) {
      for (const AvroType* branch : writer.parts) Compare(*branch, reader, path);
      return;
    }
    const AvroType* const one =
        reader.Is(AvroKind::kUnion) ? AvroBranchFor(writer, reader) : &reader;
    if (one == nullptr || (!AvroMatches(writer, *one) && !IsContainer(writer, *one))) {
      Add(path, AvroMismatch(writer, reader));
      return;
    }
    switch (writer.kind) {
      case AvroKind::kArray:
      case AvroKind::kMap:
        Compare(*writer.parts[0], *one->parts[0], path + "[]");
        return;
      case AvroKind::kEnum:
        Symbols(writer, *one, path);
        return;
      case AvroKind::kRecord:
        for (const AvroField& field : one->fields) {
          const std::string at = path.empty() ? field.name : path + "." + field.name;
          const int written = AvroFieldFor(writer, field);
          if (written >= 0) {
            Compare(*writer.fields[static_cast<size_t>(written)].type, *field.type, at);
          } else if (!field.default_json) {
            Add(at, "is not written, and has no default");
          }
        }
        return;
      default:
        return;
    }
  }

  /// What is wrong is then inside, and told there.
  static bool IsContainer(const AvroType& writer, const AvroType& reader) {
    return writer.kind == reader.kind && (writer.Is(AvroKind::kArray) || writer.Is(AvroKind::kMap));
  }

  void Symbols(const AvroType& writer, const AvroType& reader, const std::string& path) {
    if (reader.default_symbol) return;
    for (const std::string& symbol : writer.symbols) {
      if (std::find(reader.symbols.begin(), reader.symbols.end(), symbol) == reader.symbols.end()) {
        Add(path, fmt::format("{} has no symbol '{}', and no default", Describe(reader), symbol));
      }
    }
  }

  std::set<std::pair<const AvroType*, const AvroType*>> seen_;
  std::vector<AvroIncompatibility> found_;
  int depth_ = 0;
};

}  // namespace

std::vector<AvroIncompatibility> CannotRead(const AvroSchema& reader, const AvroSchema& writer) {
  Comparison comparison;
  comparison.Compare(writer.root(), reader.root(), "");
  return comparison.Take();
}

std::vector<AvroIncompatibility> FindIncompatibilities(AvroCompatibility wanted,
                                                       const AvroSchema& next,
                                                       std::span<const AvroSchemaPtr> earlier) {
  using Rule = AvroCompatibility;
  const auto is = [wanted](std::initializer_list<Rule> rules) {
    return std::find(rules.begin(), rules.end(), wanted) != rules.end();
  };
  const bool backward =
      is({Rule::kBackward, Rule::kBackwardTransitive, Rule::kFull, Rule::kFullTransitive});
  const bool forward =
      is({Rule::kForward, Rule::kForwardTransitive, Rule::kFull, Rule::kFullTransitive});
  const bool all = is({Rule::kBackwardTransitive, Rule::kForwardTransitive, Rule::kFullTransitive});
  std::vector<AvroIncompatibility> found;
  const auto add = [&found](std::string_view which, std::vector<AvroIncompatibility> reasons) {
    for (AvroIncompatibility& reason : reasons) {
      found.push_back({std::move(reason.path), fmt::format("{}: {}", which, reason.reason)});
    }
  };
  for (size_t i = all || earlier.empty() ? 0 : earlier.size() - 1; i < earlier.size(); i++) {
    if (backward) {
      add(fmt::format("read by the new schema from version {}", i + 1),
          CannotRead(next, *earlier[i]));
    }
    if (forward) {
      add(fmt::format("read by version {} from the new schema", i + 1),
          CannotRead(*earlier[i], next));
    }
  }
  return found;
}

}  // namespace weir
