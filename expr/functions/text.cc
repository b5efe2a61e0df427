#include <array>

#include "batch/render.h"
#include "expr/functions/function.h"

namespace weir {
namespace {

/// Longest text that a function may make of shorter ones.
constexpr size_t kLongestText = 16 << 20;
constexpr std::string_view kTooLong = "the text would be longer than 16 MiB";

/// Bytes of the first `characters` UTF-8 characters of `text`.
size_t BytesOf(std::string_view text, int64_t characters) {
  size_t at = 0;
  while (at < text.size() && characters > 0) {
    at++;
    while (at < text.size() && (text[at] & 0xc0) == 0x80) at++;
    characters--;
  }
  return at;
}

int64_t CharactersOf(std::string_view text) {
  int64_t count = 0;
  for (char c : text) count += (c & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

/// Changes the case of ASCII letters.
template <char First, char Last>
NodePtr BindCaseChange(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string text(c[0].Text(row));
                     for (char& byte : text) {
                       if (byte >= First && byte <= Last) byte = static_cast<char>(byte ^ 0x20);
                     }
                     out.AppendText(text);
                   }));
}

NodePtr BindTrim(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string_view text = c[0].Text(row);
                     const auto space = [](char byte) {
                       return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
                     };
                     while (!text.empty() && space(text.front())) text.remove_prefix(1);
                     while (!text.empty() && space(text.back())) text.remove_suffix(1);
                     out.AppendText(text);
                   }));
}

NodePtr BindSubstr(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string_view text = c[0].Text(row);
                     int64_t start = c[1].Get<int64_t>(row);
                     int64_t length = c.arguments.size() > 2 ? c[2].Get<int64_t>(row) : INT64_MAX;
                     if (start < 0) {
                       start += CharactersOf(text) + 1;
                       if (start < 1 && length < INT64_MAX) length += start - 1;
                     } else if (start == 0 && length < INT64_MAX && length > 0) {
                       length--;
                     }
                     if (start > 1) text.remove_prefix(BytesOf(text, start - 1));
                     out.AppendText(text.substr(0, length < 0 ? 0 : BytesOf(text, length)));
                   }));
}

NodePtr BindConcat(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string text;
                     for (const Vector& argument : c.arguments) {
                       if (argument.type().Is(TypeKind::kString)) {
                         text += argument.Text(row);
                       } else {
                         AppendJsonValue(text, *argument.column, argument.At(row));
                       }
                     }
                     out.AppendText(text);
                   }));
}

NodePtr BindReplace(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const std::string_view text = c[0].Text(row);
                     const std::string_view part = c[1].Text(row);
                     const std::string_view with = c[2].Text(row);
                     if (part.empty()) return out.AppendText(text);
                     std::string result;
                     size_t at = 0;
                     for (size_t found = text.find(part); found != std::string_view::npos;
                          found = text.find(part, at)) {
                       result += text.substr(at, found - at);
                       result += with;
                       at = found + part.size();
                       if (result.size() > kLongestText) {
                         c.Fail(row, kTooLong);
                         return out.AppendNull();
                       }
                     }
                     result += text.substr(at);
                     out.AppendText(result);
                   }),
                   {.can_fail = true});
}

NodePtr BindSplit(CallBinder& call) {
  return call.Make(Type::List(TypeKind::kString),
                   EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const std::string_view text = c[0].Text(row);
                     const std::string_view by = c[1].Text(row);
                     size_t at = 0;
                     while (!by.empty()) {
                       const size_t found = text.find(by, at);
                       if (found == std::string_view::npos) break;
                       out.child(0).AppendText(text.substr(at, found - at));
                       at = found + by.size();
                     }
                     out.child(0).AppendText(text.substr(at));
                     out.AppendNested();
                   }));
}

NodePtr BindLength(CallBinder& call) {
  if (call.type(0).Is(TypeKind::kBytes)) {
    return call.Make(TypeKind::kInt64, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                       out.Append(static_cast<int64_t>(c[0].Text(row).size()));
                     }));
  }
  if (!call.Convert(0, TypeKind::kString)) return nullptr;
  return call.Make(TypeKind::kInt64, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     out.Append(CharactersOf(c[0].Text(row)));
                   }));
}

NodePtr BindStartsWith(CallBinder& call) {
  return call.Make(TypeKind::kBool, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     out.AppendBool(c[0].Text(row).starts_with(c[1].Text(row)));
                   }));
}

constexpr std::array kFunctions = {
    Function{"lower", "text", "(text string) -> string",
             "The text with the letters A to Z made small; other letters stay.", "lower('AirPods')",
             "\"airpods\"", BindCaseChange<'A', 'Z'>},
    Function{"upper", "text", "(text string) -> string",
             "The text with the letters a to z made capital; other letters stay.",
             "upper('AirPods')", "\"AIRPODS\"", BindCaseChange<'a', 'z'>},
    Function{"trim", "text", "(text string) -> string",
             "The text without spaces, tabs and line ends around it.", "trim('  a b ')", "\"a b\"",
             BindTrim},
    Function{"substr", "text", "(text string, start int64, [length int64]) -> string",
             "`length` characters (all, if not given) from character `start`, counted from 1, or "
             "from the end where it is negative.",
             "substr('streaming', 3, 4)", "\"ream\"", BindSubstr},
    Function{"concat", "text", "(values any...) -> string",
             "The values end to end: strings as they are, all else as JSON shows it (a timestamp "
             "as epoch milliseconds).",
             "concat('cell/', 7, '/', 1.0)", "\"cell/7/1.0\"", BindConcat},
    Function{"replace", "text", "(text string, part string, with string) -> string",
             "The text with every `part` replaced; an empty part replaces nothing.",
             "replace('a-b-c', '-', '+')", "\"a+b+c\"", BindReplace},
    Function{"split", "text", "(text string, separator string) -> list<string>",
             "The parts between the separators; an empty separator splits nothing.",
             "split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]", BindSplit},
    Function{"length", "text", "(text any) -> int64", "Characters of a string, or bytes of bytes.",
             "length('Zürich')", "6", BindLength},
    Function{"starts_with", "text", "(text string, prefix string) -> bool",
             "Whether the text begins with `prefix`.", "starts_with('www.amazon7.com', 'www.')",
             "true", BindStartsWith},
};

}  // namespace

std::span<const Function> TextFunctions() { return kFunctions; }

}  // namespace weir
