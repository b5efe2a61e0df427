#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/outbox.h"

namespace weir::kafka {
namespace {

/// So many times its limit memory may hold while the file cannot be written.
constexpr size_t kPatience = 4;

Status SpoolFault(std::string_view what, const std::string& folder) {
  return Status(errors::kSpool,
                fmt::format("{} an outbox under {}: {}", what, folder, std::strerror(errno)),
                "see that the folder can be written and the disk has room");
}

}  // namespace

Spool::Spool(std::string folder, size_t memory_limit)
    : folder_(std::move(folder)), memory_limit_(memory_limit) {}

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

Status Spool::Append(std::string_view bytes) {
  if (memory_.size() + bytes.size() > memory_limit_ && !memory_.empty()) {
    Status status = WriteOut();
    if (!status.ok() && memory_.size() + bytes.size() > kPatience * memory_limit_) return status;
  }
  memory_.append(bytes);
  return Status::Ok();
}

Status Spool::OpenFile() {
  if (file_ >= 0) return Status::Ok();
  std::error_code ignored;  // What is wrong with the folder, opening the file tells.
  std::filesystem::create_directories(folder_, ignored);
  std::string path = folder_ + "/outbox-XXXXXX";
  file_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (file_ < 0) return SpoolFault("opening a file for", folder_);
  ::unlink(path.c_str());
  return Status::Ok();
}

Status Spool::WriteOut() {
  WEIR_TRY(OpenFile());
  size_t written = 0;
  while (written < memory_.size()) {
    const ssize_t n = ::pwrite(file_, memory_.data() + written, memory_.size() - written,
                               static_cast<off_t>(file_bytes_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SpoolFault("writing", folder_);
    written += static_cast<size_t>(n);
  }
  file_bytes_ += memory_.size();
  memory_.clear();
  return Status::Ok();
}

Result<std::string> Spool::Take() {
  std::string all;
  all.resize(file_bytes_);
  size_t read = 0;
  while (read < file_bytes_) {
    const ssize_t n =
        ::pread(file_, all.data() + read, file_bytes_ - read, static_cast<off_t>(read));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (n == 0) errno = EIO;
      return SpoolFault("reading back", folder_);
    }
    read += static_cast<size_t>(n);
  }
  all += memory_;
  memory_.clear();
  memory_.shrink_to_fit();
  // The file starts anew; what cannot be cut off is written over.
  if (file_bytes_ > 0) (void)!::ftruncate(file_, 0);
  file_bytes_ = 0;
  return all;
}

}  // namespace weir::kafka
