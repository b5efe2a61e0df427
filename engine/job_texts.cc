#include "engine/job_texts.h"

#include <utility>

#include <fmt/format.h>

#include "config/yaml_text.h"
#include "formats/errors.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr uint64_t kMostFileBytes = 1 << 20;

/// A job's text as a tree; nothing where it is none.
YamlNode Parse(const std::string& text) {
  if (text.empty()) return {};
  Variables none;
  none.environment = false;
  Diagnostics ignored;
  return ReadYaml("job", text, none, ignored);
}

/// The one format of a source and its options; null where there are none.
const YamlNode::Entry* FormatOf(const YamlNode& root, const std::string& source) {
  const YamlNode* at = root.Find("sources");
  for (const std::string& key : {source, std::string("format")}) {
    if (at != nullptr) at = at->Find(key);
  }
  return at != nullptr && at->entries().size() == 1 ? &at->entries()[0] : nullptr;
}

/// What the text of a job says was learned for a source.
std::optional<PinnedText> PinnedIn(const YamlNode& root, const std::string& source) {
  const YamlNode::Entry* format = FormatOf(root, source);
  const YamlNode* pinned = format != nullptr ? format->value.Find("pinned") : nullptr;
  PinnedText read;
  Diagnostics ignored;
  if (pinned == nullptr || !PinnedText::Describe().Read(*pinned, ignored, read)) {
    return std::nullopt;
  }
  return read;
}

template <typename Node>
void TakeIn(const char* kind, Node& node, const std::string& folder, YamlNode& root,
            Diagnostics& diagnostics) {
  const Format* format = FindFormat(node.format);
  if (format == nullptr || !node.format_options) return;
  for (const std::string& option : format->file_options()) {
    const YamlNode* named = node.format_options->Find(option);
    const YamlNode* file = named != nullptr ? named->Find("file") : nullptr;
    if (file == nullptr || file->kind() != YamlNode::Kind::kScalar) continue;
    const bool whole = file->text().starts_with('/') || folder.empty();
    const std::string path = whole ? file->text() : folder + "/" + file->text();
    Result<std::string> text = files::Read(errors::kFormatOption, path, kMostFileBytes);
    if (!text.ok()) {
      diagnostics.Error(text.status().code(), file->place(), text.status().message(),
                        "relative paths count from the job's folder", file->length());
      node.sound = false;
      continue;
    }
    node.format_node = WithText(*node.format_node, {node.format, option}, *text);
    node.format_options = *node.format_node->Find(node.format);
    root = WithText(root, {kind, node.name, "format", node.format, option}, *std::move(text));
  }
}

}  // namespace

void TakeFilesIn(JobSpec& job, const std::string& folder, Diagnostics& diagnostics) {
  YamlNode root = Parse(job.text);
  for (SourceSpec& source : job.sources) TakeIn("sources", source, folder, root, diagnostics);
  for (SinkSpec& sink : job.sinks) TakeIn("sinks", sink, folder, root, diagnostics);
  if (root.kind() == YamlNode::Kind::kMap) job.text = ToYaml(root);
}

JobTexts::JobTexts(const std::string& text, const PlanContext& context)
    : context_(context), given_(text), root_(Parse(text)), before_(Parse(context.before)) {}

Result<std::string> JobTexts::Learn(const std::string& node, const std::string& about,
                                    const std::function<Result<std::string>()>& ask) {
  const auto known = learned_.find(node);
  if (known != learned_.end() && known->second.of == about) return known->second.text;
  if (auto said = PinnedIn(root_, node); said && said->of == about) return std::move(said->text);
  PinnedText learned{about, ""};
  if (auto said = PinnedIn(before_, node); said && said->of == about) {
    learned.text = std::move(said->text);
  } else if (context_.ask) {
    learned.text = WEIR_TRY(ask());
  } else {
    return Status(errors::kNotPinned, fmt::format("'{}' is not known here", about),
                  "who runs the job looks it up");
  }
  learned_[node] = learned;
  return std::move(learned.text);
}

std::string JobTexts::Text() const {
  if (learned_.empty()) return given_;
  YamlNode root = root_;
  for (const auto& [node, pinned] : learned_) {
    const YamlNode::Entry* format = FormatOf(root, node);
    WEIR_CHECK(format != nullptr, node);
    const std::string name = format->key;
    root = WithText(root, {"sources", node, "format", name, "pinned", "of"}, pinned.of);
    root = WithText(root, {"sources", node, "format", name, "pinned", "text"}, pinned.text);
  }
  return ToYaml(root);
}

}  // namespace weir
