#pragma once

#include <string>

#include "config/vocabulary.h"

namespace weir {

/// JSON Schema (draft 2020-12) of a whole job file, as indented JSON text: the job's own keys, and
/// the options of every connector, format, connection and clause of the vocabulary. Editors that
/// know it complete and check jobs as they are written.
std::string JobJsonSchema(const Vocabulary& vocabulary);

}  // namespace weir
