use super::*;
use crate::board::fixtures::{at, ended, open, target};

const HOUR: i64 = 3600;

fn asked(action: &str, rollout: Rollout) -> Rollout {
    let cause = Cause::Request {
        action: action.into(),
        by: "ada".into(),
        why: None,
    };
    Rollout { cause, ..rollout }
}

#[test]
fn nothing_is_no_figures() {
    let none = Delivery::of(&[], false, at(0));
    assert_eq!((none.days, none.live, none.changes), (30, 0, 0));
    assert_eq!(none.lead_time, Spread::default());
    assert_eq!(none.each_day, vec![Day::default(); 30]);
    let open = Delivery::of(&[open(&target("web", "production"), 100)], false, at(200));
    assert_eq!((open.live, open.changes), (0, 0));
}

#[test]
fn a_lead_time_is_from_the_push_to_live() {
    let web = target("web", "production");
    let mut slow = ended(&web, 200, Verdict::Succeeded);
    slow.release.pushed_at = at(0);
    let history = [
        // What somebody asked for has none.
        asked("redeploy", ended(&web, 300, Verdict::Succeeded)),
        slow,
        ended(&web, 100, Verdict::Succeeded),
    ];
    let figures = Delivery::of(&history, false, at(1000));
    // The fixtures are pushed two seconds before their claim and live 72 seconds after it.
    assert_eq!(figures.lead_time.seconds, [74, 272]);
    assert_eq!(
        (figures.lead_time.p50, figures.lead_time.p95),
        (Some(74), Some(272))
    );
    assert_eq!(figures.live, 3);
}

#[test]
fn percentiles_are_values_that_were_measured() {
    let twenty: Vec<i64> = (1..=20).collect();
    let rows = [
        (&twenty[..], 50, Some(10)),
        (&twenty[..], 95, Some(19)),
        (&twenty[..1], 95, Some(1)),
        (&twenty[..2], 50, Some(1)),
        (&[][..], 50, None),
    ];
    for (values, percent, expected) in rows {
        assert_eq!(
            percentile(values, percent),
            expected,
            "{values:?} {percent}"
        );
    }
}

#[test]
fn a_change_fails_when_it_does_not_go_live_or_is_taken_back() {
    let web = target("web", "production");
    let rows = [
        (vec![ended(&web, 1, Verdict::Succeeded)], (1, 0)),
        (vec![ended(&web, 1, Verdict::RolledBack)], (1, 1)),
        (vec![ended(&web, 1, Verdict::Failed)], (1, 1)),
        (vec![ended(&web, 1, Verdict::TimedOut)], (1, 1)),
        (vec![ended(&web, 1, Verdict::Superseded)], (0, 0)),
        (vec![ended(&web, 1, Verdict::Stopped)], (0, 0)),
        (
            vec![
                asked("rollback", ended(&web, 500, Verdict::Succeeded)),
                ended(&web, 200, Verdict::Succeeded),
                ended(&web, 1, Verdict::Succeeded),
            ],
            (2, 1),
        ),
        (
            vec![
                asked("rollback", ended(&web, 500, Verdict::Failed)),
                ended(&web, 200, Verdict::Succeeded),
            ],
            (1, 0),
        ),
    ];
    for (history, expected) in rows {
        let figures = Delivery::of(&history, false, at(1000));
        assert_eq!((figures.changes, figures.failures), expected, "{history:?}");
    }
}

#[test]
fn what_is_broken_is_restored_by_the_next_release_that_is_live() {
    let web = target("web", "production");
    let history = [
        // Asked for at 900, live at 972: nothing had failed, somebody took the release back.
        asked("rollback", ended(&web, 900, Verdict::Succeeded)),
        ended(&web, 700, Verdict::Succeeded),
        ended(&web, 500, Verdict::Succeeded),
        ended(&web, 300, Verdict::Failed),
        ended(&web, 100, Verdict::RolledBack),
    ];
    let figures = Delivery::of(&history, false, at(1000));
    assert_eq!(figures.time_to_restore.seconds, [400, 72]);
    let broken = Delivery::of(&history[3..], false, at(1000));
    assert_eq!(broken.time_to_restore, Spread::default());
}

#[test]
fn the_window_is_thirty_days_or_what_was_looked_at() {
    let web = target("web", "production");
    let day = 24 * HOUR;
    let history = [
        ended(&web, 40 * day - HOUR, Verdict::Succeeded),
        ended(&web, 39 * day - HOUR, Verdict::Failed),
        ended(&web, 20 * day, Verdict::Succeeded),
        ended(&web, 9 * day, Verdict::Succeeded),
    ];
    let all = Delivery::of(&history, false, at(40 * day));
    assert_eq!((all.days, all.live, all.each_day.len()), (30, 2, 30));
    assert_eq!(all.each_day[29], Day { live: 1, failed: 0 });
    assert_eq!(all.each_day[28], Day { live: 0, failed: 1 });
    let newest = Delivery::of(&history[..3], true, at(40 * day));
    assert_eq!((newest.days, newest.live), (20, 2));
    let many = Delivery::of(&history[..1], true, at(40 * day));
    assert_eq!((many.days, many.each_day.len()), (1, 1));
}
