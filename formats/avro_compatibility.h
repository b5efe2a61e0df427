#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/avro_schema.h"

namespace weir {

/// What a new version of a schema owes to the earlier ones. Without `Transitive` only the latest of
/// them counts.
enum class AvroCompatibility {
  kNone,
  kBackward,  ///< The new one reads what was written with the earlier.
  kBackwardTransitive,
  kForward,  ///< The earlier read what is written with the new one.
  kForwardTransitive,
  kFull,  ///< Both.
  kFullTransitive,
};

/// One reason why a reader can't be sure to read what a writer writes.
struct AvroIncompatibility {
  std::string path;  ///< Field in the reader, `address.city`; empty: the record itself.
  std::string reason;
};

/// All reasons why not everything that is written with `writer` can be read with `reader`.
std::vector<AvroIncompatibility> CannotRead(const AvroSchema& reader, const AvroSchema& writer);

/// All reasons why `next` may not follow `earlier` (the oldest first); empty: it may. A reason says
/// which version it is about, and which way.
std::vector<AvroIncompatibility> FindIncompatibilities(AvroCompatibility wanted,
                                                       const AvroSchema& next,
                                                       std::span<const AvroSchemaPtr> earlier);

}  // namespace weir
