//! The `Range` header (RFC 9110, section 14): which bytes of a representation are asked for.

/// What a `Range` header asks for, once the size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranged {
    /// Everything: no range, several ranges (answering them whole is allowed and simpler), another unit, or a header
    /// that cannot be read.
    Whole,
    /// The bytes from the first number up to, and not including, the second.
    Part(u64, u64),
    /// A single range that lies outside: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a representation of `size` bytes.
pub fn parse(header: &str, size: u64) -> Ranged {
    let Some((unit, set)) = header.split_once('=') else {
        return Ranged::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Ranged::Whole;
    }
    match set.trim().split_once('-') {
        Some(("", suffix)) => match number(suffix) {
            None => Ranged::Whole,
            Some(0) => Ranged::Unsatisfiable,
            Some(_) if size == 0 => Ranged::Unsatisfiable,
            Some(length) => Ranged::Part(size.saturating_sub(length), size),
        },
        Some((first, last)) => {
            let Some(first) = number(first) else {
                return Ranged::Whole;
            };
            let last = match last {
                "" => u64::MAX,
                digits => match number(digits) {
                    Some(last) if last >= first => last,
                    _ => return Ranged::Whole,
                },
            };
            if first >= size {
                Ranged::Unsatisfiable
            } else {
                Ranged::Part(first, last.saturating_add(1).min(size))
            }
        }
        None => Ranged::Whole,
    }
}

/// Digits only (no sign, no space); a number too large for 64 bits stands for "past every end".
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_three_forms() {
        for (header, size, wanted) in [
            ("bytes=0-3", 11, Ranged::Part(0, 4)),
            ("bytes=6-", 11, Ranged::Part(6, 11)),
            ("bytes=-5", 11, Ranged::Part(6, 11)),
            ("bytes=-50", 11, Ranged::Part(0, 11)),
            ("bytes=0-100", 11, Ranged::Part(0, 11)),
            ("BYTES = 0-0", 11, Ranged::Part(0, 1)),
            ("bytes=10-10", 11, Ranged::Part(10, 11)),
            ("bytes=0-99999999999999999999999", 11, Ranged::Part(0, 11)),
        ] {
            assert_eq!(parse(header, size), wanted, "{header}");
        }
    }

    #[test]
    fn outside_is_unsatisfiable() {
        for (header, size) in [
            ("bytes=11-", 11),
            ("bytes=11-12", 11),
            ("bytes=-0", 11),
            ("bytes=0-", 0),
            ("bytes=-1", 0),
            ("bytes=99999999999999999999999-", 11),
        ] {
            assert_eq!(parse(header, size), Ranged::Unsatisfiable, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=1",
            "bytes=--1",
            "bytes=0x1-2",
        ] {
            assert_eq!(parse(header, 11), Ranged::Whole, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(header in "(bytes=)?[-0-9,= a]{0,12}", size in 0_u64..40) {
            if let Ranged::Part(start, end) = parse(&header, size) {
                prop_assert!(start < end && end <= size);
            }
        }
    }
}
