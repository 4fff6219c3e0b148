//! Comparing outcomes with what is expected of them.

/// Whether the text is the pattern, where `*` stands for one or more digits (a port that the kernel picked, a PID).
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let unnumbered = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            unnumbered.len() < rest.len() && matches(tail, unnumbered)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_digits() {
        assert!(matches("name=10.0.0.1:* x", "name=10.0.0.1:4711 x"));
        assert!(matches("a* b*", "a1 b22"));
        assert!(!matches("a*", "a"));
        assert!(!matches("a*", "a1b"));
        assert!(!matches("a", "a1"));
    }
}
