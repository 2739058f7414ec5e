//! Which known key a misspelt one may stand for.

/// The known key that is spelt most like this one, if any is close.
pub(super) fn closest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = plain(key);
    let near = known.iter().map(|known| (distance(&key, &plain(known)), *known));
    near.filter(|(distance, known)| *distance <= allowed(known))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The known path that is spelt most like this one, step by step, if any is close: `routing.levls.es` is close to
/// `routing.levels.es`, but `routing.levels.en` is another one. Else one that ends in it: `skills` may stand for
/// `routing.skills`.
pub(super) fn closest_path<'k>(path: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let steps: Vec<(&str, Vec<char>)> = path.split('.').map(|step| (step, plain(step))).collect();
    let (mut closest, mut longer) = (None, None);
    for known in known {
        if known.split('.').count() == steps.len() {
            let distances = known.split('.').zip(&steps).map(|(known, (step, letters))| {
                if known == *step {
                    return Some(0);
                }
                // What is much longer or shorter need not be looked at.
                let is_near = known.len().abs_diff(step.len()) <= 8;
                let distance = is_near.then(|| distance(letters, &plain(known)))?;
                Some(distance).filter(|distance| *distance <= allowed(known))
            });
            let total: Option<usize> = distances.sum();
            if let Some(total) = total.filter(|total| closest.is_none_or(|(least, _)| *total < least)) {
                closest = Some((total, known));
            }
        }
        let ends_in_it = known.strip_suffix(path).is_some_and(|before| before.ends_with('.'));
        if ends_in_it && longer.is_none() {
            longer = Some(known);
        }
    }
    closest.map(|(_, known)| known).or(longer)
}

/// One letter may be wrong of three.
fn allowed(known: &str) -> usize {
    (known.len() / 3).min(3)
}

/// Capitals and separators make no difference: `skipIf` is `skip_if`. No known key is longer than this; what is
/// longer is like none.
fn plain(key: &str) -> Vec<char> {
    let letters = key.chars().filter(|letter| !matches!(letter, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).take(64).collect()
}

/// How many letters have to be inserted, removed or replaced (Levenshtein).
fn distance(left: &[char], right: &[char]) -> usize {
    // The distances of the beginning of `left` from each beginning of `right`.
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (l, left) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = l + 1;
        for (r, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[r + 1];
            row[r + 1] = replaced.min(row[r] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_close_to_what_it_is_a_slip_of() {
        const KNOWN: [&str; 4] = ["expression", "skip_if", "queue", "known_worker_sid"];
        for (key, expected) in [
            ("expresion", Some("expression")),
            ("Expression", Some("expression")),
            ("skipIf", Some("skip_if")),
            ("skip-if", Some("skip_if")),
            ("queu", Some("queue")),
            ("queues", Some("queue")),
            ("qeueu", None),
            ("known_workr_sid", Some("known_worker_sid")),
            ("comment", None),
            ("", None),
        ] {
            assert_eq!(closest(key, &KNOWN), expected, "{key}");
        }
    }

    #[test]
    fn a_path_is_close_step_by_step_or_the_end_of_another() {
        const KNOWN: [&str; 5] = ["language", "routing", "routing.skills", "routing.levels.es", "team.name"];
        for (path, expected) in [
            ("langauge", Some("language")),
            ("Language", Some("language")),
            ("routing.skilsl", Some("routing.skills")),
            ("routng.levels.es", Some("routing.levels.es")),
            ("routing.levels.en", None),
            ("skills", Some("routing.skills")),
            ("levels.es", Some("routing.levels.es")),
            ("name", Some("team.name")),
            ("ame", None),
            ("rank", None),
        ] {
            assert_eq!(closest_path(path, KNOWN.into_iter()), expected, "{path}");
        }
    }

    #[test]
    fn the_distance_is_that_of_levenshtein() {
        let of = |left: &str, right: &str| distance(&plain(left), &plain(right));
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("abc", "abc"), 0);
    }
}
