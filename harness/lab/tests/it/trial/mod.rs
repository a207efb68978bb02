//! Whole trials on the real lab: small jobs, each with one thing that a dispatcher must survive.

mod blocked;
mod crashes;
mod duplicates;
mod errors;
mod faults;
mod files;
mod jobs;
mod killed;
mod kit;
mod leases;
mod links;
mod restarts;
