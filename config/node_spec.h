#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/spec.h"
#include "config/vocabulary.h"
#include "config/yaml.h"

namespace weir {

/// A column as `columns` of a source declares it: `price: double`, or
/// `price: { type: double, from: quote.price }`. The type is still text; who knows types reads it
/// and tells faults at `type.node.PlaceAt(offset)`.
struct ColumnSpec {
  std::string name;
  Place place;  ///< Of the name.
  ExpressionText type;
  std::string from;    ///< Path in the record (`address.city`), empty: the name.
  std::string unit;    ///< Of a number read as timestamp: s, ms, us; empty: ms.
  std::string format;  ///< Layout of a time given as text, empty: ISO 8601.
  std::string zone;    ///< Zone of such a text without one, empty: UTC.
  static const Spec<ColumnSpec>& Describe();
};

/// Where the event time of a source's rows comes from, and how far rows may be out of order.
struct EventTimeSpec {
  bool processing = false;  ///< `event_time: processing`: the wall clock; all else is unset.
  ExpressionText column;    ///< A column's name.
  std::string unit;         ///< Of an integer column: s, ms, us; empty: ms.
  Duration watermark_delay;
  std::optional<Duration> idle_after;                     ///< None: never idle.
  std::optional<Duration> max_drift;                      ///< None: no limit.
  std::optional<Duration> max_ahead = Duration::Days(1);  ///< None: no limit.
  static const Spec<EventTimeSpec>& Describe();
};

/// What becomes of rows that a node can't take.
struct OnErrorSpec {
  enum class Action { kFail, kSkip, kDeadLetter };
  Action action = Action::kFail;
  Place place;            ///< Unset where the job says nothing.
  std::string connector;  ///< Of a dead letter.
  YamlNode options;       ///< Of that connector.
  /// More than this share of a node's records stops the job; none: any share is borne.
  std::optional<double> max_rejected;
};

/// `msk: { kafka: {…} }` of `connections`.
struct ConnectionSpec {
  std::string name;
  Place place;
  std::string kind;
  YamlNode options;
};

/// A name in `from`.
struct NodeReference {
  std::string name;
  Place place;
};

/// What every node has.
struct NodeSpec {
  std::string name;
  Place place;           ///< Of the name.
  YamlNode node;         ///< The whole map.
  bool sound = true;     ///< False where this node has faults of its own, which were told.
  OnErrorSpec on_error;  ///< The node's, or the job's where it has none.
  std::optional<uint32_t> parallelism;
};

struct SourceSpec : NodeSpec {
  std::string connector;
  YamlNode options;                     ///< The connector's key: a map, or null where it was empty.
  std::string format;                   ///< Name of the format; empty where none is given.
  std::optional<YamlNode> format_node;  ///< Value of `format`.
  std::optional<YamlNode> format_options;  ///< `format: { csv: {…} }`: what stands under the name.
  std::vector<ColumnSpec> columns;
  std::optional<EventTimeSpec> event_time;
};

struct StepSpec : NodeSpec {
  std::vector<NodeReference> from;
  /// The keys that are clauses, in order of meaning.
  std::vector<YamlNode::Entry> clauses;
};

struct SinkSpec : NodeSpec {
  std::vector<NodeReference> from;
  std::string connector;
  YamlNode options;
  std::string format;
  std::optional<YamlNode> format_node;
  std::optional<YamlNode> format_options;
  /// Those options that are expressions over the input's columns (`key`, `id`, `headers`, …).
  std::vector<YamlNode::Entry> expressions;
};

/// `[a-z][a-z0-9_]*`: nodes and connections.
bool IsNodeName(std::string_view name);
/// `[a-z][a-z0-9-]*`: jobs.
bool IsJobName(std::string_view name);
/// Names that only weir gives to columns: `window_start`, `window_end`, `kafka_…`.
bool IsReservedColumn(std::string_view name);

}  // namespace weir
