#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "batch/batch.h"
#include "config/spec.h"
#include "connectors/link.h"
#include "formats/format.h"
#include "state/spool.h"

namespace weir {

// ---------------------------------------------------------------------------------------------
// Sources

/// A part of a source that is read in order by one task: a Kafka partition, a file, a generator's
/// share. `id` is stable over restarts.
struct Split {
  std::string id;        ///< `ExampleTopic/2`, `clicks/2026-01-01.json.gz`, `0`.
  std::string position;  ///< Where to go on, in the connector's own bytes.
  std::string stop;      ///< Where to end, in the same bytes; empty: never.
  int32_t ordinal = 0;   ///< Origin::partition of its rows; unique within the source.
};

/// Why a split gave no rows (protocol rule 26).
enum class SplitActivity {
  kReading,   ///< Rows came, or may be there: not known to be at the end.
  kCaughtUp,  ///< A fetch answered, and the position is the high watermark.
  kHeld,      ///< Not reachable, paused, or behind somebody's open transaction: never idle.
  kFinished,  ///< The stop position is reached; nothing more will come.
};

/// A record that could not become a row, with all that a dead letter tells of it.
struct RejectedRecord {
  const ErrorCode* code;
  std::string reason;
  std::string topic;  ///< Topic or file.
  std::optional<int32_t> partition;
  std::optional<int64_t> offset;
  std::optional<EventTime> timestamp;
  std::optional<std::string> key;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::optional<std::string> value;
};

/// What one Poll brought: rows of one split, or news of one.
struct Polled {
  std::string split;  ///< Empty: nothing came within the wait.
  BatchPtr batch;     ///< May be null. Schema as planned; origins set where asked for; no times.
  std::vector<RejectedRecord> rejected;
  SplitActivity activity = SplitActivity::kReading;
  int64_t records = 0;  ///< Records consumed: rows and rejected ones.
};

/// What a source task tells its reader between polls.
struct PollRequest {
  size_t max_rows = 16384;
  Duration wait = Duration::Millis(10);  ///< How long to wait for the first record at most.
  /// Splits that must not be read now (too far ahead of the others). Sorted.
  const std::vector<std::string>* paused = nullptr;
};

/// How far behind its end a split is.
struct SplitLag {
  int64_t records = 0;
  /// Where records wait: the outside's own time of the newest record read before them, if known.
  std::optional<EventTime> since;
};

/// Reads the splits of one task. One thread.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  /// Takes a split on, at its position.
  virtual Status Add(const Split& split) = 0;
  virtual Result<Polled> Poll(const PollRequest& request) = 0;
  /// Position behind the last record polled, for each split: what a checkpoint keeps.
  virtual std::map<std::string, std::string> Positions() const = 0;
  /// How far behind its end each split is, where known.
  virtual std::map<std::string, SplitLag> Lag() const { return {}; }
};

/// Finds the splits of a source: at the first start, and while it runs. Used by one thread.
class SplitFinder {
 public:
  virtual ~SplitFinder() = default;
  /// All splits there are now, with first positions and stops as the job asks for them. `known` is
  /// what was found before: a split not in it is new, and begins at its first record (rule 27) if
  /// `known` is not empty. Ordinals of known splits are kept.
  virtual Result<std::vector<Split>> Find(const std::vector<Split>& known) = 0;
  /// Whether new splits can appear while it runs: then Find is called every second.
  virtual bool Grows() const { return false; }
};

/// Tells the outside how far a source was read, for those who watch it or go on in the job's stead.
/// Nothing of weir's own hangs on it. One thread.
class PositionTeller {
 public:
  virtual ~PositionTeller() = default;
  /// Begins to tell the positions of a durable checkpoint, all of the source's. Does not wait.
  virtual Status Tell(const std::vector<Split>& splits) = 0;
  /// What became of it, once that is known; waits so long at most. Told again only after that.
  virtual std::optional<Status> Poll(Duration wait) = 0;
};

/// What the outside is reached with, shared by all nodes of a job.
struct ConnectorContext {
  std::string job;
  std::string instance;   ///< The job's random instance id (rule 14).
  EventTime job_started;  ///< When that instance began.
  const Clock* clock = nullptr;
  /// Where outboxes grow; null: they stay in memory.
  CheckpointStore* store = nullptr;
  size_t memory_budget = 64 << 20;  ///< Bytes one reader may buffer.

  /// What decoders and encoders are made with; the store outlives them.
  CodecContext Codec() const;
};

/// A source as planned: checked, immutable, shared by tasks.
class SourcePlan : public Linked {
 public:
  /// All columns it can give: those of its records, then metadata columns (`kafka_offset`, …).
  virtual const SchemaPtr& columns() const = 0;
  /// How many of the first columns are the records' own (the rest is hidden until selected).
  virtual size_t visible() const = 0;
  virtual bool bounded() const = 0;
  /// One line for explain.
  virtual std::string Describe() const = 0;
  virtual Result<std::unique_ptr<SplitFinder>> MakeFinder(
      const ConnectorContext& context) const = 0;
  /// A reader that gives the columns `wanted` (indices into columns(), ascending), and origins
  /// where asked for.
  virtual Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext& context,
                                                           const std::vector<int>& wanted,
                                                           bool origins) const = 0;
  /// Null where nobody is to be told how far the source was read.
  virtual Result<std::unique_ptr<PositionTeller>> MakeTeller(const ConnectorContext&) const {
    return std::unique_ptr<PositionTeller>();
  }
  /// What it reads of, where the job names that one by one: topics.
  virtual std::vector<std::string> Inputs() const { return {}; }
  /// The input that a split is of, and whether the source reads one of that name: a changed job may
  /// read no longer what it has positions in.
  virtual std::string InputOf(const Split& split) const { return split.id; }
  virtual bool Reads(const std::string& /*input*/) const { return true; }
  /// A split has at most one reader; more tasks than this make no sense (0: no limit known).
  virtual uint32_t MostTasks() const { return 0; }
};

// ---------------------------------------------------------------------------------------------
// Sinks

/// What a writer hands over at a barrier: part of the checkpoint until it is published.
struct SealedPart {
  std::string bytes;  ///< The connector's own bytes, where there is no spool.
  int64_t rows = 0;
  std::shared_ptr<Spool> spool;  ///< Holds them where they are many.

  /// Nothing was written in the epoch.
  bool empty() const { return size() == 0; }
  uint64_t size() const { return spool ? spool->size() : bytes.size(); }
  /// All bytes; of a spool only once it is finished.
  Result<std::string> ReadAll() const;
  /// So many bytes from `offset` on, all of which must be there.
  Result<std::string> Read(uint64_t offset, uint64_t length) const;
};

/// A sink's end in one task: rows of the open epoch go into its outbox. One thread.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  /// Rows that the sink would not take (too large, a key that can't be) are added to `rejected`.
  virtual Status Write(const Batch& batch, std::vector<Rejection>& rejected) = 0;
  /// Ends the open epoch and gives what was written in it. `last`: nothing will be written any more
  /// (the input has ended, or the job stops), so open files are closed too.
  virtual Result<SealedPart> Seal(Epoch epoch, bool last) = 0;
  /// Bytes waiting in the open epoch: much asks for a checkpoint soon (rule 20).
  virtual size_t PendingBytes() const { return 0; }
};

/// One epoch of one lane, ready to be published.
struct SealedEpoch {
  Epoch epoch;
  std::vector<SealedPart> parts;  ///< Of all tasks, in the order of the tasks.
};

/// Where a lane stands.
struct LaneMarker {
  bool found = false;
  Epoch epoch;
  std::string instance;                ///< Of the job that wrote it.
  std::string manifest_checksum = {};  ///< Of the manifest that it was published by.
  bool operator==(const LaneMarker&) const = default;
};

/// Publishes the sealed epochs of one sink, after their manifest is durable. One lane each; at any
/// moment one thread.
class SinkPublisher {
 public:
  virtual ~SinkPublisher() = default;
  /// Shuts out every earlier publisher of the lane, also one that had not begun (rule 16).
  virtual Status Fence() = 0;
  /// The last epoch published on the lane; before Fence it may be about to change.
  virtual Result<LaneMarker> ReadMarker() = 0;
  /// Writes only the marker: opens the lane (epoch 0), renews it, or takes it over (rules 14, 15).
  virtual Status WriteMarker(Epoch epoch, const std::string& manifest_checksum) = 0;
  /// Makes the epochs visible, in order, whole or not at all, and the marker with them. Idempotent
  /// for sinks without markers. kRetry errors: outcome unknown; Fence and ReadMarker tell.
  /// `orphaned`: the writers that sealed these are gone (recovery), so what they left open is
  /// finished with exactly the bytes that were sealed (rule 23).
  virtual Status Publish(const std::vector<SealedEpoch>& epochs,
                         const std::string& manifest_checksum, bool orphaned) = 0;
  /// The marker as this publisher last saw it while fenced, or left it; none without markers.
  virtual LaneMarker Standing() const { return {}; }
  /// For recovery, after ReadMarker: takes the records that the outside would refuse for good out
  /// of `epochs`, and gives them; nothing becomes visible by it. After an error `epochs` is as it
  /// was.
  virtual Result<std::vector<RejectedRecord>> TakeRefused(std::vector<SealedEpoch>&) {
    return std::vector<RejectedRecord>{};
  }
  /// After Publish succeeded: the records of it that the outside will never take. They count as
  /// published, and are the caller's to deal with.
  virtual std::vector<RejectedRecord> TakeRejected() { return {}; }
  /// After Publish succeeded and until the next one, readies what needs no ordering (rule 17).
  virtual void Prepare() {}
  /// Once, after recovery has published what was due: removes leftovers that no manifest names.
  virtual Status CleanUp() { return Status::Ok(); }
};

/// Writes records that dead letters hold back to where they came from, each once however often it
/// is tried. One thread.
class Redriver {
 public:
  virtual ~Redriver() = default;
  /// Moves the positions of the letters' splits behind what was sent before, by whomever. Shuts
  /// every earlier one of the same letters out, unless it is only to look.
  virtual Status Begin(std::vector<Split>& splits, bool look_only) = 0;
  /// Sends the records to their topics, and with them, whole or not at all, the positions behind
  /// the letters that they are from.
  virtual Status Send(const std::vector<RejectedRecord>& records,
                      const std::map<std::string, std::string>& positions) = 0;
};

/// A sink as planned. Immutable, shared by tasks.
class SinkPlan : public Linked {
 public:
  virtual std::string Describe() const = 0;
  /// Looks whether the outside is there (topic, folder), before anything runs.
  virtual Status Check(const ConnectorContext& context) const = 0;
  virtual Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                         uint32_t task) const = 0;
  /// Whether results are sealed and published; otherwise rows leave in Write already (stdout,
  /// blackhole), and no publisher is asked for.
  virtual bool Publishes() const { return true; }
  virtual Result<std::unique_ptr<SinkPublisher>> MakePublisher(const ConnectorContext&,
                                                               uint32_t /*lane*/) const {
    return std::unique_ptr<SinkPublisher>();
  }
  /// Whether lanes keep a marker at the outside (Kafka), so that ReadMarker can answer.
  virtual bool HasMarkers() const { return false; }
  /// A bounded source of all that the sink has published up to now, with the columns of its input.
  /// Null where what was written can't be read.
  virtual std::shared_ptr<const SourcePlan> Readback() const { return nullptr; }
  /// Of a sink of dead letters; null where it can't be told for certain what was sent already.
  virtual Result<std::unique_ptr<Redriver>> MakeRedriver(const ConnectorContext&) const {
    return std::unique_ptr<Redriver>();
  }
};

// ---------------------------------------------------------------------------------------------
// The table

/// What a node of the job gives its connector to plan with.
struct NodeContext {
  std::string name;                        ///< Of the source or sink.
  const YamlNode* options;                 ///< The value of the connector's key (`kafka: {…}`).
  const YamlNode* format;                  ///< The value of `format`, null where absent.
  std::vector<ColumnDeclaration> columns;  ///< Sources: `columns`.
  SchemaPtr input;                         ///< Sinks: the rows' visible columns.
  /// Sinks: columns of `input` that the planner has computed from the sink's expressions, by option
  /// name (`key`, `headers`, …), beyond the visible ones.
  std::map<std::string, int> computed;
  /// Sinks: what the batches written look like: `input`'s columns, then the computed ones.
  SchemaPtr computed_schema;
  ConnectionLookup connection;
  LearnedTexts* learned = nullptr;  ///< Outlives the planning.
  std::string folder;               ///< Relative paths of the job count from here.
  EventTime now;

  /// What the node's format plans with; streams and topics are the connector's to say.
  FormatRequest RequestTo(const ChosenFormat& chosen) const;
};

/// What a connection is to be looked at for.
struct Examination {
  std::vector<std::string> topics;  ///< That a job would read or write.
  ObservationListener tell;
};

/// A connector as jobs name it. One folder and one line in all.cc each.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view help() const = 0;
  /// Declarations of its options, null where it is no source / no sink.
  virtual const SpecBase* source_options() const { return nullptr; }
  virtual const SpecBase* sink_options() const { return nullptr; }
  /// Declaration of a connection of this kind (`connections: { msk: { kafka: {…} } }`), null where
  /// there is none.
  virtual const SpecBase* connection_options() const { return nullptr; }
  /// What jobs call connections of that kind.
  virtual std::string_view connection_kind() const { return name(); }
  /// Looks at a connection step by step, as far as the step before allows. Faults of the options go
  /// to `diagnostics`. False where it has no connections.
  virtual bool Examine(const YamlNode&, const Examination&, Diagnostics&) const { return false; }
  /// Sink options that are expressions over the input's columns: the planner evaluates them.
  virtual std::vector<std::string> sink_expressions() const { return {}; }
  /// Faults go to `diagnostics`; null then.
  virtual std::shared_ptr<const SourcePlan> PlanSource(const NodeContext& node,
                                                       Diagnostics& diagnostics) const;
  virtual std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                                   Diagnostics& diagnostics) const;
};

std::span<const Connector* const> AllConnectors();
const Connector* FindConnector(std::string_view name);

}  // namespace weir
