//! What lets the shim's calls past the filter, in the hands of others.

use chbind_tests::net::F;
use chbind_tests::{Case, Outcome, Test, cases, ensure};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let all = cases![both: tried_by_hand, in_no_other_process];
    all.into_iter().map(|case| case.enforced("hybrid")).collect()
}

/// Nothing but both halves, whole and where they belong, gets a call through; that does, in a program without the library too.
fn tried_by_hand(t: &Test) -> Outcome {
    let done = t.chbind(&format!("{S} --loopback deny"), &format!("halves {F} 8080")).run()?.ok()?;
    done.printed("tried=20105 through=0 with=1 sent=1")?;
    Ok(())
}

/// Each context has its own, and nothing of it is on a command line or in the environment of the supervisor.
fn in_no_other_process(t: &Test) -> Outcome {
    let secret = || -> Outcome<String> {
        let done = t.chbind(S, "printenv CHBIND_CONTEXT").run()?.ok()?;
        let field = done.stdout.split(';').find_map(|field| field.strip_prefix("s=")).ok_or("no secret")?;
        Ok(field.to_owned())
    };
    let (one, other) = (secret()?, secret()?);
    ensure!(
        one != other && one.len() == 16 && !one.starts_with("00000000") && !one.ends_with("00000000"),
        "{one} {other}"
    );
    let told = t.chbind(S, "sh -c").arg("cat /proc/*/cmdline | tr '\\0' '\\n'; id").run()?.ok()?;
    ensure!(!told.stdout.contains(";s="), "on a command line: {told}");
    Ok(())
}
