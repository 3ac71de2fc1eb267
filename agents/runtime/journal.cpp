// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/journal.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <spdlog/spdlog.h>

#include "agents/runtime/crash_points.h"
#include "agents/runtime/journal_format.h"

namespace blackstart {
namespace {

Result<std::string> read_all(int fd, const std::string& path) {
  std::string out;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read", path);
    if (got == 0) return out;
    out.append(chunk.data(), static_cast<size_t>(got));
  }
}

// 0, or why it could not be written whole.
int write_at(int fd, std::string_view bytes, size_t at) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(put));
    at += static_cast<size_t>(put);
  }
  return 0;
}

}  // namespace

bool StandingStep::still_there(const Place& here) const {
  switch (step.what_case()) {
    case contract::Step::kClsactQdisc:
    case contract::Step::kClsactFilter:
      return place == here;
    case contract::Step::kStoppedProcess:
    case contract::Step::kFrozenCgroup:
    case contract::Step::kDownService:
    case contract::Step::kHeldUnit:  // all of them of the machine, not of a network
      return place.boot_id == here.boot_id;
    case contract::Step::WHAT_NOT_SET:
      return false;
  }
  return false;
}

Result<std::unique_ptr<Journal>> Journal::open(const StateFolder& folder, Place here) {
  const std::string path = folder.path() + "/journal";
  Fd file(::openat(folder.fd(), "journal", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "open", path, errno == ELOOP ? "it must not be a link" : "");
  const auto bytes = read_all(file.get(), path);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto text = parse_journal(*bytes);
  if (!text) return tl::unexpected(text.error());

  std::unique_ptr<Journal> journal(new Journal(std::move(file), path, std::move(here)));
  if (text->good < bytes->size()) {
    spdlog::warn("{}: {} bytes behind the last whole entry were cut off", path, bytes->size() - text->good);
    if (auto ok = journal->cut(text->good); !ok) return tl::unexpected(ok.error());
  }
  journal->end_ = text->good;
  if (text->good == 0) {
    if (const int code = write_at(journal->file_.get(), journal_header(), 0); code != 0)
      return fail_errno(code, "write", path);
    if (::fsync(journal->file_.get()) != 0 || ::fsync(folder.fd()) != 0)
      return fail_errno(errno, "write", path);
    journal->end_ = kJournalHeader;
  }
  journal->replay(text->entries);
  return journal;
}

Result<std::vector<StandingStep>> Journal::look(const std::string& folder) {
  const std::string path = folder + "/journal";
  Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open", path, errno == ELOOP ? "it must not be a link" : "");
  const auto bytes = read_all(file.get(), path);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto text = parse_journal(*bytes);
  if (!text) return tl::unexpected(text.error());
  Journal journal(std::move(file), path, {});
  journal.replay(text->entries);
  return journal.standing_;
}

void Journal::replay(const std::vector<journal::Entry>& entries) {
  std::string run;
  Place place;
  for (const journal::Entry& entry : entries) {
    switch (entry.what_case()) {
      case journal::Entry::kOpened:
        run = entry.opened().run();
        place = {entry.opened().boot_id(), entry.opened().netns()};
        break;
      case journal::Entry::kRecorded:
        standing_.push_back({entry.recorded().id(), entry.recorded().step(), place, run});
        last_id_ = std::max(last_id_, entry.recorded().id());
        break;
      case journal::Entry::kTakenBack:
        std::erase_if(standing_, [&](const StandingStep& one) { return one.id == entry.taken_back(); });
        break;
      case journal::Entry::WHAT_NOT_SET:
        break;
    }
  }
}

Result<> Journal::cut(size_t length) {
  if (::ftruncate(file_.get(), static_cast<off_t>(length)) != 0 || ::fsync(file_.get()) != 0)
    return fail_errno(errno, "cut", path_);
  end_ = length;
  return {};
}

Result<> Journal::append(const journal::Entry& entry, bool sync) {
  const std::string frame = journal_frame(entry);
  int code = write_at(file_.get(), frame, end_);
  if (code == 0 && sync && ::fsync(file_.get()) != 0) code = errno;
  if (code != 0) {
    (void)cut(end_);
    return fail_errno(code, "write", path_, code == ENOSPC ? "make room on that file system" : "");
  }
  end_ += frame.size();
  return {};
}

Result<> Journal::begin(const std::string& run) {
  journal::Entry entry;
  entry.mutable_opened()->set_run(run);
  entry.mutable_opened()->set_boot_id(here_.boot_id);
  entry.mutable_opened()->set_netns(here_.netns);
  if (auto ok = append(entry, true); !ok) return ok;
  run_ = run;
  reached(CrashPoint::kJournalOpened);
  return {};
}

Result<uint64_t> Journal::record(const contract::Step& step) {
  reached(CrashPoint::kStepRecording, step);
  journal::Entry entry;
  entry.mutable_recorded()->set_id(last_id_ + 1);
  *entry.mutable_recorded()->mutable_step() = step;
  if (auto ok = append(entry, true); !ok) return tl::unexpected(ok.error());
  ++last_id_;
  standing_.push_back({last_id_, step, here_, run_});
  reached(CrashPoint::kStepRecorded, step);
  return last_id_;
}

Result<> Journal::taken_back(uint64_t step) {
  const auto found = std::find_if(standing_.begin(), standing_.end(),
                                  [&](const StandingStep& one) { return one.id == step; });
  if (found == standing_.end()) return {};
  reached(CrashPoint::kStepTakenBack, found->step);
  standing_.erase(found);
  journal::Entry entry;
  entry.set_taken_back(step);
  if (auto ok = append(entry, false); !ok) spdlog::warn("{}", ok.error().message());
  return {};
}

Result<> Journal::end() {
  if (!standing_.empty() || end_ == kJournalHeader) return {};
  if (auto ok = cut(kJournalHeader); !ok) return ok;
  reached(CrashPoint::kJournalEmptied);
  return {};
}

}  // namespace blackstart
