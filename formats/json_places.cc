#include "formats/json_places.h"

#include "formats/json_reader.h"

namespace weir {
namespace {

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> names;
  size_t begin = 0;
  for (size_t i = 0; i <= path.size(); i++) {
    if (i < path.size() && path[i] != '.') continue;
    names.push_back(path.substr(begin, i - begin));
    begin = i + 1;
  }
  return names;
}

}  // namespace

void JsonPlaces::Put(size_t column, std::string_view name, std::string_view from) {
  std::vector<std::string_view> path = {name};
  if (!from.empty()) path = SplitPath(from);
  JsonPlaces* at = this;
  for (size_t i = 0; i < path.size(); i++) {
    Place& place = at->At(path[i]);
    place.all.push_back(column);
    if (i + 1 == path.size()) {
      place.columns.push_back(column);
    } else {
      if (!place.below) place.below = std::make_unique<JsonPlaces>();
      at = place.below.get();
    }
  }
}

/// The place of that name, made where there is none.
JsonPlaces::Place& JsonPlaces::At(std::string_view name) {
  for (Place& place : places) {
    if (place.name == name) return place;
  }
  places.push_back({std::string(name), {}, nullptr, {}});
  return places.back();
}

const JsonPlaces::Place* JsonPlaces::Find(std::string_view name) const {
  for (const Place& place : places) {
    if (place.name == name) return &place;
  }
  return nullptr;
}

bool JsonFieldOrder::Search(const char* begin, size_t turn, const JsonPlaces::Place*& place) {
  const char* end = begin;
  bool escaped = false;
  for (; *end != '"'; end++) {
    if (*end == '\\') {
      escaped = true;
      end++;
    }
  }
  const std::string_view name(begin, static_cast<size_t>(end - begin));
  if (escaped) {
    std::string plain;
    if (!CheckJsonEscapes(name) || !UnescapeJson(name, plain)) return false;
    place = places_.Find(plain);
    return true;
  }
  place = places_.Find(name);
  constexpr size_t kMostSeen = 64;
  if (turn < kMostSeen && name.size() < Seen::kLongest) {
    if (seen_.size() <= turn) seen_.resize(turn + 1);
    Seen& seen = seen_[turn];
    std::memcpy(seen.name, name.data(), name.size());
    seen.name[name.size()] = '"';
    seen.size = name.size() + 1;
    seen.place = place;
  }
  return true;
}

}  // namespace weir
