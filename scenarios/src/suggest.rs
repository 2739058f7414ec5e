//! "Did you mean …?"

/// The closest of `candidates` to `word`, where one is close enough to be meant.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &str| edits(&word.to_lowercase(), &candidate.to_lowercase());
    // A third of a word may be wrong; in a short one, a letter.
    let bearable = (word.chars().count() / 3).max(1);
    let ranked = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    ranked.filter(|(distance, _)| *distance <= bearable).min_by_key(|(distance, _)| *distance).map(|(_, c)| c)
}

/// The end of a sentence that says that `word` is unknown: what may have been meant, or else what there is.
pub(crate) fn instead(word: &str, candidates: &[&str]) -> String {
    match (closest(word, candidates.iter().copied()), candidates) {
        (Some(closest), _) => format!("; did you mean {closest:?}?"),
        (None, []) => String::new(),
        (None, candidates) => format!("; there are {}", candidates.join(", ")),
    }
}

/// How many letters have to be inserted, left out, replaced or swapped with their neighbour.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let known = ["worker", "task", "reason", "Ann"];
        for (word, meant) in [
            ("wroker", Some("worker")),
            ("workers", Some("worker")),
            ("taks", Some("task")),
            ("Reason", Some("reason")),
            ("Amn", Some("Ann")),
            ("queue", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), meant, "{word}");
        }
    }
}
