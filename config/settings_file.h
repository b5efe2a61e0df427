#pragma once

#include <string>

#include "config/vocabulary.h"

namespace weir {

/// A file of a process's settings (`--config`) in which each key stands with its help, its default
/// and an example, as a comment: made from their declaration. It loads as it is, and with the `#`
/// before any key taken away.
std::string SettingsFile(const Vocabulary& vocabulary);

}  // namespace weir
