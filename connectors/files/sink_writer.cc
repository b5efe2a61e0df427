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

std::string NameBegin(const FileSinkPlanned& plan, const ConnectorContext& context) {
  return fmt::format("{}-{}-", plan.sink, context.instance.substr(0, 16));
}

FileSinkWriter::FileSinkWriter(const FileSinkPlanned& plan, const ConnectorContext& context,
                               uint32_t task, std::unique_ptr<Encoder> encoder,
                               std::unique_ptr<Landing> landing)
    : plan_(plan),
      clock_(*context.clock),
      store_(context.store),
      landing_(std::move(landing)),
      encoder_(std::move(encoder)),
      name_begin_(
          fmt::format("{}{}-{}", NameBegin(plan, context), task, RandomId().substr(0, 12))) {}

bool FileSinkWriter::FolderOf(const Batch& batch, size_t row, std::string& folder) const {
  folder.clear();
  for (size_t c : plan_.partition_columns) {
    const size_t begin = folder.empty() ? 0 : folder.size() + 1;
    if (begin > 0) folder += '/';
    folder += PercentEncoded((*plan_.input)[c].name) + "=";
    const Column& column = batch.column(c);
    if (column.IsNull(row)) {
      folder += kNullPartition;
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

/// Whether it is seen at once that a row belongs where the one before it did, as most rows do.
bool FileSinkWriter::SameFolder(const Batch& batch, size_t row) const {
  if (row == 0) return false;
  return std::all_of(plan_.partition_columns.begin(), plan_.partition_columns.end(), [&](size_t c) {
    const Column& column = batch.column(c);
    return column.type().IsText() && !column.IsNull(row) && !column.IsNull(row - 1) &&
           column.text(row) == column.text(row - 1);
  });
}

Status FileSinkWriter::Begin(const std::string& folder) {
  OpenFile file;
  file.file.folder = folder;
  file.file.name = fmt::format("{}-{:06}.{}{}", name_begin_, counter_, plan_.format->name(),
                               NameEnding(plan_.spec.compression.kind));
  file.draft = WEIR_TRY(landing_->Begin(file.file));
  counter_++;
  file.compressor = MakeCompressor(plan_.spec.compression.kind, plan_.spec.compression.level());
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

Status FileSinkWriter::Store(OpenFile& file, bool press) {
  const size_t before = file.buffer.size();
  Status status = file.draft->Store(file.file, file.buffer, press);
  buffered_ -= before - file.buffer.size();
  return status;
}

void FileSinkWriter::EndFrame(OpenFile& file) {
  Pack(file);
  const size_t before = file.buffer.size();
  file.compressor->EndFrame(file.buffer);
  buffered_ += file.buffer.size() - before;
}

bool FileSinkWriter::Due(const OpenFile& file) const {
  return file.file.length + file.buffer.size() >=
             static_cast<uint64_t>(plan_.spec.roll.size.bytes) ||
         now_.us - file.opened.us >= plan_.spec.roll.every.us;
}

void FileSinkWriter::Close(Files::iterator file) {
  EndFrame(*file);
  file->file.closed = true;
  by_folder_.erase(file->file.folder);
  closed_.splice(closed_.end(), open_, file);
}

/// Before anything more is buffered. Where drafts leave much in buffers, because a part is to be
/// larger, the largest files are closed before their time.
Status FileSinkWriter::MakeRoom() {
  if (buffered_ <= kMostBuffered) return Status::Ok();
  for (Files* files : {&closed_, &open_}) {
    for (OpenFile& file : *files) {
      if (!file.buffer.empty()) WEIR_TRY(Store(file, /*press=*/true));
    }
  }
  while (buffered_ > kMostBuffered / 2 && !open_.empty()) {
    const auto largest = std::max_element(
        open_.begin(), open_.end(),
        [](const OpenFile& a, const OpenFile& b) { return a.buffer.size() < b.buffer.size(); });
    Close(largest);
    WEIR_TRY(Store(closed_.back(), /*press=*/true));
  }
  return Status::Ok();
}

/// A closed file needs nothing open: its bytes are safe, and only its name is still to be given.
/// Those that were released before stand at the front.
Status FileSinkWriter::ReleaseClosed() {
  for (auto file = closed_.rbegin(); file != closed_.rend() && file->compressor; ++file) {
    if (!Store(*file, /*press=*/false).ok()) break;
    WEIR_TRY(file->draft->Release(file->file));
    file->compressor.reset();
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
  WEIR_TRY(ReleaseClosed());
  WEIR_TRY(Begin(folder));
  return &open_.back();
}

void FileSinkWriter::Count(OpenFile& file, const Batch& batch, size_t row) {
  rows_++;
  file.file.rows++;
  if (batch.times() == nullptr) return;
  const EventTime time = (*batch.times())[row];
  file.file.first = std::min(file.file.first, time);
  file.file.last = std::max(file.file.last, time);
}

Status FileSinkWriter::Write(const Batch& batch, std::vector<Rejection>& rejected) {
  now_ = clock_.Monotonic();
  // Before any row is taken, so that the batch may be given again.
  WEIR_TRY(MakeRoom());
  std::vector<ColumnPtr> columns;
  for (size_t c : plan_.file_columns) columns.push_back(batch.columns()[c]);
  const BatchPtr rows = batch.WithColumns(plan_.file_schema, std::move(columns));
  std::string folder;
  bool usable = false;
  for (size_t r = 0; r < batch.rows(); r++) {
    if (!SameFolder(batch, r)) usable = FolderOf(batch, r, folder);
    if (!usable) {
      rejected.push_back({static_cast<uint32_t>(r), &errors::kUnusablePartition,
                          fmt::format("the value of a partition column is longer than a folder's "
                                      "name may be ({} bytes)",
                                      kLongestName)});
      continue;
    }
    OpenFile* file = WEIR_TRY(FileFor(folder));
    WEIR_TRY(encoder_->Encode(*rows, r, file->unpacked));
    file->unpacked += encoder_->Separator();
    Count(*file, batch, r);
    if (file->unpacked.size() >= kPackBytes) Pack(*file);
    // Where there is no room the bytes stay here, and the next Seal tells.
    if (file->buffer.size() >= kWriteBytes && buffered_ <= kMostBuffered) {
      const Status stored = Store(*file, /*press=*/false);
      if (!stored.ok() && stored.kind() != ErrorKind::kRetry) return stored;
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
      EndFrame(*file);
    }
    file = next;
  }
  if (WEIR_FAILPOINT("files.seal.write")) {
    return Status(errors::kFileWrite, "the failpoint files.seal.write was hit");
  }
  std::vector<SealedFile> sealed;
  std::vector<std::shared_ptr<const std::string>> tails;
  for (Files* files : {&closed_, &open_}) {
    for (OpenFile& file : *files) {
      if (!file.buffer.empty()) WEIR_TRY(Store(file, /*press=*/false));
      std::vector<std::shared_ptr<const std::string>> unsafe;
      WEIR_TRY(file.draft->Settle(file.file, unsafe));
      SealedFile& told = sealed.emplace_back(file.file);
      if (!file.buffer.empty()) unsafe.push_back(std::make_shared<const std::string>(file.buffer));
      for (auto& bytes : unsafe) {
        told.tail += bytes->size();
        tails.push_back(std::move(bytes));
      }
      told.length += file.buffer.size();
    }
  }
  WEIR_TRY(landing_->SettleNames());
  SealedPart part = WEIR_TRY(PartOf(std::move(sealed), tails));
  for (const OpenFile& file : closed_) buffered_ -= file.buffer.size();
  closed_.clear();
  rows_ = 0;
  return part;
}

Result<SealedPart> FileSinkWriter::PartOf(
    std::vector<SealedFile> sealed, const std::vector<std::shared_ptr<const std::string>>& tails) {
  SealedPart part;
  part.rows = rows_;
  if (sealed.empty()) return part;
  auto spool = std::make_shared<Spool>(store_);
  WEIR_TRY(spool->Append(ToText(sealed)));
  for (const auto& bytes : tails) WEIR_TRY(spool->Append(*bytes));
  if (spool->in_memory()) {
    part.bytes = spool->TakeBytes();
  } else {
    part.spool = std::move(spool);
  }
  return part;
}

}  // namespace weir
