#include "config/spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/errors.h"
#include "config/vocabulary.h"

namespace weir {

SpecBase::SpecBase(std::string name, std::string help, std::vector<internal::SpecField> fields,
                   std::string example)
    : name_(std::move(name)),
      help_(std::move(help)),
      example_(std::move(example)),
      fields_(std::move(fields)) {
  for (const internal::SpecField& field : fields_) infos_.push_back(field.info);
}

bool SpecBase::ReadBare(const YamlNode& node, Diagnostics& diagnostics, void* out) const {
  for (const internal::SpecField& field : fields_) {
    if (field.info.name.empty()) return field.read(node, diagnostics, out);
  }
  std::vector<std::string> keys;
  for (const FieldInfo& field : infos_) {
    if (!field.not_yet && keys.size() < 3) keys.push_back(field.name);
  }
  std::string some;
  for (const std::string& key : keys) some += (some.empty() ? "" : ", ") + key;
  diagnostics.Error(errors::kBadValue, node.place(),
                    "expected a map of keys" + (some.empty() ? "" : " (" + some + " …)") +
                        ", not " +
                        (node.kind() == YamlNode::Kind::kList ? "a list" : Quoted(node.text())),
                    {}, node.length());
  return false;
}

bool SpecBase::ReadEntry(const YamlNode::Entry& entry, const std::vector<std::string>& others,
                         Diagnostics& diagnostics, void* out) const {
  const size_t length = CharacterCount(entry.key);
  for (const internal::SpecField& field : fields_) {
    if (field.info.name != entry.key || entry.key.empty()) continue;
    if (field.info.not_yet) {
      diagnostics.Error(errors::kNotYet, entry.key_place,
                        "'" + entry.key + "' is not there yet: it comes in a later version", {},
                        length);
      return false;
    }
    // What was told of a single value already needs no second fault.
    if (entry.value.kind() == YamlNode::Kind::kScalar && entry.value.faulty()) return false;
    return field.read(entry.value, diagnostics, out);
  }
  std::vector<std::string> known = others;
  for (const FieldInfo& field : infos_) {
    if (!field.name.empty()) known.push_back(field.name);
  }
  internal::UnknownKey(entry, known, diagnostics);
  return false;
}

bool SpecBase::ReadInto(const YamlNode& node, Diagnostics& diagnostics, void* out,
                        const std::vector<std::string>& others, const Place* place) const {
  for (const internal::SpecField& field : fields_) {
    if (field.set_default) field.set_default(out);
  }
  if (node.kind() == YamlNode::Kind::kScalar || node.kind() == YamlNode::Kind::kList) {
    if (node.kind() == YamlNode::Kind::kScalar && node.faulty()) return false;
    return ReadBare(node, diagnostics, out);
  }
  bool good = true;
  for (const YamlNode::Entry& entry : node.entries()) {
    if (std::find(others.begin(), others.end(), entry.key) != others.end()) continue;
    if (!ReadEntry(entry, others, diagnostics, out)) good = false;
  }
  for (const internal::SpecField& field : fields_) {
    if (!field.info.required || node.Find(field.info.name) != nullptr) continue;
    diagnostics.Error(errors::kMissingKey, place != nullptr ? *place : node.place(),
                      "'" + name_ + "' needs the key '" + field.info.name + "'", field.info.help);
    good = false;
  }
  return good;
}

std::string SpecBase::JsonSchema() const {
  using Json = nlohmann::ordered_json;
  Json properties = Json::object();
  Json required = Json::array();
  Json bare;
  for (const FieldInfo& field : infos_) {
    if (field.not_yet) continue;
    Json value = Json::parse(field.nested ? field.nested->JsonSchema() : field.schema, nullptr,
                             /*allow_exceptions=*/false);
    if (!value.is_object()) value = Json::object();
    std::string help = field.help;
    if (!field.bound.empty()) help += " Must be " + field.bound + ".";
    value["description"] = help;
    if (!field.fallback.empty()) value["default"] = field.fallback;
    if (field.name.empty()) {
      bare = value;
      continue;
    }
    properties[field.name] = value;
    if (field.required) required.push_back(field.name);
  }
  Json map = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) map["required"] = required;
  Json schema = map;
  if (!bare.is_null()) {
    schema = Json::object();
    schema["anyOf"] = Json::array({bare, map});
  }
  schema["description"] = help_;
  if (!example_.empty()) schema["examples"] = Json::array({example_});
  return schema.dump();
}

const Word* FindWord(const std::vector<Word>& words, std::string_view name) {
  for (const Word& word : words) {
    if (word.name == name) return &word;
  }
  return nullptr;
}

std::vector<std::string> WordNames(const std::vector<Word>& words) {
  std::vector<std::string> names;
  for (const Word& word : words) names.push_back(word.name);
  return names;
}

namespace internal {

void UnknownKey(const YamlNode::Entry& entry, const std::vector<std::string>& known,
                Diagnostics& diagnostics) {
  std::string message = "unknown key " + Quoted(entry.key);
  std::string cure;
  const std::string near =
      diagnostics.GuessesLeft() ? NearestName(entry.key, known) : std::string();
  if (!near.empty()) {
    message += ", did you mean '" + near + "'?";
  } else {
    for (const std::string& name : known) cure += (cure.empty() ? "" : ", ") + name;
    cure = cure.empty() ? "no keys are known here" : "known here: " + cure;
  }
  diagnostics.Error(errors::kUnknownKey, entry.key_place, std::move(message), std::move(cure),
                    CharacterCount(entry.key));
}

void BoundBroken(const YamlNode& node, const std::string& name, const std::string& words,
                 Diagnostics& diagnostics) {
  diagnostics.Error(errors::kOutOfBounds, node.place(),
                    (name.empty() ? "the value" : "'" + name + "'") + " must be " + words, {},
                    node.length());
}

}  // namespace internal
}  // namespace weir
