#include <cmath>

#include "expr/aggregates/loops.h"

namespace weir {
namespace {

/// Counts rows, or values that are there. State and encoding: int64.
class Count final : public Accumulator {
 public:
  Count() { type_ = TypeKind::kInt64; }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return sizeof(int64_t); }
  void Init(std::byte* state) const override { As<int64_t>(state) = 0; }
  bool Update(const Input& input) const override {
    if (input.values) {
      ForEachValue(input, [](std::byte* state, size_t) { As<int64_t>(state)++; });
      return true;
    }
    const size_t offset = input.offset;
    std::byte* const* states = input.states.data();
    for (const uint32_t row : input.rows) As<int64_t>(states[row] + offset)++;
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    As<int64_t>(to) += As<int64_t>(from);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    out.Append(As<int64_t>(state));
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, As<int64_t>(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return Get(bytes, As<int64_t>(state)) && As<int64_t>(state) >= 0;
  }
};

/// Counts rows whose condition is true. State and encoding: int64.
class CountIf final : public Accumulator {
 public:
  CountIf() { type_ = TypeKind::kInt64; }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return sizeof(int64_t); }
  void Init(std::byte* state) const override { As<int64_t>(state) = 0; }
  bool Update(const Input& input) const override {
    const uint8_t* conditions = input.values->values<uint8_t>().data();
    ForEachValue(
        input, [conditions](std::byte* state, size_t at) { As<int64_t>(state) += conditions[at]; });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    As<int64_t>(to) += As<int64_t>(from);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    out.Append(As<int64_t>(state));
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, As<int64_t>(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return Get(bytes, As<int64_t>(state)) && As<int64_t>(state) >= 0;
  }
};

/// Sum of int32, int64 or duration in int64. State: sum, count of values; encoded as they are.
template <typename T>
class SumInt final : public Accumulator {
 public:
  explicit SumInt(Type type) { type_ = std::move(type); }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return sizeof(State); }
  void Init(std::byte* state) const override { As<State>(state) = {}; }
  bool Update(const Input& input) const override {
    const T* values = input.values->values<T>().data();
    bool overflow = false;
    ForEachValue(input, [&](std::byte* bytes, size_t at) {
      State& state = As<State>(bytes);
      overflow |= __builtin_add_overflow(state.sum, int64_t{values[at]}, &state.sum);
      state.count++;
    });
    return !overflow;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    As<State>(to).count += As<State>(from).count;
    return !__builtin_add_overflow(As<State>(to).sum, As<State>(from).sum, &As<State>(to).sum);
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    if (As<State>(state).count == 0) return out.AppendNull();
    out.Append(As<State>(state).sum);
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, As<State>(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return Get(bytes, As<State>(state)) && As<State>(state).count >= 0;
  }

 private:
  struct State {
    int64_t sum;
    int64_t count;
  };
};

/// A sum of doubles that keeps what rounding took away (Knuth's two-sum), so that the order of the
/// values hardly shows.
struct ExactSum {
  double sum;
  double lost;
  void Add(double value) {
    const double total = sum + value;
    const double part = total - sum;
    lost += (sum - (total - part)) + (value - part);
    sum = total;
  }
  double Total() const { return std::isfinite(sum) ? sum + lost : sum; }
};

/// Sum (or average) of float, double. State: sum, lost, count of values; encoded as they are.
template <typename T, bool Average>
class SumDouble final : public Accumulator {
 public:
  SumDouble() { type_ = TypeKind::kDouble; }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return sizeof(State); }
  void Init(std::byte* state) const override { As<State>(state) = {}; }
  bool Update(const Input& input) const override {
    const T* values = input.values->values<T>().data();
    ForEachValue(input, [values](std::byte* bytes, size_t at) {
      State& state = As<State>(bytes);
      state.sum.Add(values[at]);
      state.count++;
    });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    As<State>(to).sum.Add(As<State>(from).sum.sum);
    As<State>(to).sum.lost += As<State>(from).sum.lost;
    As<State>(to).count += As<State>(from).count;
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    const State& from = As<State>(state);
    if (from.count == 0) return out.AppendNull();
    out.Append(Average ? from.sum.Total() / static_cast<double>(from.count) : from.sum.Total());
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, As<State>(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return Get(bytes, As<State>(state)) && As<State>(state).count >= 0;
  }

 private:
  struct State {
    ExactSum sum;
    int64_t count;
  };
};

/// Average of ints, or sum or average of decimals, over an exact sum of 128 bits. State: sum as low
/// and high 8 bytes, count of values; encoded as they are.
template <typename T, bool Average>
class SumWide final : public Accumulator {
 public:
  SumWide(Type type, int scale) : scale_(scale) { type_ = std::move(type); }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return sizeof(State); }
  void Init(std::byte* state) const override { As<State>(state) = {}; }
  bool Update(const Input& input) const override {
    const T* values = input.values->values<T>().data();
    bool overflow = false;
    ForEachValue(input, [&](std::byte* bytes, size_t at) {
      overflow |= Add(As<State>(bytes), values[at], 1);
    });
    return !overflow;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    return !Add(As<State>(to), SumOf(As<State>(from)), As<State>(from).count);
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    const State& from = As<State>(state);
    if (from.count == 0) return out.AppendNull();
    if constexpr (Average) {
      double power = 1;
      for (int i = 0; i < scale_; i++) power *= 10;
      out.Append(static_cast<double>(SumOf(from)) / power / static_cast<double>(from.count));
    } else {
      out.Append(SumOf(from));
    }
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, As<State>(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return Get(bytes, As<State>(state)) && As<State>(state).count >= 0;
  }

 private:
  struct State {  // Two halves, because accumulators are only 8-aligned.
    uint64_t low;
    int64_t high;
    int64_t count;
  };
  static Int128 SumOf(const State& state) {
    return static_cast<Int128>(state.high) << 64 | static_cast<Int128>(state.low);
  }
  /// True on overflow (of decimal(38) where the sum itself is shown).
  static bool Add(State& state, Int128 value, int64_t count) {
    Int128 sum = 0;
    if (__builtin_add_overflow(SumOf(state), value, &sum)) return true;
    state.low = static_cast<uint64_t>(sum);
    state.high = static_cast<int64_t>(sum >> 64);
    state.count += count;
    constexpr Int128 kLimit =
        static_cast<Int128>(10000000000000000000ULL) * 10000000000000000000ULL;
    return !Average && (sum >= kLimit || sum <= -kLimit);
  }
  int scale_;
};

}  // namespace

std::unique_ptr<const Accumulator> MakeCount(const Type&) { return std::make_unique<Count>(); }

std::unique_ptr<const Accumulator> MakeCountIf(const Type& argument) {
  return argument.Is(TypeKind::kBool) ? std::make_unique<CountIf>() : nullptr;
}

std::unique_ptr<const Accumulator> MakeSum(const Type& argument) {
  switch (argument.kind()) {
    case TypeKind::kInt32:
      return std::make_unique<SumInt<int32_t>>(TypeKind::kInt64);
    case TypeKind::kInt64:
      return std::make_unique<SumInt<int64_t>>(TypeKind::kInt64);
    case TypeKind::kDuration:
      return std::make_unique<SumInt<int64_t>>(TypeKind::kDuration);
    case TypeKind::kFloat:
      return std::make_unique<SumDouble<float, false>>();
    case TypeKind::kDouble:
      return std::make_unique<SumDouble<double, false>>();
    case TypeKind::kDecimal:
      return std::make_unique<SumWide<Int128, false>>(Type::Decimal(38, argument.scale()), 0);
    default:
      return nullptr;
  }
}

std::unique_ptr<const Accumulator> MakeAverage(const Type& argument) {
  switch (argument.kind()) {
    case TypeKind::kInt32:
      return std::make_unique<SumWide<int32_t, true>>(TypeKind::kDouble, 0);
    case TypeKind::kInt64:
      return std::make_unique<SumWide<int64_t, true>>(TypeKind::kDouble, 0);
    case TypeKind::kFloat:
      return std::make_unique<SumDouble<float, true>>();
    case TypeKind::kDouble:
      return std::make_unique<SumDouble<double, true>>();
    case TypeKind::kDecimal:
      return std::make_unique<SumWide<Int128, true>>(TypeKind::kDouble, argument.scale());
    default:
      return nullptr;
  }
}

}  // namespace weir
