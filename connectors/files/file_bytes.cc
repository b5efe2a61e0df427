#include "connectors/files/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "connectors/errors.h"

namespace weir {
namespace {

constexpr const char* kPutBack = "put the file back, or start afresh with --fresh";
/// So much of an object is asked for with one request.
constexpr uint64_t kPieceBytes = 4 << 20;

class LocalBytes final : public FileBytes {
 public:
  LocalBytes(std::string path, std::string name, uint64_t size)
      : path_(std::move(path)), name_(std::move(name)), size_(size) {}
  ~LocalBytes() override {
    if (file_ >= 0) close(file_);
  }
  LocalBytes(const LocalBytes&) = delete;
  LocalBytes& operator=(const LocalBytes&) = delete;

  Status Open() override {
    file_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) {
      return Fault(errno == ENOENT ? errors::kFileGone : errors::kFileRead,
                   fmt::format("cannot be opened: {}", std::strerror(errno)));
    }
    struct stat facts = {};
    if (fstat(file_, &facts) != 0) return Unreadable();
    const auto now = static_cast<uint64_t>(facts.st_size);
    if (now >= size_) return Status::Ok();
    return Fault(errors::kFileChanged,
                 fmt::format("it had {} bytes when the job began and has {} now", size_, now),
                 kPutBack);
  }

  Status Seek(uint64_t offset) override {
    if (lseek(file_, static_cast<off_t>(offset), SEEK_SET) < 0) return Unreadable();
    at_ = offset;
    return Status::Ok();
  }

  Status Read(size_t most, std::string& out) override {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(most, size_ - at_));
    const size_t had = out.size();
    out.resize(had + want);
    ssize_t got = 0;
    do {
      got = read(file_, out.data() + had, want);
    } while (got < 0 && errno == EINTR);
    out.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return Unreadable();
    if (got == 0 && want > 0) {
      return Fault(errors::kFileChanged,
                   fmt::format("it ends at byte {}, and had {} when the job began", at_, size_),
                   kPutBack);
    }
    at_ += static_cast<uint64_t>(got);
    return Status::Ok();
  }

 private:
  Status Fault(const ErrorCode& code, const std::string& what, const std::string& cure = {}) const {
    return Status(code, fmt::format("file '{}': {}", name_, what), cure);
  }
  Status Unreadable() const {
    return Fault(errors::kFileRead, fmt::format("cannot be read: {}", std::strerror(errno)));
  }

  const std::string path_;
  const std::string name_;
  const uint64_t size_;
  int file_ = -1;
  uint64_t at_ = 0;
};

class ObjectBytes final : public FileBytes {
 public:
  ObjectBytes(S3Access& access, std::string key, uint64_t size, std::string tag)
      : s3_(*access.client), key_(std::move(key)), size_(size), tag_(std::move(tag)) {}

  Status Open() override { return Status::Ok(); }

  Status Seek(uint64_t offset) override {
    at_ = offset;
    piece_.clear();
    return Status::Ok();
  }

  Status Read(size_t most, std::string& out) override {
    if (at_ >= size_) return Status::Ok();
    if (at_ < piece_at_ || at_ >= piece_at_ + piece_.size()) WEIR_TRY(Fetch());
    const size_t from = static_cast<size_t>(at_ - piece_at_);
    const size_t count = std::min(most, piece_.size() - from);
    out.append(piece_, from, count);
    at_ += count;
    return Status::Ok();
  }

 private:
  Status Fetch() {
    piece_.clear();
    std::optional<std::string> piece =
        WEIR_TRY(s3_.GetPiece(key_, tag_, at_, std::min(kPieceBytes, size_ - at_)));
    if (!piece) {
      const bool there = WEIR_TRY(s3_.Head(key_)).has_value();
      return Status(there ? errors::kFileChanged : errors::kFileGone,
                    fmt::format("'{}' {} since the job began to read it", s3_.NameOf(key_),
                                there ? "has been written anew" : "was removed"),
                    "bring the object back as it was, or start afresh with --fresh");
    }
    piece_ = *std::move(piece);
    piece_at_ = at_;
    return Status::Ok();
  }

  S3Client& s3_;
  const std::string key_;
  const uint64_t size_;
  const std::string tag_;
  uint64_t at_ = 0;
  std::string piece_;
  uint64_t piece_at_ = 0;
};

}  // namespace

std::unique_ptr<FileBytes> BytesOfFile(std::string path, std::string name, uint64_t size) {
  return std::make_unique<LocalBytes>(std::move(path), std::move(name), size);
}

std::unique_ptr<FileBytes> BytesOfObject(S3Access& access, std::string key, uint64_t size,
                                         std::string tag) {
  return std::make_unique<ObjectBytes>(access, std::move(key), size, std::move(tag));
}

}  // namespace weir
