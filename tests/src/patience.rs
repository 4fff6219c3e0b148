//! Waiting on a machine that has other things to do as well.
//!
//! Limits of time are for a machine that has nothing else to do, and only a failure reaches them. The tests bring a task or two
//! for each processor themselves. Where four times as many want it all takes four times as long, so a [`Patience`] lasts four
//! times as long, for as long as that is so. What looks after its time by itself (a socket's timeout, a program's alarm) cannot
//! be told of a change: [`at_most`] gives it what the machine of this moment asks for.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two looks at how busy the machine is.
const FRESH: Duration = Duration::from_millis(250);
/// The tasks that the tests bring themselves, for each processor.
const OWN: f64 = 2.0;
/// A machine that is busier than this is broken.
const MOST: f64 = 50.0;

/// How many times as many tasks as the tests bring want each processor: those of this moment, or of the last minute, if
/// those are more. At least one.
pub fn burden() -> f64 {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let processors = *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    (tasks(&load) / processors as f64 / OWN).clamp(1.0, MOST)
}

/// What /proc/loadavg says: `0.20 0.18 0.12 1/80 11206` (proc_loadavg(5)).
fn tasks(load: &str) -> f64 {
    let mut fields = load.split(' ');
    let average = fields.next().and_then(|average| average.parse().ok()).unwrap_or(0.0);
    let running = fields.nth(2).and_then(|now| now.split('/').next()?.parse().ok()).unwrap_or(0.0);
    f64::max(average, running)
}

/// A limit for what keeps its time by itself.
pub fn at_most(limit: Duration) -> Duration {
    limit.mul_f64(burden())
}

/// What programs are told by the variable `BURDEN`: how many times longer they are to wait than on a machine that has
/// nothing else to do (`probes/patience.h`).
pub fn told() -> String {
    format!("{}", burden().round())
}

/// A limit of time that lasts longer on a busy machine.
#[derive(Debug)]
pub struct Patience {
    left: Duration,
    burden: f64,
    /// When that was looked at.
    looked: Instant,
    /// Until here the time has been counted.
    counted: Instant,
}

impl Patience {
    /// That long, if the machine has nothing else to do.
    pub fn new(limit: Duration) -> Self {
        let now = Instant::now();
        Self { left: limit, burden: burden(), looked: now, counted: now }
    }

    /// Rests before the next look, for so long. False if the time is over: then that was the last look.
    pub fn rest(&mut self, pause: Duration) -> bool {
        self.spend(self.counted.elapsed());
        if self.left.is_zero() {
            return false;
        }
        std::thread::sleep(pause);
        // Who was left asleep for longer has not waited for anything.
        self.spend(pause);
        true
    }

    /// Counts time that went by.
    fn spend(&mut self, time: Duration) {
        self.counted = Instant::now();
        if self.counted - self.looked > FRESH {
            (self.burden, self.looked) = (burden(), self.counted);
        }
        self.left = self.left.saturating_sub(time.div_f64(self.burden));
    }
}

/// Waits until the condition holds, looking every few milliseconds; false when the time is over before.
pub fn wait_for(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let mut patience = Patience::new(limit);
    loop {
        if condition() {
            return true;
        }
        if !patience.rest(PAUSE) {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_read() {
        assert_eq!(tasks("0.20 0.18 0.12 1/80 11206\n"), 1.0);
        assert_eq!(tasks("10.50 0.18 0.12 3/80 11206\n"), 10.5);
        assert_eq!(tasks("0.50 0.18 0.12 13/80 11206\n"), 13.0);
        assert_eq!(tasks(""), 0.0);
        assert!((1.0..=MOST).contains(&burden()));
    }

    #[test]
    fn a_burden_makes_time_last() {
        let now = Instant::now();
        let mut patience = Patience { left: Duration::from_secs(10), burden: 5.0, looked: now, counted: now };
        patience.spend(Duration::from_secs(40));
        assert_eq!(patience.left, Duration::from_secs(2));
        patience.spend(Duration::from_secs(40));
        assert_eq!(patience.left, Duration::ZERO);
        assert!(!patience.rest(Duration::ZERO));
    }

    #[test]
    fn the_condition_is_looked_at_once_at_least() {
        assert!(wait_for(Duration::ZERO, || true));
        assert!(!wait_for(Duration::ZERO, || false));
        let mut looks = 0;
        assert!(wait_for(Duration::from_secs(60), || {
            looks += 1;
            looks == 3
        }));
    }
}
