// Header and trailer fields as they were received: names without case, values without the white space around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace pollux::http {

/// One field line (RFC 9110, 5). What it shows belongs to the message it is of.
struct Field {
    std::string_view name;
    std::string_view value;
};

/// True if two field names are the same: ASCII letters without case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

/// The fields of a head or of trailers, in the order of their lines; a name may come several times. A view: it shows
/// the bytes of the message and is valid as long as those.
class Fields {
public:
    /// Where a field lies in the bytes of its message.
    struct Position {
        std::uint32_t name = 0;
        std::uint32_t value = 0;
        std::uint32_t value_size = 0;
        std::uint16_t name_size = 0;
    };

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Field;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Field;

        iterator() = default;
        iterator(const char* bytes, const Position* at) noexcept : bytes_(bytes), at_(at) {}
        Field operator*() const noexcept {
            return {{bytes_ + at_->name, at_->name_size}, {bytes_ + at_->value, at_->value_size}};
        }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        iterator operator++(int) noexcept {
            const iterator before = *this;
            ++at_;
            return before;
        }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        const char* bytes_ = nullptr;
        const Position* at_ = nullptr;
    };

    Fields() = default;
    Fields(const char* bytes, std::span<const Position> positions) noexcept : bytes_(bytes), positions_(positions) {}

    [[nodiscard]] iterator begin() const noexcept { return {bytes_, positions_.data()}; }
    [[nodiscard]] iterator end() const noexcept { return {bytes_, positions_.data() + positions_.size()}; }
    [[nodiscard]] std::size_t size() const noexcept { return positions_.size(); }
    [[nodiscard]] bool empty() const noexcept { return positions_.empty(); }

    /// The value of the first field of that name; none if there is none.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// How many fields have that name.
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name).has_value(); }

    /// True if one of the fields of that name has `token` among the members of its list, without case, as
    /// `Connection: keep-alive, Upgrade` has `upgrade` (RFC 9110, 5.6.1).
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

    /// Calls `visit(std::string_view value)` for each field of that name.
    template <class Visit>
    void each(std::string_view name, Visit&& visit) const {
        for (const Field field : *this) {
            if (same_name(field.name, name)) visit(field.value);
        }
    }

private:
    const char* bytes_ = nullptr;
    std::span<const Position> positions_;
};

}  // namespace pollux::http
