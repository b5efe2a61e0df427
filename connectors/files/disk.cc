#include "connectors/files/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "connectors/errors.h"

namespace weir {
namespace {

Status Fault(const ErrorCode& code, const std::string& path, std::string_view what, int fault) {
  const bool full = fault == ENOSPC || fault == EDQUOT;
  return Status(code, fmt::format("'{}' {}: {}", path, what, std::strerror(fault)),
                full ? "make room; the job goes on by itself" : "check the disk and its rights");
}

}  // namespace

Result<int> Disk::Create(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return Fault(errors::kFileWrite, path, "cannot be made", errno);
  // Says to others that the file has a writer; where locks are not to be had nothing is removed.
  if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    const int fault = errno;
    close(file);
    return Fault(errors::kFileWrite, path, "cannot be locked", fault);
  }
  return file;
}

Status Disk::WriteAt(int file, const std::string& path, uint64_t offset, std::string_view bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int fault = n < 0 ? errno : ENOSPC;
      if (ftruncate(file, static_cast<off_t>(offset)) != 0) {
        return Fault(errors::kFileLost, path, "cannot be cut back after a failed write", errno);
      }
      return Fault(errors::kFileWrite, path, "cannot be written", fault);
    }
    done += static_cast<size_t>(n);
  }
  return Status::Ok();
}

Status Disk::Sync(int file, const std::string& path) {
  // After a failed sync the system may have dropped what it could not write, and a second one would
  // call that good.
  return fdatasync(file) == 0 ? Status::Ok()
                              : Fault(errors::kFileLost, path, "cannot be synced", errno);
}

void Disk::Close(int file) { close(file); }

Status Disk::SyncFolder(const std::string& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return Fault(errors::kFileWrite, path, "cannot be opened", errno);
  const int outcome = fsync(folder);
  const int fault = errno;
  close(folder);
  // Some file systems sync no folders, and need none.
  if (outcome == 0 || fault == EINVAL || fault == EROFS) return Status::Ok();
  return Fault(errors::kFileWrite, path, "cannot be synced", fault);
}

Status Disk::MakeFolders(const std::string& path) {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (!fault) return Status::Ok();
  return Fault(errors::kFileWrite, path, "cannot be made", fault.value());
}

Status Disk::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
  return Fault(errors::kFileWrite, from, fmt::format("cannot be renamed to '{}'", to), errno);
}

Status Disk::Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return Status::Ok();
  return Fault(errors::kFileWrite, path, "cannot be removed", errno);
}

Result<int64_t> Disk::Length(const std::string& path) {
  struct stat facts = {};
  if (stat(path.c_str(), &facts) == 0) return static_cast<int64_t>(facts.st_size);
  if (errno == ENOENT || errno == ENOTDIR) return int64_t{-1};
  return Fault(errors::kFileWrite, path, "cannot be looked at", errno);
}

Status Disk::CopyFirst(const std::string& from, const std::string& to, uint64_t bytes) {
  const int in = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) return Fault(errors::kFileWrite, from, "cannot be opened", errno);
  const int out = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) {
    const int fault = errno;
    close(in);
    return Fault(errors::kFileWrite, to, "cannot be made", fault);
  }
  Status status;
  std::vector<char> piece(256 << 10);
  uint64_t done = 0;
  while (status.ok() && done < bytes) {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(piece.size(), bytes - done));
    const ssize_t n = pread(in, piece.data(), want, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      status =
          Status(errors::kSealedFileGone,
                 fmt::format("'{}' has {} bytes, and a checkpoint counts on {}", from, done, bytes),
                 "put the file back from a copy, or start from an older checkpoint");
      break;
    }
    status = WriteAt(out, to, done, {piece.data(), static_cast<size_t>(n)});
    done += static_cast<uint64_t>(n);
  }
  if (status.ok()) status = Sync(out, to);
  close(in);
  close(out);
  return status;
}

bool Disk::Abandoned(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool mine = flock(file, LOCK_EX | LOCK_NB) == 0;
  close(file);
  return mine;
}

Disk& LocalDisk() {
  static Disk disk;
  return disk;
}

}  // namespace weir
