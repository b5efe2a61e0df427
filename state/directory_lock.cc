#include "state/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "state/errors.h"
#include "state/files.h"

namespace weir {

using errors::kStoreUnavailable;

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory,
                                                           const std::string& cure) {
  WEIR_TRY(files::MakeDirectories(kStoreUnavailable, directory));
  const std::string path = directory + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return files::SystemError(kStoreUnavailable, "open", path, errno);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int number = errno;
    char owner[32] = {};
    const ssize_t got = ::pread(fd, owner, sizeof owner - 1, 0);
    if (number != EWOULDBLOCK) return files::SystemError(kStoreUnavailable, "lock", path, number);
    std::string pid(owner, got > 0 ? static_cast<size_t>(got) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return Status(errors::kStateLocked,
                  "another process" + (pid.empty() ? std::string() : " (pid " + pid + ")") +
                      " works in the state directory of " + path,
                  cure);
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return files::SystemError(kStoreUnavailable, "write", path, errno);
  }
  return lock;
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

}  // namespace weir
