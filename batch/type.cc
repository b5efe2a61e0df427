#include "batch/type.h"

#include <array>

#include <fmt/format.h>

#include "batch/errors.h"

namespace weir {
namespace {

struct NamedKind {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array kPlainTypes = {
    NamedKind{"null", TypeKind::kNull},         NamedKind{"bool", TypeKind::kBool},
    NamedKind{"int32", TypeKind::kInt32},       NamedKind{"int64", TypeKind::kInt64},
    NamedKind{"float", TypeKind::kFloat},       NamedKind{"double", TypeKind::kDouble},
    NamedKind{"string", TypeKind::kString},     NamedKind{"bytes", TypeKind::kBytes},
    NamedKind{"date", TypeKind::kDate},         NamedKind{"timestamp", TypeKind::kTimestamp},
    NamedKind{"duration", TypeKind::kDuration}, NamedKind{"json", TypeKind::kJson},
};

constexpr int kDeepestType = 32;

/// Recursive descent over the text of a type.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  Result<Type> Whole() {
    Type type = WEIR_TRY(One(0));
    if (position_ != text_.size()) return Fault("expected the type to end");
    return type;
  }

 private:
  Status Fault(std::string_view what) const {
    return Status(
        errors::kBadType,
        fmt::format("'{}' is not a type: {} at character {}", text_, what, position_ + 1),
        "types are bool int32 int64 float double decimal(p,s) string bytes date timestamp "
        "json list<T> struct<a:T,...> map<string,T>");
  }
  void SkipSpace() {
    while (position_ < text_.size() && text_[position_] == ' ') position_++;
  }
  bool Take(char c) {
    SkipSpace();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    position_++;
    SkipSpace();
    return true;
  }
  std::string_view Word() {
    SkipSpace();
    const size_t begin = position_;
    while (position_ < text_.size() &&
           (isalnum(static_cast<unsigned char>(text_[position_])) || text_[position_] == '_')) {
      position_++;
    }
    const std::string_view word = text_.substr(begin, position_ - begin);
    SkipSpace();
    return word;
  }
  Result<int> Number() {
    const std::string_view word = Word();
    if (word.empty() || word.size() > 3) return Fault("expected a number");
    int n = 0;
    for (char c : word) {
      if (c < '0' || c > '9') return Fault("expected a number");
      n = n * 10 + (c - '0');
    }
    return n;
  }
  Result<Type> One(int depth) {
    if (depth > kDeepestType) return Fault("types are nested too deep");
    const std::string_view word = Word();
    for (const NamedKind& plain : kPlainTypes) {
      if (plain.name == word && plain.kind != TypeKind::kNull &&
          plain.kind != TypeKind::kDuration) {
        return Type(plain.kind);
      }
    }
    if (word == "decimal") {
      if (!Take('(')) return Fault("expected '(precision, scale)'");
      const int precision = WEIR_TRY(Number());
      int scale = 0;
      if (Take(',')) scale = WEIR_TRY(Number());
      if (!Take(')')) return Fault("expected ')'");
      if (precision < 1 || precision > 38 || scale > precision) {
        return Fault("precision is 1 to 38 and scale 0 to the precision");
      }
      return Type::Decimal(precision, scale);
    }
    if (word == "list") {
      if (!Take('<')) return Fault("expected '<'");
      Type element = WEIR_TRY(One(depth + 1));
      if (!Take('>')) return Fault("expected '>'");
      return Type::List(element);
    }
    if (word == "map") {
      if (!Take('<')) return Fault("expected '<'");
      if (Word() != "string" || !Take(',')) return Fault("the keys of a map are strings");
      Type value = WEIR_TRY(One(depth + 1));
      if (!Take('>')) return Fault("expected '>'");
      return Type::Map(value);
    }
    if (word == "struct") {
      if (!Take('<')) return Fault("expected '<'");
      std::vector<Field> fields;
      do {
        std::string name(Word());
        if (name.empty() || !Take(':')) return Fault("expected 'name: type'");
        for (const Field& field : fields) {
          if (field.name == name) return Fault("the field '" + name + "' is there twice");
        }
        fields.push_back({std::move(name), WEIR_TRY(One(depth + 1))});
      } while (Take(','));
      if (!Take('>')) return Fault("expected '>'");
      return Type::Struct(std::move(fields));
    }
    return Fault(word.empty() ? "expected a type" : fmt::format("unknown type '{}'", word));
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

Type Type::Decimal(int precision, int scale) {
  Type type(TypeKind::kDecimal);
  type.precision_ = static_cast<uint8_t>(precision);
  type.scale_ = static_cast<uint8_t>(scale);
  return type;
}

Type Type::List(Type element) {
  Type type(TypeKind::kList);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"element", std::move(element)}});
  return type;
}

Type Type::Struct(std::vector<Field> fields) {
  Type type(TypeKind::kStruct);
  type.children_ = std::make_shared<const std::vector<Field>>(std::move(fields));
  return type;
}

Type Type::Map(Type value) {
  Type type(TypeKind::kMap);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"key", TypeKind::kString}, {"value", std::move(value)}});
  return type;
}

Result<Type> Type::Parse(std::string_view text) { return TypeParser(text).Whole(); }

std::string Type::ToString() const {
  switch (kind_) {
    case TypeKind::kDecimal:
      return fmt::format("decimal({},{})", precision_, scale_);
    case TypeKind::kList:
      return "list<" + children()[0].type.ToString() + ">";
    case TypeKind::kMap:
      return "map<string," + children()[1].type.ToString() + ">";
    case TypeKind::kStruct: {
      std::string text = "struct<";
      for (const Field& field : children()) {
        if (text.back() != '<') text += ',';
        text += field.name + ":" + field.type.ToString();
      }
      return text + ">";
    }
    default:
      for (const NamedKind& plain : kPlainTypes) {
        if (plain.kind == kind_) return std::string(plain.name);
      }
      WEIR_CHECK(false, "a type without a name");
  }
}

const std::vector<Field>& Type::children() const {
  static const std::vector<Field> kNone;
  return children_ ? *children_ : kNone;
}

size_t Type::width() const {
  switch (kind_) {
    case TypeKind::kNull:
    case TypeKind::kBool:
      return 1;
    case TypeKind::kInt32:
    case TypeKind::kFloat:
    case TypeKind::kDate:
      return 4;
    case TypeKind::kInt64:
    case TypeKind::kDouble:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return 8;
    case TypeKind::kDecimal:
      return 16;
    default:
      return 0;
  }
}

bool operator==(const Type& a, const Type& b) {
  return a.kind_ == b.kind_ && a.precision_ == b.precision_ && a.scale_ == b.scale_ &&
         a.children() == b.children();
}

int Schema::Find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); i++) {
    if (fields_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string Schema::ToString() const {
  std::string text;
  for (const Field& field : fields_) {
    if (!text.empty()) text += ", ";
    text += field.name + " " + field.type.ToString();
  }
  return text;
}

}  // namespace weir
