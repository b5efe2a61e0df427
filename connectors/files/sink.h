#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "connectors/connector.h"
#include "connectors/files/landing.h"
#include "connectors/files/s3_connection.h"
#include "formats/compression.h"

namespace weir {

/// When a file is done, whichever comes first.
struct RollSpec {
  ByteSize size = ByteSize::MiB(128);
  Duration every = Duration::Seconds(300);
  static const Spec<RollSpec>& Describe();
};

/// `compression: gzip`, or `compression: { gzip: 1 }` with a level.
struct PackingSpec {
  Compression kind = Compression::kNone;
  int32_t gzip = 0;  ///< 0: not given.
  int32_t zstd = 0;
  static const Spec<PackingSpec>& Describe();

  int32_t level() const { return kind == Compression::kGzip ? gzip : zstd; }
};
/// As a value of a Spec; a level says which kind it is.
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, PackingSpec& out);

/// `files: { path: out, partition_by: [dt], roll: { every: 1m }, compression: gzip }` as a sink.
struct FileSinkSpec {
  std::string connection;  ///< To S3; empty: a folder.
  std::string path;
  std::vector<std::string> partition_by;
  RollSpec roll;
  PackingSpec compression;
  static const Spec<FileSinkSpec>& Describe();
};

std::shared_ptr<const SinkPlan> PlanFileSink(const NodeContext& node, Diagnostics& diagnostics);

/// A sink of files as planned.
struct FileSinkPlanned {
  std::string sink;  // Its name.
  std::string root;  // Folder, or what keys in the bucket begin with.
  std::optional<S3Connection> bucket;
  FileSinkSpec spec;
  const Format* format = nullptr;
  std::shared_ptr<const EncodingPlan> encoding;
  SchemaPtr input;
  std::vector<size_t> partition_columns;
  std::vector<size_t> file_columns;
  SchemaPtr file_schema;
};

/// Where the sink's files land: for one writer, or one publisher.
Result<std::unique_ptr<Landing>> MakeLanding(const FileSinkPlanned& plan);

/// What all names of files of a job's sink begin with.
std::string NameBegin(const FileSinkPlanned& plan, const ConnectorContext& context);

/// Writes rows into files that readers do not see until they are published.
///
/// An open file is always in one of two parts: what its draft has taken, and a buffer behind that.
/// A write that fails leaves the first as it was and keeps the second, so a checkpoint that failed
/// for want of room is made good by the next one, with nothing lost or doubled.
/// At most kMostOpen files are open; the one that was opened first is closed for another.
class FileSinkWriter final : public SinkWriter {
 public:
  static constexpr size_t kMostOpen = 200;

  /// `plan` outlives it, and so does the store of the context.
  FileSinkWriter(const FileSinkPlanned& plan, const ConnectorContext& context, uint32_t task,
                 std::unique_ptr<Encoder> encoder, std::unique_ptr<Landing> landing);
  Status Write(const Batch& batch, std::vector<Rejection>& rejected) override;
  Result<SealedPart> Seal(Epoch epoch, bool last) override;

 private:
  struct OpenFile {
    SealedFile file;  // `length` is what the draft has taken.
    std::unique_ptr<Draft> draft;
    std::unique_ptr<Compressor> compressor;  // Null: closed and released.
    std::string buffer;                      // Packed, behind what the draft has taken.
    std::string unpacked;                    // Encoded, not packed yet.
    Duration opened;
  };
  using Files = std::list<OpenFile>;

  /// The folder that a row belongs to; false where its name would be too long.
  bool FolderOf(const Batch& batch, size_t row, std::string& folder) const;
  bool SameFolder(const Batch& batch, size_t row) const;
  Result<OpenFile*> FileFor(const std::string& folder);
  Status Begin(const std::string& folder);
  void Pack(OpenFile& file);
  Status Store(OpenFile& file, bool press);
  void EndFrame(OpenFile& file);
  void Count(OpenFile& file, const Batch& batch, size_t row);
  bool Due(const OpenFile& file) const;
  /// Packs what is left and moves the file to those that are closed.
  void Close(Files::iterator file);
  Status MakeRoom();
  Status ReleaseClosed();
  Result<SealedPart> PartOf(std::vector<SealedFile> sealed,
                            const std::vector<std::shared_ptr<const std::string>>& tails);

  const FileSinkPlanned& plan_;
  const Clock& clock_;
  CheckpointStore* const store_;
  const std::unique_ptr<Landing> landing_;
  const std::unique_ptr<Encoder> encoder_;
  const std::string name_begin_;  // Of all its files: sink, instance, task, and its own random id.
  uint64_t counter_ = 0;
  Files open_;    // In the order in which they were opened.
  Files closed_;  // Since the last Seal that succeeded.
  std::unordered_map<std::string, Files::iterator> by_folder_;
  size_t buffered_ = 0;  // Bytes of all buffers.
  Duration now_;         // At the last Write or Seal.
  int64_t rows_ = 0;
};

/// Makes sealed files visible, and then lists them (see ListOf). Keeps no marker: a file that is
/// there is published.
class FileSinkPublisher final : public SinkPublisher {
 public:
  /// `plan` outlives it.
  FileSinkPublisher(const FileSinkPlanned& plan, const ConnectorContext& context, uint32_t lane,
                    std::unique_ptr<Landing> landing);
  Status Fence() override { return Status::Ok(); }
  Result<LaneMarker> ReadMarker() override { return LaneMarker{}; }
  Status WriteMarker(Epoch, const std::string&) override { return Status::Ok(); }
  Status Publish(const std::vector<SealedEpoch>& epochs, const std::string& manifest_checksum,
                 bool orphaned) override;
  Status CleanUp() override;

 private:
  Status List(const std::vector<PublishedFile>& files, bool orphaned);

  const FileSinkPlanned& plan_;
  const std::string job_;
  const std::string name_begin_;
  const uint32_t lane_;
  const std::unique_ptr<Landing> landing_;
};

}  // namespace weir
