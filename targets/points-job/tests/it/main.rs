//! The job as it is started, on the data that the demo begins with.

mod double;
mod seed;
