#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_set>

#include "batch/key.h"
#include "expr/aggregates/loops.h"

namespace weir {
namespace {

/// What values of any type are kept as: the canonical bytes of KeyColumn.
KeyColumn KeysOf(const Accumulator::Input& input) {
  return KeyColumn::Of(std::span(&input.values, 1), input.values->size());
}
void AppendKey(std::string_view key, ColumnBuilder& out) {
  ColumnBuilder* const column = &out;
  WEIR_CHECK(DecodeKey(key, std::span(&column, 1)));
}
bool IsKeyOf(std::string_view key, const Type& type) {
  ColumnBuilder scratch(type);
  ColumnBuilder* const column = &scratch;
  return !key.empty() && key[0] == 1 && DecodeKey(key, std::span(&column, 1));
}

/// When a value came, by the row's time, partition and offset; equal ones go by the value's bytes,
/// so that no order of arrival shows.
struct Moment {
  int64_t time;
  int64_t offset;
  int64_t partition;
  auto Order() const { return std::tuple(time, partition, offset); }
};

Moment MomentOf(const Batch& batch, uint32_t row) {
  Moment moment{};
  if (batch.times()) moment.time = (*batch.times())[row].us;
  if (batch.origins()) {
    moment.offset = (*batch.origins())[row].offset;
    moment.partition = (*batch.origins())[row].partition;
  }
  return moment;
}

/// Calls `f(state, row of the batch, row of the values)` for values that are there.
template <typename F>
void ForEachRow(const Accumulator::Input& input, F f) {
  for (size_t k = 0; k < input.rows.size(); k++) {
    const size_t at = input.At(k);
    if (!input.values->IsNull(at)) f(input.State(k), input.rows[k], at);
  }
}

/// The value of the first or last row that has one. State: time, offset, partition and an owned
/// pointer to the value's canonical bytes, null if none. Encoding: whether it is there in 1 byte,
/// then time, offset, partition, the bytes as text.
class Edge final : public Accumulator {
 public:
  Edge(Type type, bool last) : last_(last) { type_ = std::move(type); }
  bool NeedsOrigins() const override { return true; }
  size_t size() const override { return sizeof(State); }
  void Init(std::byte* state) const override { As<State>(state) = {}; }
  void Destroy(std::byte* state) const override { delete As<State>(state).key; }
  size_t HeapBytes(const std::byte* state) const override {
    const std::string* key = As<State>(state).key;
    return key == nullptr ? 0 : sizeof(std::string) + key->capacity();
  }
  bool Update(const Input& input) const override {
    const KeyColumn keys = KeysOf(input);
    ForEachRow(input, [&](std::byte* state, uint32_t row, size_t at) {
      Offer(As<State>(state), MomentOf(input.batch, row), keys.key(at));
    });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    const State& other = As<State>(from);
    if (other.key != nullptr) Offer(As<State>(to), other.moment, *other.key);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    const State& from = As<State>(state);
    if (from.key == nullptr) return out.AppendNull();
    AppendKey(*from.key, out);
  }
  void Encode(const std::byte* state, std::string& out) const override {
    const State& from = As<State>(state);
    Put(out, static_cast<uint8_t>(from.key != nullptr ? 1 : 0));
    if (from.key == nullptr) return;
    Put(out, from.moment);
    PutText(out, *from.key);
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    uint8_t there = 0;
    Moment moment{};
    std::string_view key;
    if (!Get(bytes, there) || there > 1) return false;
    if (there == 0) return true;
    if (!Get(bytes, moment) || !GetText(bytes, key) || !IsKeyOf(key, type_)) return false;
    Offer(As<State>(state), moment, key);
    return true;
  }

 private:
  struct State {
    Moment moment;
    std::string* key;
  };
  void Offer(State& state, const Moment& moment, std::string_view key) const {
    if (state.key == nullptr) {
      state.key = new std::string(key);  // Owned by the state, see Destroy.
      state.moment = moment;
      return;
    }
    const auto mine = std::pair(state.moment.Order(), std::string_view(*state.key));
    const auto other = std::pair(moment.Order(), key);
    if (last_ ? mine < other : other < mine) {
      state.moment = moment;
      state.key->assign(key);
    }
  }
  bool last_;
};

/// All values in the order of their rows. State: owned pointer, null if none. Encoding: count in 8
/// bytes, then for each value time, offset, partition, its canonical bytes as text.
class CollectList final : public Accumulator {
 public:
  explicit CollectList(const Type& element) { type_ = Type::List(element); }
  bool NeedsOrigins() const override { return true; }
  size_t size() const override { return sizeof(Kept*); }
  void Init(std::byte* state) const override { As<Kept*>(state) = nullptr; }
  void Destroy(std::byte* state) const override { delete As<Kept*>(state); }
  size_t HeapBytes(const std::byte* state) const override {
    const Kept* kept = As<Kept*>(state);
    if (kept == nullptr) return 0;
    return sizeof(Kept) + kept->items.capacity() * sizeof(Item) + kept->key_bytes;
  }
  bool Update(const Input& input) const override {
    const KeyColumn keys = KeysOf(input);
    ForEachRow(input, [&](std::byte* state, uint32_t row, size_t at) {
      Add(state, MomentOf(input.batch, row), keys.key(at));
    });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    const Kept* other = As<Kept*>(from);
    if (other == nullptr) return true;
    for (const Item& item : other->items) Add(to, item.moment, item.key);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    if (const Kept* kept = As<Kept*>(state)) {
      std::vector<const Item*> order;
      for (const Item& item : kept->items) order.push_back(&item);
      std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
        return std::pair(a->moment.Order(), std::string_view(a->key)) <
               std::pair(b->moment.Order(), std::string_view(b->key));
      });
      for (const Item* item : order) AppendKey(item->key, out.child(0));
    }
    out.AppendNested();
  }
  void Encode(const std::byte* state, std::string& out) const override {
    const Kept* kept = As<Kept*>(state);
    Put(out, static_cast<uint64_t>(kept == nullptr ? 0 : kept->items.size()));
    if (kept == nullptr) return;
    for (const Item& item : kept->items) {
      Put(out, item.moment);
      PutText(out, item.key);
    }
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    uint64_t count = 0;
    if (!Get(bytes, count)) return false;
    const Type& element = type_.children()[0].type;
    for (uint64_t i = 0; i < count; i++) {
      Moment moment{};
      std::string_view key;
      if (!Get(bytes, moment) || !GetText(bytes, key) || !IsKeyOf(key, element)) return false;
      Add(state, moment, key);
    }
    return true;
  }

 private:
  struct Item {
    Moment moment;
    std::string key;
  };
  struct Kept {
    std::vector<Item> items;
    size_t key_bytes = 0;
  };
  static void Add(std::byte* state, const Moment& moment, std::string_view key) {
    Kept*& kept = As<Kept*>(state);
    if (kept == nullptr) kept = new Kept();  // Owned by the state, see Destroy.
    kept->items.push_back({moment, std::string(key)});
    kept->key_bytes += key.size();
  }
};

/// The different values, or their number. State: owned pointer, null if none. Encoding: count in 8
/// bytes, then the canonical bytes of each value as text, sorted.
class Distinct final : public Accumulator {
 public:
  Distinct(const Type& element, bool number) : element_(element), number_(number) {
    type_ = number ? Type(TypeKind::kInt64) : Type::List(element);
  }
  size_t size() const override { return sizeof(Kept*); }
  void Init(std::byte* state) const override { As<Kept*>(state) = nullptr; }
  void Destroy(std::byte* state) const override { delete As<Kept*>(state); }
  size_t HeapBytes(const std::byte* state) const override {
    constexpr size_t kNode = sizeof(std::string) + 3 * sizeof(void*);
    const Kept* kept = As<Kept*>(state);
    if (kept == nullptr) return 0;
    return sizeof(Kept) + kept->keys.size() * kNode + kept->keys.bucket_count() * sizeof(void*) +
           kept->key_bytes;
  }
  bool Update(const Input& input) const override {
    const KeyColumn keys = KeysOf(input);
    ForEachValue(input, [&](std::byte* state, size_t at) { Add(state, keys.key(at)); });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    const Kept* other = As<Kept*>(from);
    if (other == nullptr) return true;
    for (const std::string& key : other->keys) Add(to, key);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    const Kept* kept = As<Kept*>(state);
    if (number_) return out.Append(static_cast<int64_t>(kept == nullptr ? 0 : kept->keys.size()));
    if (kept != nullptr) {
      for (std::string_view key : Sorted(*kept)) AppendKey(key, out.child(0));
    }
    out.AppendNested();
  }
  void Encode(const std::byte* state, std::string& out) const override {
    const Kept* kept = As<Kept*>(state);
    Put(out, static_cast<uint64_t>(kept == nullptr ? 0 : kept->keys.size()));
    if (kept == nullptr) return;
    for (std::string_view key : Sorted(*kept)) PutText(out, key);
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    uint64_t count = 0;
    if (!Get(bytes, count)) return false;
    for (uint64_t i = 0; i < count; i++) {
      std::string_view key;
      if (!GetText(bytes, key) || !IsKeyOf(key, element_)) return false;
      Add(state, key);
    }
    return true;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return HashBytes(key); }
  };
  struct Kept {
    std::unordered_set<std::string, Hash, std::equal_to<>> keys;
    size_t key_bytes = 0;
  };

  static void Add(std::byte* state, std::string_view key) {
    Kept*& kept = As<Kept*>(state);
    if (kept == nullptr) kept = new Kept();  // Owned by the state, see Destroy.
    if (kept->keys.find(key) != kept->keys.end()) return;
    kept->keys.emplace(key);
    kept->key_bytes += key.size();
  }

  /// By value for text and numbers, by canonical bytes for the rest.
  std::vector<std::string_view> Sorted(const Kept& kept) const {
    std::vector<std::string_view> keys(kept.keys.begin(), kept.keys.end());
    if (element_.IsText()) {
      constexpr size_t kPrefix = 5;  // Marker and length.
      std::sort(keys.begin(), keys.end(), [](std::string_view a, std::string_view b) {
        return a.substr(kPrefix) < b.substr(kPrefix);
      });
    } else if (element_.IsFloating()) {
      std::sort(keys.begin(), keys.end(),
                [](std::string_view a, std::string_view b) { return Ordered(a) < Ordered(b); });
    } else {
      std::sort(keys.begin(), keys.end());
    }
    return keys;
  }
  /// The bits of a double so that they sort as the numbers do.
  static uint64_t Ordered(std::string_view key) {
    uint64_t bits = 0;
    for (size_t i = 1; i < 9; i++) bits = bits << 8 | static_cast<uint8_t>(key[i]);
    return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
  }

  Type element_;
  bool number_;
};

bool HasValues(const Type& type) { return !type.Is(TypeKind::kNull); }

}  // namespace

std::unique_ptr<const Accumulator> MakeFirst(const Type& argument) {
  return HasValues(argument) ? std::make_unique<Edge>(argument, false) : nullptr;
}
std::unique_ptr<const Accumulator> MakeLast(const Type& argument) {
  return HasValues(argument) ? std::make_unique<Edge>(argument, true) : nullptr;
}
std::unique_ptr<const Accumulator> MakeCollectList(const Type& argument) {
  return HasValues(argument) ? std::make_unique<CollectList>(argument) : nullptr;
}
std::unique_ptr<const Accumulator> MakeCollectSet(const Type& argument) {
  return HasValues(argument) ? std::make_unique<Distinct>(argument, false) : nullptr;
}
std::unique_ptr<const Accumulator> MakeCountDistinct(const Type& argument) {
  return HasValues(argument) ? std::make_unique<Distinct>(argument, true) : nullptr;
}

}  // namespace weir
