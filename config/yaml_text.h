#pragma once

#include <string>

#include "config/yaml.h"

namespace weir {

/// The document as YAML that ReadYaml reads as the same again, with variables filled in and without
/// comments.
std::string ToYaml(const YamlNode& root);

}  // namespace weir
