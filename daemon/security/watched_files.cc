#include "daemon/security/watched_files.h"

#include <cerrno>

#include <fmt/format.h>

#include "daemon/security/errors.h"
#include "state/files.h"

namespace weir {
namespace {

int64_t Nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::optional<FileStamp> StampOf(const std::string& path) {
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) return std::nullopt;
  return FileStamp{about.st_dev,
                   about.st_ino,
                   about.st_size,
                   about.st_mode,
                   Nanoseconds(about.st_mtim),
                   Nanoseconds(about.st_ctim)};
}

Status CheckPrivate(const std::string& path) {
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) {
    return files::SystemError(errors::kCantKeepFile, "read", path, errno);
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) == 0) return Status::Ok();
  return Status(errors::kReadByOthers,
                fmt::format("{} may be read or changed by others than its owner (mode {:o})", path,
                            about.st_mode & 0777),
                fmt::format("chmod 600 {}", path));
}

}  // namespace weir
