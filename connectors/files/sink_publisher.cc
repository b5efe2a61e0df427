#include <filesystem>

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/errors.h"
#include "connectors/files/sink.h"

namespace weir {

FileSinkPublisher::FileSinkPublisher(const FileSinkPlanned& plan, const ConnectorContext& context,
                                     Disk& disk)
    : plan_(plan),
      name_begin_(fmt::format("{}-{}-", plan.sink, context.instance.substr(0, 16))),
      disk_(disk) {}

Status FileSinkPublisher::Publish(const std::vector<SealedEpoch>& epochs, const std::string&,
                                  bool orphaned) {
  std::vector<SealedFile> files;
  for (const SealedEpoch& epoch : epochs) {
    for (const SealedPart& part : epoch.parts) {
      WEIR_TRY(AddSealedFiles(WEIR_TRY(part.ReadAll()), files));
    }
  }
  std::vector<std::string> folders;
  for (const SealedFile& file : files) {
    bool changed = false;
    if (file.closed || orphaned) WEIR_TRY(Finish(file, orphaned, changed));
    if (changed) folders.push_back(file.FolderPath(plan_.root));
    (void)WEIR_FAILPOINT("files.publish.renamed");
  }
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  for (const std::string& folder : folders) WEIR_TRY(disk_.SyncFolder(folder));
  return Status::Ok();
}

Status FileSinkPublisher::Finish(const SealedFile& file, bool orphaned, bool& changed) {
  const std::string path = file.Path(plan_.root);
  const std::string open_path = file.OpenPath(plan_.root);
  const int64_t there = WEIR_TRY(disk_.Length(path));
  const auto sealed = static_cast<int64_t>(file.length);
  if (there >= sealed) {
    // Published before; its folder may not have been synced then.
    changed = true;
    return Status::Ok();
  }
  if (sealed == 0) return Status::Ok();
  const int64_t left = WEIR_TRY(disk_.Length(open_path));
  if (left < sealed) {
    return Status(errors::kSealedFileGone,
                  left < 0 ? fmt::format("'{}' is gone, and a checkpoint counts on it", open_path)
                           : fmt::format("'{}' has {} bytes, and a checkpoint counts on {}",
                                         open_path, left, sealed),
                  "put the file back from a copy, or start from an older checkpoint");
  }
  changed = true;
  if (!orphaned) return disk_.Rename(open_path, path);
  // Somebody who was thought dead may still write to the file: only its first bytes count.
  SealedFile copy = file;
  copy.name = file.name + "." + RandomId().substr(0, 8);
  const std::string copy_path = copy.OpenPath(plan_.root);
  WEIR_TRY(disk_.CopyFirst(open_path, copy_path, file.length));
  (void)WEIR_FAILPOINT("files.publish.copied");
  // The open file stays until CleanUp: an epoch that is told later may know more of it.
  return disk_.Rename(copy_path, path);
}

Status FileSinkPublisher::CleanUp() {
  namespace fs = std::filesystem;
  std::error_code fault;
  fs::recursive_directory_iterator at(plan_.root, fs::directory_options::skip_permission_denied,
                                      fault);
  const fs::recursive_directory_iterator end;
  int64_t removed = 0;
  for (; !fault && at != end; at.increment(fault)) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    if (!name.starts_with("_" + name_begin_) || !name.ends_with(".open") ||
        !at->is_regular_file(ignored) || !disk_.Abandoned(at->path().string())) {
      continue;
    }
    WEIR_TRY(disk_.Remove(at->path().string()));
    removed++;
  }
  if (fault && fault != std::errc::no_such_file_or_directory) {
    return Status(errors::kFileWrite,
                  fmt::format("'{}' cannot be cleaned up: {}", plan_.root, fault.message()));
  }
  if (removed > 0)
    log::Info("unfinished files removed", {{"sink", plan_.sink}, {"files", removed}});
  return Status::Ok();
}

}  // namespace weir
