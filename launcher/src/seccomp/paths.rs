//! All ways through a filter, for tests.
//!
//! A filter has no loops and compares words of the call with constants, so its ways can be counted off: each with the values
//! that the words may have on it. What a filter does is then known for all calls, not for those alone that a table has.

mod tests;

use super::interpreter::{Action, Data, Operand, Operation, Program, Register, Source, WORDS};
use std::ops::RangeInclusive;

/// What is known of a word: it lies in one of these, and these masks of it are, or are not, so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) ranges: Vec<RangeInclusive<u32>>,
    masked: Vec<Masked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masked {
    mask: u32,
    value: u32,
    holds: bool,
}

impl Values {
    fn any() -> Self {
        Values { ranges: vec![0..=u32::MAX], masked: Vec::new() }
    }

    /// The only one, if there is one only.
    pub(super) fn only(&self) -> Option<u32> {
        match self.ranges.as_slice() {
            [range] if range.start() == range.end() => Some(*range.start()),
            _ => None,
        }
    }

    fn within(&self, bounds: &RangeInclusive<u32>) -> Self {
        let both = |range: &RangeInclusive<u32>| *range.start().max(bounds.start())..=*range.end().min(bounds.end());
        let ranges = self.ranges.iter().map(both).filter(|range| !range.is_empty()).collect();
        Values { ranges, masked: self.masked.clone() }
    }

    fn outside(&self, bounds: &RangeInclusive<u32>) -> Self {
        let below = bounds.start().checked_sub(1).map(|last| self.within(&(0..=last)));
        let above = bounds.end().checked_add(1).map(|first| self.within(&(first..=u32::MAX)));
        let ranges = below.into_iter().chain(above).flat_map(|values| values.ranges).collect();
        Values { ranges, masked: self.masked.clone() }
    }

    fn with(&self, masked: Masked) -> Self {
        Values { ranges: self.ranges.clone(), masked: [self.masked.as_slice(), &[masked]].concat() }
    }

    fn is_empty(&self) -> bool {
        if self.masked.is_empty() { self.ranges.is_empty() } else { self.some().is_empty() }
    }

    /// Some of them: those at the ends of the ranges, and all that differ in the bits that masks are about.
    pub(super) fn some(&self) -> Vec<u32> {
        if self.masked.is_empty() {
            return self.ranges.iter().flat_map(|range| [*range.start(), *range.end()]).collect();
        }
        assert_eq!(self.ranges, Values::any().ranges, "a word is compared as a whole and by a mask");
        let mask = self.masked.iter().fold(0, |all, masked| all | masked.mask);
        assert!(mask.count_ones() <= 12, "too many bits to try all");
        // All parts of a mask, from the whole to none.
        let parts = std::iter::successors(Some(mask), |part| (*part != 0).then(|| (part - 1) & mask));
        let fits = |part: &u32| self.masked.iter().all(|of| (part & of.mask == of.value) == of.holds);
        parts.filter(fits).flat_map(|part| [part, part | !mask]).collect()
    }
}

/// A test on the way, of a word or, by a mask, a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) word: usize,
    pub(super) mask: u32,
    /// By the bits of its opcode.
    pub(super) how: u32,
    pub(super) with: u32,
    pub(super) holds: bool,
}

/// One way through a filter.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) words: [Values; WORDS],
    pub(super) tests: Vec<Test>,
    pub(super) action: Action,
    /// The instructions on it.
    pub(super) instructions: Vec<usize>,
}

impl Path {
    /// Whether all of `tests`, those of a word one after the other, can hold of a call that goes this way.
    pub(super) fn can_meet(&self, tests: &[Test]) -> bool {
        tests.chunk_by(|one, next| one.word == next.word).all(|of_word| {
            let mut left = self.words[of_word[0].word].clone();
            of_word.iter().for_each(|test| left = narrowed(&left, test));
            !left.is_empty()
        })
    }

    /// Calls that go this way: with the least and the greatest value of each word, and with each that [`Values::some`] names.
    pub(super) fn calls(&self) -> Vec<Data> {
        let some = self.words.each_ref().map(Values::some);
        let most = some.iter().map(Vec::len).max().unwrap_or_default();
        let nth = |n: usize| Data::of_words(&some.each_ref().map(|values| values[n % values.len()]));
        (0..most.max(2)).map(nth).collect()
    }
}

/// What register A holds: a word of the call, of which a mask was taken.
#[derive(Clone, Copy)]
struct Loaded {
    word: usize,
    mask: u32,
}

/// The ways, in the order in which the filter tries them: first where a test holds.
pub(super) fn paths(program: &Program) -> Vec<Path> {
    let start = Path {
        words: std::array::from_fn(|_| Values::any()),
        tests: Vec::new(),
        action: Action::Allow,
        instructions: Vec::new(),
    };
    let mut found = Vec::new();
    follow(program, 0, None, start, &mut found);
    found
}

fn follow(program: &Program, at: usize, mut a: Option<Loaded>, mut path: Path, found: &mut Vec<Path>) {
    let mut at = at;
    loop {
        path.instructions.push(at);
        let operation = program.operations()[at];
        at += 1;
        match operation {
            Operation::Load(Register::A, Source::Word(word)) => a = Some(Loaded { word, mask: u32::MAX }),
            Operation::Compute(libc::BPF_AND, Operand::Constant(k)) => {
                a = a.map(|loaded| Loaded { mask: loaded.mask & k, ..loaded });
            }
            Operation::Jump(over) => at += over as usize,
            Operation::Branch(how, Operand::Constant(with), yes, no) => {
                let Loaded { word, mask } = a.expect("a word is loaded before it is compared");
                for (holds, over) in [(true, yes), (false, no)] {
                    let test = Test { word, mask, how, with, holds };
                    let values = narrowed(&path.words[word], &test);
                    if values.is_empty() {
                        continue;
                    }
                    let mut path = path.clone();
                    path.words[word] = values;
                    path.tests.push(test);
                    follow(program, at + usize::from(over), a, path, found);
                }
                return;
            }
            Operation::Return(returned) => {
                found.push(Path { action: returned.into(), ..path });
                return;
            }
            _ => panic!("the two filters have no such instruction: {operation:?}"),
        }
    }
}

fn narrowed(values: &Values, test: &Test) -> Values {
    let bounds = match test.how {
        libc::BPF_JEQ if test.mask != u32::MAX => {
            return values.with(Masked { mask: test.mask, value: test.with, holds: test.holds });
        }
        libc::BPF_JEQ => test.with..=test.with,
        libc::BPF_JGE if test.mask == u32::MAX => test.with..=u32::MAX,
        libc::BPF_JGT if test.mask == u32::MAX => match test.with.checked_add(1) {
            Some(first) => first..=u32::MAX,
            None => RangeInclusive::new(1, 0),
        },
        _ => panic!("the two filters have no such test: {test:?}"),
    };
    match (test.holds, bounds.is_empty()) {
        (true, _) => values.within(&bounds),
        (false, true) => values.clone(),
        (false, false) => values.outside(&bounds),
    }
}
