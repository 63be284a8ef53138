//! Plans for random worlds, carried out on a stack of numbers.
//!
//! The stack knows no files and goals. It only refuses steps that are impossible in a database.
//! This module computes the expected result of a plan and the expected refusals in another way than
//! the planner does. A failing test shows the smallest world that fails.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;

/// The highest version.
const VERSIONS: i64 = 9;

/// The state of one version.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It has no file and is not applied.
    Unknown,
    Pending,
    Applied,
    /// It is applied, and its file is missing.
    Lost,
    /// It is applied, its file is missing, and a repair accepted that.
    Excused,
    /// A repair accepted that the file is missing, but the file exists again.
    Back,
    /// It is applied under another name.
    Renamed,
    /// A repair accepted that the file is missing, and a file with another name has the same
    /// version.
    Replaced,
}

use Fate::{Applied as On, Back, Excused, Lost, Pending, Renamed, Replaced, Unknown};

/// The files and the applied migrations.
#[derive(Debug, Clone)]
struct World {
    files: Vec<Name>,
    applied: Vec<Applied>,
}

impl World {
    /// `order` gives the order of application. With `half`, the topmost migration is half reverted.
    fn new(fates: &[Fate], order: &[i64], half: bool) -> Self {
        let name = |version, kind| Name { version, full: format!("V{version}__{kind}") };
        let mut world = Self { files: Vec::new(), applied: Vec::new() };
        for (version, fate) in (1..).zip(fates) {
            match fate {
                Pending | On | Back => world.files.push(name(version, "x")),
                Renamed | Replaced => world.files.push(name(version, "other")),
                Unknown | Lost | Excused => {}
            }
            if !matches!(fate, Unknown | Pending) {
                let deleted = matches!(fate, Excused | Back | Replaced);
                let name = name(version, "x");
                world.applied.push(Applied { name, deleted, half_reverted: false });
            }
        }
        world.applied.sort_by_key(|applied| {
            order.iter().position(|version| *version == applied.name.version)
        });
        if let Some(top) = world.applied.last_mut() {
            top.half_reverted = half;
        }
        world
    }

    fn plan(&self, goal: Goal, out_of_order: bool) -> Result<Vec<Step>, Divergence> {
        plan(&self.files, &self.applied, goal, out_of_order)
    }

    fn stack(&self) -> Vec<i64> {
        self.applied.iter().map(|applied| applied.name.version).collect()
    }

    fn on(&self) -> BTreeSet<i64> {
        self.stack().into_iter().collect()
    }

    fn pending(&self) -> BTreeSet<i64> {
        let on_disk: BTreeSet<i64> = self.files.iter().map(|name| name.version).collect();
        &on_disk - &self.on()
    }

    fn disagrees(&self) -> bool {
        self.applied.iter().any(|applied| {
            match self.files.iter().find(|name| name.version == applied.name.version) {
                Some(file) => *file != applied.name,
                None => !applied.deleted,
            }
        })
    }

    fn is_half_reverted(&self) -> bool {
        self.applied.iter().any(|applied| applied.half_reverted)
    }

    /// The versions that must be applied in the end.
    fn outcome(&self, goal: Goal) -> BTreeSet<i64> {
        let (on, stack) = (self.on(), self.stack());
        let first = |number| self.pending().into_iter().take(number).collect();
        let bottom = |number| stack[..stack.len().saturating_sub(number)].iter().copied().collect();
        match goal {
            Goal::Up(Count::All) => &on | &self.pending(),
            Goal::Up(Count::Number(number)) => &on | &first(number),
            Goal::Down(Count::All) | Goal::Zero => BTreeSet::new(),
            Goal::Down(Count::Number(number)) => bottom(number),
            Goal::Until(target) => &on | &self.pending().range(..=target).copied().collect(),
            Goal::To(target) => (&on | &self.pending()).range(..=target).copied().collect(),
            Goal::Redo(_) => on,
        }
    }

    /// The world after a plan. A version that is applied again keeps its fate.
    fn after(&self, steps: &[Step]) -> Self {
        let mut after = self.clone();
        after.applied = run(&self.stack(), steps)
            .into_iter()
            .map(|version| {
                let before = self.applied.iter().find(|on| on.name.version == version).cloned();
                let fresh = || self.files.iter().find(|name| name.version == version).cloned();
                before.unwrap_or_else(|| Applied {
                    name: fresh().unwrap(),
                    deleted: false,
                    half_reverted: false,
                })
            })
            .collect();
        after
    }
}

/// Carries out steps on the stack. Panics if a database could not do a step.
fn run(stack: &[i64], steps: &[Step]) -> Vec<i64> {
    let mut stack = stack.to_vec();
    for step in steps {
        match step.direction {
            Direction::Up => {
                assert!(!stack.contains(&step.version), "{} is on already", step.version);
                stack.push(step.version);
            }
            Direction::Down => assert_eq!(stack.pop(), Some(step.version), "not the top"),
        }
    }
    stack
}

/// The versions that a plan applies although a higher one is applied, and the last of these higher
/// ones.
fn put_on_late(world: &World, steps: &[Step]) -> (Vec<i64>, Option<i64>) {
    let (mut stack, mut late, mut last) = (world.stack(), Vec::new(), None);
    for step in steps {
        let is_new = step.direction == Direction::Up && world.pending().contains(&step.version);
        let top = stack.iter().max().copied().filter(|top| is_new && *top > step.version);
        late.extend(top.map(|_| step.version));
        last = last.max(top);
        stack = run(&stack, &[*step]);
    }
    (late, last)
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Pending),
        16 => Just(On),
        2 => Just(Unknown),
        1 => Just(Excused),
        1 => Just(Back),
    ]
}

/// Worlds whose lists agree, and some in which anything may be wrong.
fn world() -> impl Strategy<Value = World> {
    let whole = prop::collection::vec(fate(), 0..=VERSIONS as usize);
    let broken = prop_oneof![6 => fate(), 1 => Just(Lost), 1 => Just(Renamed), 1 => Just(Replaced)];
    let broken = prop::collection::vec(broken, 0..=VERSIONS as usize);
    let ascending: Vec<i64> = (1..=VERSIONS).collect();
    let order = prop_oneof![Just(ascending.clone()), Just(ascending).prop_shuffle()];
    (prop_oneof![3 => whole, 1 => broken], order, prop::bool::weighted(0.1))
        .prop_map(|(fates, order, half)| World::new(&fates, &order, half))
}

fn goal() -> impl Strategy<Value = Goal> {
    let number = 0..VERSIONS as usize + 2;
    let count = prop_oneof![Just(Count::All), number.clone().prop_map(Count::Number)];
    let target = 0..VERSIONS + 2;
    prop_oneof![
        count.clone().prop_map(Goal::Up),
        count.prop_map(Goal::Down),
        target.clone().prop_map(Goal::To),
        target.prop_map(Goal::Until),
        Just(Goal::Zero),
        number.prop_map(Goal::Redo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_ends_where_the_goal_says(world in world(), goal in goal(), out in any::<bool>()) {
        if let Ok(steps) = world.plan(goal, out) {
            let end = run(&world.stack(), &steps);
            prop_assert_eq!(end.into_iter().collect::<BTreeSet<_>>(), world.outcome(goal));
        }
    }

    #[test]
    fn nothing_moves_that_need_not(world in world(), goal in goal(), out in any::<bool>()) {
        let Ok(steps) = world.plan(goal, out) else { return Ok(()) };
        let up = |step: &&Step| step.direction == Direction::Up;
        let ups: Vec<i64> = steps.iter().filter(up).map(|step| step.version).collect();
        match goal {
            Goal::Redo(_) => prop_assert_eq!(run(&world.stack(), &steps), world.stack()),
            Goal::Up(_) | Goal::Until(_) => prop_assert_eq!(steps.len(), ups.len()),
            Goal::Down(_) | Goal::Zero => prop_assert_eq!(ups.len(), 0),
            // the lowest reverted version is beyond the target; the others lie on top of it
            Goal::To(target) => {
                let last_off = steps.iter().rfind(|step| !up(step));
                prop_assert!(last_off.is_none_or(|step| step.version > target));
            }
        }
        let downs_first = steps.iter().is_sorted_by_key(|step| up(&step));
        prop_assert!(downs_first, "{:?}", steps);
        if !matches!(goal, Goal::Redo(_)) {
            prop_assert!(ups.is_sorted(), "{:?}", steps);
        }
    }

    #[test]
    fn a_mismatch_is_told_exactly_when_the_lists_disagree(
        world in world(),
        goal in goal(),
        out in any::<bool>(),
    ) {
        let told = matches!(world.plan(goal, out), Err(Divergence::Mismatch { .. }));
        prop_assert_eq!(told, world.disagrees());
    }

    #[test]
    fn a_mismatch_is_at_the_first_that_disagrees(world in world(), goal in goal()) {
        let Err(Divergence::Mismatch { position, database, filesystem }) = world.plan(goal, true)
        else { return Ok(()) };
        let mut sorted = world.clone();
        sorted.applied.sort_by_key(|applied| applied.name.version);
        let all = |list: &[Applied]| list.iter().map(|on| on.name.full.clone()).collect::<Vec<_>>();
        prop_assert_eq!(database, all(&sorted.applied));
        prop_assert_eq!(filesystem.len(), world.files.len());
        sorted.applied.truncate(position);
        prop_assert!(sorted.disagrees());
        sorted.applied.pop();
        prop_assert!(!sorted.disagrees());
    }

    #[test]
    fn nothing_is_put_on_late_unless_asked_for(world in world(), goal in goal()) {
        prop_assume!(!world.is_half_reverted());
        let (strict, free) = (world.plan(goal, false), world.plan(goal, true));
        let (late, later) = free.as_ref().map_or_else(|_| Default::default(), |steps| put_on_late(&world, steps));
        let Err(Divergence::Late { names, last }) = &strict else {
            prop_assert!(late.is_empty());
            prop_assert_eq!(strict, free);
            return Ok(());
        };
        let full = |version: &i64| format!("V{version}__x");
        prop_assert_eq!(names, &late.iter().map(full).collect::<Vec<_>>());
        prop_assert_eq!(Some(last.clone()), later.as_ref().map(full));
    }

    #[test]
    fn only_what_needs_refusing_is_refused(world in world(), goal in goal()) {
        let refused = match world.plan(goal, true) {
            Ok(steps) => {
                let back = steps.first().is_some_and(|step| step.direction == Direction::Down);
                prop_assert!(back || !world.is_half_reverted());
                return Ok(());
            }
            Err(refused) => refused,
        };
        let (up, down) = match goal {
            Goal::Up(Count::Number(number)) => (Some(number), None),
            Goal::Down(Count::Number(number)) | Goal::Redo(number) => (None, Some(number)),
            _ => (None, None),
        };
        match refused {
            Divergence::Mismatch { .. } => prop_assert!(world.disagrees()),
            Divergence::Zero(Direction::Up) => prop_assert_eq!(up, Some(0)),
            Divergence::Zero(Direction::Down) => prop_assert_eq!(down, Some(0)),
            Divergence::NothingLeft(Direction::Up) => {
                prop_assert!(up > Some(0) && world.pending().is_empty());
            }
            Divergence::NothingLeft(Direction::Down) => {
                prop_assert!(down > Some(0) && world.applied.is_empty());
            }
            Divergence::HalfReverted(name) => {
                prop_assert!(down.is_none() && !matches!(goal, Goal::Down(_) | Goal::Zero));
                prop_assert_eq!(&name, &world.applied.last().unwrap().name.full);
            }
            Divergence::Late { .. } => prop_assert!(false, "it was allowed"),
        }
    }

    #[test]
    fn zero_and_nothing_are_refused_where_a_number_was_asked_for(world in world(), number in 0..3usize) {
        prop_assume!(!world.disagrees());
        let (up, down) = (Goal::Up(Count::Number(number)), Goal::Down(Count::Number(number)));
        for (goal, empty) in [
            (up, world.pending().is_empty()),
            (down, world.applied.is_empty()),
            (Goal::Redo(number), world.applied.is_empty()),
        ] {
            let refused = world.plan(goal, true);
            prop_assert_eq!(matches!(refused, Err(Divergence::Zero(_))), number == 0);
            let nothing = matches!(refused, Err(Divergence::NothingLeft(_)));
            prop_assert_eq!(nothing, number > 0 && empty);
        }
    }

    #[test]
    fn the_latest_is_everything(world in world(), out in any::<bool>()) {
        let last = world.files.last().map_or(0, |name| name.version);
        let everything = world.plan(Goal::Up(Count::All), out);
        prop_assert_eq!(&world.plan(Goal::Until(last), out), &everything);
        if world.on().into_iter().all(|on| on <= last) {
            prop_assert_eq!(world.plan(Goal::To(last), out), everything);
        }
    }

    #[test]
    fn a_goal_that_is_reached_asks_for_nothing(world in world(), target in 0..VERSIONS + 2) {
        let all = [Goal::Up(Count::All), Goal::Down(Count::All), Goal::Zero];
        for goal in [Goal::To(target), Goal::Until(target)].into_iter().chain(all) {
            if let Ok(steps) = world.plan(goal, true) {
                let after = world.after(&steps);
                if !after.is_half_reverted() {
                    prop_assert_eq!(after.plan(goal, false), Ok(Vec::new()), "{:?}", goal);
                }
            }
        }
    }

    #[test]
    fn one_at_a_time_comes_to_the_same(world in world(), number in 1..4usize) {
        let goals: [fn(Count) -> Goal; 2] = [Goal::Up, Goal::Down];
        for goal in goals {
            let Ok(at_once) = world.plan(goal(Count::Number(number)), true) else { continue };
            let (mut now, mut steps) = (world.clone(), Vec::new());
            for _ in 0..at_once.len() {
                let step = now.plan(goal(Count::Number(1)), true).unwrap();
                now = now.after(&step);
                steps.extend(step);
            }
            prop_assert_eq!(steps, at_once);
        }
    }
}
