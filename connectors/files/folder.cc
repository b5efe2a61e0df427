#include "connectors/files/folder.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/ids.h"
#include "connectors/errors.h"

namespace weir {
namespace {

class DiskDraft final : public Draft {
 public:
  DiskDraft(Disk& disk, std::string path, int handle)
      : disk_(disk), path_(std::move(path)), handle_(handle) {}
  ~DiskDraft() override {
    if (handle_ >= 0) disk_.Close(handle_);
  }
  DiskDraft(const DiskDraft&) = delete;
  DiskDraft& operator=(const DiskDraft&) = delete;

  Status Store(SealedFile& file, std::string& buffer, bool) override {
    if (buffer.empty()) return Status::Ok();
    WEIR_TRY(disk_.WriteAt(handle_, path_, file.length, buffer));
    file.length += buffer.size();
    buffer.clear();
    unsynced_ = true;
    return Status::Ok();
  }
  Status Settle(SealedFile&, std::vector<std::shared_ptr<const std::string>>&) override {
    if (handle_ >= 0 && unsynced_) WEIR_TRY(disk_.Sync(handle_, path_));
    unsynced_ = false;
    return Status::Ok();
  }
  Status Release(SealedFile&) override {
    WEIR_TRY(disk_.Sync(handle_, path_));
    unsynced_ = false;
    disk_.Close(handle_);
    handle_ = -1;
    return Status::Ok();
  }

 private:
  Disk& disk_;
  const std::string path_;
  int handle_;
  bool unsynced_ = false;
};

void AddOnce(std::vector<std::string>& folders, const std::string& folder) {
  if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
    folders.push_back(folder);
  }
}

}  // namespace

std::string FolderLanding::FolderOf(const SealedFile& file) const {
  return file.folder.empty() ? root_ : In(file.folder);
}

Status FolderLanding::Check(const std::string& name) {
  WEIR_TRY(disk_.MakeFolders(root_));
  const std::string path = In("_" + name + ".open");
  disk_.Close(WEIR_TRY(disk_.Create(path)));
  return disk_.Remove(path);
}

Result<std::unique_ptr<Draft>> FolderLanding::Begin(const SealedFile& file) {
  const std::string folder = FolderOf(file);
  WEIR_TRY(disk_.MakeFolders(folder));
  const std::string path = In(file.OpenPath());
  const int handle = WEIR_TRY(disk_.Create(path));
  // Each folder on the way may be new.
  for (std::string above = folder;;) {
    AddOnce(unsynced_, above);
    if (above.size() < root_.size()) break;
    const size_t slash = above.rfind('/');
    above = slash == std::string::npos ? "." : above.substr(0, std::max<size_t>(slash, 1));
  }
  return std::unique_ptr<Draft>(std::make_unique<DiskDraft>(disk_, path, handle));
}

Status FolderLanding::SettleNames() {
  while (!unsynced_.empty()) {
    WEIR_TRY(disk_.SyncFolder(unsynced_.back()));
    unsynced_.pop_back();
  }
  return Status::Ok();
}

Status FolderLanding::Finish(const SealedFile& file, const Tail&, bool orphaned) {
  const std::string path = In(file.Path());
  const std::string open_path = In(file.OpenPath());
  const int64_t there = WEIR_TRY(disk_.Length(path));
  const auto sealed = static_cast<int64_t>(file.length);
  if (there >= sealed) {
    // Published before; its folder may not have been synced then.
    AddOnce(unsynced_, FolderOf(file));
    return Status::Ok();
  }
  const int64_t left = WEIR_TRY(disk_.Length(open_path));
  if (left < sealed) {
    return Status(errors::kSealedFileGone,
                  left < 0 ? fmt::format("'{}' is gone, and a checkpoint counts on it", open_path)
                           : fmt::format("'{}' has {} bytes, and a checkpoint counts on {}",
                                         open_path, left, sealed),
                  "put the file back from a copy, or start from an older checkpoint");
  }
  AddOnce(unsynced_, FolderOf(file));
  if (!orphaned) return disk_.Rename(open_path, path);
  // Somebody who was thought dead may still write to the file: only its first bytes count.
  SealedFile copy = file;
  copy.name = file.name + "." + RandomId().substr(0, 8);
  WEIR_TRY(disk_.CopyFirst(open_path, In(copy.OpenPath()), file.length));
  (void)WEIR_FAILPOINT("files.publish.copied");
  // The open file stays until it is removed with others: an epoch that is told later may know more.
  return disk_.Rename(In(copy.OpenPath()), path);
}

Status FolderLanding::FinishNames() {
  std::sort(unsynced_.begin(), unsynced_.end());
  for (const std::string& folder : unsynced_) WEIR_TRY(disk_.SyncFolder(folder));
  unsynced_.clear();
  return Status::Ok();
}

Status FolderLanding::Put(const std::string& folder, const std::string& name,
                          std::string_view bytes) {
  const std::string open = In(fmt::format(
      "{}/{}{}.{}.open", folder, name.starts_with('_') ? "" : "_", name, RandomId().substr(0, 8)));
  WEIR_TRY(disk_.MakeFolders(In(folder)));
  const int file = WEIR_TRY(disk_.Create(open));
  Status written = disk_.WriteAt(file, open, 0, bytes);
  if (written.ok()) written = disk_.Sync(file, open);
  disk_.Close(file);
  WEIR_TRY(std::move(written));
  WEIR_TRY(disk_.Rename(open, In(folder + "/" + name)));
  WEIR_TRY(disk_.SyncFolder(In(folder)));
  return disk_.SyncFolder(root_);
}

Result<int64_t> FolderLanding::RemoveDrafts(const std::string& name_begin) {
  namespace fs = std::filesystem;
  std::error_code fault;
  fs::recursive_directory_iterator at(root_, fs::directory_options::skip_permission_denied, fault);
  const fs::recursive_directory_iterator end;
  int64_t removed = 0;
  for (; !fault && at != end; at.increment(fault)) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    if (!name.starts_with("_" + name_begin) || !name.ends_with(".open") ||
        !at->is_regular_file(ignored) || !disk_.Abandoned(at->path().string())) {
      continue;
    }
    WEIR_TRY(disk_.Remove(at->path().string()));
    removed++;
  }
  if (fault && fault != std::errc::no_such_file_or_directory) {
    return Status(errors::kFileWrite,
                  fmt::format("'{}' cannot be cleaned up: {}", root_, fault.message()));
  }
  return removed;
}

}  // namespace weir
