#pragma once

#include <optional>
#include <string>

#include "clients/schema_registry.h"
#include "formats/avro_schema.h"
#include "formats/format.h"

namespace weir {

/// What a sink writes with, and what it may do to the registry for it.
struct AvroRegistration {
  std::string subject;
  std::string text;
  AvroSchemaPtr schema;  ///< The same, read.
  bool may_register = true;
  /// What a new version is held against; none: what the subject itself asks for.
  std::optional<SchemaCompatibility> compatibility;
};

/// The id that the registry has for the schema, which becomes the subject's newest version if it is
/// none yet, may be registered, and weir itself finds that it fits the versions that are there: not
/// every registry looks. Errors: kNotRegistered, kIncompatibleSchema (with each field and reason),
/// and those of the registry.
Result<SchemaId> FindOrRegister(SchemaRegistry& registry, const AvroRegistration& wanted);

/// The same where the registry may be away: then the id that was found at `address` before, and
/// lies on the shelf, counts.
Result<SchemaId> FindOrRegister(SchemaRegistry& registry, const std::string& address,
                                const AvroRegistration& wanted, SchemaShelf* shelf);

}  // namespace weir
