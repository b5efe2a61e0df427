#include "config/node_spec.h"

#include "config/errors.h"
#include "config/node_reader.h"

namespace weir {
namespace {

bool IsName(std::string_view name, char joiner) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z' || name.size() > 100) return false;
  for (char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == joiner)) return false;
  }
  return true;
}

auto TimeUnit() {
  return Condition("s, ms or us", [](const std::string& unit) {
    return unit == "s" || unit == "ms" || unit == "us";
  });
}

SpecFieldOf<NodeKeys> FromKey() {
  return Optional("from", &NodeKeys::from, "The node that is read, or a list of nodes.");
}
SpecFieldOf<NodeKeys> FormatKey() {
  return Optional("format", &NodeKeys::format,
                  "How the bytes of records are read and written: a format, or its options.");
}
SpecFieldOf<NodeKeys> OnErrorKey() {
  return Optional("on_error", &NodeKeys::on_error,
                  "What becomes of rows that fail: fail, skip, or a dead letter.");
}
SpecFieldOf<NodeKeys> ParallelismKey() {
  return Optional("parallelism", &NodeKeys::parallelism,
                  "How many tasks run this node; by default as many as the job says.",
                  InRange(1, 4096));
}

}  // namespace

const Spec<ColumnSpec>& ColumnSpec::Describe() {
  static const Spec<ColumnSpec> spec(
      "column", "A column of a source's records.",
      {Bare(&ColumnSpec::type, "Its type.", NotEmpty),
       Required("type", &ColumnSpec::type, "Its type, e.g. int64 or list<string>.", NotEmpty),
       Optional("from", &ColumnSpec::from, "Where in the record it stands, e.g. address.city."),
       Optional("unit", &ColumnSpec::unit, "Of a number read as timestamp; ms where not given.",
                TimeUnit()),
       Optional("format", &ColumnSpec::format,
                "Layout of a time written as text; ISO 8601 where not given."),
       Optional("zone", &ColumnSpec::zone,
                "Time zone of such a text where it has none; UTC where not given.")},
      "city: { type: string, from: address.city }");
  return spec;
}

const Spec<EventTimeSpec>& EventTimeSpec::Describe() {
  static const Spec<EventTimeSpec>* const spec = [] {
    internal::SpecField processing;
    processing.info.type = "processing";
    processing.info.help = "The wall clock gives the rows their time.";
    processing.info.schema = R"({"const": "processing"})";
    processing.read = [](const YamlNode& node, Diagnostics& diagnostics, void* out) {
      if (node.kind() == YamlNode::Kind::kScalar && node.text() == "processing") {
        static_cast<EventTimeSpec*>(out)->processing = true;
        return true;
      }
      diagnostics.Error(errors::kBadValue, node.place(),
                        "expected processing or a map with the key 'column'",
                        node.kind() == YamlNode::Kind::kScalar
                            ? "write event_time: { column: " + node.text().substr(0, 60) + " }"
                            : std::string(),
                        node.length());
      return false;
    };
    return new Spec<EventTimeSpec>(
        "event_time", "Where the event time of rows comes from, and how late rows may be.",
        {SpecFieldOf<EventTimeSpec>(std::move(processing)),
         Required("column", &EventTimeSpec::column,
                  "A column of type timestamp, or int64 that counts from 1970.", NotEmpty),
         Optional("unit", &EventTimeSpec::unit, "Of an int64 column; ms where not given.",
                  TimeUnit()),
         Optional("watermark_delay", &EventTimeSpec::watermark_delay, Duration(),
                  "How far rows may be out of order.", NotNegative),
         Optional("idle_after", &EventTimeSpec::idle_after, std::nullopt,
                  "A partition read to its end for so long does not hold the others back.",
                  Positive),
         Optional("max_drift", &EventTimeSpec::max_drift, std::nullopt,
                  "A partition further ahead of the slowest one than this waits.", Positive),
         Optional("max_ahead", &EventTimeSpec::max_ahead, Duration::Days(1),
                  "A row further ahead of the wall clock than this is a row error.", Positive)},
        "event_time: { column: clicked_at, watermark_delay: 20s, idle_after: 1m }");
  }();
  return *spec;
}

const Spec<NodeKeys>& NodeKeys::OfSource() {
  static const Spec<NodeKeys> spec(
      "source", "What comes in: one connector, and how its records are read.",
      {FormatKey(),
       Optional("columns", &NodeKeys::columns, "The columns of its records, each with its type."),
       Optional("event_time", &NodeKeys::event_time,
                "Where the event time of rows comes from; needed by windows."),
       OnErrorKey(), ParallelismKey()},
      "clicks: { kafka: { connection: msk, topic: clicks }, format: json, "
      "columns: { user: int64, at: timestamp } }");
  return spec;
}

const Spec<NodeKeys>& NodeKeys::OfStep() {
  static const Spec<NodeKeys> spec(
      "step", "What is done with rows: a SQL SELECT taken apart into keys.",
      {FromKey(), OnErrorKey(), ParallelismKey()}, "adults: { from: people, where: age >= 18 }");
  return spec;
}

const Spec<NodeKeys>& NodeKeys::OfSink() {
  static const Spec<NodeKeys> spec(
      "sink", "Where rows go: one connector, and how rows are written.",
      {FromKey(), FormatKey(), OnErrorKey(), ParallelismKey()},
      "out: { from: adults, kafka: { connection: msk, topic: adults } }");
  return spec;
}

bool IsNodeName(std::string_view name) { return IsName(name, '_'); }
bool IsJobName(std::string_view name) { return IsName(name, '-'); }
bool IsReservedColumn(std::string_view name) {
  return name == "window_start" || name == "window_end" || name.starts_with("kafka_");
}

}  // namespace weir
