#pragma once

#include <string>
#include <vector>

#include "config/yaml.h"

namespace weir {

/// The document as YAML that ReadYaml reads as the same again, with variables filled in and without
/// comments.
std::string ToYaml(const YamlNode& root);

/// The document with `text` as the value at `path`, a way through maps; those that are missing on
/// it are made. The value stands where what it replaces stood.
YamlNode WithText(const YamlNode& root, const std::vector<std::string>& path, std::string text);

}  // namespace weir
