//! Texts of refusals, and example plans. `model` tests all plans against a model.

mod model;

use super::*;
use crate::sys::error::Kind;

fn name(version: i64) -> Name {
    Name { version, full: format!("V{version}__m") }
}

fn names(versions: &[i64]) -> Vec<Name> {
    versions.iter().copied().map(name).collect()
}

fn applied(versions: &[i64]) -> Vec<Applied> {
    let each = names(versions).into_iter();
    each.map(|name| Applied { name, deleted: false, half_reverted: false }).collect()
}

/// The versions of the steps; negative ones are downs.
fn steps(files: &[i64], on: &[i64], goal: Goal) -> Result<Vec<i64>, Divergence> {
    let steps = plan(&names(files), &applied(on), goal, false)?;
    let signed = |step: &Step| match step.direction {
        Direction::Up => step.version,
        Direction::Down => -step.version,
    };
    Ok(steps.iter().map(signed).collect())
}

#[test]
fn a_target_is_reached_from_both_sides() {
    let files = [1, 2, 3, 4];
    assert_eq!(steps(&files, &[1], Goal::To(3)), Ok(vec![2, 3]));
    assert_eq!(steps(&files, &[1, 2, 3, 4], Goal::To(2)), Ok(vec![-4, -3]));
    assert_eq!(steps(&files, &[1, 2, 3, 4], Goal::Until(2)), Ok(vec![]));
    assert_eq!(steps(&files, &[1, 2], Goal::Redo(1)), Ok(vec![-2, 2]));
}

#[test]
fn what_was_applied_out_of_order_comes_off_first_and_goes_on_again() {
    let files = [1, 2, 3, 4];
    assert_eq!(steps(&files, &[1, 4, 2], Goal::Down(Count::Number(1))), Ok(vec![-2]));
    assert_eq!(steps(&files, &[1, 4, 2], Goal::Redo(2)), Ok(vec![-2, -4, 4, 2]));
    assert_eq!(steps(&files, &[1, 4, 2], Goal::To(3)), Ok(vec![-2, -4, 2, 3]));
}

#[test]
fn a_late_file_that_the_goal_leaves_out_is_in_nobodys_way() {
    let late = Divergence::Late { names: vec!["V2__m".to_owned()], last: "V3__m".to_owned() };
    assert_eq!(steps(&[1, 2, 3], &[1, 3], Goal::Until(2)), Err(late));
    assert_eq!(steps(&[1, 2, 3], &[1, 3], Goal::Until(1)), Ok(vec![]));
    assert_eq!(steps(&[1, 2, 3], &[1, 3], Goal::Down(Count::All)), Ok(vec![-3, -1]));
    // once 3 is off, 2 is late no more
    assert_eq!(steps(&[1, 2, 3], &[1, 3], Goal::To(2)), Ok(vec![-3, 2]));
}

/// The whole error, a line for each part.
fn told(divergence: Divergence) -> (Kind, String) {
    let error = Error::from(divergence);
    let lines = [&[error.message().to_owned()], error.details(), error.hints()].concat();
    (error.kind(), lines.join("\n"))
}

fn refused(files: &[Name], on: &[Applied], goal: Goal) -> (Kind, String) {
    told(plan(files, on, goal, false).unwrap_err())
}

#[test]
fn a_mismatch_shows_the_first_difference_and_both_lists() {
    let (kind, text) = refused(&names(&[1, 3]), &applied(&[1, 2, 3]), Goal::Up(Count::All));
    assert_eq!(kind, Kind::Conflict);
    assert_eq!(
        text,
        "Migration history mismatch at position 2\n\
         Database has:   V2__m\n\
         Filesystem has: V3__m\n\
         Full database migrations:\n  V1__m\n  V2__m\n  V3__m\n\
         Full filesystem migrations:\n  V1__m\n  V3__m\n\
         check out the branch that has the file, or get it back from the history: `migrator fetch`\n\
         if the file is gone for good, `migrator repair` records that"
    );
}

#[test]
fn a_renamed_file_is_shown_beside_what_was_applied_even_behind_a_late_one() {
    let mut files = names(&[1, 2, 3]);
    files[2].full = "V3__other".to_owned();
    let (_, text) = refused(&files, &applied(&[1, 3]), Goal::Down(Count::Number(1)));
    let shown = "position 2\nDatabase has:   V3__m\nFilesystem has: V3__other\n";
    assert!(text.contains(shown), "{text}");
}

#[test]
fn an_empty_directory_has_nothing() {
    let (_, text) = refused(&[], &applied(&[7]), Goal::Up(Count::All));
    assert!(text.contains("Filesystem has: (nothing)\n"), "{text}");
    assert!(text.contains("Full filesystem migrations:\n  (none)\n"), "{text}");
}

#[test]
fn late_files_are_named_with_both_ways_out() {
    let (kind, text) = refused(&names(&[1, 2, 3, 4]), &applied(&[1, 4]), Goal::Up(Count::All));
    assert_eq!(kind, Kind::Conflict);
    assert!(text.starts_with("V2__m, V3__m came late: V4__m is applied already\n"), "{text}");
    assert!(text.contains("--out-of-order") && text.contains("rename it"), "{text}");
}

#[test]
fn nothing_to_do_and_zero_are_told_apart() {
    let (files, on) = (names(&[1]), applied(&[1]));
    let (kind, text) = refused(&files, &on, Goal::Up(Count::Number(1)));
    assert_eq!(kind, Kind::Failed);
    assert!(text.starts_with("nothing left to apply\n") && text.contains("up all"), "{text}");
    for goal in [Goal::Down(Count::Number(1)), Goal::Redo(1)] {
        let (kind, text) = refused(&files, &[], goal);
        assert_eq!(kind, Kind::Failed);
        assert!(text.starts_with("nothing is applied that could be reverted\n"), "{text}");
    }
    for (goal, way) in [
        (Goal::Up(Count::Number(0)), "up"),
        (Goal::Down(Count::Number(0)), "down"),
        (Goal::Redo(0), "down"),
    ] {
        let (kind, text) = refused(&files, &on, goal);
        assert_eq!(kind, Kind::Conflict);
        assert!(text.starts_with(&format!("{way} 0 does nothing\n")), "{text}");
    }
}

#[test]
fn from_half_way_back_only_back_is_open() {
    let (files, mut on) = (names(&[1, 2, 3]), applied(&[1, 2]));
    on[1].half_reverted = true;
    for goal in [Goal::Up(Count::All), Goal::To(2), Goal::Until(3), Goal::Until(1)] {
        let (kind, text) = refused(&files, &on, goal);
        assert_eq!(kind, Kind::Conflict);
        assert!(text.starts_with("migration V2__m is half reverted"), "{goal:?}: {text}");
        assert!(text.contains("`migrate down 1`") && text.contains("repair"), "{text}");
    }
    for goal in [Goal::Down(Count::Number(1)), Goal::To(1), Goal::Redo(1), Goal::Zero] {
        assert!(plan(&files, &on, goal, false).is_ok(), "{goal:?}");
    }
}

#[test]
fn a_target_answers_to_one_migration() {
    let files = [name(1), Name { version: 2, full: "V2__x".to_owned() }, name(3)];
    assert_eq!(resolve(&files, "x").unwrap(), 2);
    assert_eq!(resolve(&files, "V3__m").unwrap(), 3);
    let ambiguous = resolve(&files, "m").unwrap_err();
    assert_eq!(ambiguous.kind(), Kind::Conflict);
    assert_eq!(ambiguous.message(), "\"m\" could be V1__m or V3__m");
    let unknown = resolve(&files, "4").unwrap_err();
    assert_eq!(unknown.kind(), Kind::Missing);
    assert_eq!(unknown.message(), "there is no migration called \"4\"");
    assert!(unknown.hints()[0].ends_with("the last is V3__m"));
}
