#include <map>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/files/file_list.h"
#include "connectors/files/sink.h"

namespace weir {

FileSinkPublisher::FileSinkPublisher(const FileSinkPlanned& plan, const ConnectorContext& context,
                                     uint32_t lane, std::unique_ptr<Landing> landing)
    : plan_(plan),
      job_(context.job),
      name_begin_(NameBegin(plan, context)),
      lane_(lane),
      landing_(std::move(landing)) {}

Status FileSinkPublisher::Publish(const std::vector<SealedEpoch>& epochs, const std::string&,
                                  bool orphaned) {
  const std::vector<PublishedFile> files = WEIR_TRY(ReadSealedFiles(epochs));
  for (const PublishedFile& published : files) {
    const SealedFile& file = published.file;
    if (file.length > 0 && (file.closed || orphaned)) {
      WEIR_TRY(landing_->Finish(file, [&] { return published.ReadTail(); }, orphaned));
    }
    (void)WEIR_FAILPOINT("files.publish.renamed");
  }
  WEIR_TRY(landing_->FinishNames());
  (void)WEIR_FAILPOINT("files.publish.visible");
  return List(files, orphaned);
}

/// Each list is of one epoch and names the same files however often it is written: those that were
/// closed in it, or those that recovery has finished in their writers' stead.
Status FileSinkPublisher::List(const std::vector<PublishedFile>& files, bool orphaned) {
  std::map<std::string, std::string> lists;
  for (const PublishedFile& published : files) {
    const SealedFile& file = published.file;
    if (file.length == 0 || !(file.closed || orphaned)) continue;
    lists[FileListName(name_begin_, lane_, published.epoch, !file.closed)] +=
        FileListLine(published, job_, plan_.sink);
  }
  for (const auto& [name, lines] : lists) WEIR_TRY(landing_->Put(kFileListFolder, name, lines));
  if (!lists.empty()) (void)WEIR_FAILPOINT("files.publish.listed");
  return Status::Ok();
}

Status FileSinkPublisher::CleanUp() {
  const int64_t removed = WEIR_TRY(landing_->RemoveDrafts(name_begin_));
  if (removed > 0)
    log::Info("unfinished files removed", {{"sink", plan_.sink}, {"files", removed}});
  return Status::Ok();
}

}  // namespace weir
