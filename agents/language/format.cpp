// SPDX-License-Identifier: Apache-2.0
#include "agents/language/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "agents/contract/ip.h"
#include "agents/contract/units.h"

namespace blackstart {
namespace {

// std::regex recurses once a character; nothing with a pattern is longer in earnest.
constexpr size_t kLongestPatterned = 512;

constexpr char kNumber[] = "(0|[1-9][0-9]*)(\\.[0-9]+)?";
constexpr char kPercent[] = "(100(\\.0+)?|[1-9]?[0-9](\\.[0-9]+)?)%";
constexpr char kOperator[] = "(<|<=|>|>=|=|==) *";

Format patterned(std::string expected, const std::string& inner,
                 bool (*accepts)(std::string_view) = nullptr) {
  Format format;
  format.expected = std::move(expected);
  format.text = true;
  format.pattern = "^" + inner + "$";
  format.compiled =
      std::make_shared<const std::regex>(format.pattern, std::regex::ECMAScript | std::regex::nosubs);
  format.accepts = accepts;
  return format;
}

bool is_regex(std::string_view text) {
  if (text.size() > kLongestPatterned) return false;
  try {
    std::regex(text.begin(), text.end());
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

bool has_port(std::string_view text) {
  const auto number = plain_number(text.substr(text.rfind(':') + 1));
  return number && *number >= 1 && *number <= 65535;
}

}  // namespace

std::optional<double> plain_number(std::string_view text) {
  std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  // A leading zero means octal to some readers and nothing to others.
  if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return std::nullopt;
  if (digits.empty() || digits[0] < '0' || digits[0] > '9' || digits.back() == '.') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool fits(const Format& format, const Node& scalar) {
  const std::string& text = scalar.text;
  if (!format.words.empty())
    return std::find(format.words.begin(), format.words.end(), text) != format.words.end();
  if (format.boolean) return !scalar.quoted && (text == "true" || text == "false");
  if (format.number && !scalar.quoted) {
    if (const auto value = plain_number(text))
      return *value >= format.number->least && *value <= format.number->most &&
             (!format.number->whole || *value == std::floor(*value));
  }
  if (!format.text) return false;
  if (format.compiled && (text.size() > kLongestPatterned || !std::regex_match(text, *format.compiled)))
    return false;
  return !format.accepts || format.accepts(text);
}

namespace format {

Format text() {
  Format format;
  format.expected = "text";
  format.text = format.as_written = true;
  return format;
}

Format name() {
  Format format =
      patterned("a name of at most 63 letters, digits, '-', '_' and '.'", "[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  format.as_written = true;
  return format;
}

Format boolean() {
  Format format;
  format.expected = "true or false";
  format.boolean = true;
  return format;
}

Format integer(double least, double most) {
  Format format = number(least, most);
  format.number->whole = true;
  format.expected.insert(2, "whole ");
  return format;
}

Format number(double least, double most) {
  const auto plain = [](double value) { return std::to_string(static_cast<int64_t>(value)); };
  Format format;
  format.expected = most < 1e15 ? "a number from " + plain(least) + " to " + plain(most)
                                : "a number of at least " + plain(least);
  format.number = Format::Range{least, most};
  return format;
}

Format words(std::vector<std::string> words) {
  Format format;
  format.expected = words.size() == 1 ? words.front() : "one of: ";
  if (words.size() > 1)
    for (size_t i = 0; i < words.size(); ++i) format.expected += (i ? ", " : "") + words[i];
  format.words = std::move(words);
  return format;
}

Format duration() {
  return patterned("a duration such as 500ms, 10s, 5m or 2h", "[0-9]+(\\.[0-9]+)?(ms|s|m|h)",
                   [](std::string_view text) { return parse_duration(text).has_value(); });
}

Format share() {
  Format format = patterned("a share such as 40% or 0.4", kPercent);
  format.number = Format::Range{0, 1};
  return format;
}

Format rate() {
  return patterned("a rate such as 512kbit, 1mbit or 1gbit", std::string(kNumber) + "(bit|kbit|mbit|gbit)");
}
Format size() {
  return patterned("a size such as 64KiB or 10MiB", std::string(kNumber) + "(B|KiB|MiB|GiB|TiB)");
}
Format pace() {
  return patterned("a pace such as 2/s or 10/m", std::string(kNumber) + "/(s|m|h)");
}

Format port() {
  Format format = integer(1, 65535);
  format.expected = "a port from 1 to 65535";
  return format;
}

Format prefix() {
  return patterned("a prefix such as 198.18.1.0/24 or fd00:18:1::/64, host bits zero",
                   "[0-9A-Fa-f:.]+(/[0-9]{1,3})?",
                   [](std::string_view text) { return Prefix::parse(text).has_value(); });
}

Format address() {
  return patterned("an address such as 198.18.1.11 or fd00:18:1::11", "[0-9A-Fa-f:.]+",
                   [](std::string_view text) { return Address::parse(text).has_value(); });
}

Format endpoint() {
  return patterned("a name and a port such as photos.store.lab:80", "[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]{1,5}",
                   has_port);
}

Format http_url() {
  return patterned("a URL that starts with http:// or https://", "https?://[^ /]+[^ ]*");
}
Format http_path() {
  return patterned("a path that starts with /", "/[^ ]*");
}

Format absolute_path() {
  return patterned("an absolute path such as /usr/sbin/sshd", "/[^/ ].*");
}
Format cgroup_path() {
  Format format = patterned("a cgroup, from its root, such as system.slice/ssh.service", "[^-/. ][^ ]*",
                            [](std::string_view text) { return text.find("/..") == std::string_view::npos; });
  format.as_written = true;
  return format;
}
Format comm() {
  Format format = patterned("at most 15 characters, as the kernel keeps them", "[^-/].{0,14}");
  format.as_written = true;
  return format;
}

Format regex() {
  Format format = text();
  format.expected = "a regular expression (ECMAScript) of at most 512 characters";
  format.accepts = is_regex;
  return format;
}

Format ratio_comparison() {
  return patterned("a comparison such as \">= 99%\" or \">= 0.99\"",
                   std::string(kOperator) + "(" + kPercent + "|0(\\.[0-9]+)?|1(\\.0+)?)");
}
Format count_comparison() {
  return patterned("a comparison such as \"<= 2\"", std::string(kOperator) + "(0|[1-9][0-9]{0,8})");
}
Format duration_comparison() {
  return patterned("a comparison such as \"< 500ms\"",
                   std::string(kOperator) + "[0-9]+(\\.[0-9]+)?(ms|s|m|h)");
}
Format latency_limit() {
  return patterned("an upper bound such as \"< 500ms\"", "(<|<=) *[0-9]+(\\.[0-9]+)?(ms|s|m|h)");
}
Format value_comparison() {
  return patterned("a comparison such as \"> 0.99\"",
                   std::string(kOperator) + "-?" + kNumber + "(%|ms|s|m|h)?");
}
Format so_many_of() {
  return patterned("a count such as \"3 of 5\"", "[1-9][0-9]? of [1-9][0-9]?");
}

Format window() {
  const std::string day = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", date = "[0-9]{4}-[0-9]{2}-[0-9]{2}",
                    clock = "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)";
  const std::string days = day + "(-" + day + ")?(," + day + "(-" + day + ")?)*",
                    dates = date + "(\\.\\." + date + ")?", hours = clock + "-" + clock;
  return patterned("a window such as \"Mon-Fri 09:00-18:00\" or \"2026-12-24..2026-12-26\"",
                   "((" + days + "|" + dates + ")( " + hours + ")?|" + hours + ")");
}

Format zone() {
  return patterned("a time zone such as Asia/Seoul", "[A-Za-z][A-Za-z0-9_+/-]*");
}

}  // namespace format
}  // namespace blackstart
