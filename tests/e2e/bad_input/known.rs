//! Bad input that is known to come to something else inside, though no row of the contract wants it. It is the error that is
//! another, or there is one where the kernel does without memory that is not there.
//!
//! A line for each group: how many of the list there are, `call kind input | outside | inside`.

use std::collections::BTreeMap;

/// The lines of all groups, with their numbers.
pub(super) fn groups() -> BTreeMap<&'static str, usize> {
    let lines = KNOWN.iter().flat_map(|(_, lines)| lines.trim().lines());
    lines.filter_map(|line| line.split_once(' ')).filter_map(|(n, group)| Some((group, n.parse().ok()?))).collect()
}

/// By reason. None at present.
const KNOWN: &[(&str, &str)] = &[];
