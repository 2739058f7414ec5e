//! Text to tokens, with the positions that error messages need.
//!
//! The lexer never fails. What it cannot read becomes a [`TokenKind::Stray`], so that the parser can say what
//! it expected in its place.

use super::parser::Operator;
use super::{Error, Position, SOURCE_CHARACTERS_MAX};

/// The tokens of a text, one at a time.
pub(super) struct Tokens<'s> {
    source: &'s str,
    /// The token that is looked at.
    pub(super) current: Token<'s>,
    /// Where the token before it ended.
    pub(super) previous_end: usize,
    /// Where the latest key ended: a hyphen directly behind it was probably meant to be part of it.
    pub(super) key_end: Option<usize>,
}

/// A token and where it stands, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind<'s>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum TokenKind<'s> {
    /// What stands between the quotes, escapes as they were written.
    Text(&'s str),
    Number(&'s str),
    /// A name in a key. Behind a dot it may begin with a digit and be spelt like a keyword.
    Name(&'s str),
    True,
    False,
    Null,
    And,
    Or,
    Not,
    /// Every operator but NOT IN, which is two tokens.
    Operator(Operator),
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    Comma,
    Dot,
    /// No token at all.
    Stray {
        hint: Option<&'static str>,
    },
    End,
}

impl<'s> Tokens<'s> {
    /// Starts at the first token, unless the text is too long.
    pub(super) fn new(source: &'s str) -> Result<Tokens<'s>, Error> {
        if let Some((offset, _)) = source.char_indices().nth(SOURCE_CHARACTERS_MAX) {
            let expected = format!("at most {SOURCE_CHARACTERS_MAX} characters");
            return Err(error(source, offset, "more".into(), expected, None));
        }
        let current = token(source, 0, false);
        Ok(Tokens { source, current, previous_end: 0, key_end: None })
    }

    /// Steps to the next token. Behind the last one there is [`TokenKind::End`], again and again.
    pub(super) fn advance(&mut self) {
        let Token { kind, end, .. } = self.current;
        self.current = token(self.source, end, kind == TokenKind::Dot);
        self.previous_end = end;
    }

    /// Steps over the current token if it is this one.
    pub(super) fn advance_over(&mut self, kind: TokenKind<'_>) -> bool {
        let found = self.current.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    /// The current token as it was written.
    pub(super) fn lexeme(&self) -> &'s str {
        &self.source[self.current.start..self.current.end]
    }

    /// Where the current token begins.
    pub(super) fn position(&self) -> Position {
        Position::START.behind(&self.source[..self.current.start])
    }

    /// The error that the current token is not what was expected.
    pub(super) fn unexpected(&self, expected: impl Into<String>) -> Error {
        let Token { kind, start, .. } = self.current;
        let lexeme = self.lexeme();
        let found = match kind {
            TokenKind::End => "the end".into(),
            TokenKind::Text(_) => format!("the text {}", shortened(lexeme)),
            TokenKind::Stray { .. } if lexeme.starts_with(QUOTES) => {
                format!("the text {}", shortened(lexeme))
            }
            _ => format!("\"{}\"", shortened(lexeme)),
        };
        let hint = match kind {
            _ if lexeme.starts_with('-') && self.key_end == Some(start) => {
                Some("a hyphen cannot be part of a key")
            }
            TokenKind::Stray { hint } => hint,
            TokenKind::Not => Some("NOT occurs in NOT IN only"),
            _ => None,
        };
        error(self.source, start, found, expected.into(), hint)
    }

    /// The error that the key between `start` and the current token must not stand there.
    pub(super) fn unexpected_key(&self, start: usize, expected: &str) -> Error {
        let found = format!("\"{}\"", shortened(&self.source[start..self.previous_end]));
        error(self.source, start, found, expected.into(), None)
    }
}

const QUOTES: [char; 2] = ['"', '\''];
const TYPOGRAPHIC_QUOTES: [char; 8] = ['‘', '’', '‚', '“', '”', '„', '`', '´'];

/// Longer symbols stand before their beginnings, because the longest match wins: `>-6` is HAS and a 6.
const SYMBOLS: [(&str, TokenKind<'static>); 18] = [
    ("==", TokenKind::Operator(Operator::Equal)),
    ("=", TokenKind::Operator(Operator::Equal)),
    ("!=", TokenKind::Operator(Operator::NotEqual)),
    ("<=", TokenKind::Operator(Operator::LessOrEqual)),
    ("<-", TokenKind::Operator(Operator::In)),
    ("<", TokenKind::Operator(Operator::Less)),
    (">=", TokenKind::Operator(Operator::GreaterOrEqual)),
    (">-", TokenKind::Operator(Operator::Has)),
    (">", TokenKind::Operator(Operator::Greater)),
    ("(", TokenKind::OpenParenthesis),
    (")", TokenKind::CloseParenthesis),
    ("[", TokenKind::OpenBracket),
    ("]", TokenKind::CloseBracket),
    (",", TokenKind::Comma),
    (".", TokenKind::Dot),
    ("&&", TokenKind::Stray { hint: Some("write AND") }),
    ("||", TokenKind::Stray { hint: Some("write OR") }),
    ("!", TokenKind::Stray { hint: Some("write != or NOT IN") }),
];

const KEYWORDS: [(&str, TokenKind<'static>); 9] = [
    ("AND", TokenKind::And),
    ("OR", TokenKind::Or),
    ("NOT", TokenKind::Not),
    ("IN", TokenKind::Operator(Operator::In)),
    ("HAS", TokenKind::Operator(Operator::Has)),
    ("CONTAINS", TokenKind::Operator(Operator::Contains)),
    ("TRUE", TokenKind::True),
    ("FALSE", TokenKind::False),
    ("NULL", TokenKind::Null),
];

/// The first token from `offset` on.
fn token(source: &str, offset: usize, behind_dot: bool) -> Token<'_> {
    let rest = source[offset..].trim_start();
    let start = source.len() - rest.len();
    let unsigned = rest.strip_prefix('-').unwrap_or(rest);
    let (kind, length) = match rest.chars().next() {
        None => (TokenKind::End, 0),
        Some(first) if is_in_name(first) && behind_dot => name(rest),
        Some(first) if is_in_name(first) && !first.is_ascii_digit() => word(rest),
        Some(_) if unsigned.starts_with(|first: char| first.is_ascii_digit()) => number(rest),
        Some(quote) if QUOTES.contains(&quote) => text(rest, quote),
        Some(first) => symbol(rest, first),
    };
    Token { kind, start, end: start + length }
}

/// Can this be the name of something in an expression?
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(is_in_name)
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

/// Letters of all languages are letters.
fn is_in_name(character: char) -> bool {
    character.is_alphabetic() || character.is_ascii_digit() || character == '_' || character == '$'
}

fn name(rest: &str) -> (TokenKind<'_>, usize) {
    let length = rest.find(|next| !is_in_name(next)).unwrap_or(rest.len());
    (TokenKind::Name(&rest[..length]), length)
}

fn word(rest: &str) -> (TokenKind<'_>, usize) {
    let (name, length) = name(rest);
    let keyword = KEYWORDS.iter().find(|(keyword, _)| keyword.eq_ignore_ascii_case(&rest[..length]));
    (keyword.map_or(name, |(_, kind)| *kind), length)
}

fn number(rest: &str) -> (TokenKind<'_>, usize) {
    let digits_end = |from: usize| {
        let digits = &rest[from..];
        from + digits.find(|next: char| !next.is_ascii_digit()).unwrap_or(digits.len())
    };
    // The first byte is a sign or a digit.
    let mut length = digits_end(1);
    // A dot without digits behind it is not part of the number.
    if rest[length..].starts_with('.') && digits_end(length + 1) > length + 1 {
        length = digits_end(length + 1);
    }
    match name(&rest[length..]) {
        (_, 0) => (TokenKind::Number(&rest[..length]), length),
        // `12th` and `1e5` are neither a number nor a key.
        (_, more) => (TokenKind::Stray { hint: Some("a key cannot begin with a digit") }, length + more),
    }
}

/// Line breaks may stand in a text as they are.
fn text(rest: &str, quote: char) -> (TokenKind<'_>, usize) {
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        if character == quote {
            return (TokenKind::Text(&rest[1..offset]), offset + 1);
        }
        if character == '\\' {
            characters.next();
        }
    }
    (TokenKind::Stray { hint: Some("its closing quote is missing") }, rest.len())
}

fn symbol(rest: &str, first: char) -> (TokenKind<'_>, usize) {
    if let Some((symbol, kind)) = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
        return (*kind, symbol.len());
    }
    let hint = TYPOGRAPHIC_QUOTES.contains(&first).then_some("quotes are \" or '");
    (TokenKind::Stray { hint }, first.len_utf8())
}

/// How many characters of a token an error shows. Enough to recognise it, and messages stay short.
const FOUND_CHARACTERS_MAX: usize = 40;

/// The beginning of a lexeme, on one line.
fn shortened(lexeme: &str) -> String {
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    match lexeme.char_indices().nth(FOUND_CHARACTERS_MAX) {
        None => lexeme.chars().map(visible).collect(),
        Some((end, _)) => lexeme[..end].chars().map(visible).chain(['…']).collect(),
    }
}

/// Counts lines and columns only now, since most texts are without error.
fn error(source: &str, offset: usize, found: String, expected: String, hint: Option<&'static str>) -> Error {
    let Position { line, column } = Position::START.behind(&source[..offset]);
    Error { line, column, found, expected, hint }
}
