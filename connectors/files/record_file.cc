#include "connectors/files/record_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "batch/key.h"
#include "connectors/errors.h"
#include "formats/errors.h"
#include "formats/splitter.h"

namespace weir {
namespace {

constexpr size_t kReadBytes = 256 << 10;

}  // namespace

RecordFile::RecordFile(std::unique_ptr<FileBytes> bytes, std::string name, uint64_t size,
                       Compression compression, RecordSplitter& splitter, Decoder& decoder)
    : bytes_(std::move(bytes)),
      name_(std::move(name)),
      size_(size),
      compression_(compression),
      splitter_(splitter),
      decoder_(decoder) {}

Status RecordFile::Fault(const ErrorCode& code, const std::string& what,
                         const std::string& cure) const {
  return Status(code, fmt::format("file '{}': {}", name_, what), cure);
}

Status RecordFile::Open(const FilePosition& position) {
  WEIR_TRY(bytes_->Open());
  WEIR_TRY(Rewind());
  if (decoder_.HasHeader()) WEIR_TRY(TakeHeader());
  if (position.offset == 0) return Status::Ok();
  return SkipTo(position);
}

Status RecordFile::Rewind() {
  WEIR_TRY(bytes_->Seek(0));
  packed_read_ = 0;
  decompressor_ = MakeDecompressor(compression_);
  packed_.clear();
  packed_begin_ = 0;
  buffer_.clear();
  begin_ = 0;
  buffer_offset_ = 0;
  ended_ = false;
  split_.clear();
  given_ = 0;
  taken_offset_ = 0;
  taken_records_ = 0;
  tail_.clear();
  return Status::Ok();
}

Status RecordFile::TakeHeader() {
  std::vector<std::string_view> header;
  std::vector<uint64_t> ends;
  WEIR_TRY(Next(1, header, ends));
  if (header.empty()) return Status::Ok();
  Status taken = decoder_.TakeHeader(header[0]);
  if (!taken.ok()) return std::move(taken).WithContext(fmt::format("file '{}'", name_));
  Taken(0, ends[0]);
  return Status::Ok();
}

Status RecordFile::Changed(const FilePosition& position) const {
  return Fault(
      errors::kFileChanged,
      fmt::format("its content before byte {} is not what was read before", position.offset),
      "put the file back, or start afresh with --fresh");
}

Status RecordFile::SkipTo(const FilePosition& position) {
  WEIR_TRY(Rewind());
  const uint64_t tail_begin = position.offset - std::min<uint64_t>(position.offset, kTailBytes);
  if (compression_ == Compression::kNone) {
    WEIR_TRY(bytes_->Seek(tail_begin));
    packed_read_ = tail_begin;
    buffer_offset_ = tail_begin;
  }
  while (buffer_offset_ + buffer_.size() < position.offset && !ended_) {
    const uint64_t useless = tail_begin > buffer_offset_
                                 ? std::min<uint64_t>(buffer_.size(), tail_begin - buffer_offset_)
                                 : 0;
    buffer_.erase(0, useless);
    buffer_offset_ += useless;
    Status filled = Fill();
    // It could be unpacked that far before.
    if (filled.Is(errors::kFileCutOff) || filled.Is(errors::kDamagedStream))
      return Changed(position);
    WEIR_TRY(std::move(filled));
  }
  const size_t there =
      position.offset > buffer_offset_ ? static_cast<size_t>(position.offset - buffer_offset_) : 0;
  const size_t tail_at =
      tail_begin > buffer_offset_ ? static_cast<size_t>(tail_begin - buffer_offset_) : 0;
  if (there > buffer_.size() ||
      HashBytes(std::string_view(buffer_).substr(tail_at, there - tail_at)) != position.tail_hash) {
    return Changed(position);
  }
  begin_ = there;
  taken_offset_ = position.offset;
  taken_records_ = position.record;
  tail_ = buffer_.substr(tail_at, there - tail_at);
  return Status::Ok();
}

Status RecordFile::Read(size_t most, std::string& out) {
  const size_t had = out.size();
  WEIR_TRY(bytes_->Read(most, out));
  packed_read_ += out.size() - had;
  return Status::Ok();
}

Status RecordFile::Fill() {
  // A record that needs many pieces gets greater ones, so that it is not looked through too often.
  const size_t want = std::max(kReadBytes, buffer_.size() - begin_);
  const size_t before = buffer_.size();
  if (compression_ == Compression::kNone) {
    while (buffer_.size() - before < want && packed_read_ < size_) {
      WEIR_TRY(Read(want - (buffer_.size() - before), buffer_));
    }
    ended_ = packed_read_ >= size_;
    return Status::Ok();
  }
  while (buffer_.size() - before < want) {
    if (packed_begin_ == packed_.size() && packed_read_ < size_) {
      packed_.clear();
      packed_begin_ = 0;
      WEIR_TRY(Read(kReadBytes, packed_));
    }
    std::string_view input = std::string_view(packed_).substr(packed_begin_);
    const size_t had = input.size();
    const size_t unpacked = buffer_.size();
    Status status = decompressor_->Unpack(input, buffer_, want - (buffer_.size() - before));
    if (!status.ok()) return std::move(status).WithContext(fmt::format("file '{}'", name_));
    packed_begin_ += had - input.size();
    if (had != input.size() || unpacked != buffer_.size()) continue;
    if (packed_read_ < size_) continue;
    ended_ = true;
    if (!decompressor_->AtFrameEnd()) {
      return Fault(errors::kFileCutOff, "it ends in the middle of its packed data",
                   "is it still being written, or was it copied in part?");
    }
    break;
  }
  return Status::Ok();
}

Status RecordFile::Next(size_t most, std::vector<std::string_view>& records,
                        std::vector<uint64_t>& ends) {
  records.clear();
  ends.clear();
  while (given_ == split_.size()) {
    split_.clear();
    given_ = 0;
    if (ended_ && begin_ == buffer_.size()) return Status::Ok();
    Result<size_t> used = splitter_.Split(Left(), ended_, split_);
    if (!used.ok()) {
      return std::move(used).status().WithContext(
          fmt::format("file '{}' at byte {}", name_, buffer_offset_ + begin_));
    }
    begin_ += *used;
    if (!split_.empty()) break;
    // All records before are taken; what follows them are line ends.
    Taken(0, buffer_offset_ + begin_);
    if (ended_) continue;
    buffer_.erase(0, begin_);
    buffer_offset_ += begin_;
    begin_ = 0;
    WEIR_TRY(Fill());
  }
  const size_t n = std::min(most, split_.size() - given_);
  for (size_t i = given_; i < given_ + n; i++) {
    records.push_back(split_[i]);
    ends.push_back(buffer_offset_ +
                   static_cast<uint64_t>(split_[i].data() + split_[i].size() - buffer_.data()));
  }
  given_ += n;
  return Status::Ok();
}

void RecordFile::Taken(int64_t records, uint64_t end) {
  taken_records_ += records;
  if (end <= taken_offset_) return;
  const uint64_t from = std::max(taken_offset_, buffer_offset_);
  KeepTail(std::string_view(buffer_).substr(static_cast<size_t>(from - buffer_offset_),
                                            static_cast<size_t>(end - from)));
  taken_offset_ = end;
}

void RecordFile::KeepTail(std::string_view bytes) {
  if (bytes.size() >= kTailBytes) {
    tail_ = bytes.substr(bytes.size() - kTailBytes);
    return;
  }
  tail_ += bytes;
  if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
}

FilePosition RecordFile::Position() const {
  return {taken_offset_, taken_records_, HashBytes(tail_)};
}

}  // namespace weir
