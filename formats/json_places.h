#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The places of a JSON object that columns stand at, as a tree along their paths.
struct JsonPlaces {
  struct Place {
    std::string name;
    std::vector<size_t> columns;        ///< Columns that stand exactly here.
    std::unique_ptr<JsonPlaces> below;  ///< Places below it, null where there are none.
    std::vector<size_t> all;            ///< Columns here and below.
  };
  std::vector<Place> places;

  /// Puts `column` at the path `from` (`address.city`), or at `name` where it is empty.
  void Put(size_t column, std::string_view name, std::string_view from);
  /// Null where there is none.
  const Place* Find(std::string_view name) const;

 private:
  Place& At(std::string_view name);
};

/// Finds the places of a record's fields by their names. Records of a source mostly have the same
/// fields in the same order, so the name that stood at a field's turn before is tried first.
class JsonFieldOrder {
 public:
  /// How many bytes behind a name's beginning may be looked at.
  static constexpr size_t kReach = 56;

  /// `places` outlives it.
  explicit JsonFieldOrder(const JsonPlaces& places) : places_(places) {}

  /// Sets `place` to the place of the field that comes `turn`-th, null where no column asks for it.
  /// `name` is what follows the quote of a whole string, with kReach bytes that may be read. False
  /// where an escape in it is wrong.
  bool Find(const char* name, size_t turn, const JsonPlaces::Place*& place) {
    if (turn >= seen_.size() || !seen_[turn].IsAt(name)) return Search(name, turn, place);
    place = seen_[turn].place;
    return true;
  }

 private:
  /// A name as it stood in a record, with its closing quote.
  struct Seen {
    static constexpr size_t kLongest = kReach - 8;
    char name[kReach] = {'\x01'};  // No name begins so.
    size_t size = 1;
    const JsonPlaces::Place* place = nullptr;

    bool IsAt(const char* at) const {
      size_t i = 0;
      for (; i + 8 <= size; i += 8) {
        if (Word(at + i) != Word(name + i)) return false;
      }
      const uint64_t rest = (uint64_t{1} << 8 * (size - i)) - 1;
      return ((Word(at + i) ^ Word(name + i)) & rest) == 0;
    }
    static uint64_t Word(const char* at) {
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      return word;
    }
  };

  bool Search(const char* name, size_t turn, const JsonPlaces::Place*& place);

  const JsonPlaces& places_;
  std::vector<Seen> seen_;
};

}  // namespace weir
