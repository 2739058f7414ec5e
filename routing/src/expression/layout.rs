//! How an expression was written, as far as its tree does not tell: for remarks to its author.
//!
//! A tree that kept positions would pay for them at every evaluation; so the text is read again where somebody asks.

use super::lexer::{TokenKind, Tokens};
use super::{Expression, Position};

/// How the operator of a comparison was written.
#[derive(Clone, Copy)]
pub(crate) struct WrittenOperator {
    /// Where it stands.
    pub(crate) position: Position,
    /// Is it `>-` or `<-` with a digit directly behind it? So one writes a comparison with a negative number.
    pub(crate) has_minus: bool,
}

impl Expression {
    /// The operator of each comparison, in the order of the tree.
    pub(crate) fn written_operators(&self) -> Vec<WrittenOperator> {
        let mut operators = Vec::new();
        // What was parsed is not too long for tokens.
        let Ok(mut tokens) = Tokens::new(self.source()) else { return operators };
        let (mut position, mut offset) = (Position::START, 0);
        while tokens.current.kind != TokenKind::End {
            if matches!(tokens.current.kind, TokenKind::Operator(_) | TokenKind::Not) {
                // From the operator before, since a long expression may have a thousand of them.
                position = position.behind(&self.source()[offset..tokens.current.start]);
                offset = tokens.current.start;
                let has_digit =
                    self.source()[tokens.current.end..].starts_with(|next: char| next.is_ascii_digit());
                let has_minus = matches!(tokens.lexeme(), ">-" | "<-") && has_digit;
                operators.push(WrittenOperator { position, has_minus });
            }
            // NOT IN is two tokens.
            if tokens.current.kind == TokenKind::Not {
                tokens.advance();
            }
            tokens.advance();
        }
        operators
    }

    /// Where the other one of AND and OR first joins one of them, without parentheses between the two.
    pub(crate) fn and_beside_or(&self) -> Option<Position> {
        let mut tokens = Tokens::new(self.source()).ok()?;
        // What joins the conditions of each open level, as far as one was seen.
        let mut levels = vec![None];
        while tokens.current.kind != TokenKind::End {
            match tokens.current.kind {
                TokenKind::OpenParenthesis => levels.push(None),
                TokenKind::CloseParenthesis => drop(levels.pop()),
                joint @ (TokenKind::And | TokenKind::Or) => {
                    let level = levels.last_mut()?;
                    if *level.get_or_insert(joint) != joint {
                        return Some(tokens.position());
                    }
                }
                _ => {}
            }
            tokens.advance();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn columns(source: &str) -> (Vec<u32>, Option<u32>) {
        let expression = Expression::parse(Kind::Filter, source).expect("an expression");
        let operators = expression.written_operators().into_iter();
        (
            operators.map(|operator| operator.position.column).collect(),
            expression.and_beside_or().map(|at| at.column),
        )
    }

    #[test]
    fn each_comparison_has_its_operator() {
        for (source, operators) in [
            ("a == 1", &[3][..]),
            ("(a NOT IN [1, b] AND flags.in <- [2]) OR '==' != null", &[4, 31, 47]),
            ("a.and.not.has >- 'x OR y'", &[15]),
        ] {
            assert_eq!(columns(source).0, operators, "{source}");
        }
    }

    #[test]
    fn a_mix_of_and_and_or_is_found_on_its_level() {
        for (source, place) in [
            ("a = 1 AND b = 2 AND c = 3", None),
            ("a = 1 OR b = 2 OR c.and = 3", None),
            ("a = 1 AND b = 2 OR c = 3", Some(17)),
            ("a = 1 OR b = 2 and c = 3", Some(16)),
            ("(a = 1 AND b = 2) OR (c = 3 AND d = 4)", None),
            ("(a = 1 OR (b = 2 AND c = 3 OR d = 4))", Some(28)),
            ("a = 1 AND (b = 2) OR c = 'AND'", Some(19)),
        ] {
            assert_eq!(columns(source).1, place, "{source}");
        }
    }
}
