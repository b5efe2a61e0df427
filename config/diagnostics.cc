#include <algorithm>
#include <array>
#include <limits>

#include "config/errors.h"
#include "config/yaml.h"
#include "config/yaml_data.h"

namespace weir {
namespace {

constexpr size_t kMostShown = 100;
constexpr size_t kMostKept = 1000;
constexpr size_t kLineWidth = 120;
constexpr size_t kQuotedWidth = 60;
constexpr size_t kLongestGuess = 64;

/// One character of a line as it is shown: its text, and the columns of a terminal it takes.
struct Shown {
  std::string text;
  size_t width = 1;
};

uint32_t CodePoint(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 2:
      return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
    case 3:
      return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    case 4:
      return (byte(0) & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
             (byte(3) & 0x3Fu);
    default:
      return byte(0);
  }
}

struct Range {
  uint32_t low;
  uint32_t high;
};

template <size_t kSize>
bool In(uint32_t point, const std::array<Range, kSize>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](Range r) { return point >= r.low && point <= r.high; });
}

/// C0 and C1 controls, marks of direction, and the separators that some terminals break lines at.
constexpr std::array<Range, 6> kUnprintable{{{0x00, 0x1F},
                                             {0x7F, 0x9F},
                                             {0x200E, 0x200F},
                                             {0x2028, 0x202E},
                                             {0x2066, 0x2069},
                                             {0xFEFF, 0xFEFF}}};
constexpr std::array<Range, 4> kNoWidth{
    {{0x300, 0x36F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
/// East Asian wide characters and emoji, by blocks.
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115F},
                                      {0x2E80, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};

std::vector<Shown> ShownCharacters(std::string_view text) {
  std::vector<Shown> shown;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    const std::string_view character = text.substr(i, std::max<size_t>(length, 1));
    const uint32_t point = length == 0 ? 0 : CodePoint(character);
    if (point == '\t') {
      shown.push_back({"\t", 1});
    } else if (length == 0 || In(point, kUnprintable)) {
      shown.push_back({"?", 1});
    } else {
      shown.push_back({std::string(character), In(point, kNoWidth) ? size_t{0}
                                               : In(point, kWide)  ? size_t{2}
                                                                   : size_t{1}});
    }
    i += character.size();
  }
  return shown;
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (const Shown& character : ShownCharacters(text)) {
    printable += character.text == "\t" ? " " : character.text;
  }
  return printable;
}

std::string_view LineOf(const Place& place) {
  std::string_view text = place.source->text;
  for (size_t line = 1; line < place.line; ++line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Bytes of the first `characters` characters, or of all where there are fewer.
size_t BytesOf(std::string_view text, size_t characters) {
  size_t i = 0;
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (characters == 0) break;
    --characters;
  }
  return i;
}

/// The line with a caret under the item's characters; of a long line only what is around them.
void AppendLine(const Diagnostics::Item& item, std::string& out) {
  const std::string_view whole = LineOf(item.place);
  // Of a line of a megabyte, only what can be shown is looked at.
  const size_t skipped = item.place.column > 2 * kLineWidth ? item.place.column - kLineWidth : 0;
  const size_t skipped_bytes = BytesOf(whole, skipped);
  const std::string_view rest = whole.substr(skipped_bytes);
  const std::vector<Shown> line = ShownCharacters(rest.substr(0, BytesOf(rest, 4 * kLineWidth)));
  const size_t caret = std::min(item.place.column - 1 - skipped, line.size());
  size_t begin = 0;
  size_t end = line.size();
  if (line.size() > kLineWidth) {
    begin = caret > kLineWidth / 2 ? std::min(caret - kLineWidth / 2, line.size() - kLineWidth) : 0;
    end = begin + kLineWidth;
  }
  std::string number = std::to_string(item.place.line);
  if (number.size() < 4) number.insert(0, 4 - number.size(), ' ');
  std::string text;
  std::string marks;
  if (begin > 0 || skipped > 0) {
    text += "…";
    marks += " ";
  }
  for (size_t i = begin; i < end; ++i) {
    text += line[i].text;
    if (i < caret) marks += line[i].text == "\t" ? "\t" : std::string(line[i].width, ' ');
    if (i >= caret && i < caret + item.length) {
      marks += i == caret ? "^" : "";
      marks.append(line[i].width - (i == caret && line[i].width > 0 ? 1 : 0), '~');
    }
  }
  if (caret >= end) marks += "^";
  if (end < line.size()) text += "…";
  out += "  " + number + " | " + text + "\n";
  out += std::string(number.size() + 3, ' ') + "| " + marks + "\n";
}

/// Optimal string alignment distance, of texts of a bounded length.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string Lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return lower;
}

}  // namespace

void Diagnostics::Error(const ErrorCode& code, const Place& place, std::string message,
                        std::string cure, size_t length) {
  ++errors_;
  Add({false, &code, place, std::max<size_t>(length, 1), std::move(message), std::move(cure)});
}

void Diagnostics::Warn(const ErrorCode& code, const Place& place, std::string message,
                       std::string cure, size_t length) {
  Add({true, &code, place, std::max<size_t>(length, 1), std::move(message), std::move(cure)});
}

void Diagnostics::Add(Item item) {
  const bool told = std::any_of(items_.begin(), items_.end(), [&](const Item& other) {
    return other.place.source == item.place.source && other.place.line == item.place.line &&
           other.place.column == item.place.column && other.message == item.message;
  });
  if (told) return;
  if (items_.size() >= kMostKept) {
    ++dropped_;
    return;
  }
  items_.push_back(std::move(item));
}

bool Diagnostics::has_errors() const { return errors_ > 0; }

std::string Diagnostics::Render() const {
  // Texts stand in the order in which they were first complained of: the job, then what else is.
  std::vector<const SourceText*> sources;
  const auto rank = [&](const Item& item) {
    return std::find(sources.begin(), sources.end(), item.place.source.get()) - sources.begin();
  };
  std::vector<const Item*> sorted;
  for (const Item& item : items_) {
    if (rank(item) == static_cast<std::ptrdiff_t>(sources.size())) {
      sources.push_back(item.place.source.get());
    }
    sorted.push_back(&item);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Item* a, const Item* b) {
    return std::tuple(rank(*a), a->place.line, a->place.column) <
           std::tuple(rank(*b), b->place.line, b->place.column);
  });
  std::string out;
  for (size_t i = 0; i < std::min(sorted.size(), kMostShown); ++i) {
    const Item& item = *sorted[i];
    if (item.place.source) {
      out += Printable(item.place.source->name) + ":" + std::to_string(item.place.line) + ":" +
             std::to_string(item.place.column) + ": ";
    }
    out += std::string(item.warning ? "warning " : "error ") + std::string(item.code->id) + ": " +
           Printable(item.message) + "\n";
    if (item.place.source && item.place.line > 0) AppendLine(item, out);
    if (!item.cure.empty()) out += "       = " + Printable(item.cure) + "\n";
  }
  const size_t more = sorted.size() - std::min(sorted.size(), kMostShown) + dropped_;
  if (more > 0) out += "and " + std::to_string(more) + " more\n";
  return out;
}

Status Diagnostics::ToStatus() const {
  if (!has_errors()) return Status::Ok();
  return Status(errors::kInvalidFile, Render());
}

size_t CharacterCount(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  size_t count = 0;
  for (size_t i = 0; i < text.size();) {
    if (++count > kQuotedWidth) {
      quoted += "…";
      break;
    }
    const size_t length = std::max<size_t>(Utf8Length(text.substr(i)), 1);
    quoted += text.substr(i, length);
    i += length;
  }
  return quoted + "'";
}

std::string NearestName(std::string_view name, const std::vector<std::string>& known) {
  if (name.empty() || name.size() > kLongestGuess) return {};
  const std::string wanted = Lowercase(name);
  const size_t most = wanted.size() <= 3 ? 1 : wanted.size() <= 7 ? 2 : 3;
  size_t best = most + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongestGuess) continue;
    const size_t distance = Distance(wanted, Lowercase(candidate));
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace weir
