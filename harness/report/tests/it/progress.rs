use crate::sample;
use twiceproof_report::Palette;
use twiceproof_report::progress::{
    Standing, bar, baseline, ended, ended_plain, head, heartbeat, regression,
};
use twiceproof_report::view::RegressionEnd;

#[test]
fn lines_of_a_terminal_and_of_a_log() {
    let standing = Standing {
        scenario: 5,
        scenarios: 12,
        name: "order/status".into(),
        stage: "crash".into(),
        trials: 1188,
        elapsed_ms: 130_000,
        failed: 1,
    };
    let lines = [
        head("0.1.0", 1, "local", 2, "reports/runs/20261122-210412-1"),
        baseline(
            "points/lease-pause",
            41,
            3_200,
            &["PostgreSQL 15.18".into(), "smtp sink".into()],
        ),
        regression(
            "close/daily",
            &sample::regression(RegressionEnd::StillFails, "as finding 4f2a91c3"),
        ),
        regression(
            "close/daily",
            &sample::regression(RegressionEnd::NoLongerFails, ""),
        ),
        regression(
            "close/daily",
            &sample::regression(
                RegressionEnd::Diverged,
                "line 2: wanted job#1 at pg \"SELECT\" 1 held, offered nothing",
            ),
        ),
        ended(&sample::passed(), &Palette::PLAIN),
        ended(&sample::failed(), &Palette::PLAIN),
        bar(&standing),
        ended_plain(3, 12, &sample::passed()),
        ended_plain(4, 12, &sample::failed()),
        heartbeat(&standing),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}
