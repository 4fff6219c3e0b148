//! Why there is no filter.

/// Why a filter could not be made: a defect of this program, not of its user.
#[derive(Debug)]
pub enum Error {
    /// seccompiler did not take a condition.
    Condition(seccompiler::BackendError),
    /// The program is too long for its jumps.
    TooLong,
}

impl From<seccompiler::BackendError> for Error {
    fn from(error: seccompiler::BackendError) -> Self {
        Error::Condition(error)
    }
}
