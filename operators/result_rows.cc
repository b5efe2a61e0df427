#include "operators/result_rows.h"

#include <algorithm>
#include <numeric>

#include "batch/key.h"
#include "operators/errors.h"

namespace weir {
namespace {

constexpr size_t kRowsPerBatch = 16384;

/// The 8 bytes from `from` on as a number that orders as they do; a key that ends sooner comes
/// first or ties.
uint64_t Prefix(std::string_view key, size_t from) {
  uint64_t prefix = 0;
  for (size_t i = from; i < from + 8; i++) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0);
  }
  return prefix;
}

}  // namespace

ResultRows::ResultRows(const GroupedStep& step) : step_(step), builder_(step.output) {}

void ResultRows::Add(std::string_view key, const std::byte* row, int64_t start, int64_t end) {
  if (GroupLayout::Weight(row) == 0) return;
  keys_ += key;
  key_offsets_.push_back(keys_.size());
  starts_.push_back(start);
  ends_.push_back(end);
  const GroupLayout& layout = *step_.layout;
  const size_t first = step_.output->size() - layout.aggregates().size();
  for (size_t i = 0; i < layout.aggregates().size(); i++) {
    layout.aggregates()[i]->Finish(row + layout.offset(i), builder_.column(first + i));
  }
}

std::vector<uint32_t> ResultRows::Order() const {
  struct Item {
    int64_t end;
    uint64_t prefix;
    uint32_t index;
  };
  // Keys of one shape often begin alike; what they share says nothing of their order.
  const std::string_view first = key(0);
  size_t shared = first.size();
  for (size_t i = 1; i < size(); i++) {
    const std::string_view other = key(i);
    const size_t least = std::min(shared, other.size());
    shared = static_cast<size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(least), other.begin())
            .first -
        first.begin());
  }
  std::vector<Item> items(size());
  for (uint32_t i = 0; i < items.size(); i++) items[i] = {ends_[i], Prefix(key(i), shared), i};
  std::sort(items.begin(), items.end(), [this](const Item& a, const Item& b) {
    if (a.end != b.end) return a.end < b.end;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int keys = key(a.index).compare(key(b.index));
    return keys != 0 ? keys < 0 : starts_[a.index] < starts_[b.index];
  });
  std::vector<uint32_t> order(items.size());
  for (size_t i = 0; i < items.size(); i++) order[i] = items[i].index;
  return order;
}

Result<int64_t> ResultRows::Emit(Output& out) {
  const size_t count = size();
  if (count == 0) return int64_t{0};
  const size_t groups = step_.groups.size();
  std::vector<ColumnBuilder*> columns;
  for (size_t i = 0; i < groups; i++) columns.push_back(&builder_.column(i));
  auto origins = std::make_shared<std::vector<Origin>>();
  origins->reserve(count);
  for (size_t i = 0; i < count; i++) {
    if (!DecodeKey(key(i), columns)) {
      return Status(errors::kStateLost,
                    "step '" + step_.step + "': a key of its state is not one of its groups'",
                    "start from an older checkpoint");
    }
    const uint64_t hash = HashBytes(key(i));
    origins->push_back({SlotOfHash(hash), static_cast<int64_t>(hash >> 1)});
  }
  Batch::Times times;
  if (step_.has_window()) {
    for (int64_t start : starts_) builder_.column(groups).Append(start);
    for (int64_t end : ends_) builder_.column(groups + 1).Append(end);
    auto taken = std::make_shared<std::vector<EventTime>>();
    taken->reserve(count);
    for (int64_t end : ends_) taken->push_back({end - 1});
    times = std::move(taken);
  }
  if (step_.output->size() == 0) builder_.AddBareRows(count);
  const std::vector<uint32_t> order = Order();
  const BatchPtr all = builder_.Finish(std::move(times), std::move(origins));
  keys_.clear();
  key_offsets_.resize(1);
  starts_.clear();
  ends_.clear();
  for (size_t begin = 0; begin < count; begin += kRowsPerBatch) {
    const size_t rows = std::min(kRowsPerBatch, count - begin);
    WEIR_TRY(out.Emit(all->Take(std::span(order).subspan(begin, rows))));
  }
  return static_cast<int64_t>(count);
}

}  // namespace weir
