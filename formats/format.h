#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/batch.h"
#include "batch/rejection.h"
#include "config/node_spec.h"
#include "config/spec.h"

namespace weir {

/// Turns the bytes of records into columns. One record is one row. Knows no broker and no file.
/// Not thread safe; each reader has its own.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Columns it fills, in the order of the builder's first columns.
  virtual const SchemaPtr& schema() const = 0;
  /// How many of the first `records` can be decoded now. The others wait for what is on its way (a
  /// schema): they are given again later, and rows of other splits go on meanwhile. Never blocks.
  virtual Result<size_t> Ready(std::span<const std::string_view> records) { return records.size(); }
  /// Appends one row per good record to the first schema().size() columns of `out`. A bad record
  /// appends nothing and is added to `rejected`, in order of `record`. `records` need no padding
  /// and live only during the call; a record with a null data() is a null value (a tombstone).
  virtual Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                        std::vector<Rejection>& rejected) = 0;
  /// Whether the first record of each file names its columns. A reader of files then gives it to
  /// TakeHeader before any other record of that file, also where it goes on in the middle.
  virtual bool HasHeader() const { return false; }
  /// The error says which column is missing.
  virtual Status TakeHeader(std::string_view) { return Status::Ok(); }
};

/// Finds the records in a stream of bytes (a file). Not thread safe.
class RecordSplitter {
 public:
  virtual ~RecordSplitter() = default;
  /// Cuts `bytes` into whole records, appended to `records` as views into `bytes`, and returns how
  /// many bytes they took. What is left is given again with more behind it; `last` says there is
  /// no more. A record longer than the splitter's bound is an error.
  virtual Result<size_t> Split(std::string_view bytes, bool last,
                               std::vector<std::string_view>& records) = 0;
};

/// Turns rows into the bytes of records. Not thread safe.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends the bytes of row `row` (without any separator) to `out`.
  virtual Status Encode(const Batch& batch, size_t row, std::string& out) = 0;
  /// What stands at the start of a file (a CSV header with its newline), may be empty.
  virtual std::string FileHeader() const { return {}; }
  /// What follows each record in a file.
  virtual std::string_view Separator() const { return "\n"; }
};

/// One column as a source's `columns` declares it.
struct ColumnDeclaration {
  std::string name;
  Type type;
  std::string from;    ///< Path in the record (`address.city`), empty: the name.
  std::string unit;    ///< Of a number read as timestamp: s, ms (default), us.
  std::string format;  ///< Layout of a time given as text, empty: ISO 8601.
  std::string zone;    ///< Zone of such a text without one, empty: UTC.
};

/// Schemas of records by what a registry calls them, kept where they outlive the process: with the
/// checkpoints of a job. What a name stands for never changes. Thread safe; calls may block.
class SchemaShelf {
 public:
  virtual ~SchemaShelf() = default;
  /// None where nothing was kept under that name.
  virtual Result<std::optional<std::string>> Find(const std::string& name) = 0;
  /// Durable when it returns. Of two who keep something under one name the first one wins.
  virtual Status Keep(const std::string& name, const std::string& text) = 0;
};

/// What decoders and encoders have while they run.
struct CodecContext {
  std::shared_ptr<SchemaShelf> shelf;  ///< Null: nothing is kept.
};

/// How a source's records become columns: checked, immutable, shared by its readers.
class DecodingPlan {
 public:
  virtual ~DecodingPlan() = default;
  /// The columns that records hold.
  virtual const SchemaPtr& columns() const = 0;
  /// A decoder of the columns `wanted` (indices into columns()): the rest is not decoded.
  virtual Result<std::unique_ptr<Decoder>> MakeDecoder(const CodecContext& context,
                                                       const std::vector<int>& wanted) const = 0;
  /// Only of plans for a stream (FormatRequest::stream).
  virtual std::unique_ptr<RecordSplitter> MakeSplitter() const = 0;
};

/// How a sink's rows become records: checked, immutable, shared by its writers.
class EncodingPlan {
 public:
  virtual ~EncodingPlan() = default;
  /// Asks the outside whether records may be written so, before anything runs.
  virtual Status Check(const CodecContext&) const { return Status::Ok(); }
  virtual Result<std::unique_ptr<Encoder>> MakeEncoder(const CodecContext& context) const = 0;
  /// How its records become the same columns again; null where they do not tell.
  virtual std::shared_ptr<const DecodingPlan> Readback() const { return nullptr; }
};

/// Texts that planning learns from the outside and that are part of the job from then on, so that
/// all its processes and all later runs go by the same.
class LearnedTexts {
 public:
  virtual ~LearnedTexts() = default;
  /// What was learned for the source `node` about the very thing that `about` names; or what `ask`
  /// finds out now, once, however often the job is planned. It is written into the job as the
  /// format's option `pinned` (PinnedText). kNotPinned where nobody may be asked.
  virtual Result<std::string> Learn(const std::string& node, const std::string& about,
                                    const std::function<Result<std::string>()>& ask) = 0;
};

/// `pinned: { of: …, text: … }`: weir's own note of what it has learned.
struct PinnedText {
  std::string of;
  std::string text;
  static const Spec<PinnedText>& Describe();
};

/// Finds a connection by name, which must be of one of `kinds`. Null where there is none, which was
/// told at `place` then.
using ConnectionLookup = std::function<const ConnectionSpec*(
    const std::string& name, const std::vector<std::string_view>& kinds, const Place& place)>;

/// What a node of a job gives its format to plan with.
struct FormatRequest {
  std::string node;
  const YamlNode* options = nullptr;       ///< Null: none given.
  Place place;                             ///< Where faults are told that are none of an option's.
  std::vector<ColumnDeclaration> columns;  ///< Decoding: as declared.
  bool stream = false;                     ///< Records stand one behind the other in files.
  std::string topic;                       ///< That they stand in; empty: none, or several.
  ConnectionLookup connection;
  LearnedTexts* learned = nullptr;  ///< Outlives the call.
};

/// A format as jobs name it: `format: json`, `format: { csv: { delimiter: ';' } }`.
/// One file and one line in all.cc each.
class Format {
 public:
  virtual ~Format() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view help() const = 0;
  /// Its options' declaration, for `weir schema` and the reference page.
  virtual const SpecBase& options() const = 0;
  /// Options that may name a file (`{ file: PATH }`): its text stands in their place once the job
  /// was read.
  virtual std::vector<std::string> file_options() const { return {}; }

  /// Faults go to `diagnostics`; null then.
  virtual std::shared_ptr<const DecodingPlan> PlanDecoding(const FormatRequest& request,
                                                           Diagnostics& diagnostics) const = 0;
  /// Of rows with these columns.
  virtual std::shared_ptr<const EncodingPlan> PlanEncoding(const FormatRequest& request,
                                                           const Schema& schema,
                                                           Diagnostics& diagnostics) const = 0;
};

/// All formats, in the order of the reference page.
std::span<const Format* const> AllFormats();
/// Null where there is none of that name.
const Format* FindFormat(std::string_view name);

/// What `format: csv` or `format: { csv: {…} }` names, with its options (null: none given).
struct ChosenFormat {
  const Format* format = nullptr;
  const YamlNode* options = nullptr;
};
/// The format that `node` names, json where it is null. Unknown names and wrong options go to
/// `diagnostics`; the format is null then. `options` lives as long as `node`.
ChosenFormat ChooseFormat(const YamlNode* node, Diagnostics& diagnostics);

}  // namespace weir
