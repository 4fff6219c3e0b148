//! Differences that are known: where a context answers otherwise than the kernel does, and no row of the contract wants it.
//!
//! A sequence whose first difference is one of these counts as agreeing and is not compared further, for its sockets are
//! others from there on. Each has an example that must still differ exactly so: what is mended goes from this list.

use crate::difference::Difference;
use crate::known_list::LIST;

/// Differences for one reason.
pub(crate) struct Known {
    /// For a reader.
    pub(crate) reason: &'static str,
    /// A line for each: `call kind | outside | inside | host | example`, with the calls and kinds of `difference.rs`. Steps of
    /// the example are parted by `;`. Calls that do the same are parted by `/`: the last step of the example is tried with
    /// each. The host is `several` or `one` (see `host.rs`): where the example is tried; with `user`, by an ordinary user only.
    pub(crate) cases: &'static str,
}

/// One line of them.
pub(crate) struct Line {
    pub(crate) reason: &'static str,
    pub(crate) difference: Difference,
    pub(crate) several: bool,
    /// Root is not told so.
    pub(crate) user: bool,
    pub(crate) example: Vec<String>,
}

/// The whole list, or what is wrong with it.
pub(crate) fn list() -> Result<Vec<Line>, String> {
    let lines = LIST.iter().flat_map(|known| known.cases.trim().lines().map(|line| (known.reason, line)));
    let mut all = Vec::new();
    for (reason, line) in lines {
        let (calls, rest) = line.split_once(' ').unwrap_or_default();
        for call in calls.split('/') {
            all.push(parse(reason, call, rest).ok_or_else(|| format!("not a known difference: {line}"))?);
        }
    }
    Ok(all)
}

fn parse(reason: &'static str, call: &str, rest: &str) -> Option<Line> {
    let columns: Vec<_> = rest.split('|').map(str::trim).collect();
    let [kind, outside, inside, host, example] = columns.try_into().ok()?;
    let [call, kind, outside, inside] = [call, kind, outside, inside].map(str::to_owned);
    let (several, user) = match host {
        "several" => (true, false),
        "one" => (false, false),
        "several user" => (true, true),
        "one user" => (false, true),
        _ => return None,
    };
    let mut example: Vec<_> = example.split(';').map(|step| step.trim().to_owned()).collect();
    if call.starts_with("send") {
        let last = example.last_mut()?;
        *last = format!("{call} {}", last.split_once(' ')?.1);
    }
    Some(Line { reason, difference: Difference { call, kind, outside, inside }, several, user, example })
}
