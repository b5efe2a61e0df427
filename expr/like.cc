#include <string>

#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

/// Bytes of the UTF-8 character that begins at `text[at]` (1 where it is broken).
size_t CharacterBytes(std::string_view text, size_t at) {
  size_t length = 1;
  while (at + length < text.size() && (text[at + length] & 0xc0) == 0x80) length++;
  return length;
}

/// A pattern as pieces of plain text between `%`; `_` stands as `any`.
class Pattern {
 public:
  explicit Pattern(std::string_view pattern) {
    pieces_.emplace_back();
    for (size_t i = 0; i < pattern.size(); i++) {
      if (pattern[i] == '%') {
        if (!pieces_.back().empty() || pieces_.size() == 1) pieces_.emplace_back();
        open_end_ = true;
        continue;
      }
      open_end_ = false;
      if (pattern[i] == '_') {
        pieces_.back().push_back({true, 0});
        plain_ = false;
        continue;
      }
      if (pattern[i] == '\\' && i + 1 < pattern.size()) i++;
      pieces_.back().push_back({false, pattern[i]});
    }
    if (open_end_ && pieces_.size() > 1 && pieces_.back().empty()) pieces_.pop_back();
    for (const Piece& piece : pieces_) {
      std::string text;
      for (const Unit& unit : piece) text += unit.byte;
      texts_.push_back(std::move(text));
    }
  }

  /// Greedy: the first piece stands at the front, each next one at its first place after that, the
  /// last one at the end. Time is at most the text's length times the pattern's.
  bool Matches(std::string_view text) const {
    size_t at = 0;
    if (!TakeAt(text, at, 0)) return false;
    if (pieces_.size() == 1) return open_end_ || at == text.size();
    for (size_t p = 1; p < pieces_.size(); p++) {
      const bool last = p + 1 == pieces_.size() && !open_end_;
      if (last) return EndsWith(text, at, p);
      if (!Find(text, at, p)) return false;
    }
    return true;
  }

 private:
  struct Unit {
    bool any;
    char byte;
  };
  using Piece = std::vector<Unit>;

  /// Whether piece `p` stands at `at`, which then moves past it.
  bool TakeAt(std::string_view text, size_t& at, size_t p) const {
    if (plain_) {
      if (!text.substr(at).starts_with(texts_[p])) return false;
      at += texts_[p].size();
      return true;
    }
    size_t to = at;
    for (const Unit& unit : pieces_[p]) {
      if (to >= text.size()) return false;
      if (unit.any) {
        to += CharacterBytes(text, to);
      } else if (text[to++] != unit.byte) {
        return false;
      }
    }
    at = to;
    return true;
  }
  bool Find(std::string_view text, size_t& at, size_t p) const {
    if (plain_) {
      const size_t found = text.find(texts_[p], at);
      if (found == std::string_view::npos) return false;
      at = found + texts_[p].size();
      return true;
    }
    for (size_t from = at; from <= text.size(); from += CharacterBytes(text, from)) {
      size_t to = from;
      if (TakeAt(text, to, p)) {
        at = to;
        return true;
      }
    }
    return false;
  }
  bool EndsWith(std::string_view text, size_t at, size_t p) const {
    if (plain_) return text.substr(at).ends_with(texts_[p]);
    for (size_t from = at; from <= text.size(); from += CharacterBytes(text, from)) {
      size_t to = from;
      if (TakeAt(text, to, p) && to == text.size()) return true;
    }
    return false;
  }

  std::vector<Piece> pieces_;
  std::vector<std::string> texts_;
  bool plain_ = true;
  bool open_end_ = false;
};

class LikeNode final : public Node {
 public:
  LikeNode(NodePtr value, std::string_view pattern, bool negated)
      : value_(std::move(value)), pattern_(pattern), negated_(negated) {
    TakeReads(*this, value_);
    type = TypeKind::kBool;
  }
  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    if (a.IsNullConstant()) return {NullColumn(type, 1), true};
    ColumnOutput<uint8_t> out(type, a.column->size());
    out.parts.validity = ValidityOf(a);
    for (size_t i = 0; i < a.column->size(); i++) {
      out.values[i] = pattern_.Matches(a.column->text(i)) != negated_ ? 1 : 0;
    }
    return std::move(out).Done(a.constant);
  }

 private:
  NodePtr value_;
  Pattern pattern_;
  bool negated_;
};

}  // namespace

NodePtr MakeLike(NodePtr value, std::string_view pattern, bool negated) {
  return std::make_shared<LikeNode>(std::move(value), pattern, negated);
}

}  // namespace weir
