#pragma once

#include <string>
#include <string_view>

#include "config/yaml.h"

namespace weir {

/// Where the value of `key` stands in a map; the map's own place where it has no such key.
Place PlaceOf(const YamlNode& map, std::string_view key);

/// The folder of the file that a node stands in, from which paths in it count; empty where its name
/// has none, and for a node that stands in no file.
std::string FolderOf(const YamlNode& node);

}  // namespace weir
