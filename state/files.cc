#include "state/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/ids.h"

namespace weir::files {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

Status WriteAll(const ErrorCode& code, int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError(code, "write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status::Ok();
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Status SystemError(const ErrorCode& code, std::string_view operation, const std::string& path,
                   int number) {
  std::string cure;
  if (number == ENOSPC || number == EDQUOT) {
    cure = "make room on the disk";
  } else if (number == EACCES || number == EPERM) {
    cure = "give weir's user the right to it";
  } else if (number == EROFS) {
    cure = "use a directory that can be written to";
  } else if (number == EMFILE || number == ENFILE) {
    cure = "raise the limit of open files (ulimit -n)";
  }
  return Status(code,
                "cannot " + std::string(operation) + " " + path + ": " +
                    std::generic_category().message(number),
                cure);
}

Status MakeDirectories(const ErrorCode& code, const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return SystemError(code, "make the directory", path, error.value());
  return Status::Ok();
}

Status SyncDirectory(const ErrorCode& code, const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return SystemError(code, "open the directory", path, errno);
  if (::fsync(fd.get()) != 0) return SystemError(code, "sync the directory", path, errno);
  return Status::Ok();
}

Status SyncFile(const ErrorCode& code, const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return SystemError(code, "open", path, errno);
  if (::fsync(fd.get()) != 0) return SystemError(code, "sync", path, errno);
  return Status::Ok();
}

Status WriteNew(const ErrorCode& code, const std::string& path, std::string_view bytes) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.ok()) return SystemError(code, "create", path, errno);
  Status written = WriteAll(code, fd.get(), path, bytes);
  if (written.ok() && ::fsync(fd.get()) != 0) written = SystemError(code, "sync", path, errno);
  if (!written.ok()) ::unlink(path.c_str());
  return written;
}

Status Replace(const ErrorCode& code, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp-" + RandomId();
  WEIR_TRY(WriteNew(code, temporary, bytes));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return SystemError(code, "rename to", path, number);
  }
  return SyncDirectory(code, ParentOf(path));
}

Result<std::string> Read(const ErrorCode& code, const std::string& path, uint64_t limit_bytes,
                         bool* missing) {
  if (missing) *missing = false;
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) {
    if (missing && (errno == ENOENT || errno == ENOTDIR)) {
      *missing = true;
      return std::string();
    }
    return SystemError(code, "open", path, errno);
  }
  struct stat about;
  if (::fstat(fd.get(), &about) != 0) return SystemError(code, "read", path, errno);
  if (!S_ISREG(about.st_mode)) return Status(code, path + " is not a file");
  if (static_cast<uint64_t>(about.st_size) > limit_bytes) {
    return Status(code, path + " has " + std::to_string(about.st_size) + " bytes, more than the " +
                            std::to_string(limit_bytes) + " allowed");
  }
  std::string bytes(static_cast<size_t>(about.st_size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + at, bytes.size() - at);
    if (got < 0) {
      if (errno == EINTR) continue;
      return SystemError(code, "read", path, errno);
    }
    if (got == 0) break;
    at += static_cast<size_t>(got);
  }
  bytes.resize(at);
  return bytes;
}

Result<uint64_t> Size(const ErrorCode& code, const std::string& path, bool* missing) {
  if (missing) *missing = false;
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) {
    if (missing && (errno == ENOENT || errno == ENOTDIR)) {
      *missing = true;
      return uint64_t{0};
    }
    return SystemError(code, "look at", path, errno);
  }
  return static_cast<uint64_t>(about.st_size);
}

Status Copy(const ErrorCode& code, const std::string& from, const std::string& to) {
  const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.ok()) return SystemError(code, "open", from, errno);
  const Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!out.ok()) return SystemError(code, "create", to, errno);
  const auto buffer = std::make_unique<char[]>(kPieceBytes);
  Status copied;
  while (copied.ok()) {
    const ssize_t got = ::read(in.get(), buffer.get(), kPieceBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) copied = SystemError(code, "read", from, errno);
    if (got <= 0) break;
    copied = WriteAll(code, out.get(), to, {buffer.get(), static_cast<size_t>(got)});
  }
  if (copied.ok() && ::fsync(out.get()) != 0) copied = SystemError(code, "sync", to, errno);
  if (!copied.ok()) ::unlink(to.c_str());
  return copied;
}

Status LinkOrCopy(const ErrorCode& code, const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return Status::Ok();
  // Another file system, one without links, or too many links: a copy does as well.
  if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == ENOTSUP) {
    return Copy(code, from, to);
  }
  return SystemError(code, "link " + from + " to", to, errno);
}

Status Remove(const ErrorCode& code, const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return SystemError(code, "remove", path, errno);
  }
  return Status::Ok();
}

Status RemoveAll(const ErrorCode& code, const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return SystemError(code, "remove", path, error.value());
  return Status::Ok();
}

Result<std::vector<std::string>> List(const ErrorCode& code, const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator at(path, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  while (!error && at != std::filesystem::directory_iterator()) {
    names.push_back(at->path().filename().string());
    at.increment(error);
  }
  if (error) return SystemError(code, "list", path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

std::string Sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_sha256(), nullptr);
  WEIR_CHECK(done == 1 && size == digest.size());
  return digest;
}

struct Digester::Context {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> of_openssl{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Digester::Digester() : context_(std::make_unique<Context>()) {
  WEIR_CHECK(context_->of_openssl &&
             EVP_DigestInit_ex(context_->of_openssl.get(), EVP_sha256(), nullptr) == 1);
}

Digester::~Digester() = default;

void Digester::Add(std::string_view bytes) {
  WEIR_CHECK(EVP_DigestUpdate(context_->of_openssl.get(), bytes.data(), bytes.size()) == 1);
  size_ += bytes.size();
}

Digest Digester::digest() const {
  const Context copy;
  Digest digest{std::string(32, '\0'), size_};
  WEIR_CHECK(copy.of_openssl &&
             EVP_MD_CTX_copy_ex(copy.of_openssl.get(), context_->of_openssl.get()) == 1 &&
             EVP_DigestFinal_ex(copy.of_openssl.get(),
                                reinterpret_cast<unsigned char*>(digest.sha256.data()),
                                nullptr) == 1);
  return digest;
}

Result<Digest> DigestOf(const ErrorCode& code, const std::string& path, bool* missing) {
  if (missing) *missing = false;
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) {
    if (missing && (errno == ENOENT || errno == ENOTDIR)) {
      *missing = true;
      return Digest{};
    }
    return SystemError(code, "open", path, errno);
  }
  Digester digester;
  const auto buffer = std::make_unique<char[]>(kPieceBytes);
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.get(), kPieceBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(code, "read", path, errno);
    if (got == 0) break;
    digester.Add({buffer.get(), static_cast<size_t>(got)});
  }
  return digester.digest();
}

GrowingFile::GrowingFile(const ErrorCode& code, std::string path, int fd)
    : code_(code), path_(std::move(path)), fd_(fd) {}

GrowingFile::~GrowingFile() { ::close(fd_); }

Result<std::unique_ptr<GrowingFile>> GrowingFile::Create(const ErrorCode& code, std::string path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError(code, "create", path, errno);
  return std::unique_ptr<GrowingFile>(new GrowingFile(code, std::move(path), fd));
}

Result<std::unique_ptr<GrowingFile>> GrowingFile::Open(const ErrorCode& code, std::string path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(code, "open", path, errno);
  std::unique_ptr<GrowingFile> file(new GrowingFile(code, std::move(path), fd));
  file->size_ = WEIR_TRY(Size(code, file->path_));
  return file;
}

Status GrowingFile::Append(std::string_view bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + written, bytes.size() - written,
                               static_cast<off_t>(size_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(code_, "write", path_, errno);
    written += static_cast<size_t>(n);
  }
  digester_.Add(bytes);
  size_ += bytes.size();
  return Status::Ok();
}

Status GrowingFile::Sync() {
  // What a failed append left behind the end is no part of it.
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0 || ::fsync(fd_) != 0) {
    return SystemError(code_, "sync", path_, errno);
  }
  return Status::Ok();
}

Result<size_t> GrowingFile::Read(uint64_t offset, std::span<char> out) const {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t n =
        ::pread(fd_, out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(code_, "read", path_, errno);
    if (n == 0) break;
    filled += static_cast<size_t>(n);
  }
  return filled;
}

}  // namespace weir::files
