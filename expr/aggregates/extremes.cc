#include <cmath>

#include "batch/key.h"
#include "expr/aggregates/loops.h"

namespace weir {
namespace {

/// A total order: a NaN is above all, -0.0 below 0.0. So the result never depends on the order of
/// the values.
template <typename T>
bool Below(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(b) && !std::isnan(a);
    if (a == b) return std::signbit(a) && !std::signbit(b);
  }
  return a < b;
}

/// Least or greatest value of a fixed width. State: the value in 8 or 16 bytes, whether it is there
/// in 8.
/// Encoding: whether it is there in 1 byte, then the value.
template <typename T, bool Greatest>
class FixedExtreme final : public Accumulator {
 public:
  explicit FixedExtreme(Type type) { type_ = std::move(type); }
  bool OwnsHeap() const override { return false; }
  size_t size() const override { return kSize; }
  void Init(std::byte* state) const override { std::memset(state, 0, kSize); }
  bool Update(const Input& input) const override {
    const T* values = input.values->values<T>().data();
    ForEachValue(input, [values](std::byte* state, size_t at) { Offer(state, values[at]); });
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    if (There(from)) Offer(to, Value(from));
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    if (!There(state)) return out.AppendNull();
    out.Append(Value(state));
  }
  void Encode(const std::byte* state, std::string& out) const override {
    Put(out, static_cast<uint8_t>(There(state) ? 1 : 0));
    if (There(state)) Put(out, Value(state));
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    uint8_t there = 0;
    T value{};
    if (!Get(bytes, there) || there > 1) return false;
    if (there == 0) return true;
    if (!Get(bytes, value)) return false;
    Offer(state, value);
    return true;
  }

 private:
  static constexpr size_t kValueSize = sizeof(T) < 8 ? 8 : sizeof(T);
  static constexpr size_t kSize = kValueSize + 8;
  static bool There(const std::byte* state) { return As<int64_t>(state + kValueSize) != 0; }
  static T Value(const std::byte* state) {
    T value;
    std::memcpy(&value, state, sizeof(T));
    return value;
  }
  static void Offer(std::byte* state, T value) {
    if (There(state) && !(Greatest ? Below(Value(state), value) : Below(value, Value(state)))) {
      return;
    }
    std::memcpy(state, &value, sizeof(T));
    As<int64_t>(state + kValueSize) = 1;
  }
};

/// Least or greatest text by bytes, or the least value of a nested type by its canonical bytes
/// (`nested`, the grammar of KeyColumn). State: owned pointer to the text, null if none.
/// Encoding: whether it is there in 1 byte, then the text.
class TextExtreme final : public Accumulator {
 public:
  TextExtreme(Type type, bool greatest) : greatest_(greatest), nested_(type.IsNested()) {
    type_ = std::move(type);
  }
  size_t size() const override { return sizeof(std::string*); }
  void Init(std::byte* state) const override { As<std::string*>(state) = nullptr; }
  void Destroy(std::byte* state) const override { delete As<std::string*>(state); }
  size_t HeapBytes(const std::byte* state) const override {
    const std::string* text = As<std::string*>(state);
    return text == nullptr ? 0 : sizeof(std::string) + text->capacity();
  }
  bool Update(const Input& input) const override {
    if (nested_) {
      const KeyColumn keys = KeyColumn::Of(std::span(&input.values, 1), input.values->size());
      ForEachValue(input, [&](std::byte* state, size_t at) { Offer(state, keys.key(at)); });
    } else {
      const Column& values = *input.values;
      ForEachValue(input, [&](std::byte* state, size_t at) { Offer(state, values.text(at)); });
    }
    return true;
  }
  bool Merge(std::byte* to, const std::byte* from) const override {
    if (const std::string* text = As<std::string*>(from)) Offer(to, *text);
    return true;
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    const std::string* text = As<std::string*>(state);
    if (text == nullptr) return out.AppendNull();
    if (!nested_) return out.AppendText(*text);
    ColumnBuilder* const column = &out;
    WEIR_CHECK(DecodeKey(*text, std::span(&column, 1)));
  }
  void Encode(const std::byte* state, std::string& out) const override {
    const std::string* text = As<std::string*>(state);
    Put(out, static_cast<uint8_t>(text != nullptr ? 1 : 0));
    if (text != nullptr) PutText(out, *text);
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    uint8_t there = 0;
    std::string_view text;
    if (!Get(bytes, there) || there > 1) return false;
    if (there == 0) return true;
    if (!GetText(bytes, text)) return false;
    if (nested_) {
      ColumnBuilder scratch(type_);
      ColumnBuilder* const column = &scratch;
      if (!DecodeKey(text, std::span(&column, 1))) return false;
    }
    Offer(state, text);
    return true;
  }

 private:
  void Offer(std::byte* state, std::string_view text) const {
    std::string*& kept = As<std::string*>(state);
    if (kept == nullptr) {
      kept = new std::string(text);  // Owned by the state, see Destroy.
    } else if (greatest_ ? *kept < text : text < *kept) {
      kept->assign(text);
    }
  }
  bool greatest_;
  bool nested_;
};

template <bool Greatest>
std::unique_ptr<const Accumulator> MakeExtreme(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kBool:
      return std::make_unique<FixedExtreme<uint8_t, Greatest>>(type);
    case TypeKind::kInt32:
    case TypeKind::kDate:
      return std::make_unique<FixedExtreme<int32_t, Greatest>>(type);
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return std::make_unique<FixedExtreme<int64_t, Greatest>>(type);
    case TypeKind::kFloat:
      return std::make_unique<FixedExtreme<float, Greatest>>(type);
    case TypeKind::kDouble:
      return std::make_unique<FixedExtreme<double, Greatest>>(type);
    case TypeKind::kDecimal:
      return std::make_unique<FixedExtreme<Int128, Greatest>>(type);
    case TypeKind::kString:
    case TypeKind::kBytes:
      return std::make_unique<TextExtreme>(type, Greatest);
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<const Accumulator> MakeMinimum(const Type& argument) {
  return MakeExtreme<false>(argument);
}
std::unique_ptr<const Accumulator> MakeMaximum(const Type& argument) {
  return MakeExtreme<true>(argument);
}
std::unique_ptr<const Accumulator> MakeAny(const Type& argument) {
  // The least one, so that any order of the rows gives the same.
  if (argument.IsNested() || argument.Is(TypeKind::kJson)) {
    return std::make_unique<TextExtreme>(argument, false);
  }
  return MakeExtreme<false>(argument);
}

}  // namespace weir
