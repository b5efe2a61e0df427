#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/batch.h"
#include "batch/rejection.h"
#include "config/spec.h"

namespace weir {

/// Turns the bytes of records into columns. One record is one row. Knows no broker and no file.
/// Not thread safe; each reader has its own.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Columns it fills, in the order of the builder's first columns.
  virtual const SchemaPtr& schema() const = 0;
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

/// Declares the columns of a schema as they are.
std::vector<ColumnDeclaration> DeclarationsOf(const Schema& schema);

/// A format as jobs name it: `format: json`, `format: { csv: { delimiter: ';' } }`.
/// One file and one line in all.cc each.
class Format {
 public:
  virtual ~Format() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view help() const = 0;
  /// Its options' declaration, for `weir schema` and the reference page.
  virtual const SpecBase& options() const = 0;

  /// The columns that records hold: the declared ones, or the format's own (raw: `value bytes`).
  /// Faults go to `diagnostics`, at `place`; null then.
  virtual SchemaPtr Columns(const std::vector<ColumnDeclaration>& declared, const Place& place,
                            Diagnostics& diagnostics) const = 0;
  /// A decoder of the columns `wanted` (indices into Columns()'s schema): the rest is not decoded.
  virtual Result<std::unique_ptr<Decoder>> MakeDecoder(
      const std::vector<ColumnDeclaration>& declared, const YamlNode* options,
      const std::vector<int>& wanted) const = 0;
  virtual std::unique_ptr<RecordSplitter> MakeSplitter(const YamlNode* options) const = 0;
  virtual Result<std::unique_ptr<Encoder>> MakeEncoder(const Schema& schema,
                                                       const YamlNode* options) const = 0;
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
