#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"

/// What `yaml.cc` and `yaml_set.cc` share and nobody else sees.
namespace weir {

/// A source text with an index that turns byte offsets into places without walking over the text.
/// Immutable.
class SourceIndex {
 public:
  explicit SourceIndex(std::shared_ptr<const SourceText> source);
  const std::shared_ptr<const SourceText>& source() const { return source_; }
  std::string_view text() const { return source_->text; }
  /// Offsets past the end are the end.
  Place At(size_t offset) const;
  /// Offset of the first byte after `offset` that ends its line (or the text).
  size_t LineEnd(size_t offset) const;

 private:
  size_t CharactersBefore(size_t offset) const;
  std::shared_ptr<const SourceText> source_;
  std::vector<size_t> line_starts_;
  std::vector<size_t> characters_;  // Characters before byte i * kStride.
};

/// Where the bytes of a scalar's text stand in the source: pieces in order, each either byte for
/// byte, or (an escape, a fold, a filled-in variable) all of it at one place.
class TextMap {
 public:
  void Add(size_t text_offset, size_t source_offset, bool linear);
  size_t SourceAt(size_t text_offset) const;
  /// Appends what this map says of [begin, end) to `out`, as text from `out_offset`.
  void CopyRange(size_t begin, size_t end, size_t out_offset, TextMap& out) const;

 private:
  struct Piece {
    size_t text;
    size_t source;
    bool linear;
  };
  std::vector<Piece> pieces_;
};

/// A scalar found again in the source.
struct ScalarPlace {
  TextMap map;
  size_t begin = 0;  ///< First byte of the text, inside quotes and blocks.
  size_t end = 0;    ///< Behind its last byte.
  bool quoted = false;
  bool exact = false;  ///< False where the map only knows the beginning.
};

/// Finds where each byte of `value` stands: the scalar begins at byte `at` of `source` (at its
/// quote or block header). Follows YAML's rules for plain, quoted, literal and folded scalars.
ScalarPlace LocateScalar(std::string_view source, size_t at, std::string_view value);

struct YamlNode::Data {
  Kind kind = Kind::kNull;
  std::string text;
  bool quoted = false;
  bool faulty = false;
  size_t length = 1;
  std::vector<YamlNode> items;
  std::vector<Entry> entries;
  Place place;
  std::shared_ptr<const SourceIndex> index;
  TextMap map;
};

/// ReadYaml of the part of `source` from byte `begin` on.
YamlNode ReadYamlPart(std::shared_ptr<const SourceText> source, size_t begin,
                      const Variables& variables, Diagnostics& diagnostics);

/// Length of the UTF-8 character at the start of `text`, 0 where it is none.
size_t Utf8Length(std::string_view text);

}  // namespace weir
