#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "connectors/connector.h"
#include "connectors/files/disk.h"
#include "connectors/files/sealed_files.h"
#include "formats/compression.h"

namespace weir {

/// When a file is done, whichever comes first.
struct RollSpec {
  ByteSize size = ByteSize::MiB(128);
  Duration every = Duration::Seconds(300);
  static const Spec<RollSpec>& Describe();
};

/// `files: { path: out, partition_by: [dt], roll: { every: 1m }, compression: gzip }` as a sink.
struct FileSinkSpec {
  std::string path;
  std::vector<std::string> partition_by;
  RollSpec roll;
  Compression compression = Compression::kNone;
  static const Spec<FileSinkSpec>& Describe();
};

std::shared_ptr<const SinkPlan> PlanFileSink(const NodeContext& node, Diagnostics& diagnostics);

/// A sink of files as planned.
struct FileSinkPlanned {
  std::string sink;  // Its name.
  std::string root;
  FileSinkSpec spec;
  const Format* format = nullptr;
  std::shared_ptr<const EncodingPlan> encoding;
  SchemaPtr input;
  std::vector<size_t> partition_columns;
  std::vector<size_t> file_columns;
  SchemaPtr file_schema;
};

/// Writes rows into files that readers ignore (`_NAME.open`) until they are published.
///
/// An open file is always in one of two parts: `written` bytes that are in the file, and a buffer
/// behind them. A write that fails leaves the first as it was and keeps the second, so a checkpoint
/// that failed for want of room is made good by the next one, with nothing lost or doubled.
/// At most kMostOpen files are open; the one that was opened first is closed for another.
class FileSinkWriter final : public SinkWriter {
 public:
  static constexpr size_t kMostOpen = 200;

  /// `plan` and `disk` outlive it.
  FileSinkWriter(const FileSinkPlanned& plan, const ConnectorContext& context, uint32_t task,
                 std::unique_ptr<Encoder> encoder, Disk& disk);
  ~FileSinkWriter() override;
  Status Write(const Batch& batch, std::vector<Rejection>& rejected) override;
  Result<SealedPart> Seal(Epoch epoch, bool last) override;

 private:
  struct OpenFile {
    SealedFile file;  // `length` is what is in the file.
    int handle = -1;
    std::unique_ptr<Compressor> compressor;
    std::string buffer;    // Packed, behind what is in the file.
    std::string unpacked;  // Encoded, not packed yet.
    bool unsynced = false;
    Duration opened;
  };
  using Files = std::list<OpenFile>;

  /// The folder that a row belongs to; false where its name would be too long.
  bool FolderOf(const Batch& batch, size_t row, std::string& folder) const;
  Result<OpenFile*> FileFor(const std::string& folder);
  Status Begin(const std::string& folder);
  void Pack(OpenFile& file);
  Status Flush(OpenFile& file);
  bool Due(const OpenFile& file) const;
  /// Packs what is left and moves the file to those that are closed.
  void Close(Files::iterator file);
  Status FlushAll();

  const FileSinkPlanned& plan_;
  const Clock& clock_;
  Disk& disk_;
  const std::unique_ptr<Encoder> encoder_;
  const std::string name_begin_;  // Of all its files: sink, instance, task, and its own random id.
  uint64_t counter_ = 0;
  Files open_;    // In the order in which they were opened.
  Files closed_;  // Since the last Seal that succeeded.
  std::unordered_map<std::string, Files::iterator> by_folder_;
  std::vector<std::string> unsynced_folders_;
  size_t buffered_ = 0;  // Bytes of all buffers.
  Duration now_;         // At the last Write or Seal.
  int64_t rows_ = 0;
};

/// Gives sealed files their names. Keeps no marker: a file that has its name is published.
class FileSinkPublisher final : public SinkPublisher {
 public:
  FileSinkPublisher(const FileSinkPlanned& plan, const ConnectorContext& context, Disk& disk);
  Status Fence() override { return Status::Ok(); }
  Result<LaneMarker> ReadMarker() override { return LaneMarker{}; }
  Status WriteMarker(Epoch, const std::string&) override { return Status::Ok(); }
  Status Publish(const std::vector<SealedEpoch>& epochs, const std::string& manifest_checksum,
                 bool orphaned) override;
  Status CleanUp() override;

 private:
  Status Finish(const SealedFile& file, bool orphaned, bool& changed);

  const FileSinkPlanned& plan_;
  const std::string name_begin_;  // Of all files of this job's sink.
  Disk& disk_;
};

}  // namespace weir
