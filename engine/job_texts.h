#pragma once

#include <map>
#include <string>

#include "config/job_spec.h"
#include "engine/planner.h"
#include "formats/format.h"

namespace weir {

/// Puts the texts of files that the options of formats name (`schema: { file: x.avsc }`) in place
/// of their names, in the nodes and in the job's text: a manager cannot read them. Paths count from
/// `folder`.
void TakeFilesIn(JobSpec& job, const std::string& folder, Diagnostics& diagnostics);

/// A job's text with what was learned while it was planned, so that it need not be learned again.
class JobTexts final : public LearnedTexts {
 public:
  /// `context` outlives it.
  JobTexts(const std::string& text, const PlanContext& context);

  Result<std::string> Learn(const std::string& node, const std::string& about,
                            const std::function<Result<std::string>()>& ask) override;
  /// The text as it was given, where nothing new was learned.
  std::string Text() const;

 private:
  const PlanContext& context_;
  const std::string given_;
  YamlNode root_;
  YamlNode before_;
  std::map<std::string, PinnedText> learned_;  ///< By node; only what the text does not say.
};

}  // namespace weir
