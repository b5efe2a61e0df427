#include <algorithm>

#include "config/yaml_data.h"

namespace weir {
namespace {

constexpr size_t kStride = 1024;

bool IsLead(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

/// Walks through a scalar's source and its value side by side.
class Aligner {
 public:
  Aligner(std::string_view source, size_t at, std::string_view value)
      : source_(source), value_(value), at_(at) {}

  bool Plain() {
    Mark(true);
    while (text_ < value_.size()) {
      if (!FoldOrLiteral()) return false;
    }
    return true;
  }

  bool SingleQuoted() {
    ++at_;
    Mark(true);
    while (text_ < value_.size()) {
      if (Peek() == '\'') {
        if (Peek(1) != '\'' || value_[text_] != '\'') return false;
        Mark(false);
        at_ += 2;
        ++text_;
        Mark(true);
      } else if (!FoldOrLiteral()) {
        return false;
      }
    }
    return Peek() == '\'';
  }

  bool DoubleQuoted() {
    ++at_;
    Mark(true);
    while (text_ < value_.size() || (Peek() == '\\' && BreakAt(at_ + 1) > 0)) {
      if (Peek() == '\\') {
        if (!Escape()) return false;
      } else if (!FoldOrLiteral()) {
        return false;
      }
    }
    return true;
  }

  /// Both kinds of block: lines of the value are found by what the source's lines hold.
  bool Block() {
    size_t line = NextLine(at_);
    const size_t value_blanks = LeadingSpaces(value_, value_.find_first_not_of('\n'));
    size_t first = line;
    while (first < source_.size() && IsBlankLine(first)) first = NextLine(first);
    const size_t source_blanks = LeadingSpaces(source_, first);
    if (source_blanks < value_blanks) return false;
    const size_t indent = source_blanks - value_blanks;
    at_ = line;
    bool begun = false;
    while (text_ < value_.size()) {
      // A run of line ends, then a line's content.
      const size_t run_begin = at_;
      if (begun) at_ += BreakAt(at_);
      while (at_ < source_.size() && IsBlankLine(at_) && LeadingSpaces(source_, at_) <= indent) {
        at_ = NextLine(at_);
      }
      const bool folded = begun && value_[text_] == ' ';
      if (folded || value_[text_] == '\n') {
        pieces_.Add(text_, run_begin, false);
        if (folded) {
          ++text_;
        } else {
          while (text_ < value_.size() && value_[text_] == '\n') ++text_;
        }
      }
      if (text_ == value_.size()) {
        at_ = run_begin;
        break;
      }
      if (LeadingSpaces(source_, at_) < indent) return false;
      at_ += indent;
      Mark(true);
      if (!begun) begin_ = at_;
      begun = true;
      const size_t before = text_;
      while (text_ < value_.size() && BreakAt(at_) == 0 && Peek() == value_[text_] &&
             at_ < source_.size()) {
        ++at_;
        ++text_;
      }
      if (text_ == before) return false;
      if (text_ < value_.size() && BreakAt(at_) == 0) return false;
    }
    return begun;
  }

  ScalarPlace Take(size_t begin, bool quoted) {
    return {std::move(pieces_), begin_ > 0 ? begin_ : begin, at_, quoted, true};
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  /// Bytes of the line end at `offset`, 0 where there is none.
  size_t BreakAt(size_t offset) const {
    if (offset >= source_.size()) return 0;
    if (source_[offset] == '\n') return 1;
    return source_[offset] == '\r' && offset + 1 < source_.size() && source_[offset + 1] == '\n'
               ? 2
               : 0;
  }
  size_t NextLine(size_t offset) const {
    const size_t end = source_.find('\n', offset);
    return end == std::string_view::npos ? source_.size() : end + 1;
  }
  bool IsBlankLine(size_t offset) const {
    while (offset < source_.size() && source_[offset] == ' ') ++offset;
    return offset == source_.size() || BreakAt(offset) > 0;
  }
  static size_t LeadingSpaces(std::string_view text, size_t offset) {
    size_t count = 0;
    while (offset < text.size() && text[offset] == ' ') ++offset, ++count;
    return count;
  }
  void Mark(bool linear) { pieces_.Add(text_, at_, linear); }

  /// One character of a flow scalar, or a line end with the blanks around it: one line end is a
  /// space, n are n - 1 line ends.
  bool FoldOrLiteral() {
    size_t ahead = at_;
    while (ahead < source_.size() && IsBlank(source_[ahead])) ++ahead;
    size_t breaks = 0;
    while (size_t length = BreakAt(ahead)) {
      ++breaks;
      ahead += length;
      while (ahead < source_.size() && IsBlank(source_[ahead])) ++ahead;
    }
    if (breaks == 0) {
      if (at_ >= source_.size() || source_[at_] != value_[text_]) return false;
      ++at_;
      ++text_;
      return true;
    }
    Mark(false);
    if (breaks == 1) {
      if (value_[text_] != ' ') return false;
      ++text_;
    }
    for (; breaks > 1; --breaks) {
      if (text_ >= value_.size() || value_[text_] != '\n') return false;
      ++text_;
    }
    at_ = ahead;
    Mark(true);
    return true;
  }

  bool Escape() {
    Mark(false);
    if (size_t length = BreakAt(at_ + 1)) {  // An escaped line end joins the lines.
      at_ += 1 + length;
      while (IsBlank(Peek())) ++at_;
      Mark(true);
      return true;
    }
    const char kind = Peek(1);
    const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    const size_t bytes =
        digits > 0 || kind == 'L' || kind == 'P' ? Utf8Length(value_.substr(text_)) : 1;
    if (bytes == 0) return false;
    at_ += 2 + digits;
    text_ += bytes;
    Mark(true);
    return text_ <= value_.size() && at_ <= source_.size();
  }

  std::string_view source_;
  std::string_view value_;
  size_t at_;
  size_t text_ = 0;
  size_t begin_ = 0;
  TextMap pieces_;
};

}  // namespace

size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

SourceIndex::SourceIndex(std::shared_ptr<const SourceText> source) : source_(std::move(source)) {
  const std::string& text = source_->text;
  line_starts_.push_back(0);
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % kStride == 0) characters_.push_back(characters);
    characters += IsLead(text[i]) ? 1 : 0;
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
  if (text.size() % kStride == 0) characters_.push_back(characters);
}

size_t SourceIndex::CharactersBefore(size_t offset) const {
  size_t count = characters_[offset / kStride];
  for (size_t i = offset / kStride * kStride; i < offset; ++i) {
    count += IsLead(source_->text[i]) ? 1 : 0;
  }
  return count;
}

Place SourceIndex::At(size_t offset) const {
  offset = std::min(offset, source_->text.size());
  const auto line = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset) - 1;
  return {source_, static_cast<size_t>(line - line_starts_.begin()) + 1,
          CharactersBefore(offset) - CharactersBefore(*line) + 1};
}

size_t SourceIndex::LineEnd(size_t offset) const {
  const size_t end = source_->text.find('\n', offset);
  return end == std::string::npos ? source_->text.size() : end;
}

void TextMap::Add(size_t text_offset, size_t source_offset, bool linear) {
  if (!pieces_.empty() && pieces_.back().text == text_offset) pieces_.pop_back();
  pieces_.push_back({text_offset, source_offset, linear});
}

size_t TextMap::SourceAt(size_t text_offset) const {
  auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), text_offset,
                                [](size_t offset, const Piece& p) { return offset < p.text; });
  if (piece == pieces_.begin()) return 0;
  --piece;
  return piece->source + (piece->linear ? text_offset - piece->text : 0);
}

void TextMap::CopyRange(size_t begin, size_t end, size_t out_offset, TextMap& out) const {
  auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), begin,
                                [](size_t offset, const Piece& p) { return offset < p.text; });
  if (piece == pieces_.begin()) return;
  --piece;
  out.Add(out_offset, SourceAt(begin), piece->linear);
  for (++piece; piece != pieces_.end() && piece->text < end; ++piece) {
    out.Add(out_offset + piece->text - begin, piece->source, piece->linear);
  }
}

ScalarPlace LocateScalar(std::string_view source, size_t at, std::string_view value) {
  const char first = at < source.size() ? source[at] : '\0';
  const bool block = first == '|' || first == '>';
  const bool quoted = block || first == '\'' || first == '"';
  const size_t begin = quoted && !block ? at + 1 : at;
  Aligner aligner(source, at, value);
  const bool found = block           ? aligner.Block()
                     : first == '"'  ? aligner.DoubleQuoted()
                     : first == '\'' ? aligner.SingleQuoted()
                                     : aligner.Plain();
  if (found) return aligner.Take(begin, quoted);
  ScalarPlace coarse;
  coarse.map.Add(0, begin, false);
  coarse.begin = begin;
  coarse.end = std::min(begin + 1, source.size());
  coarse.quoted = quoted;
  return coarse;
}

}  // namespace weir
