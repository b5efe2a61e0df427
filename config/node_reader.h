#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/node_spec.h"

/// How the nodes of a job are read from its file. Used by `config/` only.
namespace weir {

/// The keys of a node that are not its connector or its clauses.
struct NodeKeys {
  YamlNode from;
  YamlNode format;
  YamlNode columns;
  YamlNode event_time;
  YamlNode on_error;
  uint32_t parallelism = 0;  ///< 0: not given.

  static const Spec<NodeKeys>& OfSource();
  static const Spec<NodeKeys>& OfStep();
  static const Spec<NodeKeys>& OfSink();
};

/// Reads nodes one by one; faults go to `diagnostics`, and the node is then not `sound`.
class NodeReader {
 public:
  NodeReader(const Vocabulary& vocabulary, Diagnostics& diagnostics)
      : vocabulary_(vocabulary), diagnostics_(diagnostics) {}

  SourceSpec ReadSource(const YamlNode::Entry& entry) const;
  StepSpec ReadStep(const YamlNode::Entry& entry) const;
  SinkSpec ReadSink(const YamlNode::Entry& entry) const;
  /// All entries of `connections`; those with faults are left out.
  std::vector<ConnectionSpec> ReadConnections(const YamlNode& node) const;
  /// `fail`, `skip` or `{ dead_letter: … }`; false after telling a fault.
  bool ReadOnError(const YamlNode& node, const Place& key_place, OnErrorSpec& out) const;
  bool ReadDeadLetter(const YamlNode::Entry& letter, OnErrorSpec& out) const;

 private:
  bool Begin(const YamlNode::Entry& entry, std::string_view what, NodeSpec& out) const;
  bool ReadKeys(const Spec<NodeKeys>& spec, const std::vector<Word>& words, NodeKeys& keys,
                NodeSpec& out) const;
  const YamlNode::Entry* OneOf(const std::vector<Word>& words, const YamlNode& node,
                               const Place& place, std::string_view what, bool others_wrong) const;
  bool ReadFormat(const YamlNode& node, std::string& name, std::optional<YamlNode>& format_node,
                  std::optional<YamlNode>& options) const;
  bool ReadFrom(const NodeSpec& node, const YamlNode& from,
                std::vector<NodeReference>& references) const;
  bool ReadColumns(const YamlNode& node, std::vector<ColumnSpec>& columns) const;
  bool ReadColumn(const YamlNode::Entry& entry, ColumnSpec& column) const;

  const Vocabulary& vocabulary_;
  Diagnostics& diagnostics_;
};

}  // namespace weir
