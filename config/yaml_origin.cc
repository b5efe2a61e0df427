#include "config/yaml_origin.h"

namespace weir {

Place PlaceOf(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.Find(key);
  return node != nullptr ? node->place() : map.place();
}

std::string FolderOf(const YamlNode& node) {
  if (!node.place().source) return {};
  const std::string& file = node.place().source->name;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string() : file.substr(0, slash);
}

}  // namespace weir
