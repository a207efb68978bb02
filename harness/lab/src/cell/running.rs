//! A service of a cell.

use crate::service::Service;
use twiceproof_model::ServiceName;
use twiceproof_wire::Protocol;

/// A running service of the cell.
pub(crate) struct Running {
    pub(crate) name: ServiceName,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) service: Box<dyn Service>,
    /// Whether a fault has stopped it.
    pub(crate) is_down: bool,
}
