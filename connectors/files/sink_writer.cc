#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "batch/render.h"
#include "connectors/errors.h"
#include "connectors/files/sink.h"

namespace weir {
namespace {

/// Bytes of a file that are held back before they are written.
constexpr size_t kWriteBytes = 256 << 10;
/// Encoded bytes that are packed at once.
constexpr size_t kPackBytes = 32 << 10;
/// Bytes of all files that may wait while nothing can be written.
constexpr size_t kMostBuffered = 64 << 20;
/// What file systems allow for one name.
constexpr size_t kLongestName = 255;

}  // namespace

FileSinkWriter::FileSinkWriter(const FileSinkPlanned& plan, const ConnectorContext& context,
                               uint32_t task, std::unique_ptr<Encoder> encoder, Disk& disk)
    : plan_(plan),
      clock_(*context.clock),
      disk_(disk),
      encoder_(std::move(encoder)),
      name_begin_(fmt::format("{}-{}-{}-{}", plan.sink, context.instance.substr(0, 16), task,
                              RandomId().substr(0, 12))) {}

FileSinkWriter::~FileSinkWriter() {
  for (Files* files : {&open_, &closed_}) {
    for (OpenFile& file : *files) {
      if (file.handle >= 0) disk_.Close(file.handle);
    }
  }
}

bool FileSinkWriter::FolderOf(const Batch& batch, size_t row, std::string& folder) const {
  folder.clear();
  for (size_t c : plan_.partition_columns) {
    const size_t begin = folder.empty() ? 0 : folder.size() + 1;
    if (begin > 0) folder += '/';
    folder += PercentEncoded((*plan_.input)[c].name) + "=";
    const Column& column = batch.column(c);
    if (column.IsNull(row)) {
      folder += "__HIVE_DEFAULT_PARTITION__";
    } else if (column.type().IsText()) {
      folder += PercentEncoded(column.text(row));
    } else {
      std::string text;
      AppendJsonValue(text, column, row, TimestampStyle::kIso8601);
      if (text.size() >= 2 && text[0] == '"') text = text.substr(1, text.size() - 2);
      folder += PercentEncoded(text);
    }
    if (folder.size() - begin > kLongestName) return false;
  }
  return true;
}

Status FileSinkWriter::Begin(const std::string& folder) {
  OpenFile file;
  file.file.folder = folder;
  file.file.name = fmt::format("{}-{:06}.{}{}", name_begin_, counter_, plan_.format->name(),
                               NameEnding(plan_.spec.compression));
  const std::string path = file.file.FolderPath(plan_.root);
  WEIR_TRY(disk_.MakeFolders(path));
  file.handle = WEIR_TRY(disk_.Create(file.file.OpenPath(plan_.root)));
  counter_++;
  // Each folder on the way may be new.
  for (std::string above = path;;) {
    if (std::find(unsynced_folders_.begin(), unsynced_folders_.end(), above) ==
        unsynced_folders_.end()) {
      unsynced_folders_.push_back(above);
    }
    if (above.size() < plan_.root.size()) break;
    const size_t slash = above.rfind('/');
    above = slash == std::string::npos ? "." : above.substr(0, std::max<size_t>(slash, 1));
  }
  file.compressor = MakeCompressor(plan_.spec.compression);
  file.opened = now_;
  file.unpacked = encoder_->FileHeader();
  open_.push_back(std::move(file));
  by_folder_[folder] = std::prev(open_.end());
  return Status::Ok();
}

void FileSinkWriter::Pack(OpenFile& file) {
  const size_t before = file.buffer.size();
  file.compressor->Pack(file.unpacked, file.buffer);
  file.unpacked.clear();
  buffered_ += file.buffer.size() - before;
}

Status FileSinkWriter::Flush(OpenFile& file) {
  if (file.buffer.empty()) return Status::Ok();
  WEIR_TRY(
      disk_.WriteAt(file.handle, file.file.OpenPath(plan_.root), file.file.length, file.buffer));
  file.file.length += file.buffer.size();
  file.unsynced = true;
  buffered_ -= file.buffer.size();
  file.buffer.clear();
  return Status::Ok();
}

bool FileSinkWriter::Due(const OpenFile& file) const {
  return file.file.length + file.buffer.size() >=
             static_cast<uint64_t>(plan_.spec.roll.size.bytes) ||
         now_.us - file.opened.us >= plan_.spec.roll.every.us;
}

void FileSinkWriter::Close(Files::iterator file) {
  Pack(*file);
  const size_t before = file->buffer.size();
  file->compressor->EndFrame(file->buffer);
  buffered_ += file->buffer.size() - before;
  file->file.closed = true;
  by_folder_.erase(file->file.folder);
  closed_.splice(closed_.end(), open_, file);
}

Status FileSinkWriter::FlushAll() {
  for (Files* files : {&closed_, &open_}) {
    for (OpenFile& file : *files) WEIR_TRY(Flush(file));
  }
  return Status::Ok();
}

Result<FileSinkWriter::OpenFile*> FileSinkWriter::FileFor(const std::string& folder) {
  const auto known = by_folder_.find(folder);
  if (known != by_folder_.end()) {
    if (!Due(*known->second)) return &*known->second;
    Close(known->second);
  }
  if (open_.size() >= kMostOpen) Close(open_.begin());
  // A closed file needs no handle: its bytes are safe, and only its name is still to be given.
  // Those that were closed before and have none stand at the front.
  for (auto file = closed_.rbegin(); file != closed_.rend() && file->handle >= 0; ++file) {
    if (!Flush(*file).ok()) break;
    WEIR_TRY(disk_.Sync(file->handle, file->file.OpenPath(plan_.root)));
    file->unsynced = false;
    disk_.Close(file->handle);
    file->handle = -1;
    file->compressor.reset();
  }
  WEIR_TRY(Begin(folder));
  return &open_.back();
}

Status FileSinkWriter::Write(const Batch& batch, std::vector<Rejection>& rejected) {
  now_ = clock_.Monotonic();
  // Before any row is taken, so that the batch may be given again.
  if (buffered_ > kMostBuffered) WEIR_TRY(FlushAll());
  std::vector<ColumnPtr> columns;
  for (size_t c : plan_.file_columns) columns.push_back(batch.columns()[c]);
  const BatchPtr rows = batch.WithColumns(plan_.file_schema, std::move(columns));
  std::string folder;
  for (size_t r = 0; r < batch.rows(); r++) {
    if (!FolderOf(batch, r, folder)) {
      rejected.push_back({static_cast<uint32_t>(r), &errors::kUnusablePartition,
                          fmt::format("the value of a partition column is longer than a folder's "
                                      "name may be ({} bytes)",
                                      kLongestName)});
      continue;
    }
    OpenFile* file = WEIR_TRY(FileFor(folder));
    WEIR_TRY(encoder_->Encode(*rows, r, file->unpacked));
    file->unpacked += encoder_->Separator();
    rows_++;
    if (file->unpacked.size() >= kPackBytes) Pack(*file);
    // Where there is no room the bytes stay here, and the next Seal tells.
    if (file->buffer.size() >= kWriteBytes && buffered_ <= kMostBuffered) {
      const Status flushed = Flush(*file);
      if (flushed.Is(errors::kFileLost)) return flushed;
    }
  }
  return Status::Ok();
}

Result<SealedPart> FileSinkWriter::Seal(Epoch, bool last) {
  now_ = clock_.Monotonic();
  for (auto file = open_.begin(); file != open_.end();) {
    const auto next = std::next(file);
    if (last || Due(*file)) {
      Close(file);
    } else {
      Pack(*file);
      const size_t before = file->buffer.size();
      file->compressor->EndFrame(file->buffer);
      buffered_ += file->buffer.size() - before;
    }
    file = next;
  }
  if (WEIR_FAILPOINT("files.seal.write")) {
    return Status(errors::kFileWrite, "the failpoint files.seal.write was hit");
  }
  std::vector<SealedFile> sealed;
  for (Files* files : {&closed_, &open_}) {
    for (OpenFile& file : *files) {
      if (file.handle >= 0) {
        WEIR_TRY(Flush(file));
        if (file.unsynced) WEIR_TRY(disk_.Sync(file.handle, file.file.OpenPath(plan_.root)));
        file.unsynced = false;
      }
      sealed.push_back(file.file);
    }
  }
  while (!unsynced_folders_.empty()) {
    WEIR_TRY(disk_.SyncFolder(unsynced_folders_.back()));
    unsynced_folders_.pop_back();
  }
  for (OpenFile& file : closed_) {
    if (file.handle >= 0) disk_.Close(file.handle);
  }
  closed_.clear();
  SealedPart part;
  part.bytes = ToText(sealed);
  part.rows = rows_;
  rows_ = 0;
  return part;
}

}  // namespace weir
