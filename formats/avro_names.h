#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "formats/avro_schema.h"

namespace weir {

/// As schemas name it: `int`, `record`; `union` for messages.
std::string_view NameOf(AvroKind kind);
/// `timestamp-millis`; empty for kNone.
std::string_view NameOf(AvroLogical logical);

/// The type that a schema names in one word: null to string.
std::optional<AvroKind> PrimitiveNamed(std::string_view name);
/// The logical type of that name, where it may annotate `type`; otherwise kNone.
AvroLogical LogicalNamed(std::string_view name, const AvroType& type);

/// The schema's text as AvroSchema::normalised() tells it.
std::string NormalisedText(const AvroType& root);

}  // namespace weir
