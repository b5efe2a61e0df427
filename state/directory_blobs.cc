#include "state/directory_blobs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/failpoint.h"
#include "base/ids.h"
#include "state/errors.h"

namespace weir {
namespace {

using errors::kStoreUnavailable;

constexpr std::string_view kTemporary = ".tmp-";

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string LastOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// What an armed `error` failpoint looks like to callers: a full disk.
Status DiskFull(const std::string& path) {
  return files::SystemError(kStoreUnavailable, "write", path, ENOSPC);
}

}  // namespace

Status DirectoryBlobs::MakeFolders(const std::string& root) {
  for (const char* part : {"/files", "/checkpoints", "/publishing"}) {
    WEIR_TRY(files::MakeDirectories(kStoreUnavailable, root + part));
  }
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, root));
  return files::SyncDirectory(kStoreUnavailable, FolderOf(root));
}

std::string DirectoryBlobs::NameOf(const std::string& name) const {
  return name.empty() ? root_ : root_ + "/" + name;
}

Result<files::Digest> DirectoryBlobs::PutFile(const std::string& name, const std::string& path) {
  const std::string target = NameOf(name);
  WEIR_TRY(files::SyncFile(kStoreUnavailable, path));
  WEIR_TRY(files::LinkOrCopy(kStoreUnavailable, path, target));
  const auto finish = [&]() -> Result<files::Digest> {
    files::Digest digest = WEIR_TRY(files::DigestOf(kStoreUnavailable, target));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, FolderOf(target)));
    return digest;
  };
  Result<files::Digest> digest = finish();
  if (!digest.ok()) (void)Drop(name);
  return digest;
}

Result<std::unique_ptr<files::GrowingFile>> DirectoryBlobs::Grow(const std::string& name) {
  return files::GrowingFile::Create(kStoreUnavailable, NameOf(name));
}

Status DirectoryBlobs::Keep(const std::string& name, files::GrowingFile& file) {
  WEIR_TRY(file.Sync());
  return files::SyncDirectory(kStoreUnavailable, FolderOf(NameOf(name)));
}

Result<LocalCopy> DirectoryBlobs::Local(const std::string& name, const files::Digest&, bool full) {
  LocalCopy copy;
  copy.path = NameOf(name);
  bool missing = false;
  if (full) {
    copy.digest = WEIR_TRY(files::DigestOf(kStoreUnavailable, copy.path, &missing));
  } else {
    copy.digest.size = WEIR_TRY(files::Size(kStoreUnavailable, copy.path, &missing));
  }
  copy.there = !missing;
  return copy;
}

Status DirectoryBlobs::Drop(const std::string& name) {
  return files::Remove(kStoreUnavailable, NameOf(name));
}

Result<Created> DirectoryBlobs::Create(const std::string& name, std::string_view bytes) {
  const std::string path = NameOf(name);
  const std::string folder = FolderOf(path);
  WEIR_TRY(files::MakeDirectories(kStoreUnavailable, folder));
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, FolderOf(folder)));
  const std::string temporary = path + std::string(kTemporary) + RandomId();
  if (WEIR_FAILPOINT("state.manifest.before_sync")) return DiskFull(temporary);
  WEIR_TRY(files::WriteNew(kStoreUnavailable, temporary, bytes));
  const auto link = [&]() -> Result<Created> {
    if (WEIR_FAILPOINT("state.manifest.after_sync")) return DiskFull(temporary);
    if (WEIR_FAILPOINT("state.manifest.before_link")) return DiskFull(path);
    Created created = Created::kNew;
    if (::link(temporary.c_str(), path.c_str()) != 0) {
      if (errno != EEXIST) {
        return files::SystemError(kStoreUnavailable, "link the manifest to", path, errno);
      }
      created = Created::kTaken;
    }
    if (WEIR_FAILPOINT("state.manifest.after_link")) return DiskFull(path);
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, folder));
    return created;
  };
  Result<Created> created = link();
  (void)files::Remove(kStoreUnavailable, temporary);
  return created;
}

Status DirectoryBlobs::Replace(const std::string& name, std::string_view bytes) {
  return files::Replace(kStoreUnavailable, NameOf(name), bytes);
}

Result<std::optional<std::string>> DirectoryBlobs::Read(const std::string& name,
                                                        uint64_t limit_bytes) const {
  bool missing = false;
  std::string bytes = WEIR_TRY(files::Read(kStoreUnavailable, NameOf(name), limit_bytes, &missing));
  if (missing) return std::optional<std::string>();
  return std::optional(std::move(bytes));
}

Status DirectoryBlobs::Move(const std::string& name, const std::string& to) {
  const std::string from = NameOf(name);
  const std::string target = NameOf(to);
  WEIR_TRY(files::MakeDirectories(kStoreUnavailable, FolderOf(target)));
  if (::rename(from.c_str(), target.c_str()) != 0) {
    return files::SystemError(kStoreUnavailable, "move " + from + " to", target, errno);
  }
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, FolderOf(target)));
  return Remove({name});
}

/// Made under a name that nobody lists, and then renamed as one.
Result<Created> DirectoryBlobs::CopyWhole(const std::string& folder,
                                          const std::set<std::string>& files,
                                          std::string_view record) {
  const std::string target = NameOf(folder);
  const std::string beside = FolderOf(target);
  const std::string temporary = beside + "/" + std::string(kTemporary) + RandomId();
  const auto make = [&]() -> Result<Created> {
    WEIR_TRY(files::MakeDirectories(kStoreUnavailable, temporary + "/files"));
    for (const std::string& name : files) {
      const std::string to = temporary + "/files/" + LastOf(name);
      if (WEIR_FAILPOINT("state.savepoint.file")) return DiskFull(to);
      WEIR_TRY(files::LinkOrCopy(kStoreUnavailable, NameOf(name), to));
    }
    WEIR_TRY(files::WriteNew(kStoreUnavailable, temporary + "/manifest", record));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, temporary + "/files"));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, temporary));
    if (WEIR_FAILPOINT("state.savepoint.before_record")) return DiskFull(target);
    Created created = Created::kNew;
    // Fails where there is a folder with something in it.
    if (::rename(temporary.c_str(), target.c_str()) != 0) {
      if (errno != ENOTEMPTY && errno != EEXIST) {
        return files::SystemError(kStoreUnavailable, "rename " + temporary + " to", target, errno);
      }
      created = Created::kTaken;
    }
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, beside));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, FolderOf(beside)));
    return created;
  };
  Result<Created> made = make();
  (void)files::RemoveAll(kStoreUnavailable, temporary);
  return made;
}

Status DirectoryBlobs::RemoveWhole(const std::string& folder) {
  return RemoveFolder(NameOf(folder));
}

/// Gives it another name first, so that it is gone as one, and whoever is about to give it its own
/// name finds that out.
Status DirectoryBlobs::RemoveFolder(const std::string& path) const {
  const std::string beside = FolderOf(path);
  const std::string gone = beside + "/" + std::string(kTemporary) + RandomId();
  if (::rename(path.c_str(), gone.c_str()) != 0) {
    if (errno == ENOENT) return Status::Ok();
    return files::SystemError(kStoreUnavailable, "remove", path, errno);
  }
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, beside));
  return files::RemoveAll(kStoreUnavailable, gone);
}

Result<std::optional<uint64_t>> DirectoryBlobs::Size(const std::string& name) const {
  bool missing = false;
  const uint64_t size = WEIR_TRY(files::Size(kStoreUnavailable, NameOf(name), &missing));
  return missing ? std::optional<uint64_t>() : std::optional(size);
}

Result<std::optional<files::Digest>> DirectoryBlobs::DigestOf(const std::string& name) const {
  bool missing = false;
  files::Digest digest = WEIR_TRY(files::DigestOf(kStoreUnavailable, NameOf(name), &missing));
  return missing ? std::optional<files::Digest>() : std::optional(std::move(digest));
}

/// A blob in a folder of its own (`checkpoints/7/manifest`) takes the folder along.
Status DirectoryBlobs::Remove(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = NameOf(name);
    WEIR_TRY(files::Remove(kStoreUnavailable, path));
    if (name.find('/') == name.rfind('/')) continue;
    bool gone = false;
    (void)WEIR_TRY(files::Size(kStoreUnavailable, FolderOf(path), &gone));
    if (gone) continue;
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, FolderOf(path)));
    WEIR_TRY(files::RemoveAll(kStoreUnavailable, FolderOf(path)));
  }
  return Status::Ok();
}

Result<std::vector<BlobInfo>> DirectoryBlobs::List(const std::string& folder) const {
  std::vector<BlobInfo> found;
  std::vector<std::string> folders{folder};
  while (!folders.empty()) {
    const std::string at = std::move(folders.back());
    folders.pop_back();
    for (const std::string& entry : WEIR_TRY(files::List(kStoreUnavailable, NameOf(at)))) {
      const std::string name = at + "/" + entry;
      struct stat about{};
      if (::stat(NameOf(name).c_str(), &about) != 0) {
        if (errno == ENOENT) continue;  // Somebody has just cleaned up.
        return files::SystemError(kStoreUnavailable, "look at", NameOf(name), errno);
      }
      if (entry.find(kTemporary) != std::string::npos) continue;
      if (S_ISDIR(about.st_mode)) {
        folders.push_back(name);
      } else {
        // The time of the last change to the file's links, not to its bytes: of a file that was
        // linked, when that was.
        found.push_back(
            {name, static_cast<uint64_t>(about.st_size),
             EventTime{about.st_ctim.tv_sec * 1'000'000 + about.st_ctim.tv_nsec / 1000}});
      }
    }
  }
  return found;
}

Status DirectoryBlobs::RemoveLeftovers() {
  const std::string manifests = NameOf("checkpoints");
  for (const std::string& number : WEIR_TRY(files::List(kStoreUnavailable, manifests))) {
    const std::string inside = manifests + "/" + number;
    struct stat about{};
    if (::stat(inside.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) continue;
    for (const std::string& entry : WEIR_TRY(files::List(kStoreUnavailable, inside))) {
      if (entry.find(kTemporary) == std::string::npos) continue;
      WEIR_TRY(files::Remove(kStoreUnavailable, inside + "/" + entry));
    }
  }
  const std::string savepoints = NameOf("savepoints");
  for (const std::string& entry : WEIR_TRY(files::List(kStoreUnavailable, savepoints))) {
    if (entry.starts_with(kTemporary)) WEIR_TRY(RemoveFolder(savepoints + "/" + entry));
  }
  return Status::Ok();
}

}  // namespace weir
