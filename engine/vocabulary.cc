#include "engine/planner.h"
#include "formats/registry_connection.h"
#include "operators/step.h"

namespace weir {
namespace {

Vocabulary MakeVocabulary() {
  Vocabulary words;
  for (const Connector* connector : AllConnectors()) {
    const std::string name(connector->name());
    const std::string help(connector->help());
    if (connector->source_options()) {
      words.sources.push_back({name, help, false, connector->source_options(), {}});
    }
    if (connector->sink_options()) {
      words.sinks.push_back(
          {name, help, false, connector->sink_options(), connector->sink_expressions()});
    }
    if (connector->connection_options()) {
      words.connections.push_back({std::string(connector->connection_kind()),
                                   connector->connection_options()->help(),
                                   false,
                                   connector->connection_options(),
                                   {}});
    }
  }
  for (const RegistryKind& kind : RegistryKinds()) {
    words.connections.push_back(
        {std::string(kind.name), kind.options->help(), false, kind.options, {}});
  }
  for (const Format* format : AllFormats()) {
    words.formats.push_back(
        {std::string(format->name()), std::string(format->help()), false, &format->options(), {}});
  }
  for (const Clause& clause : AllClauses()) {
    words.clauses.push_back({std::string(clause.key),
                             std::string(clause.help),
                             clause.plan == nullptr,
                             clause.spec ? clause.spec() : nullptr,
                             {}});
  }
  return words;
}

}  // namespace

const Vocabulary& JobVocabulary() {
  static const Vocabulary words = MakeVocabulary();
  return words;
}

}  // namespace weir
