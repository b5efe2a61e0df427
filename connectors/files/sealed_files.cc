#include "connectors/files/sealed_files.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "connectors/errors.h"

namespace weir {
namespace {

constexpr std::string_view kNothing = "-";
/// So much of a sealed part is read at once, in search of the end of its lines.
constexpr uint64_t kPiece = 64 << 10;

std::string OrNothing(std::string_view text) {
  return text.empty() ? std::string(kNothing) : PercentEncoded(text);
}

Status Damaged(std::string_view line) {
  return Status(errors::kDamagedPosition,
                fmt::format("'{}' says nothing about a file of this sink", line));
}

/// The words of a line, one after the other.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view Next() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    good_ = good_ && !word.empty();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }
  std::string NextText() {
    const std::string_view word = Next();
    return word == kNothing ? std::string() : PercentDecoded(word);
  }
  template <typename Number>
  Number NextNumber() {
    const std::string_view word = Next();
    Number number = 0;
    const auto [at, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
    good_ = good_ && fault == std::errc() && at == word.data() + word.size();
    return number;
  }
  std::string_view rest() const { return rest_; }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

/// Whether a name leads nowhere else.
bool Safe(std::string_view name) {
  return !name.empty() && name.find('/') == std::string_view::npos && name != "." && name != "..";
}

bool SafeFolder(std::string_view folder) {
  while (!folder.empty()) {
    const size_t slash = std::min(folder.find('/'), folder.size());
    if (!Safe(folder.substr(0, slash))) return false;
    folder.remove_prefix(std::min(slash + 1, folder.size()));
  }
  return true;
}

Result<SealedFile> ReadLine(std::string_view line) {
  SealedFile file;
  Words words(line);
  const std::string_view state = words.Next();
  file.closed = state == "closed";
  file.length = words.NextNumber<uint64_t>();
  file.rows = words.NextNumber<int64_t>();
  file.first = EventTime{words.NextNumber<int64_t>()};
  file.last = EventTime{words.NextNumber<int64_t>()};
  file.tail = words.NextNumber<uint64_t>();
  file.upload = words.NextText();
  for (std::string_view parts = words.Next(); parts != kNothing && !parts.empty();) {
    const size_t comma = std::min(parts.find(','), parts.size());
    file.parts.push_back(PercentDecoded(parts.substr(0, comma)));
    parts.remove_prefix(std::min(comma + 1, parts.size()));
  }
  file.name = words.Next();
  file.folder = words.rest();
  if (!words.good() || (!file.closed && state != "open") || file.tail > file.length ||
      !Safe(file.name) || !SafeFolder(file.folder)) {
    return Damaged(line);
  }
  return file;
}

/// The lines of a sealed part; `tails_at` is where its tails begin.
Result<std::string> ReadLines(const SealedPart& part, uint64_t& tails_at) {
  std::string text;
  while (text.size() < part.size()) {
    const uint64_t piece = std::min<uint64_t>(kPiece, part.size() - text.size());
    const size_t searched = text.empty() ? 0 : text.size() - 1;
    text += WEIR_TRY(part.Read(text.size(), piece));
    if (text.starts_with('\n')) break;
    const size_t end = text.find("\n\n", searched);
    if (end == std::string::npos) continue;
    text.resize(end + 1);
    tails_at = end + 2;
    return text;
  }
  return Damaged(text.substr(0, 80));
}

}  // namespace

std::string ToText(const std::vector<SealedFile>& files) {
  std::string text;
  for (const SealedFile& file : files) {
    std::vector<std::string> parts;
    for (const std::string& part : file.parts) parts.push_back(PercentEncoded(part));
    text += fmt::format(
        "{} {} {} {} {} {} {} {} {} {}\n", file.closed ? "closed" : "open", file.length, file.rows,
        file.first.us, file.last.us, file.tail, OrNothing(file.upload),
        parts.empty() ? std::string(kNothing) : fmt::format("{}", fmt::join(parts, ",")), file.name,
        file.folder);
  }
  return text + "\n";
}

Result<std::vector<PublishedFile>> ReadSealedFiles(const std::vector<SealedEpoch>& epochs) {
  std::vector<PublishedFile> files;
  std::unordered_map<std::string, size_t> known;
  for (const SealedEpoch& epoch : epochs) {
    for (const SealedPart& part : epoch.parts) {
      uint64_t tail_at = 0;
      const std::string lines = WEIR_TRY(ReadLines(part, tail_at));
      for (std::string_view rest = lines; !rest.empty();) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        PublishedFile told{WEIR_TRY(ReadLine(rest.substr(0, end))), epoch.epoch, &part, tail_at};
        rest.remove_prefix(std::min(end + 1, rest.size()));
        tail_at += told.file.tail;
        const auto [at, fresh] = known.try_emplace(told.file.Path(), files.size());
        if (fresh) {
          files.push_back(std::move(told));
          continue;
        }
        PublishedFile& before = files[at->second];
        const bool closed = before.file.closed || told.file.closed;
        const Epoch epoch_of_it = before.file.closed ? before.epoch : told.epoch;
        if (told.file.length >= before.file.length) before = std::move(told);
        before.file.closed = closed;
        before.epoch = epoch_of_it;
      }
      if (tail_at != part.size()) return Damaged(lines.substr(0, 80));
    }
  }
  return files;
}

std::string PercentEncoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace weir
