#include <limits>
#include <nlohmann/json.hpp>

#include "config/errors.h"
#include "config/spec.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

/// Tells that `node` is not what was expected.
bool Unexpected(const YamlNode& node, Diagnostics& diagnostics, const std::string& expected) {
  switch (node.kind()) {
    case YamlNode::Kind::kNull:
      diagnostics.Error(errors::kBadValue, node.place(), "no value here; expected " + expected, {},
                        node.length());
      break;
    case YamlNode::Kind::kScalar:
      diagnostics.Error(errors::kBadValue, node.place(),
                        "expected " + expected + ", not " + Quoted(node.text()), {}, node.length());
      break;
    case YamlNode::Kind::kList:
      diagnostics.Error(errors::kBadValue, node.place(), "expected " + expected + ", not a list");
      break;
    case YamlNode::Kind::kMap:
      diagnostics.Error(errors::kBadValue, node.place(), "expected " + expected + ", not a map");
      break;
  }
  return false;
}

/// True if `node` is one value that nothing was told of yet.
bool IsValue(const YamlNode& node, Diagnostics& diagnostics, const std::string& expected) {
  if (node.kind() != YamlNode::Kind::kScalar) return Unexpected(node, diagnostics, expected);
  return !node.faulty();
}

template <typename X, typename Parser>
bool Parse(const YamlNode& node, Diagnostics& diagnostics, const std::string& expected,
           Parser parser, X& out) {
  if (!IsValue(node, diagnostics, expected)) return false;
  auto parsed = parser(node.text());
  if (!parsed.ok()) {
    const Status& status = parsed.status();
    diagnostics.Error(status.code(), node.place(), status.message(), status.cure(), node.length());
    return false;
  }
  out = *parsed;
  return true;
}

template <typename X>
bool ParseWhole(const YamlNode& node, Diagnostics& diagnostics, X& out) {
  int64_t number = 0;
  if (!Parse(node, diagnostics, "a whole number", ParseInteger, number)) return false;
  if (number < static_cast<int64_t>(std::numeric_limits<X>::min()) ||
      number > static_cast<int64_t>(std::numeric_limits<X>::max())) {
    diagnostics.Error(errors::kOutOfBounds, node.place(),
                      "must be between " + std::to_string(std::numeric_limits<X>::min()) + " and " +
                          std::to_string(std::numeric_limits<X>::max()),
                      {}, node.length());
    return false;
  }
  out = static_cast<X>(number);
  return true;
}

/// Words that YAML 1.1 takes for true or false.
bool IsYamlBool(const std::string& text) {
  std::string lower = text;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower == "yes" || lower == "no" || lower == "on" || lower == "off" || lower == "y" ||
         lower == "n" || lower == "true" || lower == "false";
}

/// A text without quotes that other readers of YAML would not take for this text.
bool IsTrap(const YamlNode& node, Diagnostics& diagnostics) {
  const std::string& text = node.text();
  if (node.quoted()) return false;
  const bool octal = text.size() > 1 && text[0] == '0' &&
                     text.find_first_not_of("0123456789") == std::string::npos;
  if (!octal && !IsYamlBool(text)) return false;
  diagnostics.Error(errors::kYamlTrap, node.place(),
                    Quoted(text) + " without quotes means " +
                        (octal ? "an octal number" : "true or false") + " in YAML",
                    "put it in quotes if the text is meant", node.length());
  return true;
}

internal::ValueInfo Info(std::string type, const Json& schema) {
  return {std::move(type), schema.dump(), nullptr};
}

Json TextOr(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", std::string(pattern)}};
}

/// Values may also come from a variable, which is text until it is filled in.
Json OrVariable(const Json& schema) {
  return {{"anyOf", Json::array({schema, {{"type", "string"}, {"pattern", "\\$\\{"}}})}};
}

}  // namespace

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, bool& out) {
  if (!IsValue(node, diagnostics, "true or false")) return false;
  if (node.text() == "true" || node.text() == "false") {
    out = node.text() == "true";
    return true;
  }
  if (IsYamlBool(node.text())) {
    diagnostics.Error(errors::kYamlTrap, node.place(),
                      "expected true or false, not " + Quoted(node.text()), "write true or false",
                      node.length());
    return false;
  }
  return Unexpected(node, diagnostics, "true or false");
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, int32_t& out) {
  return ParseWhole(node, diagnostics, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, int64_t& out) {
  return ParseWhole(node, diagnostics, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, uint32_t& out) {
  return ParseWhole(node, diagnostics, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, double& out) {
  return Parse(node, diagnostics, "a number", ParseDouble, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, std::string& out) {
  if (!IsValue(node, diagnostics, "text") || IsTrap(node, diagnostics)) return false;
  out = node.text();
  return true;
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Duration& out) {
  return Parse(node, diagnostics, "a duration such as 10s", ParseDuration, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, DurationRange& out) {
  return Parse(node, diagnostics, "a duration, or a range such as 50ms..550ms", ParseDurationRange,
               out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, ByteSize& out) {
  return Parse(node, diagnostics, "a size such as 64KiB", ParseByteSize, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Rate& out) {
  return Parse(node, diagnostics, "a rate such as 20000/s", ParseRate, out);
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, ExpressionText& out) {
  const bool null_literal = node.kind() == YamlNode::Kind::kNull && node.text() == "null";
  if (!null_literal && !IsValue(node, diagnostics, "an expression")) return false;
  out = {node.text(), node};
  return true;
}
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Secret& out) {
  constexpr std::string_view kWays = "{ env: NAME }, { file: PATH } or { secrets_manager: NAME }";
  if (node.kind() == YamlNode::Kind::kScalar) {
    if (node.faulty()) return false;
    diagnostics.Error(errors::kSecretWritten, node.place(),
                      "a secret must not be written here itself", "write " + std::string(kWays),
                      node.length());
    return false;
  }
  if (node.kind() != YamlNode::Kind::kMap || node.entries().size() != 1) {
    return Unexpected(node, diagnostics, "one of " + std::string(kWays));
  }
  const YamlNode::Entry& entry = node.entries()[0];
  const Secret::From from = entry.key == "env"               ? Secret::From::kEnvironment
                            : entry.key == "file"            ? Secret::From::kFile
                            : entry.key == "secrets_manager" ? Secret::From::kSecretsManager
                                                             : Secret::From::kNowhere;
  if (from == Secret::From::kNowhere) {
    internal::UnknownKey(entry, {"env", "file", "secrets_manager"}, diagnostics);
    return false;
  }
  std::string name;
  if (!ReadValue(entry.value, diagnostics, name)) return false;
  if (name.empty()) {
    internal::BoundBroken(entry.value, entry.key, "not empty", diagnostics);
    return false;
  }
  out = Secret(from, std::move(name));
  return true;
}
bool ReadValue(const YamlNode& node, Diagnostics&, YamlNode& out) {
  out = node;
  return true;
}

internal::ValueInfo DescribeValue(internal::Tag<bool>) {
  return Info("true | false", OrVariable({{"type", "boolean"}}));
}
internal::ValueInfo DescribeValue(internal::Tag<int32_t>) {
  return Info("whole number", OrVariable({{"type", "integer"}}));
}
internal::ValueInfo DescribeValue(internal::Tag<int64_t>) {
  return Info("whole number", OrVariable({{"type", "integer"}}));
}
internal::ValueInfo DescribeValue(internal::Tag<uint32_t>) {
  return Info("whole number", OrVariable({{"type", "integer"}, {"minimum", 0}}));
}
internal::ValueInfo DescribeValue(internal::Tag<double>) {
  return Info("number", OrVariable({{"type", "number"}}));
}
internal::ValueInfo DescribeValue(internal::Tag<std::string>) {
  return Info("text", {{"type", Json::array({"string", "number"})}});
}
internal::ValueInfo DescribeValue(internal::Tag<Duration>) {
  return Info("duration", TextOr("^([0-9]+(ms|s|m|h|d))+$|\\$\\{"));
}
internal::ValueInfo DescribeValue(internal::Tag<DurationRange>) {
  return Info("duration or range",
              TextOr("^none$|^[0-9]+[a-z0-9]*(\\.\\.[0-9]+[a-z0-9]*)?$|\\$\\{"));
}
internal::ValueInfo DescribeValue(internal::Tag<ByteSize>) {
  return Info("size", {{"anyOf", Json::array({{{"type", "integer"}, {"minimum", 0}},
                                              TextOr("^[0-9]+([KMGT]iB)?$|\\$\\{")})}});
}
internal::ValueInfo DescribeValue(internal::Tag<Rate>) {
  return Info("rate", TextOr("^[0-9.]+/[smh]$|\\$\\{"));
}
internal::ValueInfo DescribeValue(internal::Tag<ExpressionText>) {
  return Info("expression", {{"type", Json::array({"string", "number", "boolean", "null"})}});
}
internal::ValueInfo DescribeValue(internal::Tag<Secret>) {
  Json ways = Json::object();
  for (const char* way : {"env", "file", "secrets_manager"}) ways[way] = {{"type", "string"}};
  return Info("secret", {{"type", "object"},
                         {"properties", ways},
                         {"additionalProperties", false},
                         {"minProperties", 1},
                         {"maxProperties", 1}});
}
internal::ValueInfo DescribeValue(internal::Tag<YamlNode>) { return Info("any", Json::object()); }

std::string ShowValue(bool value) { return value ? "true" : "false"; }
std::string ShowValue(int32_t value) { return std::to_string(value); }
std::string ShowValue(int64_t value) { return std::to_string(value); }
std::string ShowValue(uint32_t value) { return std::to_string(value); }
std::string ShowValue(double value) { return ToText(value); }
std::string ShowValue(const std::string& value) { return value; }
std::string ShowValue(Duration value) { return ToText(value); }
std::string ShowValue(DurationRange value) { return ToText(value); }
std::string ShowValue(ByteSize value) { return ToText(value); }
std::string ShowValue(Rate value) { return ToText(value); }
std::string ShowValue(const ExpressionText& value) { return value.text; }
std::string ShowValue(const Secret&) { return {}; }
std::string ShowValue(const YamlNode&) { return {}; }

namespace internal {

int ReadChoice(const YamlNode& node, Diagnostics& diagnostics,
               const std::vector<std::string>& names) {
  std::string expected;
  for (size_t i = 0; i < names.size(); ++i) {
    expected += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  if (!IsValue(node, diagnostics, expected)) return -1;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == node.text()) return static_cast<int>(i);
  }
  const std::string near = NearestName(node.text(), names);
  diagnostics.Error(errors::kBadValue, node.place(),
                    "expected " + expected + ", not " + Quoted(node.text()),
                    near.empty() ? std::string() : "did you mean '" + near + "'?", node.length());
  return -1;
}

ValueInfo DescribeChoice(const std::vector<std::string>& names) {
  std::string type;
  for (const std::string& name : names) type += (type.empty() ? "" : " | ") + name;
  return Info(std::move(type), OrVariable({{"enum", names}}));
}
ValueInfo DescribeNested(const SpecBase& spec) { return {"map", {}, &spec}; }

namespace {
Json SchemaOf(const ValueInfo& value) {
  return Json::parse(value.nested ? value.nested->JsonSchema() : value.schema, nullptr,
                     /*allow_exceptions=*/false);
}
}  // namespace

ValueInfo DescribeList(const ValueInfo& element) {
  const Json schema = SchemaOf(element);
  return Info("list of " + element.type,
              {{"anyOf", Json::array({{{"type", "array"}, {"items", schema}}, schema})}});
}
ValueInfo DescribeMap(const ValueInfo& value) {
  return Info("map of " + value.type,
              {{"type", "object"}, {"additionalProperties", SchemaOf(value)}});
}
ValueInfo DescribeOptional(const ValueInfo& value, std::string_view absent_word) {
  if (absent_word.empty()) return value;
  const Json absent = {{"enum", Json::array({"off", "none", "unlimited", false})}};
  return Info(value.type + " | " + std::string(absent_word),
              {{"anyOf", Json::array({SchemaOf(value), absent})}});
}
bool ExpectMap(const YamlNode& node, Diagnostics& diagnostics) {
  if (node.kind() == YamlNode::Kind::kMap) return true;
  if (node.kind() == YamlNode::Kind::kScalar && node.faulty()) return false;
  return Unexpected(node, diagnostics, "a map");
}
bool IsAbsentWord(const YamlNode& node) {
  return node.kind() == YamlNode::Kind::kScalar &&
         (node.text() == "off" || node.text() == "none" || node.text() == "unlimited");
}

}  // namespace internal
}  // namespace weir
