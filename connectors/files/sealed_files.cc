#include "connectors/files/sealed_files.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include "connectors/errors.h"

namespace weir {

std::string ToText(const std::vector<SealedFile>& files) {
  std::string text;
  for (const SealedFile& file : files) {
    text += fmt::format("{} {} {} {}\n", file.closed ? "closed" : "open", file.length, file.name,
                        file.folder);
  }
  return text;
}

namespace {

Status Damaged(std::string_view line) {
  return Status(errors::kDamagedPosition,
                fmt::format("'{}' says nothing about a file of this sink", line));
}

/// The text up to the next space, which is taken off.
std::string_view Word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

/// Whether a name leads nowhere else.
bool Safe(std::string_view name) {
  return name.find('/') == std::string_view::npos && name != "." && name != "..";
}

}  // namespace

Status AddSealedFiles(std::string_view text, std::vector<SealedFile>& files) {
  std::unordered_map<std::string, size_t> known;
  for (size_t i = 0; i < files.size(); i++) known[files[i].folder + "/" + files[i].name] = i;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string_view line = whole;
    SealedFile file;
    const std::string_view state = Word(line);
    const std::string_view length = Word(line);
    file.name = Word(line);
    file.folder = line;
    file.closed = state == "closed";
    const auto [at, fault] =
        std::from_chars(length.data(), length.data() + length.size(), file.length);
    if ((!file.closed && state != "open") || fault != std::errc() ||
        at != length.data() + length.size() || file.name.empty() || !Safe(file.name)) {
      return Damaged(whole);
    }
    for (std::string_view rest = file.folder; !rest.empty();) {
      const size_t slash = std::min(rest.find('/'), rest.size());
      if (!Safe(rest.substr(0, slash)) || slash == 0) return Damaged(whole);
      rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    const auto [place, fresh] = known.try_emplace(file.folder + "/" + file.name, files.size());
    if (fresh) {
      files.push_back(std::move(file));
    } else {
      SealedFile& before = files[place->second];
      before.length = std::max(before.length, file.length);
      before.closed = before.closed || file.closed;
    }
  }
  return Status::Ok();
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

}  // namespace weir
