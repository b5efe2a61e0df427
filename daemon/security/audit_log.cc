#include "daemon/security/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "batch/time_text.h"
#include "daemon/security/errors.h"
#include "daemon/security/watched_files.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr int kKept = 9;

std::string LineOf(const AuditEntry& entry, EventTime now, int64_t stands_for) {
  nlohmann::ordered_json json = {{"time", FormatIso8601(now)}, {"who", entry.who}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  add("from", entry.from);
  add("what", entry.what);
  add("job", entry.job);
  add("worker", entry.worker);
  add("detail", entry.detail);
  add("result", entry.result);
  if (stands_for > 1) json["times"] = stands_for;
  // Text that is no UTF-8 came from outside: the line is JSON all the same.
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

AuditLog::AuditLog(std::string path, const Clock& clock, uint64_t file_bytes)
    : path_(std::move(path)), clock_(clock), file_bytes_(file_bytes) {}

Result<std::unique_ptr<AuditLog>> AuditLog::Open(std::string path, const Clock& clock,
                                                 uint64_t file_bytes) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(path), clock, file_bytes));
  WEIR_TRY(log->Reopen());
  WEIR_TRY(CheckPrivate(log->path_));
  log->thread_ = std::thread([&self = *log] { self.Run(); });
  return log;
}

AuditLog::~AuditLog() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (fd_ >= 0) ::close(fd_);
}

void AuditLog::Write(AuditEntry entry) {
  std::string line = LineOf(entry, clock_.Now(), 1);
  {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    asked_++;
  }
  wake_.notify_all();
}

void AuditLog::Refused(AuditEntry entry) {
  {
    std::lock_guard lock(mutex_);
    const std::optional<int64_t> stands_for = refused_.OnFailure(clock_.Monotonic());
    if (!stands_for) return;
    lines_.push_back(LineOf(entry, clock_.Now(), *stands_for));
    asked_++;
  }
  wake_.notify_all();
}

void AuditLog::Flush() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this, until = asked_] { return done_ >= until; });
}

void AuditLog::Run() {
  while (true) {
    std::deque<std::string> lines;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) return;
      lines.swap(lines_);
    }
    std::string text;
    for (const std::string& line : lines) text += line;
    if (const Status appended = Append(text); !appended.ok()) {
      log::Error("the audit log cannot be written",
                 {{"reason", appended.ToString()}, {"lines", text}});
    }
    {
      std::lock_guard lock(mutex_);
      done_ += lines.size();
    }
    written_.notify_all();
  }
}

Status AuditLog::Append(const std::string& lines) {
  if (size_ > 0 && size_ + lines.size() > file_bytes_) WEIR_TRY(Rotate());
  std::string_view left = lines;
  while (!left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return files::SystemError(errors::kCantKeepFile, "write", path_, errno);
    left.remove_prefix(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  if (::fdatasync(fd_) != 0) return files::SystemError(errors::kCantKeepFile, "sync", path_, errno);
  return Status::Ok();
}

Status AuditLog::Rotate() {
  for (int number = kKept; number >= 1; number--) {
    const std::string from = number == 1 ? path_ : fmt::format("{}.{}", path_, number - 1);
    const std::string to = fmt::format("{}.{}", path_, number);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      return files::SystemError(errors::kCantKeepFile, "rename to", to, errno);
    }
  }
  return Reopen();
}

Status AuditLog::Reopen() {
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return files::SystemError(errors::kCantKeepFile, "open", path_, errno);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  struct stat about;
  if (::fstat(fd, &about) != 0) {
    return files::SystemError(errors::kCantKeepFile, "read", path_, errno);
  }
  size_ = static_cast<uint64_t>(about.st_size);
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  WEIR_TRY(files::SyncDirectory(errors::kCantKeepFile, folder.empty() ? "." : folder));
  char last = '\n';
  if (size_ > 0 && ::pread(fd, &last, 1, about.st_size - 1) == 1 && last != '\n') {
    WEIR_TRY(Append("\n"));
  }
  return Status::Ok();
}

}  // namespace weir
