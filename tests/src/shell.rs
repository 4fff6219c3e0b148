//! A shell that stays, to run one command after the other in the same context: nobody can enter one later.

use std::process::Stdio;

use crate::{Cmd, Outcome, Proc};

/// A running shell. Dropping it kills it.
#[derive(Debug)]
pub struct Shell {
    proc: Proc,
    commands: usize,
}

impl Shell {
    /// Starts it as the last word of this command line, which says who it is and in which context.
    pub fn start(prefix: Cmd) -> Outcome<Self> {
        Ok(Self { proc: prefix.arg("sh").stdin(Stdio::piped()).start()?, commands: 0 })
    }

    /// Runs commands that end, and gives what they print, without the blanks around it. Fails when the last of them
    /// does.
    pub fn run(&mut self, commands: &str) -> Outcome<String> {
        self.commands += 1;
        let (before, mark) = (self.proc.stdout().len(), format!("\nend of {}: ", self.commands));
        self.proc.say(&format!("{commands}\nstatus=$?; echo; echo \"end of {}: $status\"", self.commands))?;
        let status =
            |text: &str| text.split_once(&mark).and_then(|(_, rest)| Some(rest.split_once('\n')?.0.to_owned()));
        self.proc.wait_until(&format!("the end of {commands:?}"), |proc| status(&proc.stdout()[before..]).is_some())?;
        let printed = self.proc.stdout()[before..].to_owned();
        let complaints = self.proc.stderr();
        crate::ensure!(status(&printed).is_some_and(|code| code == "0"), "{commands}\n{printed}{complaints}");
        Ok(printed.split(&mark).next().unwrap_or_default().trim().to_owned())
    }

    /// The shell as a process: what it and its commands write to standard error, among other things.
    pub fn proc(&mut self) -> &mut Proc {
        &mut self.proc
    }
}
