// SPDX-License-Identifier: Apache-2.0
#include "load.h"
#include "needs.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace sample {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseNeed, TakesANameAndAlternativesInOrder) {
  const auto need = parse_need("cache=redis://a.lab:6379,redis://b.lab:6379");
  ASSERT_TRUE(need);
  EXPECT_EQ(need->name, "cache");
  EXPECT_THAT(need->alternatives, ElementsAre("redis://a.lab:6379", "redis://b.lab:6379"));
}

TEST(ParseNeed, WithoutANameTheFirstUrlIsTheName) {
  EXPECT_EQ(parse_need("http://a:80/x?y=1")->name, "http://a:80/x?y=1");
}

TEST(ParseNeed, RefusesWhatItCannotAsk) {
  for (const char* text : {"", "cache=", "cache", "ftp://a", "http://a,b"})
    EXPECT_FALSE(parse_need(text)) << text;
}

// One connection on loopback, answered with a fixed text.
class Server {
 public:
  explicit Server(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
    at_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      char ignored[1024];
      if (!answer.empty() && ::read(peer, ignored, sizeof ignored) > 0) {
        EXPECT_EQ(::write(peer, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
      }
      ::close(peer);
    });
  }
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] const std::string& at() const { return at_; }

 private:
  int listener_;
  std::string at_;
  std::thread thread_;
};

Answer ask_one(const std::string& urls) {
  return ask(*parse_need("n=" + urls), milliseconds(500));
}

TEST(Ask, RedisMustAnswerPong) {
  const Server good("+PONG\r\n"), bad("-LOADING\r\n");
  EXPECT_TRUE(ask_one("redis://" + good.at()).ok);
  const Answer answer = ask_one("redis://" + bad.at());
  EXPECT_FALSE(answer.ok);
  EXPECT_THAT(answer.text, HasSubstr("-LOADING"));
}

TEST(Ask, ARedisThatIsWrittenToMustNotBeAReplica) {
  const Server primary("+OK\r\n"), replica("-READONLY You can't write against a read only replica.\r\n");
  EXPECT_TRUE(ask_one("redis-write://" + primary.at()).ok);
  EXPECT_THAT(ask_one("redis-write://" + replica.at()).text, HasSubstr("answered SET with -READONLY"));
}

TEST(Ask, HttpMustAnswer200) {
  const Server good("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      bad("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(ask_one("http://" + good.at() + "/").ok);
  EXPECT_THAT(ask_one("http://" + bad.at() + "/").text, HasSubstr("status 503"));
}

TEST(Ask, TcpMustAccept) {
  const Server good("");
  EXPECT_TRUE(ask_one("tcp://" + good.at()).ok);
}

TEST(Ask, TheNextAlternativeAnswersForOneThatDoesNot) {
  std::string closed;
  { closed = Server("").at(); }
  const Server good("+PONG\r\n");
  const Answer answer = ask_one("redis://" + closed + ",redis://" + good.at());
  EXPECT_TRUE(answer.ok);
  EXPECT_THAT(answer.text, HasSubstr(good.at()));
}

TEST(Ask, ASilentServerCostsTheTimeoutAndNoMore) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(
      ask(*parse_need("redis://127.0.0.1:" + std::to_string(ntohs(name.sin_port))), milliseconds(200)).ok);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, milliseconds(150));
  EXPECT_LT(took, milliseconds(2000));
  ::close(listener);
}

TEST(Capacity, WorksOnSoManyInOrderAndTurnsAwayWhoWouldWaitTooLong) {
  using namespace std::chrono_literals;
  sample::Capacity capacity(2, 100ms, 150ms);
  const auto now = sample::Capacity::Clock::now();
  EXPECT_EQ(capacity.take(now), now + 100ms);
  EXPECT_EQ(capacity.take(now), now + 100ms);
  EXPECT_EQ(capacity.take(now), now + 200ms);
  EXPECT_EQ(capacity.take(now + 50ms), now + 200ms);
  EXPECT_EQ(capacity.take(now + 60ms), now + 300ms);
  EXPECT_EQ(capacity.take(now + 60ms), now + 300ms);
  EXPECT_FALSE(capacity.take(now + 60ms)) << "240 ms are too long";
  EXPECT_EQ(capacity.take(now + 1s), now + 1100ms);
}

TEST(RetryBudget, AllowsAShareOfTheFirstAttempts) {
  sample::RetryBudget budget(0.25);
  int retries = 0;
  for (int i = 0; i < 400; ++i) {
    budget.first_attempt();
    for (int k = 0; k < 4; ++k) retries += budget.may_retry();
  }
  EXPECT_EQ(retries, 100);
}

}  // namespace
}  // namespace sample
