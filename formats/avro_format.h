#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "clients/schema_registry.h"
#include "formats/format.h"

namespace weir {

/// `schema: …`: the text of a schema, or the file that it stands in.
struct AvroSchemaOption {
  std::string text;
  std::string file;  ///< Until the job was read.
  static const Spec<AvroSchemaOption>& Describe();
};

/// `format: { avro: { registry: NAME, … } }`.
struct AvroOptions {
  std::string registry;
  std::string subject;
  AvroSchemaOption schema;
  std::optional<int64_t> version;
  bool may_register = false;
  std::optional<SchemaCompatibility> compatibility;
  PinnedText pinned;
  static const Spec<AvroOptions>& Describe();
};

/// The words of AvroOptions, found by Spec.
std::vector<Choice<SchemaCompatibility>> ChoicesOf(SchemaCompatibility);

const Format& AvroFormat();

}  // namespace weir
