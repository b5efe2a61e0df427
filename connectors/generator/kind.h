#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "batch/batch.h"

namespace weir {

/// A well mixed number from the seed of a generator, a row's place, and what it is drawn for.
constexpr uint64_t Draw(uint64_t seed, uint64_t share, uint64_t index, uint64_t purpose) {
  uint64_t x = seed * 0x9e3779b97f4a7c15 ^ (share + 1) * 0xd1342543de82ef95 ^
               (index + 1) * 0xbf58476d1ce4e5b9 ^ (purpose + 1) * 0x94d049bb133111eb;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}
/// 0 <= result < bound.
constexpr uint64_t DrawBelow(uint64_t bound, uint64_t draw) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(draw) * bound >> 64);
}
/// 0 <= result < 1.
constexpr double DrawUnit(uint64_t draw) { return static_cast<double>(draw >> 11) * 0x1p-53; }

/// One split's part of a generator's rows: share `index` of `count`.
struct GeneratorShare {
  uint64_t seed = 0;
  uint32_t index = 0;
  uint32_t count = 1;
};

/// Makes the rows of one split, in order. One thread.
class RowMaker {
 public:
  virtual ~RowMaker() = default;
  /// Appends row number `index` of the split, with time `time`, to `columns`: one builder for each
  /// column of the kind's schema, null where nobody wants it. Rows are asked for in order.
  virtual void Make(uint64_t index, EventTime time, std::span<ColumnBuilder* const> columns) = 0;
  /// What the next row depends on besides its number, as text without spaces; empty: nothing.
  virtual std::string Save() const { return {}; }
  /// Goes on from what Save gave; false where it is damaged.
  virtual bool Restore(std::string_view state) { return state.empty(); }
};

/// A kind of rows. One file and one line in kinds.cc each.
class GeneratorKind {
 public:
  virtual ~GeneratorKind() = default;
  virtual std::string_view name() const = 0;
  virtual const SchemaPtr& schema() const = 0;
  /// Whether `users` says how many splits there are; otherwise there is one.
  virtual bool HasUsers() const { return false; }
  /// Time between rows of a split where the job does not say.
  virtual Duration default_low() const { return {}; }
  virtual Duration default_high() const { return {}; }
  /// How far times advance from row to row of a split where there is neither delay nor rate.
  virtual Duration step() const = 0;
  virtual std::unique_ptr<RowMaker> Open(const GeneratorShare& share) const = 0;
};

std::span<const GeneratorKind* const> AllGeneratorKinds();

const GeneratorKind& ClickstreamKind();
const GeneratorKind& StockKind();
const GeneratorKind& BlogKind();
const GeneratorKind& TaxiKind();

}  // namespace weir
