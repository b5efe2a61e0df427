#include "config/node_reader.h"

#include <algorithm>

#include "config/errors.h"

namespace weir {
namespace {

std::string Joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) {
    if (!word.not_yet) text += (text.empty() ? "" : ", ") + word.name;
  }
  return text;
}

/// How many `<` of a type are not closed: YAML cuts `map<string,int64>` at its comma inside `{ }`.
int OpenBrackets(std::string_view type) {
  int open = 0;
  for (char c : type) open += c == '<' ? 1 : c == '>' ? -1 : 0;
  return open;
}

bool IsNothing(const YamlNode& node) {
  return node.kind() == YamlNode::Kind::kNull && node.place().source == nullptr;
}

}  // namespace

bool NodeReader::Begin(const YamlNode::Entry& entry, std::string_view what, NodeSpec& out) const {
  out.name = entry.key;
  out.place = entry.key_place;
  out.node = entry.value;
  out.sound = !entry.value.faulty();
  const size_t length = CharacterCount(entry.key);
  if (!IsNodeName(entry.key)) {
    diagnostics_.Error(errors::kBadName, entry.key_place,
                       Quoted(entry.key) + " is no name for a " + std::string(what),
                       "names are [a-z][a-z0-9_]*, at most 100 characters", length);
    out.sound = false;
  }
  if (entry.value.kind() == YamlNode::Kind::kMap) return true;
  if (!entry.value.faulty()) {
    diagnostics_.Error(
        errors::kBadValue, entry.key_place,
        "the " + std::string(what) + " " + Quoted(entry.key) + " must be a map of keys", {},
        length);
  }
  out.sound = false;
  return false;
}

bool NodeReader::ReadKeys(const Spec<NodeKeys>& spec, const std::vector<Word>& words,
                          NodeKeys& keys, NodeSpec& out) const {
  std::vector<std::string> others = WordNames(words);
  // A connector that can't be this kind of node is told of by OneOf.
  if (&words == &vocabulary_.sources || &words == &vocabulary_.sinks) {
    for (const std::string& name : WordNames(vocabulary_.sources)) others.push_back(name);
    for (const std::string& name : WordNames(vocabulary_.sinks)) others.push_back(name);
  }
  const bool good = spec.ReadAmong(others, out.node, out.place, diagnostics_, keys);
  if (!good) out.sound = false;
  if (keys.parallelism > 0) out.parallelism = keys.parallelism;
  if (!IsNothing(keys.on_error) && !ReadOnError(keys.on_error, out.place, out.on_error)) {
    out.sound = false;
  }
  return good;
}

const YamlNode::Entry* NodeReader::OneOf(const std::vector<Word>& words, const YamlNode& node,
                                         const Place& place, std::string_view what,
                                         bool others_wrong) const {
  const YamlNode::Entry* found = nullptr;
  bool good = true;
  for (const YamlNode::Entry& entry : node.entries()) {
    const size_t length = CharacterCount(entry.key);
    const Word* word = FindWord(words, entry.key);
    if (word == nullptr) {
      if (FindWord(vocabulary_.sources, entry.key) == nullptr &&
          FindWord(vocabulary_.sinks, entry.key) == nullptr) {
        continue;
      }
      diagnostics_.Error(errors::kOneConnector, entry.key_place,
                         Quoted(entry.key) + " can't be a " + std::string(what),
                         "one of " + Joined(words), length);
      good = false;
    } else if (word->not_yet) {
      diagnostics_.Error(errors::kNotYet, entry.key_place,
                         Quoted(entry.key) + " is not there yet: it comes in a later version", {},
                         length);
      good = false;
    } else if (found != nullptr) {
      diagnostics_.Error(errors::kOneConnector, entry.key_place,
                         "a " + std::string(what) + " has one connector: " + Quoted(found->key) +
                             " or " + Quoted(entry.key),
                         {}, length);
      good = false;
    } else {
      found = &entry;
    }
  }
  if (found == nullptr && good && !others_wrong) {
    diagnostics_.Error(errors::kOneConnector, place,
                       "this " + std::string(what) + " has no connector",
                       "one of " + Joined(words));
  }
  return good ? found : nullptr;
}

bool NodeReader::ReadFormat(const YamlNode& node, std::string& name,
                            std::optional<YamlNode>& format_node,
                            std::optional<YamlNode>& options) const {
  if (IsNothing(node)) return true;
  format_node = node;
  Place place = node.place();
  if (node.kind() == YamlNode::Kind::kScalar) {
    if (node.faulty()) return false;
    name = node.text();
  } else if (node.kind() == YamlNode::Kind::kMap && node.entries().size() == 1) {
    name = node.entries()[0].key;
    place = node.entries()[0].key_place;
    options = node.entries()[0].value;
  } else {
    diagnostics_.Error(errors::kBadValue, node.place(),
                       "expected the name of a format, or a map of one format and its options",
                       "one of " + Joined(vocabulary_.formats), node.length());
    return false;
  }
  const Word* word = FindWord(vocabulary_.formats, name);
  if (word != nullptr && !word->not_yet) return true;
  const std::string near = NearestName(name, WordNames(vocabulary_.formats));
  const size_t length = CharacterCount(name);
  if (word != nullptr) {
    diagnostics_.Error(
        errors::kNotYet, place,
        "the format " + Quoted(name) + " is not there yet: it comes in a later version", {},
        length);
  } else {
    diagnostics_.Error(errors::kBadValue, place,
                       "there is no format " + Quoted(name) +
                           (near.empty() ? "" : ", did you mean '" + near + "'?"),
                       near.empty() ? "one of " + Joined(vocabulary_.formats) : "", length);
  }
  name.clear();
  return false;
}

bool NodeReader::ReadFrom(const NodeSpec& node, const YamlNode& from,
                          std::vector<NodeReference>& references) const {
  const size_t length = CharacterCount(node.name);
  if (IsNothing(from) || (from.kind() == YamlNode::Kind::kList && from.items().empty())) {
    diagnostics_.Error(errors::kMissingKey, node.place,
                       Quoted(node.name) + " does not say which node it reads",
                       "add from: NAME, or a list of names", length);
    return false;
  }
  std::vector<YamlNode> items{from};
  if (from.kind() == YamlNode::Kind::kList) items = from.items();
  bool good = true;
  for (const YamlNode& item : items) {
    if (item.kind() != YamlNode::Kind::kScalar || item.faulty()) {
      if (!item.faulty()) {
        diagnostics_.Error(errors::kBadValue, item.place(), "expected the name of a node", {},
                           item.length());
      }
      good = false;
      continue;
    }
    const bool twice =
        std::any_of(references.begin(), references.end(),
                    [&](const NodeReference& other) { return other.name == item.text(); });
    if (twice) {
      diagnostics_.Error(errors::kNameTaken, item.place(),
                         Quoted(item.text()) + " is named twice: its rows would count double", {},
                         item.length());
      good = false;
      continue;
    }
    references.push_back({item.text(), item.place()});
  }
  return good;
}

bool NodeReader::ReadColumn(const YamlNode::Entry& entry, ColumnSpec& column) const {
  column.name = entry.key;
  column.place = entry.key_place;
  const size_t length = CharacterCount(entry.key);
  bool good = true;
  if (entry.key.empty() || IsReservedColumn(entry.key)) {
    diagnostics_.Error(
        errors::kReservedName, entry.key_place,
        entry.key.empty()
            ? "a column without a name"
            : "the name " + Quoted(entry.key) + " is weir's own and can't be a column's",
        entry.key.empty() ? "" : "take another name, and say from: " + entry.key, length);
    good = false;
  }
  if (entry.value.kind() == YamlNode::Kind::kNull) {
    diagnostics_.Error(errors::kBadValue, entry.key_place,
                       "the column " + Quoted(entry.key) + " has no type", {}, length);
    return false;
  }
  return ColumnSpec::Describe().Read(entry.value, diagnostics_, column) && good;
}

bool NodeReader::ReadColumns(const YamlNode& node, std::vector<ColumnSpec>& columns) const {
  if (IsNothing(node)) return true;
  if (!internal::ExpectMap(node, diagnostics_)) return false;
  bool good = true;
  int open = 0;
  for (const YamlNode::Entry& entry : node.entries()) {
    const bool plain = entry.value.kind() == YamlNode::Kind::kScalar && !entry.value.quoted();
    if (open > 0) {  // The rest of a type that was cut off at a comma.
      open += OpenBrackets(entry.key);
      if (plain) open += OpenBrackets(entry.value.text());
      continue;
    }
    if (plain && OpenBrackets(entry.value.text()) > 0) {
      open = OpenBrackets(entry.value.text());
      diagnostics_.Error(errors::kCutOff, entry.value.place(),
                         "cut off by YAML: put the type in quotes", {}, entry.value.length());
      good = false;
      continue;
    }
    ColumnSpec column;
    if (!ReadColumn(entry, column)) good = false;
    columns.push_back(std::move(column));
  }
  return good;
}

bool NodeReader::ReadOnError(const YamlNode& node, const Place& key_place, OnErrorSpec& out) const {
  out.place = node.place().source ? node.place() : key_place;
  if (node.kind() == YamlNode::Kind::kScalar) {
    const int choice = internal::ReadChoice(node, diagnostics_, {"fail", "skip"});
    out.action = choice == 1 ? OnErrorSpec::Action::kSkip : OnErrorSpec::Action::kFail;
    return choice >= 0;
  }
  const YamlNode* letter = node.Find("dead_letter");
  const YamlNode* skip = node.Find("skip");
  const YamlNode* limit = node.Find("max_rejected");
  const size_t known = (letter != nullptr ? 1 : 0) + (skip != nullptr ? 1 : 0);
  if (node.kind() != YamlNode::Kind::kMap || known != 1 ||
      node.entries().size() != known + (limit != nullptr ? 1 : 0) ||
      (letter != nullptr && letter->kind() != YamlNode::Kind::kMap) ||
      (skip != nullptr && skip->text() != "true")) {
    diagnostics_.Error(
        errors::kBadValue, out.place,
        "expected fail, skip, { skip: true } or { dead_letter: { CONNECTOR: { … } } }, "
        "in braces also with max_rejected: 1%",
        {}, node.length());
    return false;
  }
  bool good = true;
  if (limit != nullptr) {
    const Result<double> share = ParseShare(limit->text());
    if (share.ok()) {
      out.max_rejected = *share;
    } else {
      diagnostics_.Error(errors::kBadValue, limit->place(), share.status().message(), {},
                         limit->length());
      good = false;
    }
  }
  out.action = OnErrorSpec::Action::kSkip;
  if (letter == nullptr) return good;
  const auto entry =
      std::find_if(node.entries().begin(), node.entries().end(),
                   [](const YamlNode::Entry& one) { return one.key == "dead_letter"; });
  return ReadDeadLetter(*entry, out) && good;
}

bool NodeReader::ReadDeadLetter(const YamlNode::Entry& letter, OnErrorSpec& out) const {
  std::vector<std::string> known = WordNames(vocabulary_.sinks);
  bool good = true;
  for (const YamlNode::Entry& entry : letter.value.entries()) {
    if (FindWord(vocabulary_.sinks, entry.key) == nullptr &&
        FindWord(vocabulary_.sources, entry.key) == nullptr) {
      internal::UnknownKey(entry, known, diagnostics_);
      good = false;
    }
  }
  const YamlNode::Entry* connector =
      OneOf(vocabulary_.sinks, letter.value, letter.key_place, "dead letter", !good);
  if (connector == nullptr || !good) return false;
  for (const std::string& name : FindWord(vocabulary_.sinks, connector->key)->expressions) {
    for (const YamlNode::Entry& option : connector->value.entries()) {
      if (option.key != name) continue;
      diagnostics_.Error(errors::kNotYet, option.key_place,
                         Quoted(name) + " of a dead letter is not there yet",
                         "leave it away: a letter has no key, and its node, code and row inside",
                         CharacterCount(name));
      good = false;
    }
  }
  if (!good) return false;
  out.action = OnErrorSpec::Action::kDeadLetter;
  out.connector = connector->key;
  out.options = connector->value;
  return true;
}

SourceSpec NodeReader::ReadSource(const YamlNode::Entry& entry) const {
  SourceSpec source;
  if (!Begin(entry, "source", source)) return source;
  NodeKeys keys;
  const bool known = ReadKeys(NodeKeys::OfSource(), vocabulary_.sources, keys, source);
  const YamlNode::Entry* connector =
      OneOf(vocabulary_.sources, source.node, source.place, "source", !known);
  if (connector != nullptr) {
    source.connector = connector->key;
    source.options = connector->value;
  }
  const bool format =
      ReadFormat(keys.format, source.format, source.format_node, source.format_options);
  const bool columns = ReadColumns(keys.columns, source.columns);
  bool times = true;
  if (!IsNothing(keys.event_time)) {
    EventTimeSpec event_time;
    times = EventTimeSpec::Describe().Read(keys.event_time, diagnostics_, event_time);
    source.event_time = std::move(event_time);
  }
  if (connector == nullptr || !format || !columns || !times) source.sound = false;
  return source;
}

StepSpec NodeReader::ReadStep(const YamlNode::Entry& entry) const {
  StepSpec step;
  if (!Begin(entry, "step", step)) return step;
  NodeKeys keys;
  ReadKeys(NodeKeys::OfStep(), vocabulary_.clauses, keys, step);
  if (!ReadFrom(step, keys.from, step.from)) step.sound = false;
  for (const Word& word : vocabulary_.clauses) {
    for (const YamlNode::Entry& clause : step.node.entries()) {
      if (clause.key != word.name) continue;
      if (!word.not_yet) {
        step.clauses.push_back(clause);
        continue;
      }
      diagnostics_.Error(errors::kNotYet, clause.key_place,
                         Quoted(clause.key) + " is not there yet: it comes in a later version", {},
                         CharacterCount(clause.key));
      step.sound = false;
    }
  }
  return step;
}

SinkSpec NodeReader::ReadSink(const YamlNode::Entry& entry) const {
  SinkSpec sink;
  if (!Begin(entry, "sink", sink)) return sink;
  NodeKeys keys;
  const bool known = ReadKeys(NodeKeys::OfSink(), vocabulary_.sinks, keys, sink);
  const YamlNode::Entry* connector =
      OneOf(vocabulary_.sinks, sink.node, sink.place, "sink", !known);
  if (connector != nullptr) {
    sink.connector = connector->key;
    sink.options = connector->value;
    for (const std::string& name : FindWord(vocabulary_.sinks, connector->key)->expressions) {
      for (const YamlNode::Entry& option : connector->value.entries()) {
        if (option.key == name) sink.expressions.push_back(option);
      }
    }
  }
  const bool format = ReadFormat(keys.format, sink.format, sink.format_node, sink.format_options);
  const bool from = ReadFrom(sink, keys.from, sink.from);
  if (connector == nullptr || !format || !from) sink.sound = false;
  return sink;
}

std::vector<ConnectionSpec> NodeReader::ReadConnections(const YamlNode& node) const {
  std::vector<ConnectionSpec> connections;
  if (node.kind() == YamlNode::Kind::kNull || !internal::ExpectMap(node, diagnostics_)) {
    return connections;
  }
  const std::vector<std::string> kinds = WordNames(vocabulary_.connections);
  for (const YamlNode::Entry& entry : node.entries()) {
    NodeSpec begun;
    if (!Begin(entry, "connection", begun)) continue;
    bool good = true;
    const YamlNode::Entry* kind = nullptr;
    for (const YamlNode::Entry& candidate : entry.value.entries()) {
      const size_t length = CharacterCount(candidate.key);
      const Word* word = FindWord(vocabulary_.connections, candidate.key);
      if (word == nullptr) {
        internal::UnknownKey(candidate, kinds, diagnostics_);
        good = false;
      } else if (word->not_yet) {
        diagnostics_.Error(errors::kNotYet, candidate.key_place,
                           Quoted(candidate.key) + " is not there yet: it comes in a later version",
                           {}, length);
        good = false;
      } else if (kind != nullptr) {
        diagnostics_.Error(
            errors::kOneConnector, candidate.key_place,
            "a connection is of one kind: " + Quoted(kind->key) + " or " + Quoted(candidate.key),
            {}, length);
        good = false;
      } else {
        kind = &candidate;
      }
    }
    if (kind == nullptr && good) {
      diagnostics_.Error(errors::kOneConnector, entry.key_place,
                         "this connection does not say of which kind it is",
                         "one of " + Joined(vocabulary_.connections), CharacterCount(entry.key));
    }
    if (kind != nullptr && good) {
      connections.push_back({entry.key, entry.key_place, kind->key, kind->value});
    }
  }
  return connections;
}

}  // namespace weir
