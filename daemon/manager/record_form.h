#pragma once

#include <string>
#include <string_view>

#include "daemon/manager/job_record.h"

namespace weir::manager {

/// Keys of jobs, and of those that were removed, begin with these; a name follows.
inline constexpr std::string_view kJobKey = "job/";
inline constexpr std::string_view kRetiredKey = "retired/";

/// Records as they are stored (`proto/jobs.proto`). Texts of jobs are left out, as they are large
/// and hardly change: only their versions are in the record.
std::string EncodeJob(const JobRecord& record);
/// The record, with texts whose `yaml` is null.
Result<JobRecord> DecodeJob(std::string_view bytes);
std::string EncodeRetired(const RetiredJob& retired);
Result<RetiredJob> DecodeRetired(std::string_view bytes);
std::string EncodeWorker(const WorkerRecord& record);
Result<WorkerRecord> DecodeWorker(std::string_view bytes);
/// A number as text, as terms and versions are kept.
Result<uint64_t> DecodeNumber(std::string_view text);

}  // namespace weir::manager
