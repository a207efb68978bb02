//! Target and scenario files: sound ones, every diagnostic, and input that is no file at all.

mod broken;
pub(crate) mod hostile;
mod known;
mod sound;

use crate::kinds::KINDS;
use std::path::Path;
use twiceproof_model::diag::Diag;
use twiceproof_model::scenario::{self, NoTarget, Scenario};
use twiceproof_model::target::{self, Target};

pub(crate) fn parse_target(text: &str) -> Result<Target, Vec<Diag>> {
    let file = Path::new("targets/points-grant/target.toml");
    target::parse(
        text,
        file,
        Path::new("/project/targets/points-grant"),
        "points-grant",
        &KINDS,
    )
}

pub(crate) fn parse_scenario(text: &str) -> Result<Scenario, Vec<Diag>> {
    let target_of = |name: &str| match name {
        "points-grant" => parse_target(crate::examples::TARGET).map_err(NoTarget::Invalid),
        "broken" => parse_target("schema = 1\ncomand = []\n").map_err(NoTarget::Invalid),
        _ => Err(NoTarget::Unknown(vec![
            "points-grant".into(),
            "close-daily".into(),
        ])),
    };
    let file = Path::new("scenarios/points/lease.toml");
    scenario::parse(text, file, "points/lease", &target_of, &KINDS)
}
