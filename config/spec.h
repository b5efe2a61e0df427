#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/values.h"
#include "config/yaml.h"

namespace weir {

class SpecBase;

/// One key of a spec, as the reference page and the JSON Schema show it.
struct FieldInfo {
  std::string name;      ///< Empty: the value written in place of a map (see Bare).
  std::string type;      ///< `duration`, `list of text`, `earliest | latest`.
  std::string fallback;  ///< The default as a user would write it; empty: none.
  std::string help;
  std::string bound;                 ///< `more than 0`; empty: none.
  std::string schema;                ///< JSON Schema of the value; empty where it is `nested`'s.
  const SpecBase* nested = nullptr;  ///< Declaration of the value's own keys.
  bool required = false;
  bool not_yet = false;  ///< Known, and refused: comes in a later version.
};

namespace internal {

/// A field with its type erased: `out` points to the struct that the spec fills.
struct SpecField {
  FieldInfo info;
  std::function<bool(const YamlNode&, Diagnostics&, void* out)> read;
  std::function<void(void* out)> set_default;
};

/// Stands for a type in overloads that describe it.
template <typename T>
struct Tag {};

/// How a value is documented.
struct ValueInfo {
  std::string type;
  std::string schema;
  const SpecBase* nested = nullptr;
};

}  // namespace internal

/// A declaration of keys: one place for a field's name, type, default, help and bound, from which
/// reading, checking, the reference page and the JSON Schema come.
class SpecBase {
 public:
  virtual ~SpecBase() = default;
  SpecBase(const SpecBase&) = delete;
  SpecBase& operator=(const SpecBase&) = delete;

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  const std::string& example() const { return example_; }
  /// In the order of declaration.
  const std::vector<FieldInfo>& fields() const { return infos_; }
  /// JSON Schema (draft 2020-12) of a value of this spec, as JSON text.
  std::string JsonSchema() const;
  /// Reads and forgets: true if `node` is without fault.
  virtual bool Check(const YamlNode& node, Diagnostics& diagnostics) const = 0;

 protected:
  SpecBase(std::string name, std::string help, std::vector<internal::SpecField> fields,
           std::string example);
  bool ReadInto(const YamlNode& node, Diagnostics& diagnostics, void* out,
                const std::vector<std::string>& others = {}, const Place* place = nullptr) const;

 private:
  bool ReadBare(const YamlNode& node, Diagnostics& diagnostics, void* out) const;
  bool ReadEntry(const YamlNode::Entry& entry, const std::vector<std::string>& others,
                 Diagnostics& diagnostics, void* out) const;

  std::string name_;
  std::string help_;
  std::string example_;
  std::vector<internal::SpecField> fields_;
  std::vector<FieldInfo> infos_;
};

// ---------------------------------------------------------------------------------------------
// Values. A member may have any type X with these three functions in X's namespace or weir's:
//   bool ReadValue(const YamlNode&, Diagnostics&, X&)      tells all faults; false if there was one
//   internal::ValueInfo DescribeValue(internal::Tag<X>)
//   std::string ShowValue(const X&)                        as a user would write it

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, bool& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, int32_t& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, int64_t& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, uint32_t& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, double& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::string& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Duration& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, DurationRange& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, ByteSize& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Rate& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, ExpressionText& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Secret& out);
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, YamlNode& out);

internal::ValueInfo DescribeValue(internal::Tag<bool>);
internal::ValueInfo DescribeValue(internal::Tag<int32_t>);
internal::ValueInfo DescribeValue(internal::Tag<int64_t>);
internal::ValueInfo DescribeValue(internal::Tag<uint32_t>);
internal::ValueInfo DescribeValue(internal::Tag<double>);
internal::ValueInfo DescribeValue(internal::Tag<std::string>);
internal::ValueInfo DescribeValue(internal::Tag<Duration>);
internal::ValueInfo DescribeValue(internal::Tag<DurationRange>);
internal::ValueInfo DescribeValue(internal::Tag<ByteSize>);
internal::ValueInfo DescribeValue(internal::Tag<Rate>);
internal::ValueInfo DescribeValue(internal::Tag<ExpressionText>);
internal::ValueInfo DescribeValue(internal::Tag<Secret>);
internal::ValueInfo DescribeValue(internal::Tag<YamlNode>);

std::string ShowValue(bool value);
std::string ShowValue(int32_t value);
std::string ShowValue(int64_t value);
std::string ShowValue(uint32_t value);
std::string ShowValue(double value);
std::string ShowValue(const std::string& value);
std::string ShowValue(Duration value);
std::string ShowValue(DurationRange value);
std::string ShowValue(ByteSize value);
std::string ShowValue(Rate value);
std::string ShowValue(const ExpressionText& value);
std::string ShowValue(const Secret& value);
std::string ShowValue(const YamlNode& value);

/// One word of an enum. An enum E is a member type where its namespace (or its class, as a friend)
/// has `std::vector<Choice<E>> ChoicesOf(E)`.
template <typename E>
struct Choice {
  std::string name;
  E value;
};

namespace internal {

template <typename E>
concept ChoiceEnum = std::is_enum_v<E> && requires { ChoicesOf(E{}); };

/// A struct that declares itself: `static const Spec<X>& Describe()`.
template <typename X>
concept Described = requires { X::Describe().name(); };

/// Index into `names` of a scalar, or -1 after telling the fault.
int ReadChoice(const YamlNode& node, Diagnostics& diagnostics,
               const std::vector<std::string>& names);
ValueInfo DescribeChoice(const std::vector<std::string>& names);
ValueInfo DescribeNested(const SpecBase& spec);
ValueInfo DescribeList(const ValueInfo& element);
ValueInfo DescribeMap(const ValueInfo& value);
ValueInfo DescribeOptional(const ValueInfo& value, std::string_view absent_word);
bool ExpectMap(const YamlNode& node, Diagnostics& diagnostics);
/// Whether a scalar is one of the words for "no value": `off`, `none`, `unlimited`.
bool IsAbsentWord(const YamlNode& node);

/// Types whose std::optional can be written as "none": how the default shows.
template <typename X>
constexpr std::string_view AbsentWord() {
  if constexpr (std::is_same_v<X, Duration>) return "off";
  if constexpr (std::is_same_v<X, ByteSize> || std::is_same_v<X, Rate>) return "none";
  if constexpr (std::is_same_v<X, int32_t> || std::is_same_v<X, int64_t> ||
                std::is_same_v<X, uint32_t>) {
    return "unlimited";
  }
  return "";
}

}  // namespace internal

template <internal::ChoiceEnum E>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, E& out) {
  const auto choices = ChoicesOf(E{});
  std::vector<std::string> names;
  for (const auto& choice : choices) names.push_back(choice.name);
  const int index = internal::ReadChoice(node, diagnostics, names);
  if (index < 0) return false;
  out = choices[index].value;
  return true;
}
template <internal::ChoiceEnum E>
internal::ValueInfo DescribeValue(internal::Tag<E>) {
  std::vector<std::string> names;
  for (const auto& choice : ChoicesOf(E{})) names.push_back(choice.name);
  return internal::DescribeChoice(names);
}
template <internal::ChoiceEnum E>
std::string ShowValue(const E& value) {
  for (const auto& choice : ChoicesOf(E{})) {
    if (choice.value == value) return choice.name;
  }
  return {};
}

template <internal::Described X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, X& out) {
  return X::Describe().Read(node, diagnostics, out);
}
template <internal::Described X>
internal::ValueInfo DescribeValue(internal::Tag<X>) {
  return internal::DescribeNested(X::Describe());
}
template <internal::Described X>
std::string ShowValue(const X&) {
  return {};
}

// Containers nest, so all of them are declared before any is defined.
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::vector<X>& out);
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::optional<X>& out);
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::map<std::string, X>& out);
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::vector<X>>);
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::optional<X>>);
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::map<std::string, X>>);
template <typename X>
std::string ShowValue(const std::vector<X>& value);
template <typename X>
std::string ShowValue(const std::optional<X>& value);
template <typename X>
std::string ShowValue(const std::map<std::string, X>& value);

/// A list; one value stands for a list of one.
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::vector<X>& out) {
  out.clear();
  if (node.kind() != YamlNode::Kind::kList) {
    X element{};
    if (!ReadValue(node, diagnostics, element)) return false;
    out.push_back(std::move(element));
    return true;
  }
  bool good = true;
  for (const YamlNode& item : node.items()) {
    X element{};
    if (!ReadValue(item, diagnostics, element)) good = false;
    out.push_back(std::move(element));
  }
  return good;
}
/// A value that may be absent; durations, sizes, rates and whole numbers also by a word.
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::optional<X>& out) {
  out.reset();
  if constexpr (!internal::AbsentWord<X>().empty()) {
    if (internal::IsAbsentWord(node)) return true;
  }
  X value{};
  if (!ReadValue(node, diagnostics, value)) return false;
  out = std::move(value);
  return true;
}
/// A map with keys of the user's own.
template <typename X>
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::map<std::string, X>& out) {
  out.clear();
  if (!internal::ExpectMap(node, diagnostics)) return false;
  bool good = true;
  for (const YamlNode::Entry& entry : node.entries()) {
    X value{};
    if (!ReadValue(entry.value, diagnostics, value)) good = false;
    out[entry.key] = std::move(value);
  }
  return good;
}
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::vector<X>>) {
  return internal::DescribeList(DescribeValue(internal::Tag<X>{}));
}
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::optional<X>>) {
  return internal::DescribeOptional(DescribeValue(internal::Tag<X>{}), internal::AbsentWord<X>());
}
template <typename X>
internal::ValueInfo DescribeValue(internal::Tag<std::map<std::string, X>>) {
  return internal::DescribeMap(DescribeValue(internal::Tag<X>{}));
}
template <typename X>
std::string ShowValue(const std::vector<X>& value) {
  std::string text;
  for (const X& element : value) text += (text.empty() ? "" : ", ") + ShowValue(element);
  return value.empty() ? std::string() : "[" + text + "]";
}
template <typename X>
std::string ShowValue(const std::optional<X>& value) {
  return value ? ShowValue(*value) : std::string(internal::AbsentWord<X>());
}
template <typename X>
std::string ShowValue(const std::map<std::string, X>&) {
  return {};
}

// ---------------------------------------------------------------------------------------------
// Bounds

/// A condition on a value, with its words: `'within' must be more than 0`.
template <typename Predicate>
struct FieldBound {
  std::string words;
  Predicate holds;
};

/// A bound of one's own: `Condition("a power of two", [](int64_t n) { … })`.
template <typename Predicate>
FieldBound<Predicate> Condition(std::string words, Predicate holds) {
  return {std::move(words), std::move(holds)};
}

namespace internal {

struct IsPositive {
  template <typename X>
  bool operator()(const X& value) const {
    return value > X{};
  }
};
struct IsNotNegative {
  template <typename X>
  bool operator()(const X& value) const {
    return value >= X{};
  }
};
struct IsNotEmpty {
  template <typename X>
  bool operator()(const X& value) const {
    return !value.empty();
  }
};

template <typename Predicate, typename X>
bool Holds(const Predicate& predicate, const X& value) {
  return predicate(value);
}
template <typename Predicate, typename X>
bool Holds(const Predicate& predicate, const std::optional<X>& value) {
  return !value || predicate(*value);
}

/// Tells that nobody knows the entry's key, with the nearest of the known ones.
void UnknownKey(const YamlNode::Entry& entry, const std::vector<std::string>& known,
                Diagnostics& diagnostics);
/// Tells that `name` breaks its bound, at `node`.
void BoundBroken(const YamlNode& node, const std::string& name, const std::string& words,
                 Diagnostics& diagnostics);

}  // namespace internal

inline const FieldBound<internal::IsPositive> Positive{"more than 0", {}};
inline const FieldBound<internal::IsNotNegative> NotNegative{"0 or more", {}};
inline const FieldBound<internal::IsNotEmpty> NotEmpty{"not empty", {}};

template <typename X>
auto AtLeast(X low) {
  return Condition(ShowValue(low) + " or more", [low](const auto& value) {
    return value >= static_cast<std::decay_t<decltype(value)>>(low);
  });
}
template <typename X>
auto AtMost(X high) {
  return Condition(ShowValue(high) + " or less", [high](const auto& value) {
    return value <= static_cast<std::decay_t<decltype(value)>>(high);
  });
}
template <typename X>
auto InRange(X low, X high) {
  return Condition("between " + ShowValue(low) + " and " + ShowValue(high),
                   [low, high](const auto& value) {
                     using V = std::decay_t<decltype(value)>;
                     return value >= static_cast<V>(low) && value <= static_cast<V>(high);
                   });
}

// ---------------------------------------------------------------------------------------------
// Fields

/// A key that is known and comes later: refused as such.
struct NotYetField {
  std::string name;
  std::string help;
};
inline NotYetField NotYet(std::string name, std::string help) {
  return {std::move(name), std::move(help)};
}

/// A field of the struct T. Made by Required, Optional, Bare and NotYet.
template <typename T>
struct SpecFieldOf {
  internal::SpecField field;

  SpecFieldOf(internal::SpecField field_in) : field(std::move(field_in)) {}  // NOLINT: implicit
  SpecFieldOf(NotYetField later) {                                           // NOLINT: implicit
    field.info.name = std::move(later.name);
    field.info.help = std::move(later.help);
    field.info.type = "not yet";
    field.info.not_yet = true;
  }
  /// Members that T has from its base B.
  template <typename B>
    requires(std::derived_from<T, B> && !std::same_as<T, B>)
  SpecFieldOf(SpecFieldOf<B> of_base) : field(std::move(of_base.field)) {  // NOLINT: implicit
    field.read = [read = std::move(field.read)](const YamlNode& node, Diagnostics& diagnostics,
                                                void* out) {
      return read(node, diagnostics, static_cast<B*>(static_cast<T*>(out)));
    };
    if (field.set_default) {
      field.set_default = [set = std::move(field.set_default)](void* out) {
        set(static_cast<B*>(static_cast<T*>(out)));
      };
    }
  }
};

namespace internal {

template <typename T, typename M>
SpecField MakeField(std::string_view name, M T::* member, std::string_view help) {
  SpecField field;
  field.info.name = name;
  field.info.help = help;
  ValueInfo value = DescribeValue(Tag<M>{});
  field.info.type = std::move(value.type);
  field.info.schema = std::move(value.schema);
  field.info.nested = value.nested;
  field.read = [member](const YamlNode& node, Diagnostics& diagnostics, void* out) {
    return ReadValue(node, diagnostics, static_cast<T*>(out)->*member);
  };
  return field;
}

template <typename T, typename M, typename Predicate>
void AddBound(SpecField& field, M T::* member, const FieldBound<Predicate>& bound) {
  field.info.bound += (field.info.bound.empty() ? "" : ", ") + bound.words;
  field.read = [read = std::move(field.read), member, bound, name = field.info.name](
                   const YamlNode& node, Diagnostics& diagnostics, void* out) {
    if (!read(node, diagnostics, out)) return false;
    if (Holds(bound.holds, static_cast<T*>(out)->*member)) return true;
    BoundBroken(node, name, bound.words, diagnostics);
    return false;
  };
}

}  // namespace internal

/// A key that must be there.
template <typename T, typename M, typename... Predicates>
SpecFieldOf<T> Required(std::string_view name, M T::* member, std::string_view help,
                        const FieldBound<Predicates>&... bounds) {
  internal::SpecField field = internal::MakeField(name, member, help);
  field.info.required = true;
  (internal::AddBound(field, member, bounds), ...);
  return field;
}

/// A key that may be left out; the member is then `fallback`.
template <typename T, typename M, typename D, typename... Predicates>
  requires std::convertible_to<D, M>
SpecFieldOf<T> Optional(std::string_view name, M T::* member, D fallback, std::string_view help,
                        const FieldBound<Predicates>&... bounds) {
  internal::SpecField field = internal::MakeField(name, member, help);
  const M value = std::move(fallback);
  field.info.fallback = ShowValue(value);
  field.set_default = [member, value](void* out) { static_cast<T*>(out)->*member = value; };
  (internal::AddBound(field, member, bounds), ...);
  return field;
}

/// A key that may be left out; the member then stays as the struct initialises it, and the
/// reference page shows no default.
template <typename T, typename M, typename... Predicates>
SpecFieldOf<T> Optional(std::string_view name, M T::* member, std::string_view help,
                        const FieldBound<Predicates>&... bounds) {
  internal::SpecField field = internal::MakeField(name, member, help);
  (internal::AddBound(field, member, bounds), ...);
  return field;
}

/// What may be written in place of the map: a scalar (or list) is read into `member`, and the keys
/// take their defaults. `start: earliest` beside `start: { timestamp: … }`. A map leaves it as the
/// struct initialises it.
template <typename T, typename M, typename... Predicates>
SpecFieldOf<T> Bare(M T::* member, std::string_view help, const FieldBound<Predicates>&... bounds) {
  internal::SpecField field = internal::MakeField("", member, help);
  (internal::AddBound(field, member, bounds), ...);
  return field;
}

/// The keys of the struct T. Made once, in `T::Describe()`.
///
///   static const Spec<DedupSpec> spec("dedup", "Drops rows whose key has been seen already.",
///       {Required("by", &DedupSpec::by, "Columns that together name a row.", NotEmpty),
///        Optional("within", &DedupSpec::within, Duration::Minutes(10),
///                 "How long a key is remembered, in event time.", Positive)},
///       "dedup: {by: [order_id], within: 1h}");
template <typename T>
class Spec final : public SpecBase {
 public:
  Spec(std::string_view name, std::string_view help, std::initializer_list<SpecFieldOf<T>> fields,
       std::string_view example)
      : SpecBase(std::string(name), std::string(help), Erase(fields), std::string(example)) {}

  /// Fills `out` from a map (or from what Bare takes; nothing at all is an empty map). Tells all
  /// faults, not only the first: unknown keys with a guess, missing ones, wrong kinds, bounds.
  /// False if there was one; `out` is then half filled.
  bool Read(const YamlNode& node, Diagnostics& diagnostics, T& out) const {
    return ReadInto(node, diagnostics, &out);
  }
  /// The same, where a null pointer means that nothing was given.
  bool Read(const YamlNode* node, Diagnostics& diagnostics, T& out) const {
    return ReadInto(node != nullptr ? *node : YamlNode(), diagnostics, &out);
  }
  /// The same for a map that has keys of others too: those are left to them, and count where a
  /// wrong key is guessed at. A missing key is told at `place`.
  bool ReadAmong(const std::vector<std::string>& others, const YamlNode& node, const Place& place,
                 Diagnostics& diagnostics, T& out) const {
    return ReadInto(node, diagnostics, &out, others, &place);
  }
  bool Check(const YamlNode& node, Diagnostics& diagnostics) const override {
    T scratch{};
    return ReadInto(node, diagnostics, &scratch);
  }

 private:
  static std::vector<internal::SpecField> Erase(std::initializer_list<SpecFieldOf<T>> fields) {
    std::vector<internal::SpecField> erased;
    for (const SpecFieldOf<T>& field : fields) erased.push_back(field.field);
    return erased;
  }
};

}  // namespace weir
