use ledger::{DeploymentId, Stage};

use super::*;
use crate::fixtures::{at, rollout};

const PAGE: &str = "https://board.example/rollouts/production/web";

/// A rollout at each point of its life, as its item is written.
fn life(verdict: Verdict) -> Vec<Rollout> {
    let claimed = rollout('a');
    let mut deploying = claimed.clone();
    deploying.stage = Stage::Deploying;
    deploying.deployment = DeploymentId::parse("ecs-svc/1").ok();
    let with_tasks = |running| {
        let mut counted = deploying.clone();
        counted.tasks = Some(Tasks {
            running,
            desired: 3,
        });
        counted
    };
    let [one, two, three] = [1, 2, 3].map(with_tasks);
    let fewer = two.clone();
    let mut failing = fewer.clone();
    failing.stage = Stage::Failing;
    failing.reason = Some("container web exited 1".to_owned());
    let mut ended = failing.clone();
    ended.stage = Stage::Ended;
    ended.verdict = Some(verdict);
    ended.ended_at = Some(at(48));
    vec![claimed, deploying, one, two, three, fewer, failing, ended]
}

/// What the stream's records ask to be told, in order.
fn tellings(life: &[Rollout]) -> Vec<Telling> {
    let before = std::iter::once(None).chain(life.iter().map(Some));
    let records = before.zip(life);
    records.filter_map(|(old, new)| telling(old, new)).collect()
}

/// What a deployment shows after these were told, in this order.
fn shown<'a>(told: impl IntoIterator<Item = &'a Telling>) -> Vec<&'a Telling> {
    let mut shown: Vec<&Telling> = Vec::new();
    for telling in told {
        let statuses = shown.iter().map(|it| &it.deployment);
        let statuses = statuses.map(|it| (it.state, it.description.as_str()));
        if to_deployment(telling.step, statuses) == News::Yes {
            shown.push(telling);
        }
    }
    shown
}

/// Every order of `items`.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut orders_of_all = Vec::new();
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(place);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            orders_of_all.push(order);
        }
    }
    orders_of_all
}

#[test]
fn a_life_is_told_step_by_step() {
    let lines: Vec<String> = tellings(&life(Verdict::RolledBack))
        .iter()
        .map(
            |Telling {
                 deployment, commit, ..
             }| {
                let commit = commit
                    .as_ref()
                    .map(|it| (it.state, it.description.as_str()));
                format!(
                    "{}: {} {commit:?}",
                    deployment.state, deployment.description
                )
            },
        )
        .collect();
    assert_eq!(
        lines,
        [
            r#"queued: About to roll out to web Some(("pending", "Rolling out to web"))"#,
            "in_progress: Rolling out to web None",
            "in_progress: 1 of 3 tasks run None",
            "in_progress: 2 of 3 tasks run None",
            "in_progress: 3 of 3 tasks run None",
            r#"failure: Rolled back: container web exited 1 Some(("failure", "Rolled back: container web exited 1"))"#,
        ]
    );
}

#[test]
fn whatever_comes_after_something_later_is_not_told_and_nothing_is_told_twice() {
    let all = tellings(&life(Verdict::Succeeded));
    for (place, later) in all.iter().enumerate() {
        for (other, telling) in all.iter().enumerate() {
            let said = &later.deployment;
            let news = to_deployment(telling.step, [(said.state, &*said.description)].into_iter());
            let expected = match other.cmp(&place) {
                std::cmp::Ordering::Less => News::Late,
                std::cmp::Ordering::Equal => News::Shown,
                std::cmp::Ordering::Greater => News::Yes,
            };
            assert_eq!(news, expected, "{telling:?} after {later:?}");
        }
    }
}

#[test]
fn in_any_order_with_anything_twice_a_deployment_only_moves_on() {
    let all = tellings(&life(Verdict::Succeeded));
    assert_eq!(shown(&all), all.iter().collect::<Vec<_>>());
    for order in orders(&all) {
        for twice in &all {
            let shown = shown(order.iter().chain([twice]));
            assert!(shown.is_sorted_by(|a, b| a.step < b.step), "{order:?}");
            assert_eq!(shown.last().map(|it| it.step), Some(Step::Ended));
        }
    }
}

#[test]
fn a_commit_that_is_rolled_out_again_only_moves_on() {
    let first = life(Verdict::Superseded);
    let mut second = life(Verdict::Succeeded);
    for rollout in &mut second {
        rollout.id = RolloutId::new(at(9), &rollout.release.digest);
    }
    let mut records = Vec::new();
    for life in [&first, &second] {
        let told = tellings(life);
        let told = told.into_iter().filter(|it| it.commit.is_some());
        records.extend(told.map(|it| (life[0].id.clone(), it.step)));
    }
    assert_eq!(records.len(), 4);
    let newest = records.last().cloned();
    for order in orders(&records) {
        for twice in &records {
            let mut shown: Vec<(RolloutId, Step)> = Vec::new();
            for (id, step) in order.iter().chain([twice]) {
                let page = shown.last().map(|(id, _)| format!("{PAGE}/{id}"));
                let state = shown.last().map(|(_, step)| match step {
                    Step::Ended => "error",
                    _ => "pending",
                });
                if to_commit(*step, id, state.zip(page.as_deref())) == News::Yes {
                    shown.push((id.clone(), *step));
                }
            }
            assert!(shown.is_sorted_by(|a, b| a < b), "{order:?}: {shown:?}");
            assert_eq!(shown.last(), newest.as_ref());
        }
    }
}

#[test]
fn what_somebody_else_said_under_our_name_does_not_keep_us_from_speaking() {
    let id = rollout('a').id;
    for page in [
        "",
        "https://ci.example/zzz",
        "https://board.example/rollouts/",
    ] {
        let newest = Some(("success", page));
        assert_eq!(to_commit(Step::Queued, &id, newest), News::Yes, "{page}");
    }
    let odd = [("waiting", ""), ("in_progress", "all of 3 tasks run")];
    assert_eq!(
        to_deployment(Step::Ended, odd[1..].iter().copied()),
        News::Yes
    );
    assert_eq!(to_deployment(Step::Queued, odd.into_iter()), News::Late);
}

#[test]
fn a_thousand_tasks_are_ten_steps() {
    let all: Vec<Rollout> = (0..=1000)
        .map(|running| {
            let mut rollout = life(Verdict::Succeeded).remove(2);
            rollout.tasks = Some(Tasks {
                running,
                desired: 1000,
            });
            rollout
        })
        .collect();
    let told = tellings(&all);
    let words: Vec<&str> = told
        .iter()
        .map(|it| it.deployment.description.as_str())
        .collect();
    assert_eq!(
        words[..3],
        [
            "Rolling out to web",
            "1 of 1000 tasks run",
            "200 of 1000 tasks run"
        ]
    );
    assert_eq!((words.len(), words[10]), (11, "1000 of 1000 tasks run"));
    let none = Tasks {
        running: 1,
        desired: 0,
    };
    assert_eq!(tenths(none), 0);
}

#[test]
fn nothing_takes_less_than_no_time() {
    let mut rollout = rollout('a');
    for (second, told) in [(-2, " in 0.0 s"), (2, " in 2.0 s"), (75, " in 75 s")] {
        rollout.ended_at = Some(at(second));
        assert_eq!(took(&rollout), told);
    }
}

#[test]
fn descriptions_fit_githubs_limits() {
    assert_eq!(fit("Rolled back: 💥 exited 1"), "Rolled back:  exited 1");
    let long = fit(&"é".repeat(200));
    assert_eq!(long.chars().count(), 140);
    assert!(long.ends_with("é…"));
    assert_eq!(fit(&"x".repeat(140)), "x".repeat(140));
}
