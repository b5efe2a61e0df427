#include "config/schema.h"

#include <nlohmann/json.hpp>

#include "config/job_keys.h"
#include "config/node_reader.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

Json Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

Json Reference(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

/// What stands under a word's key.
Json OptionsOf(const Word& word) {
  Json schema = word.options != nullptr ? Parsed(word.options->JsonSchema()) : Json::object();
  schema["description"] = word.help;
  return schema;
}

Json PropertiesOf(const std::vector<Word>& words) {
  Json properties = Json::object();
  for (const Word& word : words) {
    if (!word.not_yet) properties[word.name] = OptionsOf(word);
  }
  return properties;
}

/// A map with exactly one of the words in it.
Json OneOf(const std::vector<Word>& words) {
  return {{"type", "object"},
          {"properties", PropertiesOf(words)},
          {"additionalProperties", false},
          {"minProperties", 1},
          {"maxProperties", 1}};
}

/// Exactly one of the words must be among the keys of a map that has others too.
Json ExactlyOne(const std::vector<Word>& words) {
  Json choices = Json::array();
  for (const Word& word : words) {
    if (word.not_yet) continue;
    Json choice = Json::object();
    choice["required"] = Json::array({word.name});
    choices.push_back(choice);
  }
  return choices;
}

Json Node(const SpecBase& keys, const std::vector<Word>& words, bool reads) {
  Json schema = Parsed(keys.JsonSchema());
  Json& properties = schema["properties"];
  const Json own = properties;
  properties.update(PropertiesOf(words));
  for (const char* shared : {"from", "format", "columns", "event_time", "on_error"}) {
    if (!own.contains(shared)) continue;
    const Json help = own[shared].value("description", "");
    properties[shared] = Reference(shared);
    properties[shared]["description"] = help;
  }
  if (reads) schema["required"] = Json::array({"from"});
  return schema;
}

Json MapOf(const std::string& name, const std::string& help) {
  Json schema = {{"type", "object"},
                 {"propertyNames", {{"pattern", "^[a-z][a-z0-9_]*$"}}},
                 {"additionalProperties", Reference(name)}};
  schema["description"] = help;
  return schema;
}

}  // namespace

std::string JobJsonSchema(const Vocabulary& vocabulary) {
  Json definitions = Json::object();
  const Json name = {{"type", "string"}};
  definitions["from"]["anyOf"] =
      Json::array({name, {{"type", "array"}, {"items", name}, {"minItems", 1}}});
  Json format_names = Json::array();
  for (const Word& word : vocabulary.formats) {
    if (!word.not_yet) format_names.push_back(word.name);
  }
  Json plain_format = Json::object();
  plain_format["enum"] = format_names;
  definitions["format"]["anyOf"] = Json::array({plain_format, OneOf(vocabulary.formats)});
  definitions["columns"] = {{"type", "object"},
                            {"additionalProperties", Parsed(ColumnSpec::Describe().JsonSchema())}};
  definitions["event_time"] = Parsed(EventTimeSpec::Describe().JsonSchema());
  Json letter = {{"type", "object"}, {"additionalProperties", false}};
  letter["properties"]["dead_letter"] = OneOf(vocabulary.sinks);
  letter["required"] = Json::array({"dead_letter"});
  const Json share = {{"type", "string"}, {"pattern", "^[0-9.]+%$"}};
  letter["properties"]["max_rejected"] = share;
  Json skip = {{"type", "object"}, {"additionalProperties", false}};
  skip["properties"] = {{"skip", {{"const", true}}}, {"max_rejected", share}};
  skip["required"] = Json::array({"skip"});
  Json plain_policy = Json::object();
  plain_policy["enum"] = Json::array({"fail", "skip"});
  definitions["on_error"]["anyOf"] = Json::array({plain_policy, skip, letter});

  definitions["connection"] = OneOf(vocabulary.connections);
  definitions["source"] = Node(NodeKeys::OfSource(), vocabulary.sources, false);
  definitions["source"]["oneOf"] = ExactlyOne(vocabulary.sources);
  definitions["step"] = Node(NodeKeys::OfStep(), vocabulary.clauses, true);
  definitions["sink"] = Node(NodeKeys::OfSink(), vocabulary.sinks, true);
  definitions["sink"]["oneOf"] = ExactlyOne(vocabulary.sinks);

  Json schema = Json::object();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "A weir job";
  schema.update(Parsed(JobKeys::Describe().JsonSchema()));
  Json& properties = schema["properties"];
  properties["job"]["pattern"] = "^[a-z][a-z0-9-]*$";
  const auto help = [&](const char* key) {
    return properties[key].value("description", std::string());
  };
  properties["connections"] = MapOf("connection", help("connections"));
  properties["sources"] = MapOf("source", help("sources"));
  properties["steps"] = MapOf("step", help("steps"));
  properties["sinks"] = MapOf("sink", help("sinks"));
  const std::string policy_help = help("on_error");
  properties["on_error"] = Reference("on_error");
  properties["on_error"]["description"] = policy_help;
  schema["required"] = Json::array({"job", "sources", "sinks"});
  schema["$defs"] = definitions;
  return schema.dump(2) + "\n";
}

}  // namespace weir
