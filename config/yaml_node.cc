#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/errors.h"
#include "config/yaml_data.h"

namespace weir {
namespace {

constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kMostSegments = 32;

/// Closes a file descriptor.
class FileCloser {
 public:
  explicit FileCloser(int descriptor) : descriptor_(descriptor) {}
  ~FileCloser() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FileCloser(const FileCloser&) = delete;
  FileCloser& operator=(const FileCloser&) = delete;

 private:
  int descriptor_;
};

/// Empty where it was read, otherwise why it could not be. One byte past the bound tells that a
/// file is too long.
std::string ReadBounded(const std::string& path, std::string& text) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const FileCloser closer(file);
  struct stat status{};
  if (file < 0 || fstat(file, &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  text.resize(std::min<size_t>(status.st_size, kMostBytes) + 1);
  size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = read(file, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::strerror(errno);
    if (got == 0) break;
    filled += got;
  }
  text.resize(filled);
  return {};
}

/// One name of a path, and where it stands in the assignment.
struct Segment {
  std::string name;
  size_t offset;
};

/// A copy of `node` with `value` at segments[depth...]. Null where the way is blocked.
std::shared_ptr<const YamlNode::Data> Replace(const YamlNode& node, const SourceIndex& index,
                                              const std::vector<Segment>& segments, size_t depth,
                                              const YamlNode& value) {
  auto copy = std::make_shared<YamlNode::Data>();
  copy->kind = YamlNode::Kind::kMap;
  copy->faulty = node.faulty() || value.faulty();
  if (node.kind() == YamlNode::Kind::kMap) {
    copy->entries = node.entries();
    copy->place = node.place();
  } else {
    copy->place = index.At(segments[depth].offset);
  }
  const Segment& segment = segments[depth];
  YamlNode::Entry* entry = nullptr;
  for (YamlNode::Entry& candidate : copy->entries) {
    if (candidate.key == segment.name) entry = &candidate;
  }
  if (entry == nullptr) {
    entry = &copy->entries.emplace_back();
    entry->key = segment.name;
    entry->key_place = index.At(segment.offset);
  }
  if (depth + 1 == segments.size()) {
    entry->value = value;
  } else {
    entry->value = YamlNode(Replace(entry->value, index, segments, depth + 1, value));
  }
  return copy;
}

}  // namespace

YamlNode::YamlNode() {
  static const std::shared_ptr<const Data> nothing = std::make_shared<const Data>();
  data_ = nothing;
}
YamlNode::YamlNode(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
YamlNode::Kind YamlNode::kind() const { return data_->kind; }
const std::string& YamlNode::text() const { return data_->text; }
bool YamlNode::quoted() const { return data_->quoted; }
size_t YamlNode::length() const { return data_->length; }
bool YamlNode::faulty() const { return data_->faulty; }
const std::vector<YamlNode>& YamlNode::items() const { return data_->items; }
const std::vector<YamlNode::Entry>& YamlNode::entries() const { return data_->entries; }
const Place& YamlNode::place() const { return data_->place; }

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const Entry& entry : data_->entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Place YamlNode::PlaceAt(size_t offset) const {
  if (!data_->index || data_->kind != Kind::kScalar) return data_->place;
  return data_->index->At(data_->map.SourceAt(offset));
}

YamlNode ReadYamlFile(const std::string& path, const Variables& variables,
                      Diagnostics& diagnostics) {
  std::string text;
  const std::string why = ReadBounded(path, text);
  if (!why.empty()) {
    diagnostics.Error(errors::kUnreadableFile, {}, "can't read " + path + ": " + why);
    return {};
  }
  return ReadYaml(path, std::move(text), variables, diagnostics);
}

YamlNode SetValue(const YamlNode& root, std::string_view assignment, const Variables& variables,
                  Diagnostics& diagnostics) {
  auto source = std::make_shared<SourceText>();
  source->name = "--set";
  source->text = assignment;
  const SourceIndex index(source);
  const auto fault = [&](size_t at, std::string message, size_t length) {
    diagnostics.Error(errors::kBadOverride, index.At(at), std::move(message),
                      "write --set PATH=VALUE, e.g. --set sources.clicks.kafka.stop=latest",
                      length);
    return root;
  };
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) return fault(0, "no '=' in it", assignment.size());
  std::vector<Segment> segments;
  for (size_t begin = 0; begin <= equals;) {
    const size_t end = std::min(assignment.find('.', begin), equals);
    if (end == begin) return fault(begin, "an empty name in the path", 1);
    if (segments.size() == kMostSegments) return fault(begin, "too long a path", 1);
    segments.push_back({std::string(assignment.substr(begin, end - begin)), begin});
    begin = end + 1;
  }
  const YamlNode* way = &root;
  for (const Segment& segment : segments) {
    if (way->kind() == YamlNode::Kind::kScalar || way->kind() == YamlNode::Kind::kList) {
      return fault(segment.offset,
                   "there is no key " + Quoted(segment.name) + " to set: what holds it is a " +
                       (way->kind() == YamlNode::Kind::kList ? "list" : "single value"),
                   CharacterCount(segment.name));
    }
    way = way->Find(segment.name);
    if (way == nullptr) break;
  }
  const size_t told = diagnostics.items().size();
  const YamlNode value = ReadYamlPart(source, equals + 1, variables, diagnostics);
  if (value.kind() == YamlNode::Kind::kNull && diagnostics.items().size() > told) return root;
  return YamlNode(Replace(root, index, segments, 0, value));
}

}  // namespace weir
