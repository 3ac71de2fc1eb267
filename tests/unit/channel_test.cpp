// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/wire.h"
#include "tests/support/babbler.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/blackstart-channel-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

// An agent's end in a thread of its own.
class Served {
 public:
  Served(const std::string& path, Answer answer)
      : server_(EmbeddedServer::make(path).value()), answer_(std::move(answer)) {
    thread_ = std::thread([this] {
      while (!stop_) {
        std::vector<pollfd> polled;
        server_->add_to(polled);
        poll(polled.data(), polled.size(), 20);
        server_->handle(polled, answer_);
      }
    });
  }
  ~Served() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::unique_ptr<EmbeddedServer> server_;
  Answer answer_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

contract::Request hello() {
  contract::Request request;
  request.mutable_hello();
  return request;
}

TEST(EmbeddedChannel, AsksManyHostsAtOnce) {
  Folder folder;
  std::vector<std::unique_ptr<Served>> agents;
  std::map<std::string, contract::Request> requests;
  for (int i = 0; i < 20; ++i) {
    const std::string host = "host-" + std::to_string(i);
    agents.push_back(
        std::make_unique<Served>(folder.path + "/" + host + ".sock", [host](const contract::Request&) {
          contract::Reply reply;
          reply.mutable_report()->set_host(host);
          return reply;
        }));
    requests[host] = hello();
  }
  EmbeddedChannel channel(folder.path);
  EXPECT_EQ(channel.hosts()->size(), 20u);
  const auto replies = channel.call_all(requests, 2s);
  ASSERT_EQ(replies.size(), 20u);
  for (const auto& [host, reply] : replies) {
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_EQ(reply->report().host(), host);
  }
}

TEST(EmbeddedChannel, CarriesALargeOrderAndAFailure) {
  Folder folder;
  Served agent(folder.path + "/a.sock", [](const contract::Request& request) {
    contract::Reply reply;
    to_wire(Error{ErrorKind::kRefused, "arm",
                  std::to_string(request.arm().order().faults(0).rules(0).peers_size()), EPERM, "hint"},
            reply.mutable_failure());
    return reply;
  });
  contract::Request request;
  auto* rule = request.mutable_arm()->mutable_order()->add_faults()->add_rules();
  for (uint32_t i = 0; i < 100'000; ++i)
    to_wire(Prefix::of(*Address::parse("198.18.0.1")), rule->add_peers());
  const auto reply = EmbeddedChannel(folder.path).call("a", request, 5s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kRefused);
  EXPECT_EQ(reply.error().object, "100000");
  EXPECT_EQ(reply.error().code, EPERM);
}

TEST(EmbeddedChannel, AHostThatIsNotThereIsUnreachable) {
  Folder folder;
  const auto reply = EmbeddedChannel(folder.path).call("nobody", hello(), 1s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kUnreachable);
  EXPECT_TRUE(EmbeddedChannel(folder.path + "/none").hosts()->empty());
}

TEST(EmbeddedChannel, AHostThatDoesNotAnswerTimesOut) {
  Folder folder;
  auto server = EmbeddedServer::make(folder.path + "/mute.sock");  // accepts into its backlog, never serves
  ASSERT_TRUE(server);
  const auto reply = EmbeddedChannel(folder.path).call("mute", hello(), 100ms);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kUnreachable);
  EXPECT_EQ(reply.error().code, ETIMEDOUT);
}

// The questions of a run that goes on pile up in front of an agent that is stopped.
TEST(EmbeddedChannel, AHostThatTakesNoMoreQuestionsTimesOutToo) {
  Folder folder;
  auto server = EmbeddedServer::make(folder.path + "/mute.sock");
  ASSERT_TRUE(server);
  EmbeddedChannel channel(folder.path);
  for (int i = 0; i < 200; ++i) {
    const auto reply = channel.call("mute", hello(), 1ms);
    ASSERT_FALSE(reply);
    ASSERT_EQ(reply.error().kind, ErrorKind::kUnreachable);
    ASSERT_EQ(reply.error().code, ETIMEDOUT) << "question " << i;
  }
}

TEST(EmbeddedChannel, AnAnswerThatIsNoReplySaysNothingAboutTheHost) {
  const std::vector<std::string> nonsense{std::string("\0\0\0\3abc", 7),       // no message
                                          std::string("\0\0\0\0", 4),          // a message that says nothing
                                          std::string("\0\0\0\2\x78\x01", 6),  // a field nobody knows
                                          "\xff\xff\xff\xff",
                                          "x",
                                          ""};
  for (const std::string& bytes : nonsense) {
    Folder folder;
    const test::Babbler agent(folder.path + "/odd.sock", bytes);
    const auto reply = EmbeddedChannel(folder.path).call("odd", hello(), 2s);
    ASSERT_FALSE(reply) << bytes.size();
    EXPECT_EQ(reply.error().kind, ErrorKind::kUnreachable) << reply.error().message();
    EXPECT_NE(reply.error().message().find("odd"), std::string::npos);
  }
}

TEST(EmbeddedServer, SurvivesNonsense) {
  Folder folder;
  const std::string path = folder.path + "/a.sock";
  Served agent(path, [](const contract::Request&) {
    contract::Reply reply;
    reply.mutable_report();
    return reply;
  });
  const std::string length_of_4_gib = "\xff\xff\xff\xff", bad_message = std::string("\0\0\0\3abc", 7);
  for (const std::string& bytes : {length_of_4_gib, bad_message, std::string("x")}) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    close(fd);
  }
  EXPECT_TRUE(EmbeddedChannel(folder.path).call("a", hello(), 2s));
}

TEST(EmbeddedServer, ReplacesADeadSocketButNotALiveOne) {
  Folder folder;
  const std::string path = folder.path + "/a.sock";
  auto first = EmbeddedServer::make(path);
  ASSERT_TRUE(first);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_FALSE(EmbeddedServer::make(path));
  std::filesystem::rename(path, path + ".kept");  // what a crash leaves: a file nobody listens behind
  first->reset();
  std::filesystem::rename(path + ".kept", path);
  EXPECT_TRUE(EmbeddedServer::make(path));
}

}  // namespace
}  // namespace blackstart
