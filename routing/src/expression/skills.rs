//! Which Skills an expression names: in `routing.skills HAS "es"`, and in `routing.levels.es`.

use super::parser::{Comparison, Key, Node, Operand, WorkerField, WorkerKey};
use super::{Expression, Number, OrderBy, Path, Step};

impl Expression {
    /// Does it name the Skill `name` of a Worker, whatever it says of it?
    pub(crate) fn names_skill(&self, name: &str) -> bool {
        names_skill(self.root(), name)
    }
}

impl OrderBy {
    /// Does it put Workers in order by their level of the Skill `name`?
    pub(crate) fn names_skill(&self, name: &str) -> bool {
        self.clauses().iter().any(|clause| clause.key.attribute().and_then(level_in) == Some(name))
    }
}

impl WorkerKey {
    /// The path of the attribute that it names, if it is none of the fields that every Worker has.
    pub(crate) fn attribute(&self) -> Option<&Path> {
        if let WorkerField::Attribute(path) = &self.field { Some(path) } else { None }
    }
}

/// The values that a comparison looks for in `routing.skills`, one by one.
pub(crate) fn looked_for_in_skills(comparison: &Comparison) -> Vec<&Operand> {
    let Comparison { left, operator: _, right } = comparison;
    let values = match (is_list_of_skills(left), is_list_of_skills(right)) {
        (true, _) => right,
        (_, true) => left,
        (false, false) => return Vec::new(),
    };
    match values {
        Operand::List(values) => values.iter().collect(),
        value => vec![value],
    }
}

/// The Skill whose level stands at this path.
pub(crate) fn level_in(path: &Path) -> Option<&str> {
    match path.steps() {
        [Step::Member(routing), Step::Member(levels), Step::Member(name), ..]
            if **routing == *"routing" && **levels == *"levels" =>
        {
            Some(name)
        }
        _ => None,
    }
}

fn names_skill(node: &Node, name: &str) -> bool {
    match node {
        Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| names_skill(part, name)),
        Node::Comparison(comparison) => {
            let Comparison { left, operator: _, right } = comparison;
            looked_for_in_skills(comparison).iter().any(|value| is_text(value, name))
                || names_level(left, name)
                || names_level(right, name)
        }
    }
}

/// A text that is a number is also found as the number.
fn is_text(operand: &Operand, text: &str) -> bool {
    match operand {
        Operand::Text(found) => **found == *text,
        Operand::Number(number) => Number::parse(text) == Some(*number),
        Operand::Null | Operand::Boolean(_) | Operand::List(_) | Operand::Key(_) => false,
    }
}

fn names_level(operand: &Operand, name: &str) -> bool {
    match operand {
        Operand::Key(Key::Worker(key)) => key.attribute().and_then(level_in) == Some(name),
        Operand::List(elements) => elements.iter().any(|element| names_level(element, name)),
        Operand::Key(Key::Task(_) | Key::Time(_) | Key::Count(_))
        | Operand::Null
        | Operand::Boolean(_)
        | Operand::Number(_)
        | Operand::Text(_) => false,
    }
}

fn is_list_of_skills(operand: &Operand) -> bool {
    let Operand::Key(Key::Worker(key)) = operand else { return false };
    key.attribute().is_some_and(|path| match path.steps() {
        [Step::Member(routing), Step::Member(skills)] => **routing == *"routing" && **skills == *"skills",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_skill_is_named_by_its_name_and_by_its_level() {
        for (kind, text, expected) in [
            (Kind::Queue, r#"routing.skills HAS "es""#, true),
            (Kind::Queue, r#"level > 3 OR (a == 1 AND worker.routing.skills HAS 'es')"#, true),
            (Kind::Queue, r#""es" IN routing.skills"#, true),
            (Kind::Queue, r#""es" NOT IN routing.skills"#, true),
            (Kind::Queue, "routing.levels.es >= 2", true),
            (Kind::Queue, "routing.levels.es IN [1, 2]", true),
            (Kind::Queue, r#"routing.skills HAS "ES""#, false),
            (Kind::Queue, r#"skills HAS "es""#, false),
            (Kind::Queue, r#"languages HAS "es" AND routing.skills HAS "en""#, false),
            (Kind::Queue, "routing.levels.en >= 2", false),
            (Kind::Target, r#""es" IN worker.routing.skills"#, true),
            (Kind::Target, "task.level <= worker.routing.levels.es", true),
            (Kind::Target, r#"task.routing.skills HAS "es""#, false),
            (Kind::Target, "worker.routing.skills HAS task.language", false),
            (Kind::Filter, r#"routing.skills HAS "es""#, false),
        ] {
            let expression = Expression::parse(kind, text).expect("an expression");
            assert_eq!(expression.names_skill("es"), expected, "{text}");
        }
        let number = Expression::parse(Kind::Queue, "routing.skills HAS 7").expect("an expression");
        assert!(number.names_skill("7") && !number.names_skill("8"));
        let order = OrderBy::parse("worker.rank, worker.routing.levels.es DESC").expect("an order");
        assert!(order.names_skill("es") && !order.names_skill("en"));
    }
}
