//! The capabilities of a file, as they are stored with it (`struct vfs_cap_data`, linux/capability.h).

use caps::Capability;

/// The names of those that it permits or lets be inherited, in the order of their numbers; numbers for those without one.
pub fn names(stored: &[u8]) -> Vec<String> {
    // A word with version and flags, then permitted and inheritable ones: 32 of each, and another 32 of each.
    let word = |at: usize| {
        let bytes = stored.get(4 * at..4 * at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    };
    let has = |number: u8| {
        (word(1 + 2 * usize::from(number / 32)) | word(2 + 2 * usize::from(number / 32))) >> (number % 32) & 1 == 1
    };
    (0..64).filter(|number| has(*number)).map(name).collect()
}

fn name(number: u8) -> String {
    let known = caps::all().into_iter().find(|capability: &Capability| capability.index() == number);
    known.map_or_else(|| format!("capability {number}"), |known| known.to_string().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_and_both_sets() {
        let stored = |words: [u32; 5]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(names(&stored([0x0200_0001, 1 << 13, 0, 0, 0])), ["cap_net_raw"]);
        assert_eq!(
            names(&stored([0x0200_0000, 1 << 10, 1 << 12, 0, 1 << 7])),
            ["cap_net_bind_service", "cap_net_admin", "cap_bpf"]
        );
        assert_eq!(names(&stored([0x0200_0000, 0, 0, 1 << 31, 0])), ["capability 63"]);
        assert!(names(&stored([0x0200_0001, 0, 0, 0, 0])).is_empty());
        assert!(names(&[]).is_empty());
        assert!(names(&[0xff; 6]).is_empty());
    }
}
