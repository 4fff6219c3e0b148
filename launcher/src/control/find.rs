//! `chbindctl find`: the running contexts of a name.

use super::error::Error;
use crate::contexts::name::{self, Found};
use crate::procfs::printable;

/// The contexts of this name, of which there is at least one.
pub(crate) fn find(typed: &str) -> Result<Vec<Found>, Error> {
    // As the name was written when it was held.
    let shown = printable(typed);
    match name::find(&shown).map_err(Error::Contexts)? {
        all if all.is_empty() => Err(Error::NoContext(shown)),
        all => Ok(all),
    }
}
