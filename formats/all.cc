#include <array>

#include <fmt/format.h>

#include "formats/avro_format.h"
#include "formats/csv.h"
#include "formats/errors.h"
#include "formats/json.h"
#include "formats/raw.h"

namespace weir {

std::span<const Format* const> AllFormats() {
  // The order of the reference page.
  static const std::array<const Format*, 4> formats = {
      &JsonFormat(),
      &CsvFormat(),
      &AvroFormat(),
      &RawFormat(),
  };
  return formats;
}

const Format* FindFormat(std::string_view name) {
  for (const Format* format : AllFormats()) {
    if (format->name() == name) return format;
  }
  return nullptr;
}

ChosenFormat ChooseFormat(const YamlNode* node, Diagnostics& diagnostics) {
  if (node == nullptr || node->kind() == YamlNode::Kind::kNull) return {&JsonFormat(), nullptr};
  std::string name;
  const YamlNode* options = nullptr;
  if (node->kind() == YamlNode::Kind::kScalar) {
    name = node->text();
  } else if (node->kind() == YamlNode::Kind::kMap && node->entries().size() == 1) {
    name = node->entries()[0].key;
    options = &node->entries()[0].value;
  } else {
    diagnostics.Error(errors::kFormatOption, node->place(), "'format' names one format",
                      "write format: json, or format: { csv: { header: true } }");
    return {};
  }
  const Format* format = FindFormat(name);
  if (format == nullptr) {
    std::vector<std::string> known;
    for (const Format* one : AllFormats()) known.emplace_back(one->name());
    const std::string near = NearestName(name, known);
    diagnostics.Error(errors::kFormatOption, node->place(),
                      fmt::format("there is no format '{}'", name),
                      near.empty() ? fmt::format("formats are {}", fmt::join(known, ", "))
                                   : fmt::format("did you mean '{}'?", near));
  } else if (options != nullptr && !format->options().Check(*options, diagnostics)) {
    return {};
  }
  return {format, options};
}

}  // namespace weir
