// Task: what is held in place, what may be captured, and how often it is destroyed.
#include <pollux/task.h>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>

#include "unit/support.h"

namespace pollux::test {
namespace {

static_assert(!std::is_copy_constructible_v<Task>);
static_assert(!std::is_copy_assignable_v<Task>);
static_assert(std::is_nothrow_move_constructible_v<Task>);
static_assert(std::is_nothrow_move_assignable_v<Task>);
static_assert(std::is_nothrow_default_constructible_v<Task>);
static_assert(!std::is_constructible_v<Task, int>);
static_assert(!std::is_constructible_v<Task, void (*)(int)>);

/// Tells where it is when it runs. `extra` bytes are added to a pointer.
template <std::size_t extra>
struct Located {
    const void** place;
    std::array<char, extra> more{};
    void operator()() const { *place = this; }
};

template <>
struct Located<0> {
    const void** place;
    void operator()() const { *place = this; }
};

bool within(const Task& task, const void* place) {
    const auto begin = reinterpret_cast<std::uintptr_t>(&task);
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    return address >= begin && address < begin + sizeof task;
}

template <class Callable>
bool is_held_in_place(Callable callable, const void** place) {
    Task task{std::move(callable)};
    Task moved{std::move(task)};
    moved();
    return within(moved, *place);
}

TEST(TaskTest, callables_up_to_the_limit_are_held_in_place) {
    const void* place = nullptr;
    static_assert(Task::inline_bytes == 48);
    EXPECT_TRUE(is_held_in_place(Located<0>{&place}, &place));
    EXPECT_TRUE(is_held_in_place(Located<8>{&place}, &place));
    EXPECT_TRUE(is_held_in_place(Located<40>{&place}, &place));
    EXPECT_FALSE(is_held_in_place(Located<41>{&place}, &place));
    EXPECT_FALSE(is_held_in_place(Located<1000>{&place}, &place));
}

TEST(TaskTest, what_needs_more_alignment_or_may_throw_when_moved_is_not) {
    const void* place = nullptr;
    struct alignas(64) Wide {
        const void** place;
        void operator()() const {
            *place = this;
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % 64, 0U);
        }
    };
    EXPECT_FALSE(is_held_in_place(Wide{&place}, &place));

    struct Throwing {
        explicit Throwing(const void** where) : place(where) {}
        Throwing(Throwing&& other) : place(other.place) {}  // NOLINT(performance-noexcept-move-constructor)
        const void** place;
        void operator()() const { *place = this; }
    };
    Task task{Throwing{&place}};
    Task moved{std::move(task)};
    moved();
    EXPECT_FALSE(within(moved, place));
}

TEST(TaskTest, is_empty_until_it_is_given_something) {
    Task task;
    EXPECT_FALSE(task);
    task = Task{[] {}};
    EXPECT_TRUE(task);
    Task other{std::move(task)};
    EXPECT_TRUE(other);
    EXPECT_FALSE(task);  // NOLINT(bugprone-use-after-move): moved from is empty
    other = Task{};
    EXPECT_FALSE(other);
}

TEST(TaskTest, runs_as_often_as_it_is_invoked) {
    int runs = 0;
    Task task{[&runs, mine = 0]() mutable { runs += ++mine; }};
    task();
    task();
    EXPECT_EQ(runs, 3) << "the callable keeps its state";
    Task moved{std::move(task)};
    moved();
    EXPECT_EQ(runs, 6) << "and takes it along";
}

int function_runs = 0;
void function() {
    ++function_runs;
}

TEST(TaskTest, takes_every_kind_of_callable) {
    function_runs = 0;
    Task pointer{&function};
    pointer();
    Task name{function};
    name();
    EXPECT_EQ(function_runs, 2);

    int runs = 0;
    Task wrapped{std::function<void()>{[&] { ++runs; }}};
    wrapped();
    const auto constant = [&] { ++runs; };
    Task copied{constant};
    copied();
    auto answers = [&] { return ++runs; };
    Task discarded{answers};
    discarded();
    EXPECT_EQ(runs, 3);
}

TEST(TaskTest, takes_move_only_captures) {
    int seen = 0;
    Task small{[value = std::make_unique<int>(7), &seen] { seen += *value; }};
    Task large{
        [value = std::make_unique<int>(70), padding = std::array<char, 100>{}, &seen] { seen += *value + padding[0]; }};
    Task moved{std::move(small)};
    moved();
    moved = std::move(large);
    moved();
    EXPECT_EQ(seen, 77);
}

/// Counts the objects that are alive.
template <std::size_t bytes>
struct Counted {
    explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
    Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
    Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    Counted& operator=(const Counted&) = delete;
    Counted& operator=(Counted&&) = delete;
    ~Counted() { --*alive_; }
    void operator()() const {}

private:
    int* alive_;
    std::array<char, bytes> more_{};
};

template <class T>
class TaskLifeTest : public testing::Test {};

using Sizes = testing::Types<Counted<8>, Counted<200>>;  // in place, on the heap
TYPED_TEST_SUITE(TaskLifeTest, Sizes, );

TYPED_TEST(TaskLifeTest, destroys_its_callable_once) {
    int alive = 0;
    {
        Task task{TypeParam{alive}};
        EXPECT_EQ(alive, 1);
        task();
        EXPECT_EQ(alive, 1);
        Task second{std::move(task)};
        EXPECT_EQ(alive, 1);
        Task third;
        third = std::move(second);
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
}

TYPED_TEST(TaskLifeTest, assignment_destroys_what_was_there) {
    int first = 0;
    int second = 0;
    Task task{TypeParam{first}};
    task = Task{TypeParam{second}};
    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, 1);
    task = Task{};
    EXPECT_EQ(second, 0);
}

TYPED_TEST(TaskLifeTest, assignment_to_itself_changes_nothing) {
    int alive = 0;
    Task task{TypeParam{alive}};
    Task& same = task;
    task = std::move(same);
    EXPECT_EQ(alive, 1);
    ASSERT_TRUE(task);
    task();
}

TYPED_TEST(TaskLifeTest, copies_what_is_not_given_away) {
    int alive = 0;
    const TypeParam callable{alive};
    {
        const Task task{callable};
        EXPECT_EQ(alive, 2);
    }
    EXPECT_EQ(alive, 1);
}

TEST(TaskTest, a_callable_that_throws_when_copied_leaves_nothing_behind) {
    int alive = 0;
    struct Refusing : Counted<100> {
        explicit Refusing(int& count) : Counted<100>(count) {}
        Refusing(const Refusing& other) : Counted<100>(other) { throw std::runtime_error{"no"}; }
    };
    {
        const Refusing callable{alive};
        EXPECT_THROW(Task{callable}, std::runtime_error);
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
}

TEST(TaskTest, an_exception_comes_out_and_the_task_stays) {
    int runs = 0;
    Task task{[&] {
        if (++runs == 1) throw std::runtime_error{"once"};
    }};
    EXPECT_THROW(task(), std::runtime_error);
    task();
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace pollux::test
