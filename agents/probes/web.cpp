// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/web.h"

#include <sys/epoll.h>

#include <mutex>

#include "agents/contract/units.h"

namespace blackstart {

Result<std::unique_ptr<Web>> Web::make(Loop& loop) {
  static std::once_flag library;
  static CURLcode ready = CURLE_FAILED_INIT;
  std::call_once(library, [] { ready = curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURLM* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  if (!multi) return fail(ErrorKind::kInternal, "start libcurl");

  auto web = std::unique_ptr<Web>(new Web(loop, multi));
  const curl_socket_callback on_socket = [](CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto* it = static_cast<Web*>(self);
    const uint32_t events = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EPOLLIN : 0u) |
                            (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EPOLLOUT : 0u);
    it->loop_.watch(fd, events, it);
    return 0;
  };
  const curl_multi_timer_callback on_timer = [](CURLM*, long left_ms, void* self) {
    auto* it = static_cast<Web*>(self);
    it->loop_.set_alarm(it, left_ms < 0 ? Loop::kNever : monotonic_now() + left_ms * 1'000'000LL);
    return 0;
  };
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, web.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, web.get());
  return web;
}

Web::~Web() {
  curl_multi_cleanup(multi_);
  loop_.set_alarm(this, Loop::kNever);
}

CURLMcode Web::add(CURL* easy) {
  return curl_multi_add_handle(multi_, easy);
}

void Web::remove(CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
}

void Web::ready(int fd, uint32_t events) {
  const int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
  int running = 0;
  curl_multi_socket_action(multi_, fd, what, &running);
  tell_ended();
}

void Web::alarm() {
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  tell_ended();
}

void Web::tell_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->ended(message->data.result);
  }
}

}  // namespace blackstart
